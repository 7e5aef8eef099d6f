import FoundationEssentials
import HealthWorkerModel
import HealthWorkerProbes
import NIOSSL
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
        #expect(report.tls?.version == "TLSv1.3")
        #expect(report.tls?.cipher?.hasPrefix("TLS_") == true)
        #expect(report.tls?.issuer == "CN=Authority")
    }

    @Test(arguments: [
        (TLSVersion.tlsv12, "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        (.tlsv13, "TLSv1.3", "TLS_AES_128_GCM_SHA256"),
    ])
    func `version and cipher are what the target chose, trusted or not`(
        _ version: TLSVersion, _ name: String, _ cipher: String
    ) async throws {
        let server = try await LocalServer(
            answering: .send(HTTPProberTests.ok),
            tls: certificates.server("good") { configuration in
                configuration.minimumTLSVersion = version
                configuration.maximumTLSVersion = version
                configuration.cipherSuites = "ECDHE-ECDSA-AES256-GCM-SHA384"
            })

        for ca in [certificates.authority, "system"] {
            let report = await probe(
                check(
                    .https, port: server.port,
                    tls: TLSOptions(serverName: "shop.example.com", ca: ca)))

            #expect(
                report.outcome == (ca == "system" ? .failure(.tlsUnknownCA) : .success))
            #expect(report.tls?.version == name)
            // BoringSSL chooses among the suites of 1.3 by the machine: AES where it is built in.
            if version == .tlsv12 {
                #expect(report.tls?.cipher == cipher)
            } else {
                #expect(
                    [cipher, "TLS_CHACHA20_POLY1305_SHA256"].contains(report.tls?.cipher ?? ""))
            }
            #expect(report.tls?.issuer == "CN=Authority")
            #expect(report.certificateEnd == Self.end)
        }
        try await server.stop()
    }

    @Test func `a handshake that got nowhere agreed on nothing`() async throws {
        let server = try await LocalServer(answering: .send("HTTP/1.1 400 Bad Request\r\n\r\n"))

        let report = await probe(check(.https, port: server.port))

        #expect(report.tls == nil)
        try await server.stop()
    }

    @Test func `http 1.1 is what is offered by ALPN, and nothing else`() async throws {
        // It would rather speak HTTP/2.
        let server = try await LocalServer(
            answering: .send(HTTPProberTests.ok),
            tls: certificates.server("good") { $0.applicationProtocols = ["h2", "http/1.1"] })
        let report = await probe(
            check(
                .https, port: server.port,
                tls: TLSOptions(serverName: "shop.example.com", ca: certificates.authority)))

        #expect(report.outcome == .success)
        #expect(server.agreed == ["http/1.1"])
        try await server.stop()
    }

    @Test func `SNI is the name that is verified, and an address is never sent`() async throws {
        for (name, sent) in [("shop.example.com", "shop.example.com"), (nil, nil)] {
            let server = try await LocalServer(
                answering: .send(HTTPProberTests.ok), tls: certificates.server("good"))

            let report = await probe(
                check(
                    .https, port: server.port,
                    http: HTTPRequest(host: "127.0.0.1"),
                    tls: TLSOptions(serverName: name, ca: certificates.authority)))

            #expect(report.outcome == .success)
            #expect(server.serverNames == [sent])
            try await server.stop()
        }
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
        #expect(report.tls?.issuer == "CN=Authority")
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
        #expect(report.tls?.issuer == "CN=shop.example.com")
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
