import HealthWorkerModel
import HealthWorkerProbes
import NIOCore
import NIOSSL

/// Servers that misbehave, as they are met: each with what a probe of it must find.
///
/// They stand in the order of the phases in which they trouble a probe.
extension NastyServer {
    static let all =
        names + connections + handshakes + protocols + heads + bodies + codings + redirects
        + slow + greetings

    /// Long enough for everything that is quick, short enough to wait for what never comes.
    private static let second = TimeSpan.seconds(1)
    private static let up = Expected(bodyContains: "up")
    private static let ok = LocalServer.Action.send(HTTPProberTests.ok)
    private static let follow = HTTPRequest(followRedirects: true)
    private static let loopback4 = IPAddress.v4(0x7f00_0001)
    private static let loopback6 = IPAddress.v6([0, 0, 0, 0, 0, 0, 0, 1])
    /// Loopback, where no server of the tests listens.
    private static let deserted4 = IPAddress.v4(0x7f09_0909)

    // MARK: The name

    private static let names: [NastyServer] = [
        .nowhere(
            "has a name that does not exist", at: "gone.example.com",
            is: .failure(.dnsNXDomain), in: "resolve"),
        .nowhere(
            "has a name that the name servers fail at", at: "broken.example.com",
            names: ["broken.example.com": .failure(.failed("SERVFAIL"))],
            is: .inconclusive(.dnsError), in: "resolve"),
        .nowhere(
            "has a name that the name servers fail at, which its check counts",
            at: "broken.example.com",
            names: ["broken.example.com": .failure(.failed("SERVFAIL"))], dnsFailure: .failure,
            is: .failure(.dnsError), in: "resolve"),
        .nowhere(
            "has a name that nobody answers for", at: "hangs", within: second,
            is: .inconclusive(.dnsTimeout), in: "resolve"),
        .nowhere(
            "has a name that leads to a metadata address", at: "meta.example.com",
            names: ["meta.example.com": .success([.v4(0xa9fe_a9fe)])],
            is: .inconclusive(.targetBlocked), in: "resolve"),
        .nowhere("is written as a shortened address", at: "127.1", is: .failure(.dnsNXDomain)),
        .nowhere("is a metadata address", at: "169.254.169.254", is: .inconclusive(.targetBlocked)),
    ]

    // MARK: The connection

    private static let connections: [NastyServer] = [
        .nowhere("is not there", is: .failure(.connectRefused), in: "connect"),
        .nowhere(
            "is not there, for https", .nobody, .https, is: .failure(.connectRefused), in: "connect"
        ),
        .nowhere(
            "is not there, for tcp", .nobody, .tcp, is: .failure(.connectRefused), in: "connect"),
        .nowhere(
            "drops every packet", .blackHole, within: second, is: .failure(.connectTimeout),
            in: "connect"),
        .nowhere(
            "drops every packet, for tcp", .blackHole, .tcp, within: second,
            is: .failure(.connectTimeout), in: "connect"),
        .nowhere(
            "listens at its IPv6 address only, which the check asks for",
            .plain(.init(onRequest: { _ in [ok] }), host: "::1"), at: "six.example.com",
            names: ["six.example.com": .success([loopback6])], family: .v6,
            is: .success, in: "first_byte"),
        .nowhere(
            "listens at its IPv6 address, while its IPv4 address is dead",
            .plain(.init(onRequest: { _ in [ok] }), host: "::1"), at: "dual.example.com",
            names: ["dual.example.com": .success([deserted4, loopback6])],
            // Whoever tries IPv4 first would not get through.
            is: .failure(.connectRefused), in: "connect"),
        .nowhere(
            "listens at its IPv4 address, while its IPv6 address is dead",
            .plain(.init(onRequest: { _ in [ok] })), at: "dual.example.com",
            names: ["dual.example.com": .success([loopback4, loopback6])],
            is: .success, in: "first_byte"),
        .greets(
            "resets whoever connects", .reset,
            is: .failure(.connectionReset), in: "connect", "write", "first_byte"),
        .http(
            "reads the request and hangs up", .close,
            is: .failure(.connectionClosed), in: "first_byte"),
        .greets(
            "hangs up on whoever connects, in one direction", .halfClose,
            is: .failure(.connectionClosed), in: "write", "first_byte"),
        .greets(
            "accepts and never says a word", within: second,
            is: .failure(.firstByteTimeout), in: "first_byte"),
    ]

    // MARK: The TLS handshake

    private static let shop = TLSOptions(serverName: "shop.example.com", ca: authority)

    private static let handshakes: [NastyServer] = [
        .https("has a certificate that is right", is: .success, in: "first_byte"),
        .https(
            "has a certificate that expired", .init(certificate: "expired"),
            is: .failure(.tlsExpired), in: "tls"),
        .https(
            "has a certificate of the future", .init(certificate: "early"),
            is: .failure(.tlsNotYetValid), in: "tls"),
        .https(
            "has a certificate for another name",
            tls: TLSOptions(serverName: "www.example.com", ca: authority),
            is: .failure(.tlsNameMismatch), in: "tls"),
        .https(
            "signed its certificate itself", .init(certificate: "self"),
            is: .failure(.tlsSelfSigned), in: "tls"),
        .https(
            "has a certificate of an authority that nobody knows",
            tls: TLSOptions(serverName: "shop.example.com"),
            is: .failure(.tlsUnknownCA), in: "tls"),
        .https(
            "has a certificate that expired, where none is verified",
            .init(certificate: "expired"), tls: TLSOptions(verify: false),
            is: .success, in: "first_byte"),
        .https(
            "speaks TLS 1.1 at most", .init(newest: .tlsv11), tls: TLSOptions(verify: false),
            is: .failure(.tlsHandshake), in: "tls"),
        .https(
            "speaks TLS 1.2 at most", .init(newest: .tlsv12), is: .success, in: "first_byte"),
        .https(
            "speaks nothing but HTTP/2, and says so by ALPN", .init(protocols: ["h2"]),
            .sendBytes(http2Settings), is: .failure(.protocolError), in: "first_byte"),
        .https(
            "wants a certificate of the client", .init(asksForCertificate: true),
            is: .failure(.tlsHandshake), in: "write", "first_byte"),
        .greets(
            "speaks plain HTTP where TLS is expected",
            .send("HTTP/1.1 400 Bad Request\r\n\r\n"), type: .https, tls: shop,
            is: .failure(.tlsHandshake), in: "tls"),
        .greets(
            "answers the handshake with garbage", .sendBytes(Array(repeating: 0xff, count: 64)),
            type: .https, tls: shop, is: .failure(.tlsHandshake), in: "tls"),
        .greets(
            "answers the handshake with an alert", .sendBytes([0x15, 3, 3, 0, 2, 2, 40]),
            type: .https, tls: shop, is: .failure(.tlsHandshake), in: "tls"),
        .greets(
            "knows no such name and says so in an alert", .sendBytes([0x15, 3, 3, 0, 2, 2, 112]),
            type: .https, tls: shop, is: .failure(.tlsHandshake), in: "tls"),
        .greets(
            "speaks none of our protocols and says so in an alert",
            .sendBytes([0x15, 3, 3, 0, 2, 2, 120]), type: .https, tls: shop,
            is: .failure(.tlsHandshake), in: "tls"),
        .greets(
            "never answers the handshake", type: .https, tls: shop, within: second,
            is: .failure(.tlsTimeout), in: "tls"),
        .greets(
            "begins a record of the handshake and stalls", .sendBytes([0x16, 3, 3, 0, 122, 2, 0]),
            type: .https, tls: shop, within: second, is: .failure(.tlsTimeout), in: "tls"),
        .greets(
            "hangs up in the handshake", .pause(milliseconds: 50), .close, type: .https, tls: shop,
            is: .failure(.connectionClosed), in: "tls"),
        .greets(
            "resets in the handshake", .pause(milliseconds: 50), .reset, type: .https, tls: shop,
            is: .failure(.connectionReset), in: "tls"),
        .https(
            "speaks TLS where plain HTTP is expected", .good, .close, type: .http,
            is: .failure(.connectionClosed), in: "first_byte"),
        .https(
            "ends TLS without a goodbye, after an answer of known length", .good,
            .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup"), .cut, expect: up,
            is: .success, in: "body"),
        .https(
            "ends TLS without a goodbye, amid an answer of known length", .good,
            .send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"), .cut, expect: up,
            is: .failure(.connectionClosed), in: "body"),
        .https(
            "ends TLS without a goodbye, after an answer of unknown length", .good,
            .send("HTTP/1.1 200 OK\r\n\r\nup"), .cut, expect: up, is: .success, in: "body"),
    ]

    /// SETTINGS with one entry, the first frame of an HTTP/2 server (RFC 9113 §6.5).
    private static let http2Settings: [UInt8] = [
        0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100,
    ]

    // MARK: What is no HTTP

    private static let protocols: [NastyServer] = [
        .greets(
            "speaks SSH", .send("SSH-2.0-OpenSSH_9.2\r\n"),
            is: .failure(.protocolError), in: "write", "first_byte"),
        .http(
            "answers with garbage", .sendBytes([0, 1, 2, 0xff, 0xfe, 10, 10]),
            is: .failure(.protocolError), in: "first_byte"),
        .http(
            "answers with a TLS alert", .sendBytes([0x15, 3, 3, 0, 2, 2, 22]),
            is: .failure(.protocolError), in: "first_byte"),
        .http(
            "answers with HTTP/2 frames", .sendBytes(http2Settings),
            is: .failure(.protocolError), in: "first_byte"),
        .http(
            "answers with a body alone, as HTTP/0.9 did", .send("<html>up</html>"), .close,
            is: .failure(.protocolError), in: "first_byte"),
        .http(
            "answers in a version of HTTP that is none", .send("HTTP/9.9 200 OK\r\n\r\n"),
            is: .failure(.protocolError), in: "first_byte"),
        .http(
            "answers with a status that is no number", .send("HTTP/1.1 2x0 OK\r\n\r\n"),
            is: .failure(.protocolError), in: "first_byte"),
        .http(
            "answers with a status of four digits", .send("HTTP/1.1 2000 OK\r\n\r\n"),
            is: .failure(.protocolError), in: "first_byte"),
        .http(
            "answers in HTTP/1.0 and hangs up", .send("HTTP/1.0 200 OK\r\n\r\nup"), .close,
            expect: up, is: .success, in: "body"),
        .http(
            "ends its lines without a carriage return",
            .send("HTTP/1.1 200 OK\nContent-Length: 2\n\nup"), expect: up,
            is: .failure(.protocolError), in: "first_byte"),
        .http(
            "switches protocols though nobody asked",
            .send("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
            is: .failure(.statusMismatch), in: "first_byte"),
        .greets(
            "answers before it was asked, that it timed out",
            .send("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"),
            .pause(milliseconds: 200), .close, is: .failure(.statusMismatch), in: "write",
            "first_byte"),
    ]

    // MARK: The head

    private static let heads: [NastyServer] = [
        .http(
            "begins a head and hangs up", .send("HTTP/1.1 200 OK\r\nX-"), .close,
            is: .failure(.connectionClosed), in: "first_byte"),
        .http(
            "begins a head and resets", .send("HTTP/1.1 200 OK\r\nX-"), .pause(milliseconds: 50),
            .reset,
            is: .failure(.connectionReset), in: "first_byte"),
        .http(
            "begins a head and stalls", .send("HTTP/1.1 200 OK\r\nX-"), within: second,
            is: .failure(.firstByteTimeout), in: "first_byte"),
        .http(
            "sends a header without a colon", .send("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"),
            is: .failure(.protocolError), in: "first_byte"),
        .http(
            "sends a zero byte in a header",
            .send("HTTP/1.1 200 OK\r\nX: a\u{0}b\r\nContent-Length: 0\r\n\r\n"),
            is: .failure(.protocolError), in: "first_byte"),
        .http(
            "sends one huge header",
            .send("HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 70_000) + "\r\n\r\n"),
            is: .failure(.tooLarge), in: "first_byte"),
        .http(
            "sends headers without end", .send("HTTP/1.1 200 OK\r\n"),
            .flood(String(repeating: "X: 1\r\n", count: 100)),
            is: .failure(.tooLarge), in: "first_byte"),
        .http(
            "sends too many headers",
            .send("HTTP/1.1 200 OK\r\n" + String(repeating: "X:1\r\n", count: 1100) + "\r\n"),
            is: .failure(.tooLarge), in: "first_byte"),
        .http(
            "sends a reason phrase without end", .send("HTTP/1.1 200 "),
            .flood(String(repeating: "so good ", count: 100)),
            is: .failure(.tooLarge), in: "first_byte"),
        .http(
            "sends interim answers without end",
            .flood(String(repeating: "HTTP/1.1 102 Processing\r\n\r\n", count: 100)),
            is: .failure(.tooLarge), in: "first_byte"),
        .http(
            "sends some interim answers first",
            .send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
            ok,
            is: .success, in: "first_byte"),
        .http(
            "answers 503", .send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
            is: .failure(.statusMismatch), in: "first_byte"),
        .http(
            "sends a length that is no number",
            .send("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
            is: .failure(.protocolError), in: "first_byte"),
        .http(
            "sends a negative length", .send("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
            is: .failure(.protocolError), in: "first_byte"),
        .http(
            "sends a length beyond all numbers",
            .send("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
            is: .failure(.protocolError), in: "first_byte"),
        .http(
            "sends two lengths that differ",
            .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nup!"),
            is: .failure(.protocolError), in: "first_byte"),
        .http(
            "sends a length and chunks, as smugglers do",
            .send(
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nup\r\n0\r\n\r\n"
            ),
            is: .failure(.protocolError), in: "first_byte"),
    ]

    // MARK: The body

    private static let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    private static let bodies: [NastyServer] = [
        .http(
            "hangs up amid a body of known length",
            .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nu"), .close, expect: up,
            is: .failure(.connectionClosed), in: "body"),
        .http(
            "hangs up amid a chunk", .send(chunked + "5\r\nu"), .close, expect: up,
            is: .failure(.connectionClosed), in: "body"),
        .http(
            "hangs up between two chunks", .send(chunked + "1\r\nu\r\n"), .close, expect: up,
            is: .failure(.connectionClosed), in: "body"),
        .http(
            "resets amid a body", .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nu"),
            .pause(milliseconds: 50), .reset, expect: up,
            is: .failure(.connectionReset), in: "body"),
        .http(
            "stalls amid a body", .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nu"),
            expect: up, within: second, is: .failure(.bodyTimeout), in: "body"),
        .http(
            "stalls amid a body that nobody has to read",
            .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nu"),
            is: .success, in: "first_byte"),
        .http(
            "sends a chunk whose size is no number", .send(chunked + "zz\r\nup\r\n0\r\n\r\n"),
            expect: up, is: .failure(.protocolError), in: "body"),
        .http(
            "sends a chunk whose size is negative", .send(chunked + "-2\r\nup\r\n0\r\n\r\n"),
            expect: up, is: .failure(.protocolError), in: "body"),
        .http(
            "sends a chunk whose size is beyond all numbers",
            .send(chunked + "fffffffffffffffff\r\nup\r\n0\r\n\r\n"),
            expect: up, is: .failure(.protocolError), in: "body"),
        .http(
            "sends a chunk that is longer than it says", .send(chunked + "1\r\nnup\r\n0\r\n\r\n"),
            expect: up, is: .failure(.protocolError), in: "body"),
        .http(
            "sends an extension of a chunk without end", .send(chunked + "2;"),
            .flood(String(repeating: "x=y;", count: 100)),
            expect: up, is: .failure(.tooLarge), in: "body"),
        .http(
            "sends trailers without end", .send(chunked + "1\r\nx\r\n0\r\n"),
            .flood(String(repeating: "X: 1\r\n", count: 100)),
            expect: up, is: .failure(.tooLarge), in: "body"),
        .http(
            "sends a body without end", .send("HTTP/1.1 200 OK\r\n\r\n"),
            .flood(String(repeating: "x", count: 4096)), expect: up,
            is: .failure(.bodyMismatch), in: "body"),
        .http(
            "sends a body without end that has nothing unwanted in it",
            .send("HTTP/1.1 200 OK\r\n\r\n"), .flood(String(repeating: "x", count: 4096)),
            expect: Expected(bodyNotContains: "down"), is: .success, in: "body"),
        .http(
            "sends the text just behind the limit",
            .send("HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 65_535) + "up"), .close,
            expect: up, is: .failure(.bodyMismatch), in: "body"),
        .http(
            "splits the text between two chunks", .send(chunked + "1\r\nu\r\n1\r\np\r\n0\r\n\r\n"),
            expect: up, is: .success, in: "body"),
        .http(
            "sends a body after a HEAD", .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup"),
            ask: HTTPRequest(method: .head), is: .success, in: "first_byte"),
        .http(
            "sends a body after a 204", .send("HTTP/1.1 204 No Content\r\n\r\nup"), .close,
            expect: up, is: .failure(.bodyMismatch), in: "body"),
        .http(
            "sends nothing where a text is expected",
            .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), expect: up,
            is: .failure(.bodyMismatch), in: "body"),
        .http(
            "says goodbye for its direction after the body",
            .send("HTTP/1.1 200 OK\r\n\r\nup"), .halfClose, expect: Expected(bodyMatches: "^up$"),
            is: .success, in: "body"),
        .http(
            "leads a pattern into a labyrinth",
            .send("HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "a", count: 40) + "!"), .close,
            expect: Expected(bodyMatches: "(a+)+$"), is: .inconclusive(.internal), in: "body"),
    ]

    // MARK: The body's coding

    private static func coded(_ coding: String) -> LocalServer.Action {
        .send("HTTP/1.1 200 OK\r\nContent-Encoding: \(coding)\r\n\r\n")
    }

    /// "all is up" by gzip.
    private static let upInGzip: [UInt8] = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 75, 204, 201, 81, 200, 44, 86, 40, 45, 0, 0, 59, 183, 71,
        182, 9, 0, 0, 0,
    ]

    /// Thirteen million zeros in 17,000 bytes of gzip.
    private static let bomb: [UInt8] = {
        let thousands: [UInt8] =
            [236, 193, 1, 1, 0, 0, 0, 128, 144, 254, 175, 238, 8, 10]
            + Array(repeating: 0, count: 63) + [106, 0, 0, 0, 255, 255]
        return upInGzip.prefix(10) + Array(repeating: thousands, count: 200).flatMap(\.self)
    }()

    private static let codings: [NastyServer] = [
        .http(
            "codes its body with gzip, with the text in it", coded("gzip"), .sendBytes(upInGzip),
            .close, expect: up, is: .success, in: "body"),
        .http(
            "codes its body with gzip and hangs up amid it", coded("gzip"),
            .sendBytes(Array(upInGzip.prefix(12))), .close, expect: up,
            is: .failure(.protocolError), in: "body"),
        .http(
            "says gzip and sends none", coded("gzip"), .send("up"), .close, expect: up,
            is: .failure(.protocolError), in: "body"),
        .http(
            "sends a bomb in gzip", coded("gzip"), .sendBytes(bomb), expect: up,
            is: .failure(.bodyMismatch), in: "body"),
        .http(
            "codes its body as nobody asked", coded("br"), .send("up"), .close, expect: up,
            is: .failure(.bodyMismatch), in: "body"),
    ]

    // MARK: Redirects

    private static func redirect(to location: String, status: Int = 302) -> LocalServer.Action {
        .send(
            "HTTP/1.1 \(status) Found\r\nLocation: \(location)\r\nContent-Length: 0\r\n"
                + "Connection: close\r\n\r\n")
    }

    private static let redirects: [NastyServer] = [
        .http(
            "redirects in a circle", redirect(to: "/again"), ask: follow,
            is: .failure(.tooManyRedirects), in: "first_byte"),
        .http(
            "redirects in a circle that nobody follows", redirect(to: "/again"),
            is: .success, in: "first_byte"),
        .http(
            "redirects without saying where to",
            .send("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), ask: follow,
            is: .failure(.redirectBlocked), in: "first_byte"),
        .http(
            "redirects to a metadata address", redirect(to: "http://169.254.169.254/latest"),
            ask: follow, is: .failure(.redirectBlocked), in: "first_byte"),
        .http(
            "redirects to a metadata address within IPv6",
            redirect(to: "http://[::ffff:169.254.169.254]/"),
            ask: follow, is: .failure(.redirectBlocked), in: "first_byte"),
        .http(
            "redirects to what is no http", redirect(to: "file:///etc/passwd"),
            ask: follow, is: .failure(.redirectBlocked), in: "first_byte"),
        .http(
            "redirects to where nobody listens", redirect(to: "http://127.9.9.9:9/"),
            ask: follow, is: .failure(.connectRefused), in: "first_byte"),
        .https(
            "redirects from https to http", .good, redirect(to: "http://shop.example.com/"),
            ask: follow, is: .failure(.redirectBlocked), in: "first_byte"),
    ]

    // MARK: Slow, but in time or not

    private static let slow: [NastyServer] = [
        .https(
            "is slow in the handshake, in time", .init(sleep: .milliseconds(300)), type: .tcp,
            is: .success, in: "tls", takes: .milliseconds(290)),
        .http(
            "drips its head, in time",
            .drip("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", milliseconds: 10),
            is: .success, in: "first_byte", takes: .milliseconds(190)),
        .http(
            "drips its head, too slowly",
            .drip("HTTP/1.1 200 OK\r\nX: 12345678\r\n\r\n", milliseconds: 100), within: second,
            is: .failure(.firstByteTimeout), in: "first_byte", takes: .milliseconds(900)),
        .http(
            "drips its body, in time", .send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"),
            .drip("xxxxxxxxxxxxxxxxxxup", milliseconds: 10), expect: up,
            is: .success, in: "body", takes: .milliseconds(190)),
        .http(
            "drips its body, too slowly", .send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"),
            .drip("xxxxxxxxxxxxxxxxxxup", milliseconds: 100), expect: up, within: second,
            is: .failure(.bodyTimeout), in: "body", takes: .milliseconds(800)),
        .http(
            "thinks for long, then answers", .pause(milliseconds: 300), ok,
            is: .success, in: "first_byte", takes: .milliseconds(290)),
        .http(
            "answers too late", .pause(milliseconds: 1500), ok, within: second,
            is: .failure(.firstByteTimeout), in: "first_byte", takes: .milliseconds(900)),
    ]

    // MARK: TCP greetings

    private static let smtp = Expected(bodyLimit: ByteCount(1000), tcpContains: "220 ")

    private static let greetings: [NastyServer] = [
        .greets(
            "greets as expected", .send("220 mx.example.com ESMTP\r\n"), type: .tcp,
            expect: smtp, is: .success, in: "first_byte"),
        .greets(
            "greets as expected, byte by byte",
            .drip("220 mx.example.com ESMTP\r\n", milliseconds: 10), type: .tcp,
            expect: smtp, is: .success, in: "body"),
        .greets(
            "greets otherwise and hangs up", .send("554 no\r\n"), .close, type: .tcp,
            expect: smtp, is: .failure(.tcpMismatch), in: "body"),
        .greets(
            "greets otherwise and waits", .send("554 no\r\n"), type: .tcp, expect: smtp,
            within: second, is: .failure(.tcpMismatch), in: "body"),
        .greets(
            "greets too late", .pause(milliseconds: 1500), .send("220 hello\r\n"), type: .tcp,
            expect: smtp, within: second, is: .failure(.firstByteTimeout), in: "first_byte"),
        .greets(
            "greets without end", .flood("55555"), type: .tcp, expect: smtp,
            is: .failure(.tcpMismatch), in: "first_byte", "body"),
        .greets(
            "hangs up without a word", .close, type: .tcp, expect: smtp,
            is: .failure(.connectionClosed), in: "first_byte"),
        .greets(
            "resets without a word", .reset, type: .tcp, expect: smtp,
            is: .failure(.connectionReset), in: "connect", "first_byte"),
    ]
}
