import HealthWorkerModel
import HealthWorkerStorage
import Metrics

/// What a publisher tells Prometheus of one sink.
final class PublisherMetrics: Sendable {
    /// What became of a delivery, or was found at a sink.
    enum Result: String, CaseIterable {
        case delivered
        /// An event sink was not told of it, see ``Quietness``.
        case quiet
        /// Its lease was over when the sink had taken it.
        case late
        case unreachable
        case notNow = "not_now"
        case refused
        case superseded
        case givenUp = "given_up"
        /// The sink held something else than what was delivered.
        case differs
    }

    private let results: [Result: Counter]
    private let took: Timer

    init(of sink: String) {
        results = Dictionary(
            uniqueKeysWithValues: Result.allCases.map { result in
                let counter = Counter(
                    label: MetricName.deliveries.rawValue,
                    dimensions: [("sink", sink), ("result", result.rawValue)])
                return (result, counter)
            })
        took = Timer(label: MetricName.routeDelivery.rawValue, dimensions: [("sink", sink)])
        // Of what is told of arrivals nothing has happened yet, and a first time is to be a rise.
        for result in ArrivalResult.allCases {
            _ = Counter(
                label: MetricName.arrivals.rawValue,
                dimensions: [("sink", sink), ("result", result.rawValue)])
        }
        _ = Timer(label: MetricName.timeToFailover.rawValue, dimensions: [("sink", sink)])
    }

    func count(_ result: Result) { results[result]?.increment() }

    func delivered(after duration: Duration) {
        took.recordNanoseconds(max(0, duration.microseconds) * 1000)
    }
}
