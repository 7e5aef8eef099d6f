import Foundation
import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/settings/worker`
struct SettingsEndpoints {
    let backend: Backend

    private static let root = "/v1/settings/worker"

    /// One scope of settings as the API has it.
    private struct Resource: Sendable {
        var kind: WorkerScope.Kind
        var path: String
        /// Ends the ids of its operations.
        var id: String
        /// In sentences.
        var whose: String
        var parameter: Endpoint.Parameter?

        var parameters: [Endpoint.Parameter] { [parameter].compactMap(\.self) }

        func scope(of call: Call) -> WorkerScope {
            WorkerScope(kind, parameter.map { call.name($0.name) } ?? "")
        }
    }

    private static let resources = [
        Resource(
            kind: .all, path: "\(root)/all", id: "SettingsOfAllWorkers", whose: "all workers"),
        Resource(
            kind: .location, path: "\(root)/locations/{location}", id: "SettingsOfLocation",
            whose: "the workers of a location",
            parameter: .path(
                "location", .text(.storable, length: 1...64).shown(as: .string("fra1")),
                "A `worker.location`; it need not have a worker yet.")),
        Resource(
            kind: .name, path: "\(root)/names/{name}", id: "SettingsOfWorker",
            whose: "the workers of a name",
            parameter: .path(
                "name", .text(.storable, length: 1...128).shown(as: .string("host-1")),
                "A `worker.name`, a slash in it as `%2F`; there need not be such a worker yet.")),
    ]

    var all: [Endpoint] {
        [list] + Self.resources.flatMap { [get($0), put($0), delete($0)] }
    }

    private var list: Endpoint {
        Endpoint(
            .get, Self.root, "listWorkerSettings", tag: .installation, role: .read,
            summary: "List what is set for workers while they run",
            description:
                "Value by value, what is set for a worker's name beats what is set for its "
                + "location, which beats what is set for all; of what nobody set, the worker's "
                + "configuration holds. What each worker works by is in `/v1/fleet`.",
            answers: [
                Endpoint.Answer(
                    .ok, "All that is set.", .reference("LiveSettings"),
                    headers: [("ETag", "Its revision.")])
            ]
        ) { [backend] _ in
            let live = try await backend.storage.liveSettings()
            return .json(
                .object([
                    .init("revision", .number(live.revision)),
                    .init("items", .list(live.settings.map(node))),
                ]), headers: [.eTag: Preconditions.tag(live.revision)])
        }
    }

    private func get(_ resource: Resource) -> Endpoint {
        Endpoint(
            .get, resource.path, "get\(resource.id)", tag: .installation, role: .read,
            summary: "Get what is set for \(resource.whose)", parameters: resource.parameters,
            answers: [
                Endpoint.Answer(
                    .ok, "What is set.", .reference("ScopedSettings"),
                    headers: [("ETag", "Its revision.")])
            ], problems: [.notFound]
        ) { [backend] call in
            let live = try await backend.storage.liveSettings()
            return try answer(live, resource.scope(of: call))
        }
    }

    private func put(_ resource: Resource) -> Endpoint {
        Endpoint(
            .put, resource.path, "put\(resource.id)", tag: .installation, role: .operate,
            summary: "Set what \(resource.whose) go by",
            description: "Replaces all that was set for them. Workers take it up within 2 s; it "
                + "ends no probe in flight. A change of anything but `paused` needs a key with the role "
                + "`write`.",
            parameters: resource.parameters + [ObjectWriting.message] + Preconditions.parameters,
            body: Endpoint.Body(
                .reference("WorkerSettings"), example: .object([.init("paused", .flag(true))])),
            answers: [
                Endpoint.Answer(
                    .ok, "What is set, replaced or as it was.", .reference("ScopedSettings"),
                    headers: [("ETag", "Its revision.")]),
                Endpoint.Answer(
                    .created, "What is set, for the first time.", .reference("ScopedSettings"),
                    headers: [("ETag", "Its revision.")]),
            ], problems: [.conflict, .preconditionFailed]
        ) { [backend] call in
            let document = try call.document
            let settings = WorkerSettings(
                concurrency: document["concurrency"]?.integer.map(Int.init),
                batchSize: document["batch_size"]?.integer.map(Int.init),
                isPaused: document["paused"]?.bool,
                logLevel: document["log_level"]?.text.flatMap(LogLevel.init))
            guard !settings.isEmpty else {
                throw ProblemDetails(
                    .invalid, [Problem("sets nothing; DELETE takes away what is set")])
            }
            let scope = resource.scope(of: call)
            let isNew = try await backend.storage.liveSettings().settings(for: scope) == nil
            let live = try await change(settings, for: scope, call)
            return try answer(live, scope, status: isNew ? .created : .ok)
        }
    }

    private func delete(_ resource: Resource) -> Endpoint {
        Endpoint(
            .delete, resource.path, "delete\(resource.id)", tag: .installation, role: .operate,
            summary: "Take away what is set for \(resource.whose)",
            description: "Wider scopes and the configuration hold again, within 2 s.",
            parameters: resource.parameters + [ObjectWriting.message] + Preconditions.ifMatch,
            answers: [Endpoint.Answer(.noContent, "Nothing is set any more.", types: [])],
            problems: [.notFound, .preconditionFailed]
        ) { [backend] call in
            let scope = resource.scope(of: call)
            guard try await backend.storage.liveSettings().settings(for: scope) != nil else {
                throw Self.missing(scope)
            }
            _ = try await change(WorkerSettings(), for: scope, call)
            return Response(status: .noContent)
        }
    }

    // MARK: - Doing

    private func change(
        _ settings: WorkerSettings, for scope: WorkerScope, _ call: Call
    ) async throws -> LiveSettings {
        let caller = try call.caller
        try Self.mayChangeWorkers(caller)
        let asked = try Preconditions.precondition(of: call.request)
        // Whoever asks only that there is one means no certain one of them.
        let live = try await backend.retryingRaces(unless: asked == .present ? .none : asked) {
            let stored = try await backend.storage.liveSettings().settings(for: scope)
            try Self.mayChange(stored?.settings, to: settings, caller)
            return try await store(
                SettingsChange(
                    settings, for: scope, actor: caller.actor, message: call.text("message"),
                    precondition: Self.precondition(asked, of: caller, stored),
                    requestID: call.context.requestID))
        }
        // Stored is set: where this does not arrive, workers read it in the storage.
        await backend.board?.post(live, over: nil)
        return live
    }

    private func store(_ change: SettingsChange) async throws -> LiveSettings {
        do {
            return try await backend.storage.change(change)
        } catch .refused(let refusals) {
            throw ProblemDetails(refusals, conditional: change.precondition != .none)
        }
    }

    private static func mayChangeWorkers(_ caller: Caller) throws {
        // Who pauses a worker pauses the checks of everybody.
        guard caller.mayWrite(set: nil) else {
            throw ProblemDetails(
                .forbidden,
                "Workers serve all sets, and this key may write "
                    + "\(caller.sets.joined(separator: ", ")) only.")
        }
    }

    /// To stop workers and let them go on is an operator's; how much they do is written like checks.
    private static func mayChange(
        _ stored: WorkerSettings?, to settings: WorkerSettings, _ caller: Caller
    ) throws {
        var paused = stored ?? WorkerSettings()
        paused.isPaused = settings.isPaused
        guard caller.role >= .write || paused == settings else {
            throw ProblemDetails(
                .forbidden,
                "A key with the role \(caller.role.rawValue) may change `paused` alone; everything "
                    + "else needs the role \(KeyRole.write.rawValue).")
        }
    }

    /// Whoever may only pause changes just what was found to stay otherwise the same.
    private static func precondition(
        _ asked: Precondition, of caller: Caller, _ stored: ScopedSettings?
    ) -> Precondition {
        guard caller.role < .write, asked == .none || asked == .present else { return asked }
        return stored.map { .revision($0.revision) } ?? (asked == .none ? .absent : asked)
    }

    private static func missing(_ scope: WorkerScope) -> ProblemDetails {
        .missing(.setting, "for \(scope)")
    }

    private func answer(
        _ live: LiveSettings, _ scope: WorkerScope, status: HTTPResponse.Status = .ok
    ) throws -> Response {
        guard let entry = live.settings(for: scope) else { throw Self.missing(scope) }
        return .json(
            node(of: entry), status: status, headers: [.eTag: Preconditions.tag(entry.revision)])
    }

    private func node(of entry: ScopedSettings) -> Node {
        .object([
            .init("scope", .text(entry.scope.kind.rawValue)),
            entry.scope == .all ? nil : .init("name", .text(entry.scope.name)),
            .init("settings", .encoding(entry.settings)),
            .init("revision", .number(entry.revision)),
            .init("updated_at", .time(entry.updatedAt)),
            .init("updated_by", .text(entry.updatedBy)),
            entry.message.map { .init("message", .text($0)) },
        ])
    }
}
