import Dispatch
import HealthWorkerModel
import HealthWorkerProbes
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@Suite struct NameResolverTests {
    static let loopback = IPAddress.v4(0x7f00_0001)

    @Test func `the system knows localhost`() async throws {
        let resolver = SystemResolver()

        let addresses = try await resolver.addresses(of: "localhost", family: .v4)

        #expect(addresses == [Self.loopback])
        await resolver.shutdown()
    }

    @Test(arguments: [
        (NameResolverError.noSuchName("x"), DNSFailure.inconclusive, Outcome.failure(.dnsNXDomain)),
        (.failed("x"), .inconclusive, .inconclusive(.dnsError)),
        (.failed("x"), .failure, .failure(.dnsError)),
        (.timedOut, .inconclusive, .inconclusive(.dnsTimeout)),
        (.timedOut, .failure, .failure(.dnsTimeout)),
        (.noSocket("x"), .failure, .inconclusive(.noSocket)),
        (.shutDown, .failure, .inconclusive(.shuttingDown)),
    ])
    func `a name that is not resolved has its reason`(
        _ error: NameResolverError, _ dnsFailure: DNSFailure, _ outcome: Outcome
    ) async {
        let resolver = FixedResolver(["shop.example.com": .failure(error)])

        let report = await probe(
            check(at: "shop.example.com", port: 80, dnsFailure: dnsFailure), resolver: resolver)

        #expect(report.outcome == outcome)
        #expect(report.address == nil)
        #expect(report.phases.reached == ["resolve"])
    }

    @Test func `a lookup that hangs ends with the probe's time`() async {
        let report = await probe(check(at: "hangs", port: 80, timeout: short))

        #expect(report.outcome == .inconclusive(.dnsTimeout))
        #expect(report.phases.reached == ["resolve"])
    }

    @Test(arguments: ["127.1", "2130706433", "0x7f000001", "127.0.0.0x1", "a.1"])
    func `what only the C library would call an address is not resolved`(_ host: String) async {
        let resolver = FixedResolver(loopback: host)

        let report = await probe(check(at: host, port: 80), resolver: resolver)

        #expect(report.outcome == .failure(.dnsNXDomain))
        #expect(resolver.names.isEmpty)
    }

    @Test func `a name that hangs delays no other probe`() async throws {
        let server = try await LocalServer(answering: .send(HTTPProberTests.ok))
        let release = DispatchSemaphore(value: 0)
        let resolver = SystemResolver(threads: 2, keep: .zero) { name, _ in
            if name == "hangs.example.com" { release.wait() }
            return .success([Self.loopback])
        }
        // One event loop for all: a lookup that blocked it would stop everything.
        let probers = Probers(
            loops: 1, resolver: resolver, addressRules: AddressRules(), secrets: { _ in nil },
            logger: Logger(label: "test"))
        let prober = try #require(probers.prober(for: .http))

        let outcomes = await withTaskGroup(of: Outcome?.self) { tasks in
            for _ in 0..<20 {
                tasks.addTask {
                    let check = check(
                        at: "hangs.example.com", port: server.port, timeout: .seconds(60))
                    return await prober.probe(check).outcome == .inconclusive(.shuttingDown)
                        ? nil : .success
                }
            }
            var outcomes: [Outcome?] = []
            await withTaskGroup(of: Outcome.self) { good in
                for number in 0..<100 {
                    good.addTask {
                        await prober.probe(
                            check(at: "good\(number).example.com", port: server.port)
                        ).outcome
                    }
                }
                for await outcome in good { outcomes.append(outcome) }
            }
            tasks.cancelAll()
            for await outcome in tasks { outcomes.append(outcome) }
            return outcomes
        }

        #expect(outcomes.filter { $0 == .success }.count == 100)
        #expect(outcomes.filter { $0 == nil }.count == 20)
        release.signal()
        await probers.shutdown()
        try await server.stop()
    }

    @Test func `of one name one query is under way, and its answer is kept`() async throws {
        let release = DispatchSemaphore(value: 0)
        let queries = Mutex(0)
        let resolver = SystemResolver(keep: .seconds(600)) { _, _ in
            queries.withLock { $0 += 1 }
            release.wait()
            return .success([Self.loopback])
        }

        let futures = (0..<50).map { _ in
            resolver.future(of: "a.example.com")
        }
        release.signal()
        for future in futures { #expect(try await future.get() == [Self.loopback]) }
        let kept = try await resolver.addresses(of: "a.example.com")

        #expect(kept == [Self.loopback])
        #expect(queries.withLock { $0 } == 1)
        await resolver.shutdown()
    }

    @Test func `nothing is remembered of a failure`() async throws {
        let answers = Mutex([Result<[IPAddress], NameResolverError>.failure(.failed("x"))])
        let resolver = SystemResolver { _, _ in
            answers.withLock { $0.popLast() } ?? .success([Self.loopback])
        }

        await #expect(throws: NameResolverError.failed("x")) {
            try await resolver.addresses(of: "a.example.com")
        }
        let second = try await resolver.addresses(of: "a.example.com")

        #expect(second == [Self.loopback])
        await resolver.shutdown()
    }

    @Test func `a query that waits too long for a thread is never asked`() async throws {
        let release = DispatchSemaphore(value: 0)
        let asked = Mutex<[String]>([])
        let resolver = SystemResolver(threads: 1) { name, _ in
            asked.withLock { $0.append(name) }
            if name == "slow.example.com" { release.wait() }
            return .success([Self.loopback])
        }
        let slow = resolver.future(of: "slow.example.com", within: .seconds(2))
        let late = resolver.future(of: "late.example.com", within: .seconds(2))

        await #expect(throws: NameResolverError.timedOut) { try await slow.get() }
        await #expect(throws: NameResolverError.timedOut) { try await late.get() }
        release.signal()
        let next = try await resolver.addresses(of: "next.example.com")

        #expect(next == [Self.loopback])
        #expect(asked.withLock { $0 } == ["slow.example.com", "next.example.com"])
        await resolver.shutdown()
    }

    @Test func `shutting down answers all who wait`() async throws {
        let release = DispatchSemaphore(value: 0)
        let resolver = SystemResolver(threads: 1) { _, _ in
            release.wait()
            return .failure(.timedOut)
        }
        let waiting = ["a.example.com", "b.example.com"].map { resolver.future(of: $0) }

        await resolver.shutdown()

        for future in waiting + [resolver.future(of: "c")] {
            await #expect(throws: NameResolverError.shutDown) { try await future.get() }
        }
        release.signal()
    }
}
