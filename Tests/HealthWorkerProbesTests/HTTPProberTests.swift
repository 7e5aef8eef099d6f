import FreePorts
import HealthWorkerModel
import HealthWorkerProbes
import Logging
import Testing

@Suite struct HTTPProberTests {
    static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup"

    @Test func `an expected status is a success, with the phases that it took`() async throws {
        let server = try await LocalServer(answering: .send(Self.ok))

        let report = await probe(check(port: server.port))

        #expect(report.outcome == .success)
        #expect(report.address == "127.0.0.1:\(server.port)")
        #expect(report.httpStatus == 200)
        #expect(report.phases.reached == ["connect", "write", "first_byte"])
        #expect(report.certificateEnd == nil)
        #expect(report.detail == nil)
        try await server.stop()
    }

    @Test func `a name is resolved, and Host names it with its port`() async throws {
        let server = try await LocalServer(answering: .send(Self.ok))
        let resolver = FixedResolver(loopback: "shop.example.com")

        let report = await probe(
            check(at: "shop.example.com", port: server.port), resolver: resolver)

        #expect(report.outcome == .success)
        #expect(report.phases.reached == ["resolve", "connect", "write", "first_byte"])
        #expect(resolver.names == ["shop.example.com"])
        #expect(
            server.requests.first?.contains("\r\nHost: shop.example.com:\(server.port)\r\n") == true
        )
        try await server.stop()
    }

    @Test func `the request is sent as the check says`() async throws {
        let server = try await LocalServer(answering: .send(Self.ok))
        let request = HTTPRequest(
            method: .post, path: "/health?deep=1", host: "shop.example.com",
            headers: ["X-Site": "fra1", "Connection": "keep-alive", "Host": "other.example.com"],
            secretHeaders: ["Authorization": "secret:shop-probe"], body: "{}")

        let report = await probe(
            check(port: server.port, http: request), secrets: ["shop-probe": "Bearer 123"])

        #expect(report.outcome == .success)
        let lines = try #require(server.requests.first).split(
            separator: "\r\n", omittingEmptySubsequences: false)
        #expect(lines.first == "POST /health?deep=1 HTTP/1.1")
        #expect(
            Set(lines.dropFirst()) == [
                "Host: shop.example.com", "X-Site: fra1", "Authorization: Bearer 123",
                "User-Agent: health-worker", "Accept: */*", "Content-Length: 2",
                "Connection: close", "", "{}",
            ])
        try await server.stop()
    }

    @Test func `a secret that is not known is our own trouble, and only its name is told`()
        async throws
    {
        let request = HTTPRequest(secretHeaders: ["Authorization": "secret:shop-probe"])

        let report = await probe(check(port: try freePort(), http: request))

        #expect(report.outcome == .inconclusive(.secretMissing))
        #expect(report.detail?.hasPrefix("this worker knows no secret \"shop-probe\"") == true)
        #expect(report.phases.reached == [])
    }

    @Test func `a secret that would break the request is not sent and not shown`() async throws {
        let request = HTTPRequest(secretHeaders: ["Authorization": "secret:shop-probe"])

        let report = await probe(
            check(port: try freePort(), http: request), secrets: ["shop-probe": "a\r\nHost: evil"])

        #expect(report.outcome == .inconclusive(.internal))
        #expect(
            report.detail == "the header \"Authorization\" cannot be sent: a forbidden character")
    }

    @Test func `the target may be an IPv6 address`() async throws {
        let server = try await LocalServer(
            .init(onRequest: { _ in [.send(Self.ok)] }), host: "::1")

        let report = await probe(check(at: "::1", port: server.port))

        #expect(report.outcome == .success)
        #expect(report.address == "[::1]:\(server.port)")
        #expect(server.requests.first?.contains("\r\nHost: [::1]:\(server.port)\r\n") == true)
        try await server.stop()
    }

    @Test func `another status is a failure that says what was expected`() async throws {
        let server = try await LocalServer(
            answering: .send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"))
        let expect = Expected(status: [StatusRange(200...200), StatusRange(204...299)])

        let report = await probe(check(port: server.port, expect: expect))

        #expect(report.outcome == .failure(.statusMismatch))
        #expect(report.httpStatus == 503)
        #expect(report.detail == "expected status 200, 204-299, got 503")
        try await server.stop()
    }

    @Test func `without a rule for the body nobody waits for it`() async throws {
        let server = try await LocalServer(
            answering: .send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"))

        let report = await probe(check(port: server.port))

        #expect(report.outcome == .success)
        #expect(report.phases.body == nil)
        try await server.stop()
    }

    @Test func `interim answers are passed over`() async throws {
        let server = try await LocalServer(
            answering: .send("HTTP/1.1 100 Continue\r\n\r\n"),
            .send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"), .send(Self.ok))

        let report = await probe(
            check(port: server.port, expect: Expected(bodyContains: "up")))

        #expect(report.outcome == .success)
        #expect(report.httpStatus == 200)
        try await server.stop()
    }

    @Test func `HEAD has no body, whatever its length says`() async throws {
        let server = try await LocalServer(
            answering: .send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"))
        let request = HTTPRequest(method: .head)

        let report = await probe(
            check(port: server.port, http: request, expect: Expected(bodyNotContains: "down")))

        #expect(report.outcome == .success)
        #expect(server.requests.first?.hasPrefix("HEAD / HTTP/1.1\r\n") == true)
        try await server.stop()
    }
}

@Suite struct BodyTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var expect: Expected
        var body: String
        var outcome: Outcome
        var testDescription: String { "\(expect) \(body.prefix(20))" }
    }

    static let cases: [Case] = [
        Case(
            expect: .init(bodyContains: "\"db\":\"ok\""), body: "{\"db\":\"ok\"}", outcome: .success
        ),
        Case(expect: .init(bodyContains: "ok"), body: "OK", outcome: .failure(.bodyMismatch)),
        Case(expect: .init(bodyContains: "é"), body: "café", outcome: .success),
        Case(expect: .init(bodyNotContains: "down"), body: "up", outcome: .success),
        Case(
            expect: .init(bodyNotContains: "down"), body: "is down",
            outcome: .failure(.bodyMismatch)),
        Case(expect: .init(bodyMatches: #""n":\s*\d+"#), body: "{\"n\": 12}", outcome: .success),
        Case(
            expect: .init(bodyMatches: "^ready$"), body: "not ready",
            outcome: .failure(.bodyMismatch)),
        Case(expect: .init(bodyMatches: "("), body: "(", outcome: .inconclusive(.internal)),
        Case(
            expect: .init(bodyMatches: "(a+)+$"), body: String(repeating: "a", count: 40) + "!",
            outcome: .inconclusive(.internal)),
        Case(
            expect: .init(bodyContains: "up", bodyNotContains: "down", bodyMatches: "^up"),
            body: "up, not down", outcome: .failure(.bodyMismatch)),
        Case(expect: .init(bodyContains: "up"), body: "", outcome: .failure(.bodyMismatch)),
    ]

    @Test(arguments: cases)
    func `a body is judged by every rule`(_ sample: Case) async throws {
        let length = sample.body.utf8.count
        let server = try await LocalServer(
            answering: .send("HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n\(sample.body)"))

        let report = await probe(check(port: server.port, expect: sample.expect))

        #expect(report.outcome == sample.outcome)
        #expect(report.phases.reached == ["connect", "write", "first_byte", "body"])
        try await server.stop()
    }

    @Test func `a target is not blamed for the patterns of others`() async throws {
        let server = try await LocalServer(
            answering: .send(
                "HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n" + String(repeating: "a", count: 40)
                    + "!"))
        var slow = check(port: server.port, expect: Expected(bodyMatches: "(a+)+$"))
        slow.timeout = .seconds(1)
        let check = slow
        let probers = Probers(
            resolver: FixedResolver(), addressRules: AddressRules(), secrets: { _ in nil },
            logger: Logger(label: "test"))
        let prober = try #require(probers.prober(for: .http))

        // More than can be judged in their time.
        let outcomes = await withTaskGroup(of: Outcome.self) { group in
            for _ in 0..<200 { group.addTask { await prober.probe(check).outcome } }
            return await group.reduce(into: [Outcome: Int]()) { $0[$1, default: 0] += 1 }
        }

        // So many at once may not all be accepted in time, which is another matter.
        #expect(outcomes[.failure(.bodyTimeout)] == nil)
        #expect(outcomes[.inconclusive(.internal), default: 0] > 0, "\(outcomes)")
        await probers.shutdown()
        try await server.stop()
    }

    @Test func `a chunked body is one text`() async throws {
        let server = try await LocalServer(
            answering: .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            .send("3\r\nrea\r\n"), .send("2;x=y\r\ndy\r\n"), .send("0\r\nTrailer: 1\r\n\r\n"))

        let report = await probe(
            check(port: server.port, expect: Expected(bodyMatches: "^ready$")))

        #expect(report.outcome == .success)
        try await server.stop()
    }

    @Test func `a body without a length ends with the connection`() async throws {
        let server = try await LocalServer(
            answering: .send("HTTP/1.1 200 OK\r\n\r\nrea"), .send("dy"), .close)

        let report = await probe(
            check(port: server.port, expect: Expected(bodyMatches: "^ready$")))

        #expect(report.outcome == .success)
        try await server.stop()
    }

    @Test func `a text that was found ends the reading`() async throws {
        // The rest of the body never comes.
        let server = try await LocalServer(
            answering: .send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nrea"), .send("dy"))

        let report = await probe(
            check(port: server.port, expect: Expected(bodyContains: "ready")))

        #expect(report.outcome == .success)
        try await server.stop()
    }

    @Test(arguments: [(0, Outcome.success), (59, .success), (60, .failure(.bodyMismatch))])
    func `only what lies within the limit counts`(_ before: Int, _ outcome: Outcome) async throws {
        let body =
            String(repeating: "x", count: before) + "ready" + String(repeating: "y", count: 5000)
        let server = try await LocalServer(
            answering: .send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        )
        let expect = Expected(bodyContains: "ready", bodyLimit: ByteCount(64))

        let report = await probe(check(port: server.port, expect: expect))

        #expect(report.outcome == outcome)
        if outcome != .success {
            #expect(report.detail == "\"ready\" is not in the first 64 bytes of the body")
        }
        try await server.stop()
    }

    @Test func `a longer body is fine when nothing unwanted is within the limit`() async throws {
        let server = try await LocalServer(
            answering: .send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"),
            .send(String(repeating: "x", count: 1000)))
        let expect = Expected(bodyNotContains: "down", bodyLimit: ByteCount(1000))

        let report = await probe(check(port: server.port, expect: expect))

        #expect(report.outcome == .success)
        try await server.stop()
    }
}
