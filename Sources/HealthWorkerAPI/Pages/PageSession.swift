package import Foundation
import HTTPTypes
import HealthWorkerModel
package import HealthWorkerSecrets
package import Hummingbird

/// Who signed in at the status page, in a cookie: the key itself, sealed.
///
/// Any number of processes may serve the page behind one name, and a browser asks now the one and now the
/// other. So a session is held by none of them: whatever has the keys of `database.secrets_key` can open
/// it. Without such keys each process seals with one of its own, and a session is known to that process
/// alone, until it ends. What is opened is a key of the API like any other, and it is looked up for every
/// page: a session ends with its key, wherever that was revoked.
package struct PageSessions: Sendable {
    static let life = Duration.hours(12)
    private static let cookie = "hw_session"
    private static let purpose = "page session"

    private let sealing: SealingKeys
    private let now: @Sendable () -> Date

    package init(sealing: SealingKeys, now: @escaping @Sendable () -> Date = { Date() }) {
        self.sealing = sealing.label == nil ? Self.ownKey() : sealing
        self.now = now
    }

    private static func ownKey() -> SealingKeys {
        // The system's generator is cryptographically secure.
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        guard let keys = try? SealingKeys([Data(bytes).base64EncodedString()]) else {
            preconditionFailure("32 bytes in base 64 are a key")
        }
        return keys
    }

    // MARK: - Making one

    /// A cookie for `key`. Scripts do not see it, and browsers send it from this page alone.
    package func cookie(for key: String, isSecure: Bool) throws -> String {
        let end = Int64(now().timeIntervalSince1970) + Self.life.components.seconds
        let sealed = try sealing.seal("\(end) \(key)", as: Self.purpose)
        return Self.cookie(sealed, life: Self.life.components.seconds, isSecure: isSecure)
    }

    static func farewell(isSecure: Bool) -> String {
        cookie("", life: 0, isSecure: isSecure)
    }

    private static func cookie(_ value: String, life: Int64, isSecure: Bool) -> String {
        "\(cookie)=\(value); Path=/; Max-Age=\(life); HttpOnly; SameSite=Strict"
            + (isSecure ? "; Secure" : "")
    }

    // MARK: - Reading one

    static func isIn(_ request: Request) -> Bool { sealed(in: request) != nil }

    /// The request with the key of its session in the header where others have it; nil where it has no
    /// session, or one that is over.
    package func opened(_ request: Request) -> Request? {
        guard let sealed = Self.sealed(in: request),
            let text = try? sealing.open(sealed, as: Self.purpose)
        else { return nil }
        let parts = text.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let end = Int64(parts[0]),
            Int64(now().timeIntervalSince1970) < end
        else { return nil }
        return request.presenting(String(parts[1]))
    }

    private static func sealed(in request: Request) -> String? {
        for field in request.headers[values: .cookie] {
            for pair in field.split(separator: ";") {
                let pair = pair.trimmingPrefix { $0 == " " }
                guard pair.hasPrefix("\(cookie)=") else { continue }
                let value = pair.dropFirst(cookie.utf8.count + 1)
                return value.isEmpty ? nil : String(value)
            }
        }
        return nil
    }
}

extension Request {
    /// The same as if it carried this key.
    func presenting(_ key: String) -> Request {
        var head = head
        head.headerFields[.authorization] = "Bearer \(key)"
        return Request(head: head, body: RequestBody(buffer: ByteBuffer()))
    }
}
