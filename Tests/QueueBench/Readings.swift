import CoreMetrics
import Foundation
import HealthWorkerModel
import Synchronization

/// What a process of the bench did since it was asked last, taken from the metrics that every
/// process keeps.
final class Readings: MetricsFactory {
    private struct State {
        var lags = LagHistogram()
        var greatestLag: Int64 = 0
        var completed: Int64 = 0
        /// When the last job was completed, by the clock on the wall.
        var completedAt = 0.0
        var cpu = 0.0
    }

    private let state = Mutex(State())

    /// One object of JSON, in one line.
    func takeText() -> String {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let cpu = usage.ru_utime.seconds + usage.ru_stime.seconds
        let seen = state.withLock { state in
            defer { state = State(completedAt: state.completedAt, cpu: cpu) }
            return state
        }
        let lags = [0.5, 0.9, 0.99, 0.999].map {
            "\"p\($0)\": \(Double(seen.lags.quantile($0)?.microseconds ?? 0) / 1000)"
        }
        return """
            {"completed": \(seen.completed), "completed_at": \(seen.completedAt), \
            "cpu_s": \(cpu - seen.cpu), "rss_mb": \(usage.ru_maxrss / 1024), \
            "probes": \(seen.lags.count), "lag_ms": {\(lags.joined(separator: ", ")), \
            "max": \(Double(seen.greatestLag) / 1e6)}}
            """
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        label == "health_worker_queue_lag_seconds"
            ? LagReading { lag in
                self.state.withLock { state in
                    state.lags.record(.nanoseconds(lag))
                    state.greatestLag = max(state.greatestLag, lag)
                }
            } : NOOPMetricsHandler.instance
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        label == "health_worker_jobs_completed_total"
            ? CompletionReading { count in
                let now = Date().timeIntervalSince1970
                self.state.withLock { state in
                    state.completed += count
                    state.completedAt = now
                }
            } : NOOPMetricsHandler.instance
    }

    func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler { NOOPMetricsHandler.instance }

    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        NOOPMetricsHandler.instance
    }

    func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler { NOOPMetricsHandler.instance }

    func destroyTimer(_ handler: any TimerHandler) {}
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    func destroyMeter(_ handler: any MeterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
}

private final class LagReading: TimerHandler {
    private let note: @Sendable (Int64) -> Void

    init(_ note: @escaping @Sendable (Int64) -> Void) {
        self.note = note
    }

    func recordNanoseconds(_ duration: Int64) { note(duration) }
}

private final class CompletionReading: CounterHandler {
    private let note: @Sendable (Int64) -> Void

    init(_ note: @escaping @Sendable (Int64) -> Void) {
        self.note = note
    }

    func increment(by amount: Int64) { note(amount) }
    func reset() {}
}

extension timeval {
    fileprivate var seconds: Double { Double(tv_sec) + Double(tv_usec) / 1e6 }
}
