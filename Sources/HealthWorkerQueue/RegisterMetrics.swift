import HealthWorkerModel
import Metrics
import Synchronization

/// What a register tells Prometheus.
final class RegisterMetrics: Sendable {
    enum Step: String, CaseIterable {
        case enqueue, sweep, housekeeping, hours
    }

    let enqueued = Counter(label: MetricName.jobsEnqueued.rawValue)
    let evaluationsMissed = Counter(label: MetricName.evaluationsMissed.rawValue)
    let historyBehind = Gauge(label: MetricName.historyBehind.rawValue)
    private let steps = Dictionary(
        uniqueKeysWithValues: Step.allCases.map { step in
            let timer = Timer(
                label: MetricName.registerStep.rawValue, dimensions: [("step", step.rawValue)])
            return (step, timer)
        })
    private let failures: [Step: StorageFailures] = [
        .enqueue: StorageFailures(.enqueue), .sweep: StorageFailures(.sweep),
        .housekeeping: StorageFailures(.housekeeping), .hours: StorageFailures(.hours),
    ]
    private let finished: Mutex<[Step: Duration]>

    /// - Parameter now: By the process's own time; a register that never finished a step is as old as
    ///   it is.
    init(at now: Duration) {
        finished = Mutex(Dictionary(uniqueKeysWithValues: Step.allCases.map { ($0, now) }))
    }

    func finished(_ step: Step, at now: Duration, took duration: Duration) {
        finished.withLock { $0[step] = now }
        steps[step]?.recordNanoseconds(duration.microseconds * 1000)
    }

    func failed(_ step: Step) { failures[step]?.count() }

    /// Time since each step was last finished.
    func ages(at now: Duration) -> [Step: Duration] {
        finished.withLock { $0.mapValues { now - $0 } }
    }
}
