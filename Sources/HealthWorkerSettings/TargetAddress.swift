/// A host and the port at which something listens there.
package struct TargetAddress: Sendable, Hashable {
    /// An IPv4 or IPv6 address, without brackets, or a name.
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

extension TargetAddress: CustomStringConvertible {
    package var description: String { "\(host.inBrackets):\(port)" }
}

extension SettingType where Value == [TargetAddress] {
    package static func targets(_ count: ClosedRange<Int>) -> Self {
        let example = "[\"192.0.2.1:53\", \"gateway.example.com:443\"]"
        return Self(
            name: "list of hosts with ports", range: "\(count.lowerBound) to \(count.upperBound)",
            read: { (given) throws(Refusal) in
                var texts: [String] = []
                switch given {
                case .untyped(let text):
                    texts = text.split(separator: ",").map { $0.trimmed }
                case .list(let items):
                    for item in items {
                        texts.append(try item.text("a list of hosts with ports in quotes"))
                    }
                case .string:
                    throw Refusal(
                        "takes a list of hosts with ports, not text; write it in brackets: \(example)."
                    )
                default:
                    throw Refusal("takes a list of hosts with ports, not \(given.kind).")
                }
                guard count.contains(texts.count) else {
                    throw Refusal(
                        "has \(texts.count) entries; give \(count.lowerBound) to \(count.upperBound)."
                    )
                }
                var targets: [TargetAddress] = []
                for text in texts { targets.append(try target(text)) }
                return targets
            },
            show: { $0.map(\.description).joined(separator: ",") },
            toml: { "[" + $0.map(\.description.quoted).joined(separator: ", ") + "]" })
    }

    private static func target(_ text: String) throws(Refusal) -> TargetAddress {
        guard !text.hasPrefix(":"), !text.hasPrefix("*") else {
            throw Refusal("\(text.quoted) names no host; write one such as \"192.0.2.1:53\".")
        }
        let (host, ports) = try splitListen(text, example: "192.0.2.1:53")
        guard let port = Port.number(ports), port > 0 else {
            throw Refusal("\(text.quoted) needs a port from 1 to 65535 after the colon.")
        }
        return TargetAddress(host: host, port: port)
    }
}
