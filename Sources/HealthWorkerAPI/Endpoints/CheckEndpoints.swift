import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/checks`
struct CheckEndpoints {
    let backend: Backend

    static let name = Endpoint.Parameter.path("name", .name, "The check's name.")
    static let example = Node.object([
        .init("name", .text("shop-login")), .init("type", .text("https")),
        .init(
            "target",
            .object([.init("host", .text("192.0.2.10")), .init("port", .number(443))])),
        .init(
            "http",
            .object([
                .init("host", .text("shop.example.com")), .init("path", .text("/health")),
            ])),
        .init("interval", .text("10s")),
    ])

    var all: [Endpoint] {
        [list, create, get, put, patch, delete, health, outcomes, healthChanges]
    }

    // MARK: - The objects

    private var list: Endpoint {
        Endpoint(
            .get, "/v1/checks", "listChecks", tag: .checks, role: .read,
            summary: "List checks by name",
            parameters: [
                ObjectFilter.setParameter,
                .query("type", .text(.storable, length: 1...32), "Only checks of this type."),
                .query("health", .choice(of: Health.self), "Only checks of this health."),
                ObjectFilter.selectorParameter,
            ] + Listing.parameters,
            answers: Listing.answers("CheckPage", "Checks.")
        ) { [backend] call in
            let found = try await backend.storage.checks(
                matching: ObjectFilter(call), after: Listing.after(call, in: "checks"),
                limit: Listing.limit(call) + 1)
            let answer = try await CheckAnswer(of: found, from: backend.storage)
            return Listing.answer(
                call, "checks", found, position: \.spec.name, node: answer.node)
        }
    }

    private var create: Endpoint {
        Endpoint(
            .post, "/v1/checks", "createCheck", tag: .checks, role: .write,
            summary: "Create a check",
            parameters: [ObjectWriting.set, ObjectWriting.message],
            body: Endpoint.Body(
                .reference("Check"), example: Self.example, validation: .compiler),
            answers: [
                Endpoint.Answer(
                    .created, "The check.", .reference("CheckObject"),
                    headers: [("Location", "Where it is."), ("ETag", "Its revision.")])
            ], problems: [.conflict]
        ) { [backend] call in
            let spec = try backend.compiler.compile(check: call.document).spec
            let set = try backend.set(forNew: call)
            _ = try await backend.write(
                [.putCheck(spec, set: set, .absent)], call, isConditional: false)
            return try await answer(
                spec.name, status: .created, location: "/v1/checks/\(spec.name)")
        }
    }

    private var get: Endpoint {
        Endpoint(
            .get, "/v1/checks/{name}", "getCheck", tag: .checks, role: .read,
            summary: "Get a check with what is observed of it", parameters: [Self.name],
            answers: [
                Endpoint.Answer(
                    .ok, "The check.", .reference("CheckObject"),
                    headers: [("ETag", "Its revision.")])
            ], problems: [.notFound]
        ) { call in
            try await answer(call.name())
        }
    }

    private var put: Endpoint {
        Endpoint(
            .put, "/v1/checks/{name}", "putCheck", tag: .checks, role: .write,
            summary: "Create or replace a check",
            description: "Putting back what was read changes nothing.",
            parameters: [Self.name, ObjectWriting.set, ObjectWriting.message]
                + Preconditions.parameters,
            body: Endpoint.Body(
                .reference("Check"), example: Self.example, validation: .compiler),
            answers: [
                Endpoint.Answer(
                    .ok, "The check, replaced or as it was.", .reference("CheckObject"),
                    headers: [("ETag", "Its revision.")]),
                Endpoint.Answer(
                    .created, "The check, created.", .reference("CheckObject"),
                    headers: [("Location", "Where it is."), ("ETag", "Its revision.")]),
            ], problems: [.conflict, .preconditionFailed]
        ) { [backend] call in
            let compiled = try backend.compiler.compile(
                check: call.document, named: call.name())
            let spec = compiled.spec
            let precondition = try Preconditions.precondition(of: call.request)
            let names = [spec.name, compiled.renamedFrom].compactMap(\.self)
            let known = try await backend.storage.checks(named: names)
            let stored = known.first { $0.spec.name == spec.name }
            // The old name means something until the object has the new one.
            let renamed = stored == nil && precondition == .none ? known.first : nil
            let owned = (stored ?? renamed).map {
                Backend.Owned(name: $0.spec.name, set: $0.set)
            }
            let set = try backend.set(forNew: call, stored: owned)
            let rename = renamed.map { ObjectChange.renameCheck($0.spec.name, to: spec.name) }
            let put = ObjectChange.putCheck(spec, set: set, precondition)
            let results = try await backend.write(
                [rename, put].compactMap(\.self), call, isConditional: precondition != .none)
            if case .created? = results.last {
                return try await answer(
                    spec.name, status: .created, location: "/v1/checks/\(spec.name)")
            }
            return try await answer(spec.name)
        }
    }

    private var patch: Endpoint {
        Endpoint(
            .patch, "/v1/checks/{name}", "patchCheck", tag: .checks, role: .write,
            summary: "Change parts of a check",
            description: "A merge-patch (RFC 7396): `null` takes away what is written.",
            parameters: [Self.name, ObjectWriting.message] + Preconditions.ifMatch,
            body: Endpoint.Body([
                .init(
                    type: .mergePatch,
                    schema: Schema.check.mergePatch(in: Schema.components),
                    example: .object([.init("interval", .text("30s"))]))
            ]),
            answers: [
                Endpoint.Answer(
                    .ok, "The check.", .reference("CheckObject"),
                    headers: [("ETag", "Its revision.")])
            ], problems: [.notFound, .conflict, .preconditionFailed]
        ) { [backend] call in
            let patch = try call.document.json()
            let asked = try Preconditions.precondition(of: call.request)
            return try await backend.retryingRaces(unless: asked) {
                let stored = try await backend.check(call.name())
                try backend.mayWrite(call, .check, call.name(), set: stored.set)
                let merged = Node.encoding(stored.spec).json().merging(patch)
                let spec = try backend.compiler.compile(
                    check: Node(json: merged), named: call.name()
                ).spec
                _ = try await backend.write(
                    [
                        .putCheck(
                            spec, set: stored.set,
                            asked == .none ? .revision(stored.revision) : asked)
                    ], call, isConditional: asked != .none)
                return try await answer(spec.name)
            }
        }
    }

    private var delete: Endpoint {
        Endpoint(
            .delete, "/v1/checks/{name}", "deleteCheck", tag: .checks, role: .write,
            summary: "Delete a check",
            description: "Refused while a policy uses it; the refusal names the policies.",
            parameters: [Self.name, ObjectWriting.message] + Preconditions.ifMatch,
            answers: [Endpoint.Answer(.noContent, "It is gone.", types: [])],
            problems: [.notFound, .conflict, .preconditionFailed]
        ) { [backend] call in
            let precondition = try Preconditions.precondition(of: call.request)
            let stored = try await backend.check(call.name())
            try backend.mayWrite(call, .check, call.name(), set: stored.set)
            _ = try await backend.write(
                [.deleteCheck(call.name(), precondition)], call, isConditional: false)
            return Response(status: .noContent)
        }
    }

    // MARK: - What was found

    private var health: Endpoint {
        Endpoint(
            .get, "/v1/checks/{name}/health", "getCheckHealth", tag: .checks, role: .read,
            summary: "Get a check's health", parameters: [Self.name],
            answers: [Endpoint.Answer(.ok, "Its health.", .reference("CheckHealth"))],
            problems: [.notFound]
        ) { [backend] call in
            let check = try await backend.check(call.name())
            let answer = try await CheckAnswer(of: [check], from: backend.storage)
            return .json(
                .object([.init("name", .text(check.spec.name))] + answer.health(of: check)))
        }
    }

    private var outcomes: Endpoint {
        Endpoint(
            .get, "/v1/checks/{name}/outcomes", "listOutcomes", tag: .checks, role: .read,
            summary: "List a check's outcomes, newest first",
            parameters: [Self.name] + Listing.parameters,
            answers: Listing.answers("OutcomePage", "Outcomes."), problems: [.notFound]
        ) { [backend] call in
            let check = try await backend.check(call.name())
            let found = try await backend.storage.outcomes(
                of: check.id, before: Listing.before(call, in: "outcomes").map { JobID($0) },
                limit: Listing.limit(call) + 1)
            let workers = try await WorkerNames(from: backend.storage)
            return Listing.answer(
                call, "outcomes", found, position: \.job.description, node: workers.node)
        }
    }

    private var healthChanges: Endpoint {
        Endpoint(
            .get, "/v1/checks/{name}/health-changes", "listHealthChanges", tag: .checks,
            role: .read, summary: "List the turns of a check's health, newest first",
            parameters: [Self.name] + Listing.parameters,
            answers: Listing.answers("HealthChangePage", "Health changes."),
            problems: [.notFound]
        ) { [backend] call in
            let check = try await backend.check(call.name())
            let found = try await backend.storage.healthChanges(
                of: check.id,
                before: Listing.before(call, in: "health-changes").map { HealthChangeID($0) },
                limit: Listing.limit(call) + 1)
            let workers = try await WorkerNames(from: backend.storage)
            return Listing.answer(
                call, "health-changes", found, position: \.id.description, node: workers.node)
        }
    }

    func answer(
        _ name: String, status: HTTPResponse.Status = .ok, location: String? = nil
    ) async throws -> Response {
        let check = try await backend.check(name)
        let answer = try await CheckAnswer(of: [check], from: backend.storage)
        var headers: HTTPFields = [.eTag: Preconditions.tag(check.revision)]
        headers[.location] = location
        return .json(answer.node(of: check), status: status, headers: headers)
    }
}
