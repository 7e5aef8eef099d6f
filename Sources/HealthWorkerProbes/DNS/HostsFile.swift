package import HealthWorkerModel

/// The names of `/etc/hosts` (hosts(5)).
package struct HostsFile: Hashable, Sendable {
    private var addresses: [DomainName: [IPAddress]] = [:]

    /// Reads an address and its names from each line; what cannot be read is passed over, as the
    /// system does.
    package init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard let first = words.first, let address = IPAddress(String(first)) else { continue }
            for word in words.dropFirst() {
                guard let name = try? DomainName(String(word)),
                    addresses[name]?.contains(address) != true
                else { continue }
                addresses[name, default: []].append(address)
            }
        }
    }

    /// The addresses of `name` that `family` admits, IPv4 first; empty where the file has none.
    ///
    /// `localhost` and names under it are loopback also where the file is silent (RFC 6761 §6.3).
    package func addresses(of name: DomainName, family: IPFamily) -> [IPAddress] {
        var all = addresses[name] ?? []
        if all.isEmpty, name.isWithin(Self.localhost) { all = Self.loopback }
        let v4 = family == .v6 ? [] : all.filter(\.isV4)
        let v6 = family == .v4 ? [] : all.filter { !$0.isV4 }
        return v4 + v6
    }

    private static let localhost = DomainName(wire: [9] + Array("localhost".utf8) + [0])
    private static let loopback = [
        IPAddress.v4(0x7f00_0001), IPAddress.v6([0, 0, 0, 0, 0, 0, 0, 1]),
    ]
}
