import FreePorts
import HealthWorkerModel
import HealthWorkerProbes
import NIOCore
import NIOSSL
import Testing

/// A server that misbehaves, a check of it, and what the probe must find.
struct NastyServer: Sendable, CustomTestStringConvertible {
    enum Listener: Sendable {
        /// A port at which nobody listens.
        case nobody
        /// An address that drops what is sent to it.
        case blackHole
        case plain(LocalServer.Script, host: String = "127.0.0.1")
        case secure(Secure, LocalServer.Script)
    }

    /// How a server speaks TLS.
    struct Secure: Sendable {
        var certificate = "good"
        var protocols = ["http/1.1"]
        var newest = TLSVersion.tlsv13
        var asksForCertificate = false
        var sleep = TimeAmount.zero

        static let good = Secure()
    }

    /// What the server does; its name among the others.
    var does: String
    var listener: Listener
    /// The check, but for the port.
    var check: CheckSpec
    var names: [String: Result<[IPAddress], NameResolverError>] = [:]
    var outcome: Outcome
    /// The phase in which the probe ended; several where the network decides. Empty: before any.
    var ends: Set<String>
    /// The least that the probe takes.
    var takes: Duration = .zero

    var testDescription: String { does }

    /// A server that listens while `body` runs, and the check with its port.
    func running<Value>(
        _ body: (CheckSpec, LocalServer?) async throws -> Value
    ) async throws -> Value {
        var check = check
        var server: LocalServer?
        var hole: BlackHole?
        switch listener {
        case .nobody:
            check.target.port = try freePort()
        case .blackHole:
            hole = BlackHole()
            check.target.port = hole?.port
        case .plain(let script, let host):
            server = try await LocalServer(script, host: host)
        case .secure(let secure, let script):
            let certificates = try Certificates.shared.get()
            let context = try certificates.server(
                secure.certificate, protocols: secure.protocols, newest: secure.newest,
                asksForCertificate: secure.asksForCertificate)
            server = try await LocalServer(script, tls: context, sleep: secure.sleep)
        }
        if let server { check.target.port = server.port }
        // The path of the authority is not known before it is made.
        if check.tls?.ca == Self.authority {
            check.tls?.ca = try Certificates.shared.get().authority
        }
        let value = try await body(check, server)
        try await server?.stop()
        withExtendedLifetime(hole) {}
        return value
    }

    /// Stands for the path of the authority that signs the servers' certificates.
    static let authority = "the tests' own"
}

extension NastyServer {
    typealias Action = LocalServer.Action

    /// An HTTP server that does the same for every request.
    static func http(
        _ does: String, _ actions: Action..., ask request: HTTPRequest? = nil,
        expect: Expected = Expected(), within timeout: TimeSpan = .seconds(20),
        is outcome: Outcome, in ends: String..., takes: Duration = .zero
    ) -> NastyServer {
        NastyServer(
            does: does, listener: .plain(.init(onRequest: { _ in actions })),
            check: HealthWorkerProbesTests.check(
                port: 0, timeout: timeout, http: request, expect: expect),
            outcome: outcome, ends: Set(ends), takes: takes)
    }

    /// A server that speaks first, whoever connects.
    static func greets(
        _ does: String, _ actions: Action..., type: CheckType = .http,
        tls: TLSOptions? = nil, tcp: TCPExchange? = nil, expect: Expected = Expected(),
        within timeout: TimeSpan = .seconds(20), is outcome: Outcome, in ends: String...
    ) -> NastyServer {
        NastyServer(
            does: does, listener: .plain(.init(onConnect: actions)),
            check: HealthWorkerProbesTests.check(
                type, port: 0, timeout: timeout, tls: tls, tcp: tcp, expect: expect),
            outcome: outcome, ends: Set(ends))
    }

    /// An HTTPS server that does the same for every request, by default a good answer.
    static func https(
        _ does: String, _ secure: Secure = .good,
        _ actions: Action..., type: CheckType = .https, ask request: HTTPRequest? = nil,
        tls: TLSOptions = TLSOptions(serverName: "shop.example.com", ca: authority),
        expect: Expected = Expected(), within timeout: TimeSpan = .seconds(20),
        is outcome: Outcome, in ends: String..., takes: Duration = .zero
    ) -> NastyServer {
        let answer = actions.isEmpty ? [.send(HTTPProberTests.ok)] : actions
        return NastyServer(
            does: does, listener: .secure(secure, .init(onRequest: { _ in answer })),
            check: HealthWorkerProbesTests.check(
                type, port: 0, timeout: timeout, http: request, tls: tls, expect: expect),
            outcome: outcome, ends: Set(ends), takes: takes)
    }

    /// No server, or one that nobody reaches.
    static func nowhere(
        _ does: String, _ listener: Listener = .nobody, at host: String = "127.0.0.1",
        _ type: CheckType = .http, names: [String: Result<[IPAddress], NameResolverError>] = [:],
        family: IPFamily = .any, dnsFailure: DNSFailure = .inconclusive,
        within timeout: TimeSpan = .seconds(20), is outcome: Outcome, in ends: String...
    ) -> NastyServer {
        NastyServer(
            does: does, listener: listener,
            check: HealthWorkerProbesTests.check(
                type, at: host, port: 0, family: family, timeout: timeout, dnsFailure: dnsFailure),
            names: names, outcome: outcome, ends: Set(ends))
    }
}
