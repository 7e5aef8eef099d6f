/// A number of bytes as people write it: `64KiB`, `1MiB`, `500`.
package struct ByteCount: Hashable, Comparable, Sendable {
    package var bytes: Int

    package init(_ bytes: Int) {
        self.bytes = bytes
    }

    package static func kibibytes(_ count: Int) -> Self { Self(count * 1024) }
    package static func mebibytes(_ count: Int) -> Self { Self(count * 1_048_576) }

    package static func < (left: Self, right: Self) -> Bool {
        left.bytes < right.bytes
    }
}

extension ByteCount: CustomStringConvertible, LosslessStringConvertible {
    package var description: String {
        if bytes > 0, bytes % 1_048_576 == 0 { return "\(bytes / 1_048_576)MiB" }
        if bytes > 0, bytes % 1024 == 0 { return "\(bytes / 1024)KiB" }
        return "\(bytes)"
    }

    /// Reads a whole number of bytes, or of `KiB` or `MiB`, up to 1 GiB. Nil for anything else.
    package init?(_ text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let factor: Int
        switch text.dropFirst(digits.count) {
        case "", "B": factor = 1
        case "KiB": factor = 1024
        case "MiB": factor = 1_048_576
        default: return nil
        }
        guard let count = Int(digits), count <= 1_073_741_824 / factor else { return nil }
        self.init(count * factor)
    }
}

extension ByteCount: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text: String
        if let bytes = try? container.decode(Int.self) {
            text = String(bytes)
        } else {
            text = try container.decode(String.self)
        }
        guard let count = ByteCount(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a number of bytes"))
        }
        self = count
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
