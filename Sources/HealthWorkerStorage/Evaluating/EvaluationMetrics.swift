import HealthWorkerModel
import Metrics

/// What evaluations tell Prometheus.
struct EvaluationMetrics: Sendable {
    private let duration = Timer(label: MetricName.evaluation.rawValue)
    private let changes = Dictionary(
        uniqueKeysWithValues: RouteCause.allCases.map { cause in
            let counter = Counter(
                label: MetricName.routeChanges.rawValue, dimensions: [("cause", cause.rawValue)])
            return (cause, counter)
        })

    private let holds = Dictionary(
        uniqueKeysWithValues: ["guard", "budget"].map { holder in
            (holder, Counter(label: MetricName.holds.rawValue, dimensions: [("by", holder)]))
        })

    func record(_ decision: PolicyEvaluator.Decision, took time: Duration) {
        duration.recordNanoseconds(time.microseconds * 1000)
        for hold in decision.holdsBegun.values {
            holds[hold.budget == nil ? "guard" : "budget"]?.increment()
        }
        guard decision.isNewGeneration, let route = decision.route else { return }
        changes[route.cause]?.increment()
    }
}
