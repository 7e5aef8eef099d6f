import HealthWorkerModel
import Metrics

/// How many outcomes were counted, for Prometheus, by what counted them.
struct CountCounters: Sendable {
    let inRedis = Counter(label: MetricName.counts.rawValue, dimensions: [("source", "redis")])
    let fromBase = Counter(label: MetricName.counts.rawValue, dimensions: [("source", "base")])
}
