import Crypto
package import HealthWorkerModel
package import HealthWorkerStorage

/// Makes keys of the API: `hw_<id>_<secret>`.
package enum KeyMint {
    /// Makes a key that nobody has yet.
    ///
    /// The secret is 256 random bits, so that a plain SHA-256 of it can be stored: there is nothing to
    /// guess, and slow hashes are for what people think of. `text` is the only place where the secret
    /// stands: show it once, and do not keep it.
    package static func mint(
        role: KeyRole, name: String, sets: [String] = [], now: Timestamp,
        expiresAt: Timestamp? = nil
    ) -> (key: APIKey, text: String) {
        let id = randomText(bytes: 10)
        let secret = randomText(bytes: 32)
        let key = APIKey(
            id: id, secretHash: hash(ofSecret: secret), name: name, role: role, sets: sets,
            createdAt: now, expiresAt: expiresAt)
        return (key, "hw_\(id)_\(secret)")
    }

    /// Makes a key that takes the place of another: with its name, role and sets, and unless
    /// `expiresAt` says otherwise with as long a life.
    package static func successor(
        of old: APIKey, now: Timestamp, expiresAt: Timestamp? = nil
    ) -> (key: APIKey, text: String) {
        let life = old.expiresAt.map { $0 - old.createdAt }
        return mint(
            role: old.role, name: old.name, sets: old.sets, now: now,
            expiresAt: expiresAt ?? life.map { now + $0 })
    }

    /// The key that a text is; nil where it is none.
    package static func key(
        of text: String, role: KeyRole, name: String, now: Timestamp
    ) -> APIKey? {
        parts(of: text).map { id, secret in
            APIKey(
                id: id, secretHash: hash(ofSecret: secret), name: name, role: role, createdAt: now)
        }
    }

    /// How long a key may hold that ends.
    package static let lives = TimeSpan.minutes(1)...TimeSpan.hours(24 * 3660)

    /// How long a rotated key still holds where nobody says.
    package static let usualOverlap = TimeSpan.hours(24)

    /// How long a rotated key may still hold.
    package static let overlaps = TimeSpan.seconds(0)...TimeSpan.hours(24 * 90)

    /// The public and the secret part of a key's text; nil for what cannot be one.
    static func parts(of text: some StringProtocol) -> (id: String, secret: String)? {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "hw", (1...64).contains(parts[1].utf8.count),
            (1...128).contains(parts[2].utf8.count),
            parts[1...].allSatisfy({ $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } })
        else { return nil }
        return (String(parts[1]), String(parts[2]))
    }

    /// The text without the secret of any key that stands in it.
    static func redacting(_ text: String) -> String {
        guard text.contains("hw_") else { return text }
        return text.replacing(#/hw_([A-Za-z0-9]{1,64})_[A-Za-z0-9]+/#) { "hw_\($0.1)_…" }
    }

    /// SHA-256 in 64 hexadecimal digits.
    static func hash(ofSecret secret: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in SHA256.hash(data: Array(secret.utf8)) {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Compares in a time that depends on the lengths only.
    static func areEqual(_ left: String, _ right: String) -> Bool {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }

    /// Base 32 (RFC 4648 §6, lower case, no padding): survives a double click, a URL and a shell.
    private static func randomText(bytes count: Int) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
        // The system's generator is cryptographically secure.
        var generator = SystemRandomNumberGenerator()
        var text: [UInt8] = []
        var (bits, held): (UInt64, Int) = (0, 0)
        for _ in 0..<count {
            bits = bits << 8 | UInt64(UInt8.random(in: .min ... .max, using: &generator))
            held += 8
            while held >= 5 {
                held -= 5
                text.append(alphabet[Int(bits >> UInt64(held) & 31)])
            }
        }
        if held > 0 { text.append(alphabet[Int(bits << UInt64(5 - held) & 31)]) }
        return String(decoding: text, as: UTF8.self)
    }
}
