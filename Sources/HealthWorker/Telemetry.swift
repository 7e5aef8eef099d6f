import HealthWorkerMetrics
import HealthWorkerModel
import HealthWorkerSettings
import Logging
import Metrics

/// Logs and metrics of this process, set up once before anything else runs.
struct Telemetry {
    let logger: Logger
    let metrics: PrometheusMetricsFactory
    /// What is written at all, by every logger of the process.
    let threshold: LogThreshold

    static func start(_ settings: Settings) -> Telemetry {
        let threshold = LogThreshold(Logger.Level(settings.log.level))
        let format = settings.log.format
        LoggingSystem.bootstrap { label in
            switch format {
            case .json: JSONLogHandler(label: label, threshold: threshold)
            case .logfmt: LogfmtLogHandler(label: label, threshold: threshold)
            }
        }
        let metrics = PrometheusMetricsFactory(
            help: MetricName.helpByName, buckets: MetricName.buckets)
        MetricsSystem.bootstrap(metrics)
        return Telemetry(
            logger: Logger(label: "health-worker"), metrics: metrics, threshold: threshold)
    }

    /// Writes nothing less important than this from now on.
    func log(from level: LogLevel) {
        threshold.change(to: Logger.Level(level))
    }
}

extension Logger.Level {
    init(_ level: LogLevel) {
        switch level {
        case .trace: self = .trace
        case .debug: self = .debug
        case .info: self = .info
        case .notice: self = .notice
        case .warning: self = .warning
        case .error: self = .error
        case .critical: self = .critical
        }
    }
}
