import HealthWorkerModel

/// Which addresses a receiver may have, beside what the address rules of probes deny.
///
/// Probes are for what is in private networks; messages are not, and who answers in one should be
/// told of routes only where an operator says so.
struct ReceiverRules: Sendable {
    /// The loopback and private networks that are allowed.
    let allowed: [Network]

    /// What sort of address it is that is not allowed; nil where it is. An IPv6 address that leads to
    /// an IPv4 one is judged as that, too.
    func denial(of address: IPAddress) -> String? {
        for one in address.embeddedIPv4 + [address]
        where !allowed.contains(where: { $0.contains(one) }) {
            if let sort = Self.denied.first(where: { $0.network.contains(one) })?.sort {
                return sort
            }
        }
        return nil
    }

    // The texts are right: a test reads an address of each.
    private static let denied: [(network: Network, sort: String)] = [
        ("127.0.0.0/8", "a loopback address"), ("::1/128", "a loopback address"),
        // RFC 1918, RFC 6598, RFC 4193, RFC 3879.
        ("10.0.0.0/8", "a private address"), ("172.16.0.0/12", "a private address"),
        ("192.168.0.0/16", "a private address"), ("100.64.0.0/10", "a private address"),
        ("fc00::/7", "a private address"), ("fec0::/10", "a private address"),
    ].map { (try! Network($0), $1) }
}
