import Foundation

/// Where something is called by HTTP or HTTPS.
package struct ServiceURL: Sendable, Hashable {
    /// As written, without a slash at its end.
    package let text: String
    package let isTLS: Bool
    /// A name or an address, without brackets.
    package let host: String
    package let port: Int

    /// Nil for what is no http: or https: URL with a host, and for one that names a user: a secret in
    /// a URL ends up in logs.
    package init?(_ text: String) {
        guard let parts = URLComponents(string: text), let host = parts.host, !host.isEmpty,
            parts.scheme == "http" || parts.scheme == "https", parts.user == nil,
            parts.password == nil, parts.fragment == nil,
            parts.port.map((1...65_535).contains) ?? true
        else { return nil }
        var text = text
        if parts.query == nil { while text.hasSuffix("/") { text.removeLast() } }
        self.text = text
        isTLS = parts.scheme == "https"
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        port = parts.port ?? (parts.scheme == "https" ? 443 : 80)
    }

    package var address: TargetAddress { TargetAddress(host: host, port: port) }
}

extension SettingType where Value == ServiceURL {
    package static var serviceURL: Self {
        Self(
            name: "http: or https: URL",
            read: { (given) throws(Refusal) in
                let text = try given.text("a URL in quotes")
                guard text.isPrintable, let url = ServiceURL(text) else {
                    throw Refusal(
                        "\(text.withoutPasswords.quoted) is no http: or https: URL with a host and "
                            + "without a user; write one such as \"http://127.0.0.1:8081\".")
                }
                return url
            },
            show: { $0.text.withoutPasswords }, toml: { $0.text.quoted })
    }
}
