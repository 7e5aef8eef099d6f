package import HealthWorkerModel
package import Logging
internal import NIOCore
internal import NIOPosix

/// The probers by the kind of check.
///
/// A new kind of check is one file, with its `Prober`, and one line in `table`.
package struct Probers: Sendable {
    private static let table: [CheckType: @Sendable (ProbeServices) -> any Prober] = [
        .http: { HTTPProber($0) },
        .https: { HTTPProber($0) },
        .tcp: { TCPProber($0) },
    ]

    private let services: ProbeServices
    private let probers: [CheckType: any Prober]

    /// - Parameters:
    ///   - loops: How many threads connections live on.
    ///   - resolver: Shut down with the probers.
    ///   - addressRules: Asked with each address before it is connected to.
    ///   - secrets: The value of a secret by its name; nil where it is not known. It must not block.
    package init(
        loops: Int = 1, resolver: any NameResolver, addressRules: AddressRules,
        secrets: @escaping @Sendable (String) -> String?, logger: Logger
    ) {
        let pool = NIOThreadPool(numberOfThreads: 2)
        pool.start()
        let services = ProbeServices(
            loops: ProbeLoops(count: loops), resolver: resolver, addressRules: addressRules,
            tlsContexts: TLSContexts(pool: pool), pool: pool, secrets: secrets, logger: logger)
        self.services = services
        probers = Self.table.mapValues { $0(services) }
    }

    /// The prober for checks of `type`; nil for a kind that this program does not know.
    package func prober(for type: CheckType) -> (any Prober)? {
        probers[type]
    }

    /// Ends the threads. Probes that are under way should be cancelled or have ended before.
    package func shutdown() async {
        await services.resolver.shutdown()
        // It fails only where it was shut down before.
        try? await services.pool.shutdownGracefully()
        await services.loops.shutdown()
    }
}

/// What probers share.
struct ProbeServices: Sendable {
    /// Where connections live.
    var loops: ProbeLoops
    var resolver: any NameResolver
    var addressRules: AddressRules
    var tlsContexts: TLSContexts
    /// Threads that may read files and match patterns.
    var pool: NIOThreadPool
    var secrets: @Sendable (String) -> String?
    var logger: Logger
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
            httpStatus: report.httpStatus, certificateEnd: report.certificateEnd, detail: detail)
    }
}
