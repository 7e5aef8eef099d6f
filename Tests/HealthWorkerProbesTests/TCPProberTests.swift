import HealthWorkerModel
import HealthWorkerProbes
import Logging
import NIOPosix
import Testing

@Suite struct TCPProberTests {
    @Test func `a connection is a success`() async throws {
        let server = try await LocalServer(.init())

        let report = await probe(check(.tcp, port: server.port))

        #expect(report.outcome == .success)
        #expect(report.phases.reached == ["connect"])
        try await server.stop()
    }

    /// A machine that is held up misses the moment, and may try again; nobody else ever meets it.
    @Test(.timeLimit(.minutes(3)))
    func `a connection that is not answered is asked for again before the system would`()
        async throws
    {
        var outcomes: [Outcome] = []
        for _ in 0..<5 where outcomes.last != .success {
            let hole = BlackHole()
            // The system asks for the second time after 1 s, and for the third when the time is up.
            let target = check(.tcp, port: hole.port, timeout: .milliseconds(1900))
            async let report = probe(target)
            try await Task.sleep(for: .milliseconds(1100))
            hole.open()
            outcomes.append(await report.outcome)
        }

        #expect(outcomes.last == .success, "\(outcomes)")
    }

    @Test func `a greeting is read until it has what is expected`() async throws {
        let server = try await LocalServer(
            greeting: .send("220-mx.exa"), .send("mple.com ESMTP\r\n"))

        let report = await probe(
            check(.tcp, port: server.port, expect: Expected(tcpContains: "example.com ESMTP")))

        #expect(report.outcome == .success)
        #expect(report.phases.reached.starts(with: ["connect", "first_byte"]))
        try await server.stop()
    }

    @Test func `what is to be sent is sent, and the answer judged`() async throws {
        let server = try await LocalServer(
            .init(onRequest: { $0 == "PING\r\n" ? [.send("+PONG\r\n")] : [.close] }))

        let report = await probe(
            check(
                .tcp, port: server.port, tcp: TCPExchange(send: "PING\r\n"),
                expect: Expected(tcpContains: "+PONG")))

        #expect(report.outcome == .success)
        #expect(report.phases.reached == ["connect", "write", "first_byte"])
        try await server.stop()
    }

    @Test func `with nothing expected it ends when all is sent`() async throws {
        let server = try await LocalServer(.init())

        let report = await probe(check(.tcp, port: server.port, tcp: TCPExchange(send: "QUIT\r\n")))

        #expect(report.outcome == .success)
        #expect(report.phases.reached == ["connect", "write"])
        try await server.stop()
    }

    @Test func `other words are a mismatch: at the close, at the limit, at the deadline`()
        async throws
    {
        let closing = try await LocalServer(greeting: .send("554 no"), .close)
        let endless = try await LocalServer(greeting: .send(String(repeating: "5", count: 5000)))
        let waiting = try await LocalServer(greeting: .send("554 no"))
        let expect = Expected(bodyLimit: ByteCount(1000), tcpContains: "220")

        for server in [closing, endless] {
            let report = await probe(check(.tcp, port: server.port, expect: expect))
            #expect(report.outcome == .failure(.tcpMismatch))
        }
        let report = await probe(check(.tcp, port: waiting.port, timeout: short, expect: expect))
        #expect(report.outcome == .failure(.tcpMismatch))
        #expect(report.detail == "\"220\" is not in the 6 bytes that came")

        for server in [closing, endless, waiting] { try await server.stop() }
    }

    @Test func `silence is a time-out, and a close without a word a closed connection`()
        async throws
    {
        let silent = try await LocalServer(.init())
        let closing = try await LocalServer(greeting: .close)
        let expect = Expected(tcpContains: "220")

        let first = await probe(check(.tcp, port: silent.port, timeout: short, expect: expect))
        let second = await probe(check(.tcp, port: closing.port, expect: expect))

        #expect(first.outcome == .failure(.firstByteTimeout))
        #expect(second.outcome == .failure(.connectionClosed))
        try await silent.stop()
        try await closing.stop()
    }

    @Test func `a kind of check that this program does not know has no prober`() async {
        let probers = Probers(
            resolver: FixedResolver(),
            addressRules: AddressRules(), secrets: { _ in nil }, logger: Logger(label: "test"))

        #expect(probers.prober(for: CheckType(rawValue: "icmp")) == nil)
        #expect(probers.prober(for: .tcp) != nil)
        await probers.shutdown()
    }
}
