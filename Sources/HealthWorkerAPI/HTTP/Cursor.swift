import HealthWorkerModel

/// Where a listing goes on: opaque to callers, so that what it holds can change.
struct Cursor: Hashable, Sendable {
    /// What is listed; a cursor of another listing is refused.
    var listing: String
    var after: String

    var text: String {
        let alphabet = Self.alphabet
        var text: [UInt8] = []
        var (bits, held): (UInt32, Int) = (0, 0)
        for byte in "\(listing)\n\(after)".utf8 {
            bits = (bits << 8 | UInt32(byte)) & 0xffff
            held += 8
            while held >= 6 {
                held -= 6
                text.append(alphabet[Int(bits >> UInt32(held) & 63)])
            }
        }
        if held > 0 { text.append(alphabet[Int(bits << UInt32(6 - held) & 63)]) }
        return String(decoding: text, as: UTF8.self)
    }

    init(listing: String, after: String) {
        self.listing = listing
        self.after = after
    }

    /// Nil for what no listing gave out.
    init?(_ text: String) {
        var bytes: [UInt8] = []
        var (bits, held): (UInt32, Int) = (0, 0)
        for character in text.utf8 {
            guard let value = Self.alphabet.firstIndex(of: character) else { return nil }
            bits = (bits << 6 | UInt32(value)) & 0xffff
            held += 6
            if held >= 8 {
                held -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
            }
        }
        guard let plain = String(validating: bytes, as: UTF8.self) else { return nil }
        let parts = plain.split(
            separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        listing = String(parts[0])
        after = String(parts[1])
    }

    /// Base 64 for URLs (RFC 4648 §5), without padding.
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
}
