package import HealthWorkerModel

/// Which addresses may be probed.
///
/// Loopback and private networks may, as that is where infrastructure lives. Link-local, multicast,
/// unspecified and metadata addresses may not: who may write a check must not thereby read the
/// worker's cloud credentials. The most specific rule that names an address decides; of equally
/// specific ones what is configured holds over what is built in, and denying over allowing. So
/// `allow 0.0.0.0/0` opens nothing that is denied here, and `allow 169.254.7.0/24` opens just that.
package struct AddressRules: Sendable {
    /// An address and port of this installation's own: its database, Redis, sinks.
    package struct Service: Hashable, Sendable {
        package var address: IPAddress
        package var port: Int

        package init(address: IPAddress, port: Int) {
            self.address = address
            self.port = port
        }
    }

    private struct Rule: Sendable {
        var network: Network
        var port: Int?
        /// Why it is denied; nil where it is allowed.
        var denial: String?
    }

    /// The more specific first; where equal, the rule that holds first.
    private let rules: [Rule]

    /// - Parameters:
    ///   - services: Denied at their ports. One that runs on this machine is reached by any of the
    ///     machine's addresses, so it is denied at each of them.
    ///   - machine: The addresses of this machine's interfaces.
    package init(
        deny: [Network] = [], allow: [Network] = [], services: Set<Service> = [],
        machine: [IPAddress] = []
    ) {
        let denied = deny.map { Rule(network: $0, denial: "in the denied network \($0)") }
        let allowed = allow.map { Rule(network: $0) }
        let own = services.flatMap { service in
            Self.networks(of: service.address, machine).map {
                Rule(network: $0, port: service.port, denial: "a service of this installation")
            }
        }
        // `sorted` is stable, so this order decides between rules of one length.
        rules = (denied + allowed + own + Self.builtIn).sorted { left, right in
            left.network.length > right.network.length
        }
    }

    /// Denies nothing.
    static let none = AddressRules(rules: [])

    private init(rules: [Rule]) {
        self.rules = rules
    }

    /// Why `address` may not be probed at `port`; nil where it may.
    ///
    /// An IPv6 address that leads to an IPv4 one is judged as that, too.
    package func denial(of address: IPAddress, port: Int) -> String? {
        for embedded in address.embeddedIPv4 {
            if let denial = denial(of: embedded, port: port) { return denial }
        }
        let rule = rules.first { rule in
            rule.network.contains(address) && (rule.port == nil || rule.port == port)
        }
        return rule?.denial
    }

    /// Where something that listens at `address` is reached.
    private static func networks(of address: IPAddress, _ machine: [IPAddress]) -> [Network] {
        let isHere =
            loopback.contains { $0.contains(address) } || machine.contains(address)
        guard isHere else { return [Network(base: address, length: address.width)] }
        // The address itself, too: where it is named exactly, exceptions name it exactly.
        return loopback
            + Set(machine + [address]).map { Network(base: $0, length: $0.width) }
    }

    // The texts are right: a test reads both back.
    private static let loopback = ["127.0.0.0/8", "::1/128"].map { try! Network($0) }

    private static let builtIn: [Rule] =
        [
            ("0.0.0.0/8", "an unspecified address"),
            ("169.254.0.0/16", "link-local"),
            ("224.0.0.0/4", "multicast"),
            ("255.255.255.255/32", "broadcast"),
            ("::/128", "an unspecified address"),
            ("fe80::/10", "link-local"),
            ("ff00::/8", "multicast"),
            // Where clouds answer with a machine's credentials: AWS, Google, Azure and others share
            // the first; then AWS ECS, Alibaba, Oracle, Azure's host, AWS IPv6, Google IPv6, Scaleway.
            ("169.254.169.254/32", "a metadata address"),
            ("169.254.170.2/32", "a metadata address"),
            ("100.100.100.200/32", "a metadata address"),
            ("192.0.0.192/32", "a metadata address"),
            ("168.63.129.16/32", "a metadata address"),
            ("fd00:ec2::254/128", "a metadata address"),
            ("fd20:ce::254/128", "a metadata address"),
            ("fd00:42::42/128", "a metadata address"),
        ].map { text, denial in
            // The texts above are right: a test reads each address back.
            Rule(network: try! Network(text), denial: denial)
        }
}
