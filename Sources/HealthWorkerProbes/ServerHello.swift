internal import NIOCore

/// Reads the cipher suite that the target chose as it passes by, since NIOSSL shows it to nobody.
///
/// It stands in a ServerHello, which is in the clear in every version of TLS (RFC 8446 §4.1.3, RFC 5246
/// §7.4.1.3), so it is known even where the handshake fails for the certificate.
final class ServerHello: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var head = ByteBuffer()
    private var isRead = false
    /// The number of the suite; nil until a ServerHello has come.
    private(set) var cipher: UInt16?

    // Up to the suite: five bytes of the record, four of the message, the version, 32 random bytes and
    // the session's id behind its length.
    private static let sessionAt = 43
    private static let longest = sessionAt + 1 + 32 + 2

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isRead { read(unwrapInboundIn(data)) }
        context.fireChannelRead(data)
    }

    private func read(_ part: ByteBuffer) {
        var part = part
        if let slice = part.readSlice(
            length: min(part.readableBytes, Self.longest - head.readableBytes))
        {
            head.writeImmutableBuffer(slice)
        }
        // A handshake record (22) with a ServerHello (2); anything else is not looked at any further.
        if let type = head.getInteger(at: 0, as: UInt8.self), type != 22 { isRead = true }
        if let message = head.getInteger(at: 5, as: UInt8.self), message != 2 { isRead = true }
        if !isRead, let length = head.getInteger(at: Self.sessionAt, as: UInt8.self) {
            cipher = head.getInteger(at: Self.sessionAt + 1 + Int(length))
        }
        if cipher != nil || head.readableBytes == Self.longest { isRead = true }
        if isRead { head = ByteBuffer() }
    }
}

/// The names that IANA gives the cipher suites that BoringSSL agrees to.
enum CipherSuite {
    static func name(_ number: UInt16) -> String {
        if let name = names[number] { return name }
        let digits = String(number, radix: 16)
        return "0x" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    private static let names: [UInt16: String] = [
        0x1301: "TLS_AES_128_GCM_SHA256",
        0x1302: "TLS_AES_256_GCM_SHA384",
        0x1303: "TLS_CHACHA20_POLY1305_SHA256",
        0xc02b: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        0xc02c: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        0xc02f: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        0xc030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        0xcca8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        0xcca9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        0xc009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
        0xc00a: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
        0xc013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        0xc014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        0xc023: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
        0xc027: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        0x002f: "TLS_RSA_WITH_AES_128_CBC_SHA",
        0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA",
        0x009c: "TLS_RSA_WITH_AES_128_GCM_SHA256",
        0x009d: "TLS_RSA_WITH_AES_256_GCM_SHA384",
    ]
}
