import CoreMetrics
import Synchronization

/// One name with one set of labels.
protocol Series: AnyObject, Sendable {
    var name: String { get }
    /// As they are written, without braces: `check="web",outcome="success"`.
    var labels: String { get }

    func write(to text: inout String)
}

final class CounterSeries: Series, CounterHandler, FloatingPointCounterHandler {
    let name: String
    let labels: String
    // Wraps in 2^64 increments, which Prometheus reads as a restart.
    private let whole = Atomic<UInt64>(0)
    private let fraction = AtomicDouble(0)

    init(name: String, labels: String) {
        self.name = name
        self.labels = labels
    }

    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        whole.wrappingAdd(UInt64(amount), ordering: .relaxed)
    }

    func increment(by amount: Double) {
        guard amount.isFinite, amount > 0 else { return }
        fraction.add(amount)
    }

    func reset() {
        whole.store(0, ordering: .relaxed)
        fraction.store(0)
    }

    func write(to text: inout String) {
        let count = whole.load(ordering: .relaxed)
        let part = fraction.load()
        let value = part == 0 ? String(count) : Exposition.number(Double(count) + part)
        text += Exposition.line(name, labels: labels, value: value)
    }
}

final class GaugeSeries: Series, RecorderHandler, MeterHandler {
    let name: String
    let labels: String
    private let value = AtomicDouble(0)

    init(name: String, labels: String) {
        self.name = name
        self.labels = labels
    }

    func record(_ value: Int64) { self.value.store(Double(value)) }
    func record(_ value: Double) { self.value.store(value) }
    func set(_ value: Int64) { self.value.store(Double(value)) }
    func set(_ value: Double) { self.value.store(value) }

    func increment(by amount: Double) {
        guard amount.isFinite else { return }
        value.add(amount)
    }

    func decrement(by amount: Double) { increment(by: -amount) }

    func write(to text: inout String) {
        text += Exposition.line(name, labels: labels, value: Exposition.number(value.load()))
    }
}

final class HistogramSeries: Series, RecorderHandler, TimerHandler {
    let name: String
    let labels: String
    private let bounds: [Double]
    // A lock, not atomics: sum and buckets of one exposition belong together.
    private let state: Mutex<State>

    private struct State {
        /// For each bound what is at most it and above the one before; last, what is above all.
        var counts: [Int]
        var sum = 0.0
    }

    init(name: String, labels: String, bounds: [Double]) {
        self.name = name
        self.labels = labels
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard !value.isNaN else { return }
        // Few bounds, and most values are small: faster than halving.
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock {
            $0.counts[index] += 1
            $0.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func write(to text: inout String) {
        let (counts, sum) = state.withLock { ($0.counts, $0.sum) }
        let prefix = labels.isEmpty ? "" : labels + ","
        var total = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < bounds.count ? Exposition.number(bounds[index]) : "+Inf"
            text += Exposition.line(
                "\(name)_bucket", labels: "\(prefix)le=\"\(bound)\"", value: String(total))
        }
        text += Exposition.line("\(name)_sum", labels: labels, value: Exposition.number(sum))
        text += Exposition.line("\(name)_count", labels: labels, value: String(total))
    }
}

/// A number that many threads set and add to.
private final class AtomicDouble: Sendable {
    private let bits: Atomic<UInt64>

    init(_ value: Double) {
        bits = Atomic(value.bitPattern)
    }

    func load() -> Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func store(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func add(_ amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (done, seen) = bits.weakCompareExchange(
                expected: old, desired: new, ordering: .relaxed)
            if done { return }
            old = seen
        }
    }
}
