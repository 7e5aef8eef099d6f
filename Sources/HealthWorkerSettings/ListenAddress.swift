import HealthWorkerModel

/// An address and a port to listen on. Port 0 lets the system choose one.
package struct ListenAddress: Sendable, Hashable {
    /// An IPv4 or IPv6 address, without brackets, or a name.
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

extension ListenAddress: CustomStringConvertible {
    package var description: String { "\(host.inBrackets):\(port)" }
}

/// An address and the ports of which the first free one is taken.
package struct ListenRange: Sendable, Hashable {
    package var host: String
    package var ports: ClosedRange<Int>

    package init(host: String, ports: ClosedRange<Int>) {
        self.host = host
        self.ports = ports
    }
}

extension ListenRange: CustomStringConvertible {
    package var description: String {
        "\(host.inBrackets):\(ports.lowerBound)"
            + (ports.count == 1 ? "" : "-\(ports.upperBound)")
    }
}

extension SettingType where Value == ListenAddress {
    static var listenAddress: Self {
        Self(
            name: "address and port",
            read: { (given) throws(Refusal) in
                let text = try given.text("an address and port in quotes")
                let (host, ports) = try splitListen(text, example: "127.0.0.1:8080")
                guard let port = Port.number(ports) else {
                    throw Refusal("\(text.quoted) needs a port from 0 to 65535 after the colon.")
                }
                return ListenAddress(host: host, port: port)
            },
            show: { $0.description }, toml: { $0.description.quoted })
    }
}

extension SettingType where Value == ListenAddress? {
    static var listenAddressOrOff: Self {
        let address = SettingType<ListenAddress>.listenAddress
        return Self(
            name: "address and port, or off",
            read: { (given) throws(Refusal) in
                let text = try given.text("an address and port in quotes, or \"off\"")
                return text == "off" ? nil : try address.read(given)
            },
            show: { $0?.description ?? "off" }, toml: { ($0?.description ?? "off").quoted })
    }
}

extension SettingType where Value == ListenRange? {
    static var listenRange: Self {
        Self(
            name: "address and port or range of ports, or off",
            read: { (given) throws(Refusal) in
                let text = try given.text("an address and ports in quotes, or \"off\"")
                if text == "off" { return nil }
                let (host, ports) = try splitListen(text, example: "127.0.0.1:9464-9473")
                let ends = ports.split(separator: "-", omittingEmptySubsequences: false)
                let numbers = ends.compactMap { Port.number($0) }
                guard ends.count <= 2, numbers.count == ends.count, let first = numbers.first,
                    let last = numbers.last, first <= last, first > 0 || last == 0
                else {
                    throw Refusal(
                        "\(text.quoted) needs a port or a range of ports after the colon, such as "
                            + "9464-9473.")
                }
                return ListenRange(host: host, ports: first...last)
            },
            show: { $0?.description ?? "off" }, toml: { ($0?.description ?? "off").quoted })
    }
}

enum Port {
    static func number(_ text: Substring) -> Int? {
        guard (1...5).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(text),
            port <= 65_535
        else { return nil }
        return port
    }
}

func splitListen(
    _ text: String, example: String
) throws(Refusal) -> (host: String, port: Substring) {
    let host: Substring
    let port: Substring
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
        host = text[text.index(after: text.startIndex)..<end]
        let rest = text[text.index(after: end)...]
        guard rest.hasPrefix(":"), host.contains(":"), IPAddress(String(host)) != nil else {
            throw Refusal("\(text.quoted) is no address and port; write it as [::1]:8080.")
        }
        port = rest.dropFirst()
    } else {
        guard let colon = text.lastIndex(of: ":") else {
            throw Refusal("\(text.quoted) has no port; write it as \(example.quoted).")
        }
        host = text[..<colon]
        port = text[text.index(after: colon)...]
        guard !host.contains(":") else {
            throw Refusal("\(text.quoted) is ambiguous; write an IPv6 address in brackets.")
        }
        guard !host.isEmpty, host != "*" else {
            throw Refusal(
                "\(text.quoted) names no address; write 0.0.0.0 or [::] to listen on all.")
        }
        // What looks like an IPv4 address must be one: resolvers read "127.1" or "010.0.0.1" each
        // in their own way.
        let looksNumeric = host.allSatisfy { $0 == "." || $0.isNumber }
        let isName = host.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
                || $0 == 0x2d || $0 == 0x2e || $0 == 0x5f
        }
        guard looksNumeric ? IPAddress(String(host)) != nil : isName, host.utf8.count <= 253 else {
            throw Refusal("\(text.quoted) is no address and port; write it as \(example.quoted).")
        }
    }
    return (String(host), port)
}

extension String {
    var inBrackets: String { contains(":") ? "[\(self)]" : self }
}
