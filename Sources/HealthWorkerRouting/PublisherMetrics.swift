import HealthWorkerModel
import Metrics

/// What a publisher tells Prometheus of one sink.
final class PublisherMetrics: Sendable {
    /// What became of a delivery, or was found at a sink.
    enum Result: String, CaseIterable {
        case delivered
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
    }

    func count(_ result: Result) { results[result]?.increment() }

    func delivered(after duration: Duration) {
        took.recordNanoseconds(max(0, duration.microseconds) * 1000)
    }
}
