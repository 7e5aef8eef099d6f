import HealthWorkerModel
import HealthWorkerProbes
import NIOCore
import NIOPosix
import Testing

/// Servers and networks that misbehave, each with the reason that names what it did.
@Suite struct FaultTests {
    @Test(arguments: [CheckType.http, .https, .tcp])
    func `a refused connection is an answer at once`(_ type: CheckType) async {
        let port = freePort()

        let report = await probe(check(type, port: port))

        // Waited for, it would have been a time-out.
        #expect(report.outcome == .failure(.connectRefused))
        #expect(report.address == "127.0.0.1:\(port)")
        #expect(report.phases.reached == ["connect"])
    }

    @Test(arguments: [CheckType.http, .https, .tcp])
    func `a target that drops everything is a time-out of connecting`(_ type: CheckType) async {
        let hole = BlackHole()

        let report = await probe(
            check(type, port: hole.port, timeout: short, tls: TLSOptions(verify: false)))

        #expect(report.outcome == .failure(.connectTimeout))
        #expect(report.phases.reached == ["connect"])
        withExtendedLifetime(hole) {}
    }

    @Test func `a worker that was late itself says nothing about the target`() async {
        let hole = BlackHole()

        let report = await probe(
            check(.tcp, at: "hole", port: hole.port, timeout: .milliseconds(500)),
            holdingUpItsLoopFor: 900)

        #expect(report.outcome == .inconclusive(.internal))
        let detail = report.detail ?? ""
        #expect(detail.hasPrefix("this worker was "), "\(detail)")
        #expect(detail.hasSuffix(" ms late: it says nothing about the target"), "\(detail)")
        withExtendedLifetime(hole) {}
    }

    @Test func `a success that a late worker reads late is a success`() async throws {
        let server = try await LocalServer(.init())

        let report = await probe(
            check(.tcp, at: "server", port: server.port, timeout: .milliseconds(500)),
            holdingUpItsLoopFor: 900)

        #expect(report.outcome == .success)
        try await server.stop()
    }

    @Test func `a failure that a late worker sees late is the target's`() async {
        let report = await probe(
            check(.tcp, at: "nobody", port: freePort(), timeout: .milliseconds(500)),
            holdingUpItsLoopFor: 900)

        #expect(report.outcome == .failure(.connectRefused))
    }

    @Test func `a target that accepts and is silent is a time-out of the first byte`() async throws
    {
        let server = try await LocalServer(.init())

        let report = await probe(check(port: server.port, timeout: short))

        #expect(report.outcome == .failure(.firstByteTimeout))
        #expect(report.phases.reached == ["connect", "write", "first_byte"])
        #expect(report.phases.total >= 900_000)
        try await server.stop()
    }

    @Test func `a head that is never complete is a time-out of the first byte`() async throws {
        let server = try await LocalServer(answering: .send("HTTP/1.1 200 OK\r\nX-Slow"))

        let report = await probe(check(port: server.port, timeout: short))

        #expect(report.outcome == .failure(.firstByteTimeout))
        #expect(report.httpStatus == nil)
        try await server.stop()
    }

    @Test func `a body that is never complete is a time-out of the body`() async throws {
        let server = try await LocalServer(
            answering: .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nre"))

        let report = await probe(
            check(port: server.port, timeout: short, expect: Expected(bodyContains: "ready")))

        #expect(report.outcome == .failure(.bodyTimeout))
        #expect(report.httpStatus == 200)
        #expect(report.phases.reached == ["connect", "write", "first_byte", "body"])
        try await server.stop()
    }

    @Test func `a target that reads nothing is a time-out of writing`() async throws {
        // Its queue has room for one connection, which nobody accepts, and for some of its bytes.
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_rcvbuf), value: 4096)
            .childChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        let tcp = TCPExchange(send: String(repeating: "x", count: 16_000_000))

        let report = await probe(check(.tcp, port: port, timeout: short, tcp: tcp))

        #expect(report.outcome == .failure(.writeTimeout))
        #expect(report.phases.reached == ["connect", "write"])
        try await listener.close()
    }

    @Test(arguments: [
        [LocalServer.Action.close], [.send("HTTP/1.1 200 OK\r\nX-"), .close],
        [.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nre"), .close],
        [.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nre"), .close],
    ])
    func `an answer that is cut off is a closed connection`(
        _ actions: [LocalServer.Action]
    ) async throws {
        let server = try await LocalServer(.init(onRequest: { _ in actions }))

        let report = await probe(
            check(port: server.port, expect: Expected(bodyContains: "ready")))

        #expect(report.outcome == .failure(.connectionClosed))
        try await server.stop()
    }

    @Test(arguments: [
        [LocalServer.Action.reset],
        [.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"), .reset],
    ])
    func `a reset is told apart from a close`(_ actions: [LocalServer.Action]) async throws {
        let server = try await LocalServer(.init(onRequest: { _ in actions }))

        let report = await probe(
            check(port: server.port, expect: Expected(bodyContains: "ready")))

        #expect(report.outcome == .failure(.connectionReset))
        try await server.stop()
    }

    @Test(arguments: [
        "SSH-2.0-OpenSSH_9.2\r\n", "\u{15}\u{3}\u{3}\u{0}\u{2}\u{2}\u{16}",
        "HTTP/9.9 200 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func `an answer that is no HTTP is a protocol error`(_ answer: String) async throws {
        let server = try await LocalServer(answering: .send(answer), .close)

        let report = await probe(
            check(port: server.port, expect: Expected(bodyContains: "ready")))

        #expect(report.outcome == .failure(.protocolError))
        try await server.stop()
    }

    @Test(arguments: [
        "X-Long: " + String(repeating: "x", count: 70_000) + "\r\n\r\n",
        String(repeating: "X-Many: \(String(repeating: "x", count: 1000))\r\n", count: 80) + "\r\n",
        String(repeating: "X:1\r\n", count: 1100) + "\r\n",
    ])
    func `a head beyond the limit is too large`(_ fields: String) async throws {
        let server = try await LocalServer(answering: .send("HTTP/1.1 200 OK\r\n" + fields))

        let report = await probe(check(port: server.port))

        #expect(report.outcome == .failure(.tooLarge))
        try await server.stop()
    }

    @Test func `interim answers without end are too large`() async throws {
        let server = try await LocalServer(
            answering: .send(String(repeating: "HTTP/1.1 102 Processing\r\n\r\n", count: 10_000)))

        let report = await probe(check(port: server.port))

        #expect(report.outcome == .failure(.tooLarge))
        try await server.stop()
    }

    @Test func `a reason phrase without end is too large`() async throws {
        let server = try await LocalServer(
            answering: .send("HTTP/1.1 200 " + String(repeating: "x", count: 200_000)))

        let report = await probe(check(port: server.port))

        #expect(report.outcome == .failure(.tooLarge))
        try await server.stop()
    }

    @Test func `a cancelled probe answers at once and closes its connection`() async throws {
        let server = try await LocalServer(.init())
        var opened = server.opened.makeAsyncIterator()
        var closed = server.closed.makeAsyncIterator()
        let probing = Task { await probe(check(port: server.port, timeout: .seconds(60))) }
        await opened.next()

        probing.cancel()

        #expect(await probing.value.outcome == .inconclusive(.shuttingDown))
        await closed.next()
        try await server.stop()
    }

    @Test func `a probe of a cancelled task connects to nobody`() async throws {
        let server = try await LocalServer(.init())

        let report = await withTaskGroup(of: ProbeReport.self) { group in
            group.cancelAll()
            group.addTask { await probe(check(port: server.port)) }
            return await group.next()
        }

        #expect(report?.outcome == .inconclusive(.shuttingDown))
        #expect(server.requests.isEmpty)
        try await server.stop()
    }

    @Test func `a time-out closes the connection`() async throws {
        let server = try await LocalServer(.init())
        var closed = server.closed.makeAsyncIterator()

        let report = await probe(check(port: server.port, timeout: short))

        #expect(report.outcome == .failure(.firstByteTimeout))
        await closed.next()
        try await server.stop()
    }
}
