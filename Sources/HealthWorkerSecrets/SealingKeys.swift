import Crypto
import Foundation

/// The keys with which stored secrets are sealed: the first one seals, and each opens what it sealed.
///
/// A secret is sealed by AES-GCM with 256 bits (NIST SP 800-38D), under a random nonce and bound to its
/// name, so that a row that was put in another's place does not open. The sealed text says which key it
/// needs, by a label that tells nothing of the key.
package struct SealingKeys: Sendable {
    private struct Key: Sendable {
        var label: String
        var key: SymmetricKey
    }

    private let keys: [Key]

    /// - Parameter texts: keys of 32 bytes each, in base 64.
    /// - Throws: ``SealingError/noKey`` where one is not.
    package init(_ texts: [String] = []) throws(SealingError) {
        var keys: [Key] = []
        for text in texts {
            guard let bytes = Data(base64Encoded: text), bytes.count == 32 else { throw .noKey }
            var hash = SHA256()
            hash.update(data: Array("health-worker sealing key".utf8))
            hash.update(data: bytes)
            let label = hash.finalize().prefix(4).map(Self.hexadecimal).joined()
            keys.append(Key(label: label, key: SymmetricKey(data: bytes)))
        }
        self.keys = keys
    }

    /// None at all: nothing is sealed and nothing opens.
    package static let none = SealingKeys(keys: [])

    private init(keys: [Key]) {
        self.keys = keys
    }

    /// The label of the key that seals; nil: there is none.
    package var label: String? { keys.first?.label }

    /// - Throws: ``SealingError/noKey`` where there is none.
    package func seal(_ value: String, as name: String) throws(SealingError) -> String {
        guard let key = keys.first else { throw .noKey }
        let box: AES.GCM.SealedBox
        do {
            box = try AES.GCM.seal(
                Array(value.utf8), using: key.key, authenticating: Self.context(name))
        } catch {
            throw .damaged
        }
        // Nil only for a nonce of another length than the usual one, which a random one has.
        guard let bytes = box.combined else { throw .damaged }
        return "v1.\(key.label).\(bytes.base64EncodedString())"
    }

    package func open(_ sealed: String, as name: String) throws(SealingError) -> String {
        let parts = sealed.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "v1" else { throw .damaged }
        guard let key = keys.first(where: { $0.label == parts[1] }) else {
            throw .otherKey(String(parts[1]))
        }
        guard let bytes = Data(base64Encoded: String(parts[2])),
            let box = try? AES.GCM.SealedBox(combined: bytes),
            let value = try? AES.GCM.open(
                box, using: key.key, authenticating: Self.context(name)),
            let text = String(validating: value, as: UTF8.self)
        else { throw .damaged }
        return text
    }

    /// The label of the key that opens a sealed text; nil for what no key sealed.
    package static func label(of sealed: String) -> String? {
        let parts = sealed.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 3 && parts[0] == "v1" ? String(parts[1]) : nil
    }

    private static func context(_ name: String) -> [UInt8] {
        Array("health-worker secret \(name)".utf8)
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return digits.utf8.count == 1 ? "0" + digits : digits
    }
}

package enum SealingError: Error, Hashable, Sendable {
    /// There is no key, or what was given is none.
    case noKey
    /// The key of this label is not among those that are known here.
    case otherKey(String)
    /// It was not sealed by us, or not under this name, or was changed since.
    case damaged
}
