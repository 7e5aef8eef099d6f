import HealthWorkerModel
import Metrics

/// What a worker tells Prometheus, looked up once: a look-up for each job would cost more than most
/// of the job. Made before anything is measured, so that a first failure is seen as a rise from 0.
struct QueueMetrics: Sendable {
    let lag = Timer(label: MetricName.queueLag.rawValue)
    let claim = Timer(label: MetricName.claim.rawValue)
    let claimed = Counter(label: MetricName.jobsClaimed.rawValue)
    let completion = Timer(label: MetricName.completion.rawValue)
    let completed = Counter(label: MetricName.jobsCompleted.rawValue)
    let stale = Counter(label: MetricName.completionsStale.rawValue)
    let failedClaims = StorageFailures(.claim)
    let failedCompletions = StorageFailures(.complete)
    private let probe = Timer(label: MetricName.probe.rawValue)
    private let phases = Phases().inOrder.map { phase, _ in
        Timer(
            label: MetricName.probePhase.rawValue, dimensions: [("phase", phase.rawValue)])
    }
    private let outcomes = OutcomeCounters()
    /// Those that outcomes make.
    private let turns = Dictionary(
        uniqueKeysWithValues: [
            (TurnCause.firstSuccess, Health.healthy), (.rise, .healthy), (.fall, .unhealthy),
            (.uncorroborated, .unhealthy),
        ].map { cause, health in
            let counter = Counter(
                label: MetricName.healthChanges.rawValue,
                dimensions: [("to", health.rawValue), ("cause", cause.rawValue)])
            return (cause, counter)
        })

    func record(_ report: ProbeReport, took duration: Duration) {
        probe.recordNanoseconds(duration.microseconds * 1000)
        for (timer, (_, time)) in zip(phases, report.phases.inOrder) {
            if let time { timer.recordNanoseconds(time * 1000) }
        }
        outcomes[report.outcome].increment()
    }

    func record(_ turn: HealthTurn) {
        turns[turn.cause]?.increment()
    }
}

/// One counter for each outcome that there can be.
private struct OutcomeCounters: Sendable {
    private let success = Self.counter(.success, "none")
    private let failures = Self.counters(.failure)
    private let inconclusive = Self.counters(.inconclusive)

    subscript(outcome: Outcome) -> Counter {
        switch outcome {
        case .success: success
        case .failure(let reason): failures[reason] ?? Self.counter(.failure, reason.rawValue)
        case .inconclusive(let reason):
            inconclusive[reason] ?? Self.counter(.inconclusive, reason.rawValue)
        }
    }

    private static func counters(_ kind: OutcomeKind) -> [Reason: Counter] {
        let reasons = Reason.allCases.filter { reason in
            DNSFailure.allCases.contains { reason.outcome(dnsFailure: $0).kind == kind }
        }
        return Dictionary(uniqueKeysWithValues: reasons.map { ($0, counter(kind, $0.rawValue)) })
    }

    private static func counter(_ kind: OutcomeKind, _ reason: String) -> Counter {
        Counter(
            label: MetricName.outcomes.rawValue,
            dimensions: [("outcome", kind.rawValue), ("reason", reason)])
    }
}

/// Calls of one step that the storage did not answer.
struct StorageFailures: Sendable {
    enum Step: String {
        case claim, complete, enqueue, sweep, housekeeping, hours
    }

    private let counter: Counter

    init(_ step: Step) {
        counter = Counter(
            label: MetricName.storageFailures.rawValue, dimensions: [("step", step.rawValue)])
    }

    func count() { counter.increment() }
}
