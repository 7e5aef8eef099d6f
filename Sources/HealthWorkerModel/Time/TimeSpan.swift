/// A length of time as people write it in documents, configuration and the API: `"250ms"`, `"10s"`,
/// `"1m30s"`, `"2h"`, `"7d"`. Whole microseconds, never negative.
package struct TimeSpan: Hashable, Comparable, Sendable {
    package var duration: Duration

    package init(_ duration: Duration) {
        self.duration = duration
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.duration < right.duration
    }

    package static func milliseconds(_ count: Int64) -> Self { Self(.milliseconds(count)) }
    package static func seconds(_ count: Int64) -> Self { Self(.seconds(count)) }
    package static func minutes(_ count: Int64) -> Self { Self(.minutes(count)) }
    package static func hours(_ count: Int64) -> Self { Self(.hours(count)) }

    fileprivate static let units: [(name: String, microseconds: Int64)] = [
        ("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000),
        ("ms", 1000), ("us", 1),
    ]
}

extension TimeSpan: CustomStringConvertible, LosslessStringConvertible {
    package var description: String {
        var rest = duration.microseconds
        if rest == 0 { return "0s" }
        var text = ""
        for unit in Self.units where rest >= unit.microseconds {
            // Days are read, and written only for whole days: "36h" is what people say, not "1d12h".
            if unit.name == "d", rest % unit.microseconds != 0 { continue }
            text += "\(rest / unit.microseconds)\(unit.name)"
            rest %= unit.microseconds
        }
        return text
    }

    /// Reads a sequence of whole numbers with units `d h m s ms us`, largest unit first, each at
    /// most once. Nil for anything else, a bare number and a sum beyond 10,000 days included.
    package init?(_ text: String) {
        var rest = Substring(text)
        var total: Int64 = 0
        var units = Self.units[...]
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard let count = Int64(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isASCII && $0.isLetter }
            guard let index = units.firstIndex(where: { $0.name == name }) else { return nil }
            let (part, overflow) = count.multipliedReportingOverflow(by: units[index].microseconds)
            guard !overflow, part <= 864_000_000_000_000 else { return nil }
            total += part
            units = units[(index + 1)...]
            rest = rest.dropFirst(name.count)
        }
        guard total <= 864_000_000_000_000 else { return nil }
        self.init(.microseconds(total))
    }
}

extension TimeSpan: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let span = TimeSpan(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a span of time"))
        }
        self = span
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
