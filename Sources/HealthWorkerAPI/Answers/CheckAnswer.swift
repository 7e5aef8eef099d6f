import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage

/// Checks as they are answered: what was written, and what is observed of it.
struct CheckAnswer {
    var observations: [CheckID: Observation]
    var policies: [CheckID: [String]]
    /// The unhealthy checks that unhealthy ones depend on.
    var explanations: [CheckID: [String]]
    var workers: WorkerNames
    var now: Timestamp

    init(of checks: [Check], from storage: any Storage) async throws(StorageError) {
        let ids = checks.map(\.id)
        observations = try await storage.observations(of: ids)
        policies = try await storage.policyNames(using: ids)
        let unhealthy = observations.filter { $0.value.state.health == .unhealthy }.map(\.key)
        explanations =
            unhealthy.isEmpty ? [:] : try await storage.unhealthyDependencies(of: unhealthy)
        workers = try await WorkerNames(from: storage)
        now = try await storage.now()
    }

    func node(of check: Check) -> Node {
        Node.encoding(check.spec).with([.init("observed", observed(of: check))])
    }

    private func observed(of check: Check) -> Node {
        let observation = observations[check.id]
        var entries: [Node.Entry?] = [
            .init("id", .number(check.id.rawValue)),
            .init("revision", .number(check.revision)), .init("epoch", .number(check.epoch)),
            entry("set", check.set.map(Node.text)),
            entry("made_by", check.madeBy.map(Node.text)),
            .init("created_at", .time(check.createdAt)),
            .init("updated_at", .time(check.updatedAt)),
            .init("policies", .names(policies[check.id] ?? [])),
        ]
        entries += health(of: check)
        entries += [
            entry("explained_by", explanations[check.id].map(Node.names)),
            entry("next_due", nextDue(of: check).map(Node.time)),
            entry("last_outcome", observation?.lastOutcome.map(workers.node)),
        ]
        return .object(entries)
    }

    /// Health as it is held, and whether it is fresh.
    func health(of check: Check) -> [Node.Entry?] {
        // Deleted between two reads: nothing is known of it.
        let state =
            observations[check.id]?.state ?? HealthState(epoch: check.epoch, since: check.createdAt)
        let staleness = Staleness(
            of: check.spec, inconclusiveSince: state.inconclusiveSince,
            jobDue: observations[check.id]?.job?.dueAt,
            slotDue: observations[check.id]?.slotDueAt, now: now)
        return [
            .init("health", .text(state.health.rawValue)), .init("since", .time(state.since)),
            .init("in_a_row", .number(state.inARow)), .init("stale", .flag(staleness != nil)),
            entry("stale_because", (staleness?.why.description).map(Node.text)),
            entry("stale_since", (staleness?.since).map(Node.time)),
            entry("inconclusive_since", state.inconclusiveSince.map(Node.time)),
        ]
    }

    private func nextDue(of check: Check) -> Timestamp? {
        guard check.spec.isEnabled, let observation = observations[check.id] else { return nil }
        return [observation.job?.dueAt, observation.slotDueAt].compactMap(\.self).min()
    }
}

/// Names for the ids of workers, as far as these were seen lately.
struct WorkerNames {
    private var names: [ProcessID: String]

    init(from storage: any Storage) async throws(StorageError) {
        let processes = try await storage.processes(seenWithin: .hours(1))
        names = Dictionary(
            processes.map { ($0.id, $0.presence.name) }, uniquingKeysWith: { first, _ in first })
    }

    func name(of worker: ProcessID) -> String {
        names[worker] ?? worker.description
    }

    func node(of outcome: RecordedOutcome) -> Node {
        let report = outcome.report
        return .object([
            .init("job", .number(outcome.job.rawValue)),
            .init("attempt", .number(outcome.attempt)), .init("epoch", .number(outcome.epoch)),
            .init("outcome", .text(report.outcome.kind.rawValue)),
            entry("reason", (report.outcome.reason?.rawValue).map(Node.text)),
            entry("detail", report.detail.map(Node.text)),
            .init("started_at", .time(outcome.startedAt)),
            .init("worker", .text(name(of: outcome.worker))),
            .init("location", .text(outcome.location)),
            entry("address", report.address.map(Node.text)),
            .init(
                "phases",
                Node.encoding(report.phases).with([.init("total", .number(report.phases.total))])),
            entry("http_status", report.httpStatus.map { Node.number($0) }),
            entry("certificate_end", report.certificateEnd.map(Node.time)),
        ])
    }

    func node(of change: RecordedHealthChange) -> Node {
        .object([
            .init("id", .number(change.id.rawValue)), .init("at", .time(change.at)),
            .init("from", .text(change.turn.from.rawValue)),
            .init("to", .text(change.turn.to.rawValue)),
            .init("cause", .text(change.turn.cause.rawValue)),
            entry("reason", (change.turn.reason?.rawValue).map(Node.text)),
            entry("job", change.job.map { .number($0.rawValue) }),
            entry("worker", change.worker.map { .text(name(of: $0)) }),
            .init("confirmed_elsewhere", .flag(change.turn.isConfirmedElsewhere)),
        ])
    }
}
