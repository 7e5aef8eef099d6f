import HealthWorkerModel
import HealthWorkerProbes
import Testing

@Suite struct RedirectTests {
    static func redirect(to location: String, status: Int = 302) -> LocalServer.Action {
        .send("HTTP/1.1 \(status) Moved\r\nLocation: \(location)\r\nContent-Length: 0\r\n\r\n")
    }

    /// Answers `up` at `/up`, and redirects to `location` elsewhere.
    static func server(redirectingTo location: String, status: Int = 302) async throws
        -> LocalServer
    {
        try await LocalServer(
            .init(onRequest: { request in
                request.contains(" /up HTTP/1.1")
                    ? [.send(HTTPProberTests.ok)]
                    : [redirect(to: location, status: status)]
            }))
    }

    static let following = HTTPRequest(followRedirects: true)

    @Test func `a redirect is an answer unless the check follows it`() async throws {
        let server = try await LocalServer(answering: Self.redirect(to: "/up"))

        let report = await probe(check(port: server.port))

        #expect(report.outcome == .success)
        #expect(report.httpStatus == 302)
        #expect(server.requests.count == 1)
        try await server.stop()
    }

    @Test func `a redirect to the same host stays with the target`() async throws {
        let server = try await Self.server(redirectingTo: "http://shop.example.com/up")
        var request = Self.following
        request.host = "shop.example.com"
        let resolver = FixedResolver()

        let report = await probe(check(port: server.port, http: request), resolver: resolver)

        #expect(report.outcome == .success)
        #expect(report.address == "127.0.0.1:\(server.port)")
        #expect(report.httpStatus == 200)
        #expect(resolver.names.isEmpty)
        #expect(server.requests.allSatisfy { $0.contains("\r\nHost: shop.example.com\r\n") })
        #expect(server.requests.count == 2)
        try await server.stop()
    }

    @Test func `a relative redirect is relative to the path that was asked for`() async throws {
        let server = try await Self.server(redirectingTo: "../up#part")
        let request = HTTPRequest(path: "/a/b?c=/d/", followRedirects: true)

        let report = await probe(check(port: server.port, http: request))

        #expect(report.outcome == .success)
        #expect(
            server.requests.map { $0.prefix { $0 != "\r\n" } }
                == ["GET /a/b?c=/d/ HTTP/1.1", "GET /up HTTP/1.1"])
        try await server.stop()
    }

    @Test func `another host is resolved, named anew, and gets no credentials`() async throws {
        let other = try await LocalServer(answering: .send(HTTPProberTests.ok))
        let server = try await Self.server(
            redirectingTo: "http://other.example.com:\(other.port)/x?y")
        let request = HTTPRequest(
            headers: ["X-Api-Key": "abc", "Accept": "text/plain"],
            secretHeaders: ["Authorization": "secret:shop"], followRedirects: true)
        let resolver = FixedResolver(loopback: "other.example.com")

        let report = await probe(
            check(port: server.port, http: request), resolver: resolver, secrets: ["shop": "s3"])

        #expect(report.outcome == .success)
        #expect(report.address == "127.0.0.1:\(other.port)")
        #expect(report.phases.reached == ["resolve", "connect", "write", "first_byte"])
        #expect(server.requests.first?.contains("Authorization: s3") == true)
        let second = try #require(other.requests.first)
        #expect(second.hasPrefix("GET /x?y HTTP/1.1\r\nHost: other.example.com:\(other.port)\r\n"))
        #expect(second.contains("Accept: text/plain"))
        #expect(!second.contains("s3") && !second.contains("abc"))
        try await server.stop()
        try await other.stop()
    }

    @Test(arguments: [(302, "GET", ""), (303, "GET", ""), (307, "POST", "{}"), (308, "POST", "{}")])
    func `the status says whether a POST is repeated`(
        _ status: Int, _ method: String, _ body: String
    ) async throws {
        let server = try await Self.server(redirectingTo: "/up", status: status)
        let request = HTTPRequest(method: .post, body: "{}", followRedirects: true)

        let report = await probe(check(port: server.port, http: request))

        #expect(report.outcome == .success)
        #expect(server.requests.last?.hasPrefix("\(method) /up HTTP/1.1\r\n") == true)
        #expect(server.requests.last?.hasSuffix("\r\n\r\n\(body)") == true)
        try await server.stop()
    }

    @Test func `redirects in a circle end after five`() async throws {
        let server = try await LocalServer(answering: Self.redirect(to: "/again"))

        let report = await probe(check(port: server.port, http: Self.following))

        #expect(report.outcome == .failure(.tooManyRedirects))
        #expect(server.requests.count == 6)
        try await server.stop()
    }

    @Test func `one deadline holds for all hops together`() async throws {
        let slow = try await LocalServer(.init())
        let server = try await Self.server(redirectingTo: "http://127.0.0.1:\(slow.port)/")

        let report = await probe(
            check(port: server.port, timeout: short, http: Self.following))

        #expect(report.outcome == .failure(.firstByteTimeout))
        #expect(
            report.detail == "redirect 1, to http://127.0.0.1:\(slow.port): "
                + "the time was up while waiting for an answer")
        #expect(report.phases.total < 5_000_000)
        try await server.stop()
        try await slow.stop()
    }

    @Test(arguments: [
        "http://169.254.169.254/latest", "http://[::ffff:169.254.169.254]/", "http://[fe80::1]/",
    ])
    func `a redirect to a forbidden address is blocked`(_ location: String) async throws {
        let server = try await Self.server(redirectingTo: location)

        let report = await probe(check(port: server.port, http: Self.following))

        #expect(report.outcome == .failure(.redirectBlocked))
        #expect(report.phases.total > 0)
        try await server.stop()
    }

    @Test(arguments: ["ftp://127.0.0.1/", "http://user:pw@127.0.0.1/", "javascript:1", "http:///x"])
    func `a redirect to what we do not follow is blocked`(_ location: String) async throws {
        let server = try await Self.server(redirectingTo: location)

        let report = await probe(check(port: server.port, http: Self.following))

        #expect(report.outcome == .failure(.redirectBlocked))
        #expect(
            report.detail == "http://127.0.0.1:\(server.port) redirects to no http or https address"
        )
        try await server.stop()
    }

    @Test func `a redirect from https to http is blocked`() async throws {
        let certificates = try Certificates.shared.get()
        let server = try await LocalServer(
            answering: Self.redirect(to: "http://shop.example.com/"),
            tls: certificates.server("good"))

        let report = await probe(
            check(
                .https, port: server.port, http: Self.following,
                tls: TLSOptions(serverName: "shop.example.com", ca: certificates.authority)))

        #expect(report.outcome == .failure(.redirectBlocked))
        #expect(report.certificateEnd == TLSTests.end)
        try await server.stop()
    }

    @Test func `a redirect from http to https is verified like any other`() async throws {
        let certificates = try Certificates.shared.get()
        let secure = try await LocalServer(
            answering: .send(HTTPProberTests.ok), tls: certificates.server("good"))
        let server = try await Self.server(
            redirectingTo: "https://shop.example.com:\(secure.port)/")
        let resolver = FixedResolver(loopback: "shop.example.com")

        let report = await probe(
            check(
                port: server.port, http: Self.following,
                tls: TLSOptions(ca: certificates.authority)), resolver: resolver)

        #expect(report.outcome == .success)
        #expect(report.certificateEnd == TLSTests.end)
        try await server.stop()
        try await secure.stop()
    }
}

@Suite struct HTTPAddressTests {
    static let base = HTTPAddress(
        isSecure: false, host: "a.example.com", port: 8080, path: "/b/c/d?q=1")

    // RFC 3986 §5.4, as far as it is about what stands in an http address.
    @Test(arguments: [
        ("g", "/b/c/g"), ("./g", "/b/c/g"), ("g/", "/b/c/g/"), ("/g", "/g"), ("?y", "/b/c/d?y"),
        ("g?y", "/b/c/g?y"), ("#s", "/b/c/d?q=1"), ("g#s", "/b/c/g"), (";x", "/b/c/;x"),
        ("", "/b/c/d?q=1"), (".", "/b/c/"), ("./", "/b/c/"), ("..", "/b/"), ("../g", "/b/g"),
        ("../..", "/"), ("../../g", "/g"), ("../../../g", "/g"), ("/./g", "/g"), ("/../g", "/g"),
        ("g.", "/b/c/g."), ("..g", "/b/c/..g"), ("./g/.", "/b/c/g/"), ("g/../h", "/b/c/h"),
        ("g?y/../x", "/b/c/g?y/../x"), ("/a b\u{e9}", "/a%20b%C3%A9"), ("/a:b", "/a:b"),
    ])
    func `a relative reference keeps the host`(_ reference: String, _ path: String) {
        var expected = Self.base
        expected.path = path

        #expect(HTTPAddress(reference, from: Self.base) == expected)
    }

    @Test(arguments: [
        ("https://B.example.com", "https://b.example.com", "/"),
        ("http://b.example.com:80/x", "http://b.example.com", "/x"),
        ("//b.example.com:81?y", "http://b.example.com:81", "/?y"),
        ("HTTPS://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443", "/"),
        (" http://192.0.2.1:/ ", "http://192.0.2.1", "/"),
    ])
    func `an absolute reference names another origin`(
        _ reference: String, _ origin: String, _ path: String
    ) {
        let address = HTTPAddress(reference, from: Self.base)

        #expect(address?.origin == origin)
        #expect(address?.path == path)
    }

    @Test(arguments: [
        "ftp://b.example.com/", "mailto:a@b.example.com", "http://", "http:///x", "http:/x",
        "http:x",
        "http://a@b.example.com/", "http://b.example.com:0/", "http://b.example.com:65536/",
        "http://b.example.com:+1/", "http://[::1/", "http://[1.2.3.4]/", "http://b,c/", "http://é/",
        "http://a:b:c/",
    ])
    func `what is no http address is refused`(_ reference: String) {
        #expect(HTTPAddress(reference, from: Self.base) == nil)
    }
}
