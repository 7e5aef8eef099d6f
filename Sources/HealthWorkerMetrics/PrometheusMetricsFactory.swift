package import CoreMetrics
import HealthWorkerModel
import Synchronization

/// Keeps the process's metrics and writes them in Prometheus' text format 0.0.4.
///
/// Names and labels of swift-metrics become valid ones: what is not a letter, digit, `_` or `:` is
/// `_`, counters end in `_total`, timers in `_seconds`. Recorders that aggregate and timers are
/// histograms with fixed buckets; others are gauges. One name has one kind and at most
/// `seriesLimit` sets of labels: what is beyond is dropped and counted in
/// `health_worker_metrics_series_dropped_total`, because a label that grows without end takes first
/// this process's memory and then Prometheus'.
package final class PrometheusMetricsFactory: MetricsFactory {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Upper bounds in seconds, from a connection on the same machine to the longest time-out.
    package static let defaultBuckets: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    private let help: [String: String]
    private let buckets: [String: [Double]]
    private let seriesLimit: Int
    private let families = Mutex<[String: Family]>([:])
    private let dropped = Mutex<[String: Int]>([:])

    /// - Parameters:
    ///   - help: One sentence for a name as it is exposed; others show the name they were made with.
    ///   - buckets: Upper bounds for a name as it is exposed, in place of `defaultBuckets`.
    package init(
        help: [String: String] = [:], buckets: [String: [Double]] = [:], seriesLimit: Int = 1000
    ) {
        self.help = help
        self.buckets = buckets
        self.seriesLimit = seriesLimit
    }

    private struct Family {
        let kind: Kind
        let label: String
        var series: [String: any Series] = [:]
    }

    private enum Kind: String {
        case counter, gauge, histogram
    }

    // MARK: - Making

    package func makeCounter(
        label: String, dimensions: [(String, String)]
    ) -> any CounterHandler {
        counter(label, dimensions)
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        counter(label, dimensions)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions)
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        if aggregate {
            histogram(Exposition.name(label), label, dimensions)
        } else {
            gauge(label, dimensions)
        }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(Exposition.name(label, endingIn: "_seconds"), label, dimensions)
    }

    private func counter(_ label: String, _ dimensions: [(String, String)]) -> CounterSeries {
        let name = Exposition.name(label, endingIn: "_total")
        return series(name, .counter, label, dimensions) {
            CounterSeries(name: name, labels: $0)
        }
    }

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeSeries {
        let name = Exposition.name(label)
        return series(name, .gauge, label, dimensions) { GaugeSeries(name: name, labels: $0) }
    }

    private func histogram(
        _ name: String, _ label: String, _ dimensions: [(String, String)]
    ) -> HistogramSeries {
        let bounds = buckets[name] ?? Self.defaultBuckets
        return series(name, .histogram, label, dimensions) {
            HistogramSeries(name: name, labels: $0, bounds: bounds)
        }
    }

    /// The same name and labels give the same series, whoever asks.
    private func series<Made: Series>(
        _ name: String, _ kind: Kind, _ label: String, _ dimensions: [(String, String)],
        make: (String) -> Made
    ) -> Made {
        let labels = Exposition.labels(dimensions, isHistogram: kind == .histogram)
        let kept: Made? = families.withLock { families in
            var family = families[name] ?? Family(kind: kind, label: label)
            if let existing = family.series[labels] { return existing as? Made }
            guard family.kind == kind, family.series.count < seriesLimit else { return nil }
            let made = make(labels)
            family.series[labels] = made
            families[name] = family
            return made
        }
        if let kept { return kept }
        dropped.withLock { $0[name, default: 0] += 1 }
        return make(labels)
    }

    // MARK: - Ending

    package func destroyCounter(_ handler: any CounterHandler) { remove(handler as? any Series) }

    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {
        remove(handler as? any Series)
    }

    package func destroyMeter(_ handler: any MeterHandler) { remove(handler as? any Series) }

    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler as? any Series) }

    package func destroyTimer(_ handler: any TimerHandler) { remove(handler as? any Series) }

    private func remove(_ series: (any Series)?) {
        guard let series else { return }
        families.withLock { families in
            // A dropped series has a namesake that stays only if it was made before the bound.
            guard families[series.name]?.series[series.labels] === series else { return }
            families[series.name]?.series[series.labels] = nil
            if families[series.name]?.series.isEmpty == true { families[series.name] = nil }
        }
    }

    // MARK: - Showing

    /// Every metric and every reading, ordered by name and labels. Of a metric and a reading with one
    /// name, and of two readings, one is shown: a name that comes twice makes Prometheus refuse all.
    package func exposition(with readings: [Reading] = []) -> String {
        let families = families.withLock { $0 }
        var shown = Dictionary(
            readings.filter { !$0.samples.isEmpty }.map { ($0.name.rawValue, $0) },
            uniquingKeysWith: { first, _ in first })
        let dropped = dropped.withLock { $0 }
        if !dropped.isEmpty {
            let reading = Reading(.seriesDropped, by: "metric", dropped)
            shown[reading.name.rawValue] = reading
        }
        var text = ""
        for name in Set(families.keys).union(shown.keys).sorted() {
            guard let family = families[name] else {
                shown[name]?.write(to: &text)
                continue
            }
            text += Exposition.header(
                name: name, kind: family.kind.rawValue, help: help[name] ?? family.label)
            for (_, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.write(to: &text)
            }
        }
        return text
    }
}
