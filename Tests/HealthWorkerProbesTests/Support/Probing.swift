import Glibc
import HealthWorkerModel
import HealthWorkerProbes
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The model's; Testing has an `Expectation`, too.
typealias Expected = HealthWorkerModel.Expectation

/// Probes once, with everything made for it.
func probe(
    _ check: CheckSpec, resolver: any NameResolver = FixedResolver(),
    rules: AddressRules = AddressRules(), secrets: [String: String] = [:]
) async -> ProbeReport {
    let probers = Probers(
        resolver: resolver,
        addressRules: rules, secrets: { secrets[$0] }, logger: Logger(label: "test"))
    // The three kinds of check are in the table.
    let report = await probers.prober(for: check.type)!.probe(check)
    await probers.shutdown()
    return report
}

/// Probes on a loop of its own, which is blocked from the lookup of the name on: the time of a loop
/// with too much to do.
func probe(_ check: CheckSpec, holdingUpItsLoopFor milliseconds: UInt32) async -> ProbeReport {
    let probers = Probers(
        resolver: BlockingResolver(milliseconds: milliseconds),
        addressRules: AddressRules(), secrets: { _ in nil }, logger: Logger(label: "test"))
    // The three kinds of check are in the table.
    let report = await probers.prober(for: check.type)!.probe(check)
    await probers.shutdown()
    return report
}

/// Every name is loopback, and the loop that asked is blocked for a while.
private struct BlockingResolver: NameResolver {
    let milliseconds: UInt32

    func lookUp(
        _ name: String, family: IPFamily, by deadline: NIODeadline, on eventLoop: any EventLoop
    ) -> NameLookup {
        // Behind the connection's next step, which is a task of the loop, too.
        eventLoop.execute { usleep(milliseconds * 1000) }
        return NameLookup(eventLoop.makeSucceededFuture([.v4(0x7f00_0001)]))
    }

    func shutdown() async {}
}

/// A check of a server on loopback.
func check(
    _ type: CheckType = .http, at host: String = "127.0.0.1", port: Int,
    family: IPFamily = .any, timeout: TimeSpan = .seconds(20),
    dnsFailure: DNSFailure = .inconclusive,
    http: HTTPRequest? = nil, tls: TLSOptions? = nil, tcp: TCPExchange? = nil,
    expect: Expected = Expected()
) -> CheckSpec {
    CheckSpec(
        name: "probed", type: type, target: Target(host: host, port: port, ipFamily: family),
        timeout: timeout, dnsFailure: dnsFailure, http: http, tls: tls, tcp: tcp, expect: expect)
}

/// Long enough that nothing arrives in time by accident, short enough for a test to wait for.
let short = TimeSpan.seconds(2)

/// Answers from a list, and for `hangs` never.
final class FixedResolver: NameResolver {
    private let answers: [String: Result<[IPAddress], NameResolverError>]
    private let asked = Mutex<[String]>([])
    private let waiting = Mutex<[EventLoopPromise<[IPAddress]>]>([])

    init(_ answers: [String: Result<[IPAddress], NameResolverError>] = [:]) {
        self.answers = answers
    }

    convenience init(loopback names: String...) {
        self.init(
            Dictionary(uniqueKeysWithValues: names.map { ($0, .success([.v4(0x7f00_0001)])) }))
    }

    var names: [String] { asked.withLock { $0 } }

    func lookUp(
        _ name: String, family: IPFamily, by deadline: NIODeadline, on eventLoop: any EventLoop
    ) -> NameLookup {
        asked.withLock { $0.append(name) }
        let promise = eventLoop.makePromise(of: [IPAddress].self)
        if name == "hangs" {
            waiting.withLock { $0.append(promise) }
        } else {
            promise.completeWith(
                (answers[name] ?? .failure(.noSuchName(name))).mapError { $0 })
        }
        return NameLookup(promise.futureResult)
    }

    func shutdown() async {
        let promises = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for promise in promises { promise.fail(NameResolverError.shutDown) }
    }
}

extension NameResolver {
    /// What a lookup finds that is given much time.
    func addresses(
        of name: String, family: IPFamily = .any, within time: TimeAmount = .seconds(60)
    ) async throws -> [IPAddress] {
        try await future(of: name, family: family, within: time).get()
    }

    func future(
        of name: String, family: IPFamily = .any, within time: TimeAmount = .seconds(60)
    ) -> EventLoopFuture<[IPAddress]> {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.any()
        return lookUp(name, family: family, by: .now() + time, on: eventLoop).addresses
    }
}

extension Phases {
    /// The phases that were reached.
    var reached: [String] {
        [
            ("resolve", resolve), ("connect", connect), ("tls", tls), ("write", write),
            ("first_byte", firstByte), ("body", body),
        ].filter { $0.1 != nil }.map(\.0)
    }
}
