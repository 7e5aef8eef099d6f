import Crypto
import Foundation

/// A key that signs messages (Standard Webhooks 1.0.0, "Signature scheme").
package struct WebhookSecret: Sendable {
    private let key: SymmetricKey

    /// Reads `whsec_` and the base64 of 24 to 64 bytes; nil for anything else.
    package init?(_ text: String) {
        let prefix = "whsec_"
        guard text.hasPrefix(prefix),
            let bytes = Data(base64Encoded: String(text.dropFirst(prefix.count))),
            (24...64).contains(bytes.count)
        else { return nil }
        key = SymmetricKey(data: bytes)
    }

    /// `v1,` and the base64 of the HMAC-SHA256 of the id, the time in Unix seconds and the body.
    package func signature(id: String, timestamp: Int64, body: [UInt8]) -> String {
        var message = HMAC<SHA256>(key: key)
        message.update(data: Array("\(id).\(timestamp).".utf8))
        message.update(data: body)
        return "v1,\(Data(message.finalize()).base64EncodedString())"
    }
}
