import FreePorts
import HealthWorkerModel
import HealthWorkerProbes
import NIOCore
import NIOPosix
import Testing

/// What a worker owes its targets, and itself, when something goes wrong. What servers do is in
/// `NastyServers.swift`.
@Suite struct FaultTests {
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

    @Test func `a failure that a late worker sees late is the target's`() async throws {
        let report = await probe(
            check(.tcp, at: "nobody", port: try freePort(), timeout: .milliseconds(500)),
            holdingUpItsLoopFor: 900)

        #expect(report.outcome == .failure(.connectRefused))
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
