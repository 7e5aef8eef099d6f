/// How often something took how long: counts in classes, so that the histograms of many hours, checks
/// or policies add up to one.
///
/// A class is an eighth as wide as the time that it begins with, so that a quantile is at most 6.25 %
/// off, and exact below 8 µs. What took longer than 4 h counts as that.
package struct LatencyHistogram: Hashable, Sendable {
    /// By class; none is 0.
    private var counts: [Int: Int] = [:]
    package private(set) var count = 0

    package init() {}

    /// Of a negative time it is as if it had taken none.
    package mutating func add(_ time: Duration) {
        add(1, to: DoublingClasses.index(of: Int(clamping: time.microseconds)))
    }

    package mutating func merge(_ other: LatencyHistogram) {
        for (index, count) in other.counts { add(count, to: index) }
    }

    /// The time that `share` of all, 0 … 1, did not exceed: the middle of its class. Nil where nothing
    /// was added.
    package func quantile(_ share: Double) -> Duration? {
        guard count > 0 else { return nil }
        let wanted = max(1, Int((share * Double(count)).rounded(.up)))
        var passed = 0
        for (index, count) in inOrder {
            passed += count
            if passed >= wanted {
                let start = DoublingClasses.start(of: index)
                return .microseconds((start + DoublingClasses.end(of: index) - 1) / 2)
            }
        }
        return nil
    }

    private var inOrder: [(index: Int, count: Int)] {
        counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private mutating func add(_ number: Int, to index: Int) {
        counts[index, default: 0] += number
        count += number
    }
}

/// A histogram's text is of no histogram.
package enum HistogramError: Error, Hashable, Sendable {
    case damaged(String)
}

extension HistogramError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .damaged(let text): "\"\(text.prefix(40))\" is no histogram."
        }
    }
}

// The text: for each class that is not empty, in their order, how far it is from the one before it (the
// first: from none) and its count, each in digits of five bits, the least first, of which all but the
// last have the sixth bit set. Most numbers are one or two letters. It is text and no bytes because
// every engine takes it as it is, and it is as short: what is small enough for one byte is for one letter.
extension LatencyHistogram {
    package var encoded: String {
        var bytes: [UInt8] = []
        var before = -1
        for (index, count) in inOrder {
            Self.append(index - before, to: &bytes)
            Self.append(count, to: &bytes)
            before = index
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    package init(encoded text: String) throws(HistogramError) {
        var rest = Array(text.utf8)[...]
        var index = -1
        while !rest.isEmpty {
            guard let step = Self.number(from: &rest), let count = Self.number(from: &rest),
                step > 0, count > 0, step <= DoublingClasses.highest - index,
                self.count <= Int.max - count
            else { throw .damaged(text) }
            index += step
            add(count, to: index)
        }
    }

    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let values = Dictionary(
        uniqueKeysWithValues: digits.enumerated().map { ($0.element, $0.offset) })

    private static func append(_ number: Int, to bytes: inout [UInt8]) {
        var rest = number
        repeat {
            let digit = rest & 31
            rest >>= 5
            bytes.append(digits[rest > 0 ? digit | 32 : digit])
        } while rest > 0
    }

    /// Nil where none stands there.
    private static func number(from bytes: inout ArraySlice<UInt8>) -> Int? {
        var number = 0
        var shift = 0
        while let byte = bytes.popFirst() {
            guard let value = values[byte], shift <= 55 else { return nil }
            number |= (value & 31) << shift
            if value < 32 { return number }
            shift += 5
        }
        return nil
    }
}
