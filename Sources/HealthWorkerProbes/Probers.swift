package import HealthWorkerModel
package import Logging
internal import NIOCore
internal import NIOPosix
import Synchronization

/// The probers by the kind of check.
///
/// A new kind of check is one file, with its `Prober`, and one line in `table`; what its document may
/// say stands in `CheckKind.all`. The guide "Adding a kind of check" shows both.
package struct Probers: Sendable {
    typealias Table = [CheckType: @Sendable (ProbeServices) -> any Prober]

    static let table: Table = [
        .http: { HTTPProber($0) },
        .https: { HTTPProber($0) },
        .tcp: { TCPProber($0) },
    ]

    private let services: ProbeServices
    private let probers: [CheckType: any Prober]

    /// - Parameters:
    ///   - loops: How many threads connections live on.
    ///   - resolver: Shut down with the probers.
    ///   - addressRules: Asked with each address before it is connected to; `use` changes them.
    ///   - secrets: The value of a secret by its name; nil where it is not known. It must not block.
    package init(
        loops: Int = 1, resolver: any NameResolver, addressRules: AddressRules,
        secrets: @escaping @Sendable (String) -> String?, logger: Logger
    ) {
        self.init(
            Self.table, loops: loops, resolver: resolver,
            addressRules: addressRules, secrets: secrets, logger: logger)
    }

    /// Probers of other kinds than the program's.
    init(
        _ table: Table, loops: Int = 1, resolver: any NameResolver,
        addressRules: AddressRules, secrets: @escaping @Sendable (String) -> String?,
        logger: Logger
    ) {
        let pool = NIOThreadPool(numberOfThreads: 2)
        pool.start()
        let services = ProbeServices(
            loops: ProbeLoops(count: loops), resolver: resolver,
            addressRules: RulesInForce(addressRules), tlsContexts: TLSContexts(pool: pool),
            pool: pool, secrets: secrets, logger: logger)
        self.services = services
        probers = table.mapValues { $0(services) }
    }

    /// The prober for checks of `type`; nil for a kind that this program does not know.
    package func prober(for type: CheckType) -> (any Prober)? {
        probers[type]
    }

    /// Judges addresses by `rules` from now on.
    package func use(_ rules: AddressRules) {
        services.addressRules.replace(by: rules)
    }

    /// Whether `host` accepts a connection at `port`, for the process itself: no address rule is
    /// asked. It is `failure` where it does not, or where this machine knows no way there, and
    /// `inconclusive` where it could not be tried.
    package func reach(_ host: String, port: Int, within timeout: TimeSpan) async -> Outcome {
        var services = services
        services.addressRules = RulesInForce(.none)
        let report = await TCPProber(services).probe(
            CheckSpec(
                name: "reference", type: .tcp, target: Target(host: host, port: port),
                timeout: timeout, dnsFailure: .failure))
        return report.outcome == .inconclusive(.networkUnreachable)
            ? .failure(.networkUnreachable) : report.outcome
    }

    /// The addresses of `host` that the address rules admit at `port`, at least one, for calls that
    /// are no probes and whose target others name: these are to be connected to, and no others.
    package func admittedAddresses(
        of host: String, port: Int, within timeout: Duration
    ) async throws(AddressError) -> [IPAddress] {
        var found = [IPAddress(host)].compactMap(\.self)
        if found.isEmpty {
            let lookup = services.resolver.lookUp(
                host, family: .any, by: .now() + TimeAmount(timeout),
                on: MultiThreadedEventLoopGroup.singleton.next())
            found = await withTaskCancellationHandler {
                // Why there is none makes no difference to who calls.
                (try? await lookup.addresses.get()) ?? []
            } onCancel: {
                lookup.cancel()
            }
        }
        guard let first = found.first else { throw .unresolved(host) }
        let admitted = found.filter { services.addressRules.denial(of: $0, port: port) == nil }
        if admitted.isEmpty, let why = services.addressRules.denial(of: first, port: port) {
            throw .denied(first, port: port, why)
        }
        return admitted
    }

    /// Ends the threads. Probes that are under way should be cancelled or have ended before.
    package func shutdown() async {
        await services.resolver.shutdown()
        // It fails only where it was shut down before.
        try? await services.pool.shutdownGracefully()
        await services.loops.shutdown()
    }
}

/// Why there is no address to call.
package enum AddressError: Error, Hashable, Sendable, CustomStringConvertible {
    case unresolved(String)
    case denied(IPAddress, port: Int, String)

    package var description: String {
        switch self {
        case .unresolved(let host): "The name \(host) has no address at present."
        case .denied(let address, let port, let why):
            "\(address.text(port: port)) may not be called: it is \(why)."
        }
    }
}

/// What probers share.
struct ProbeServices: Sendable {
    /// Where connections live.
    var loops: ProbeLoops
    var resolver: any NameResolver
    var addressRules: RulesInForce
    var tlsContexts: TLSContexts
    /// Threads that may read files and match patterns.
    var pool: NIOThreadPool
    var secrets: @Sendable (String) -> String?
    var logger: Logger
}

/// The address rules, which change while probes run.
final class RulesInForce: Sendable {
    private let rules: Mutex<AddressRules>

    init(_ rules: AddressRules) {
        self.rules = Mutex(rules)
    }

    func replace(by rules: AddressRules) {
        self.rules.withLock { $0 = rules }
    }

    func denial(of address: IPAddress, port: Int) -> String? {
        rules.withLock { $0 }.denial(of: address, port: port)
    }
}

extension ProbeReport {
    init(_ report: ConnectionReport, dnsFailure: DNSFailure) {
        let outcome: Outcome
        let detail: String?
        switch report.finding {
        case .success:
            (outcome, detail) = (.success, nil)
        case .ended(let reason, let sentence):
            (outcome, detail) = (reason.outcome(dnsFailure: dnsFailure), sentence)
        case .redirect:
            // Only the HTTP prober asks for redirects, and it takes them up.
            (outcome, detail) = (.inconclusive(.internal), "a redirect that nobody followed")
        }
        self.init(
            outcome: outcome, address: report.address, phases: report.phases,
            httpStatus: report.httpStatus, certificateEnd: report.certificateEnd, tls: report.tls,
            detail: detail, isWorkersOwnTrouble: report.isWorkersOwnTrouble)
    }
}
