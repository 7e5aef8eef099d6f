/// How many probes began how late: counts in classes of growing width, within an eighth of what they
/// stand for, so that the figures of many processes can be summed.
package struct LagHistogram: Hashable, Sendable {
    /// By class; classes above the last one that was met are not there.
    private var counts: [Int] = []
    package private(set) var count = 0

    package init() {}

    package mutating func record(_ lag: Duration) {
        add(1, to: Self.class(of: lag))
    }

    package mutating func add(_ other: LagHistogram) {
        for (index, count) in other.counts.enumerated() where count > 0 { add(count, to: index) }
    }

    /// The lag that `share` of all, 0 … 1, did not exceed, rounded up to its class's end; nil where
    /// nothing was recorded.
    package func quantile(_ share: Double) -> Duration? {
        guard count > 0 else { return nil }
        let wanted = max(1, Int((share * Double(count)).rounded(.up)))
        var passed = 0
        for (index, count) in counts.enumerated() {
            passed += count
            if passed >= wanted { return Self.end(of: index) }
        }
        return nil
    }

    private mutating func add(_ number: Int, to index: Int) {
        if index >= counts.count {
            counts.append(contentsOf: repeatElement(0, count: index + 1 - counts.count))
        }
        counts[index] += number
        count += number
    }

    // In units of 128 µs; the last class is some hours: later than that is as bad.

    private static func `class`(of lag: Duration) -> Int {
        DoublingClasses.index(of: Int(clamping: max(0, lag.microseconds) >> 7))
    }

    private static func end(of index: Int) -> Duration {
        .microseconds(DoublingClasses.end(of: index) << 7)
    }

    private static let highest = DoublingClasses.highest
}

extension LagHistogram: Codable {
    /// Class and count in turns, of those that are not empty.
    package init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        while !container.isAtEnd {
            let index = try container.decode(Int.self)
            add(try container.decode(Int.self), to: min(max(index, 0), Self.highest))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        for (index, count) in counts.enumerated() where count > 0 {
            try container.encode(index)
            try container.encode(count)
        }
    }
}
