/// HTTP status codes that count as a success: one (`200`) or a range (`"200-299"`).
package struct StatusRange: Hashable, Sendable {
    package var codes: ClosedRange<Int>

    package init(_ codes: ClosedRange<Int>) {
        self.codes = codes
    }
}

extension StatusRange: CustomStringConvertible, LosslessStringConvertible {
    package var description: String {
        codes.count == 1 ? "\(codes.lowerBound)" : "\(codes.lowerBound)-\(codes.upperBound)"
    }

    /// Reads `200` or `200-299`, each within 100 … 599 and in order. Nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count),
            parts.allSatisfy({ $0.count == 3 && $0.allSatisfy { $0.isASCII && $0.isNumber } })
        else { return nil }
        let numbers = parts.compactMap { Int($0) }
        guard numbers.allSatisfy((100...599).contains), numbers[0] <= numbers[numbers.count - 1]
        else { return nil }
        self.init(numbers[0]...numbers[numbers.count - 1])
    }
}

extension StatusRange: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text: String
        if let code = try? container.decode(Int.self) {
            text = String(code)
        } else {
            text = try container.decode(String.self)
        }
        guard let range = StatusRange(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a status or a range"))
        }
        self = range
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if codes.count == 1 {
            try container.encode(codes.lowerBound)
        } else {
            try container.encode(description)
        }
    }
}
