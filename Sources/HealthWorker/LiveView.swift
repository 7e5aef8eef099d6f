import Foundation
import HealthWorkerModel
import HealthWorkerStorage
import ServiceLifecycle
import Synchronization

/// Shows health and routes on standard output as they turn, for whoever watches a first run.
final class LiveView: Service {
    private let storage: any Storage
    private let prints: Bool
    private let endsOnce: Bool
    private let state = Mutex(State())

    private struct State {
        /// The last health change that was shown, or was there before.
        var lastChange: HealthChangeID?
        var start: Timestamp?
        var generations: [PolicyID: Int64] = [:]
        var checkNames: [CheckID: String] = [:]
        var missing: [String] = []
    }

    /// How long `--once` waits for everything to be known.
    private static let patience: Duration = .seconds(120)

    init(storage: any Storage, prints: Bool, endsOnce: Bool) {
        self.storage = storage
        self.prints = prints
        self.endsOnce = endsOnce
    }

    /// What has no health or no route yet, one sentence each.
    var missing: [String] { state.withLock { $0.missing } }

    func isListening(on port: Int) {
        say("listening on port \(port); the API is explained at /docs")
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            let deadline = ContinuousClock.now + Self.patience
            while !Task.isCancelled {
                do {
                    try await showWhatTurned()
                    if endsOnce {
                        let missing = try await findMissing()
                        state.withLock { $0.missing = missing }
                        if missing.isEmpty {
                            try await showSummary()
                            return
                        }
                    }
                } catch {
                    say("the storage does not answer: \(error)")
                }
                if endsOnce, ContinuousClock.now > deadline { return }
                // Cancelled: the loop ends.
                try? await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    private func showWhatTurned() async throws(StorageError) {
        for change in try await newChanges() {
            let name = try await name(of: change.check)
            let reason = change.turn.reason.map { ", \($0.rawValue)" } ?? ""
            say(
                "health  \(name): \(change.turn.from.rawValue) → \(change.turn.to.rawValue) "
                    + "(\(change.turn.cause.rawValue)\(reason))", at: change.at)
        }

        for stored in try await storage.routes(after: nil, limit: 1000) {
            guard let route = stored.route,
                state.withLock({ $0.generations[stored.policy] }) != route.generation
            else { continue }
            state.withLock { $0.generations[stored.policy] = route.generation }
            say("route   " + Self.line(stored, route), at: route.decidedAt)
        }
    }

    /// What turned since the last look, oldest first; at the first look, nothing.
    private func newChanges() async throws(StorageError) -> [RecordedHealthChange] {
        var changes: [RecordedHealthChange] = []
        guard let seen = state.withLock({ $0.lastChange }) else {
            let newest = try await storage.healthChanges(of: nil, before: nil, limit: 1).first
            state.withLock { $0.lastChange = newest?.id ?? 0 }
            return []
        }
        while true {
            let page = try await storage.healthChanges(
                of: nil, before: changes.last?.id, limit: 500)
            let new = page.filter { $0.id > seen }
            changes += new
            if new.count < 500 { break }
        }
        if let newest = changes.first { state.withLock { $0.lastChange = newest.id } }
        return changes.reversed()
    }

    private static func line(_ stored: StoredRoute, _ route: Route) -> String {
        let values = route.answer.records.map {
            $0.name.isEmpty ? $0.value : "\($0.name) \($0.value)"
        }
        return "\(stored.policyName): generation \(route.generation), "
            + (values.isEmpty ? "nothing" : values.joined(separator: ", "))
            + ", ttl \(route.answer.ttl) (\(route.cause.rawValue))"
    }

    /// Enabled checks without a conclusive outcome since the start, and policies without a route.
    private func findMissing() async throws(StorageError) -> [String] {
        var missing: [String] = []
        let now = try await storage.now()
        let start = state.withLock { state in
            state.start = state.start ?? now
            return state.start ?? now
        }
        var after: String?
        while true {
            let page = try await storage.checks(
                matching: ObjectFilter(), after: after, limit: 1000)
            let observations = try await storage.observations(of: page.map(\.id))
            missing += page.filter { check in
                guard check.spec.isEnabled else { return false }
                guard let observation = observations[check.id],
                    observation.state.health != .unknown, let outcome = observation.lastOutcome
                else { return true }
                return outcome.startedAt < start || !outcome.report.outcome.isConclusive
            }.map { "The check \($0.spec.name) has no health yet." }
            guard page.count == 1000 else { break }
            after = page.last?.spec.name
        }
        for stored in try await storage.routes(after: nil, limit: 1000) where stored.route == nil {
            missing.append("The policy \(stored.policyName) has no route yet.")
        }
        return missing
    }

    private func showSummary() async throws(StorageError) {
        try await showWhatTurned()
        guard prints else { return }
        let checks = try await storage.checks(matching: ObjectFilter(), after: nil, limit: 1000)
        let observations = try await storage.observations(of: checks.map(\.id))
        print("")
        print(
            Table(
                ["CHECK", "HEALTH", "LAST OUTCOME"],
                checks.map { check in
                    let observation = observations[check.id]
                    let report = observation?.lastOutcome?.report
                    return [
                        check.spec.name, observation?.state.health.rawValue ?? "unknown",
                        report?.outcome.reason?.rawValue ?? report?.outcome.kind.rawValue ?? "-",
                    ]
                }
            ).text)
        print("")
        for stored in try await storage.routes(after: nil, limit: 1000) {
            guard let route = stored.route else { continue }
            print(Self.line(stored, route))
            for member in stored.members {
                print(
                    "    \(member.isPublished ? "in " : "out")  \(member.name) \(member.value): "
                        + member.reason.rawValue)
            }
        }
    }

    private func name(of check: CheckID) async throws(StorageError) -> String {
        if let name = state.withLock({ $0.checkNames[check] }) { return name }
        let name = try await storage.checks(ids: [check]).first?.spec.name ?? "check \(check)"
        state.withLock { $0.checkNames[check] = name }
        return name
    }

    private func say(_ text: String, at moment: Timestamp? = nil) {
        guard prints else { return }
        let time = moment.map { $0.description.dropFirst(11).prefix(8) }
        // Unbuffered, as it is watched while it happens.
        FileHandle.standardOutput.write(Data("\(time ?? "        ")  \(text)\n".utf8))
    }
}
