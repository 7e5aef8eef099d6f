import Glibc
package import HealthWorkerModel
internal import NIOCore

/// A server that resolves names for others.
package struct NameServer: Hashable, Sendable, CustomStringConvertible {
    package var address: IPAddress
    /// The interface that a link-local address belongs to.
    package var zone: String?
    package var port: Int

    package init(address: IPAddress, zone: String? = nil, port: Int = 53) {
        self.address = address
        self.zone = zone
        self.port = port
    }

    /// Reads an address, with a zone where it has one (`fe80::1%eth0`), or with a port, as OpenBSD
    /// writes it: `[192.0.2.53]:5353`.
    package init?(_ text: String) {
        var host = text[...]
        var port = 53
        if host.first == "[" {
            guard let close = host.firstIndex(of: "]") else { return nil }
            let rest = host[host.index(after: close)...]
            host = host[..<close].dropFirst()
            if !rest.isEmpty {
                guard rest.first == ":", let number = UInt16(rest.dropFirst()), number > 0 else {
                    return nil
                }
                port = Int(number)
            }
        }
        let parts = host.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else { return nil }
        self.init(
            address: address, zone: parts.count == 2 ? String(parts[1]) : nil, port: port)
    }

    package var description: String {
        let text = zone.map { "\(address.text)%\($0)" } ?? address.text
        return port == 53 ? text : "[\(text)]:\(port)"
    }

    var socketAddress: SocketAddress {
        let plain = address.socketAddress(port: port)
        guard let zone, case .v6(let parts) = plain else { return plain }
        // The kernel knows its name, and answers at once. The number is written by offset, as Linux lays
        // `sockaddr_in6` out, because two C modules lay claim to that type.
        var address = parts.address
        withUnsafeMutableBytes(of: &address) { bytes in
            bytes.storeBytes(of: if_nametoindex(zone), toByteOffset: 24, as: UInt32.self)
        }
        return SocketAddress(address)
    }
}
