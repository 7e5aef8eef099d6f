import FoundationEssentials
import HealthWorkerModel
import HealthWorkerProbes
import Testing

@Suite struct TLSTests {
    /// When the certificates `good` and `early` end.
    static let end = Timestamp("2049-12-31T23:59:59Z")

    private let certificates: Certificates

    init() throws {
        certificates = try Certificates.shared.get()
    }

    private func answer(
        of certificate: String, name: String? = "shop.example.com", ca: String? = nil,
        verify: Bool = true, type: CheckType = .https
    ) async throws -> ProbeReport {
        let server = try await LocalServer(
            answering: .send(HTTPProberTests.ok), tls: certificates.server(certificate))
        let report = await probe(
            check(
                type, port: server.port,
                tls: TLSOptions(
                    serverName: name, verify: verify, ca: ca ?? certificates.authority)))
        try await server.stop()
        return report
    }

    @Test func `a trusted certificate is a success, with its end`() async throws {
        let report = try await answer(of: "good")

        #expect(report.outcome == .success)
        #expect(report.certificateEnd == Self.end)
        #expect(report.phases.reached == ["connect", "tls", "write", "first_byte"])
    }

    @Test func `a TCP check with TLS ends with the handshake`() async throws {
        let report = try await answer(of: "good", type: .tcp)

        #expect(report.outcome == .success)
        #expect(report.certificateEnd == Self.end)
        #expect(report.phases.reached == ["connect", "tls"])
    }

    @Test(arguments: ["x.cdn.example.com", "SHOP.example.com", "shop.example.com."])
    func `a name that the certificate covers is right`(_ name: String) async throws {
        #expect(try await answer(of: "good", name: name).outcome == .success)
    }

    @Test func `an address is verified where there is no name`() async throws {
        #expect(try await answer(of: "good", name: nil).outcome == .success)
        #expect(try await answer(of: "expired", name: nil).outcome == .failure(.tlsExpired))
    }

    // The certificate is for the address that is connected to, which must not matter.
    @Test(arguments: [
        "www.example.com", "cdn.example.com", "a.b.cdn.example.com", "xshop.example.com",
        "good", "127.0.0.2",
    ])
    func `another name is a mismatch`(_ name: String) async throws {
        let report = try await answer(of: "good", name: name)

        #expect(report.outcome == .failure(.tlsNameMismatch))
        #expect(
            report.detail == "the certificate is for shop.example.com, *.cdn.example.com, "
                + "127.0.0.1, not \(name)")
        #expect(report.certificateEnd == Self.end)
        #expect(report.phases.reached == ["connect", "tls"])
    }

    @Test func `an expired certificate says since when`() async throws {
        let report = try await answer(of: "expired")

        #expect(report.outcome == .failure(.tlsExpired))
        #expect(report.certificateEnd == Timestamp("2021-01-01T00:00:00Z"))
        #expect(report.detail == "the certificate expired at 2021-01-01T00:00:00Z")
        #expect(report.phases.reached == ["connect", "tls"])
    }

    @Test func `a certificate of the future is not valid yet`() async throws {
        let report = try await answer(of: "early")

        #expect(report.outcome == .failure(.tlsNotYetValid))
        #expect(report.certificateEnd == Self.end)
    }

    @Test func `a certificate signed by itself is told apart`() async throws {
        let report = try await answer(of: "self", ca: "system")

        #expect(report.outcome == .failure(.tlsSelfSigned))
        #expect(report.certificateEnd != nil)
    }

    @Test func `an authority that is not in the trust store is unknown`() async throws {
        let report = try await answer(of: "good", ca: "system")

        #expect(report.outcome == .failure(.tlsUnknownCA))
        #expect(report.certificateEnd == Self.end)
    }

    @Test(arguments: ["good", "expired", "early", "self"])
    func `without verification every certificate will do, and its end is known`(
        _ certificate: String
    ) async throws {
        let report = try await answer(of: certificate, name: "www.example.com", verify: false)

        #expect(report.outcome == .success)
        #expect(report.certificateEnd != nil)
    }

    @Test func `a trust store that is missing is our own trouble`() async throws {
        let path = certificates.folder.appending(path: "none.pem").path

        let report = try await answer(of: "good", ca: path)

        #expect(report.outcome == .inconclusive(.trustStoreMissing))
        #expect(report.detail == "tls.ca: \(path) holds no readable PEM certificates")
        #expect(report.phases.reached == [])
    }

    @Test func `a server that speaks no TLS fails the handshake`() async throws {
        let server = try await LocalServer(answering: .send("HTTP/1.1 400 Bad Request\r\n\r\n"))

        let report = await probe(check(.https, port: server.port))

        #expect(report.outcome == .failure(.tlsHandshake))
        #expect(report.detail == "the TLS handshake failed: wrong version number")
        #expect(report.certificateEnd == nil)
        try await server.stop()
    }

    @Test func `a handshake that is never answered is a time-out of TLS`() async throws {
        let server = try await LocalServer(.init())

        let report = await probe(
            check(.https, port: server.port, timeout: short, tls: TLSOptions(verify: false)))

        #expect(report.outcome == .failure(.tlsTimeout))
        #expect(report.phases.reached == ["connect", "tls"])
        try await server.stop()
    }

    @Test func `a connection closed in the handshake says so`() async throws {
        let server = try await LocalServer(answering: .close)

        let report = await probe(check(.https, port: server.port))

        #expect(report.outcome == .failure(.connectionClosed))
        #expect(report.detail == "closed by the target in the TLS handshake")
        try await server.stop()
    }

    @Test func `a body over TLS is judged, and the Host header gives the name`() async throws {
        let server = try await LocalServer(
            answering: .send("HTTP/1.1 200 OK\r\n\r\n"), .send("ready"), .close,
            tls: certificates.server("good"))

        let report = await probe(
            check(
                .https, port: server.port, http: HTTPRequest(host: "shop.example.com:8443"),
                tls: TLSOptions(ca: certificates.authority),
                expect: Expected(bodyMatches: "^ready$")))

        #expect(report.outcome == .success)
        #expect(server.requests.first?.contains("\r\nHost: shop.example.com:8443\r\n") == true)
        try await server.stop()
    }
}
