import HealthWorkerModel

/// An `http` or `https` address: what a redirect leads to, and what it is relative to.
package struct HTTPAddress: Hashable, Sendable {
    package var isSecure: Bool
    /// A name in small letters, or an address without brackets.
    package var host: String
    package var port: Int
    /// Path and query, beginning with `/`.
    package var path: String

    package init(isSecure: Bool, host: String, port: Int, path: String) {
        self.isSecure = isSecure
        self.host = host.lowercased()
        self.port = port
        self.path = path
    }

    /// The address that `reference` names in an answer of `base` (RFC 3986 §5.2), without its
    /// fragment. Nil where that is no `http` or `https` address, has user information, or is
    /// malformed.
    package init?(_ reference: String, from base: HTTPAddress) {
        // Servers send blanks around it, and bytes that should have been percent-encoded within.
        var rest = Self.percentEncoded(reference.trimmed)[...]
        if let fragment = rest.firstIndex(of: "#") { rest = rest[..<fragment] }

        var isSecure = base.isSecure
        var hasScheme = false
        if let colon = rest.firstIndex(of: ":"),
            !rest[..<colon].contains(where: { "/?".contains($0) })
        {
            switch rest[..<colon].lowercased() {
            case "http": isSecure = false
            case "https": isSecure = true
            default: return nil
            }
            hasScheme = true
            rest = rest[rest.index(after: colon)...]
        }
        if rest.hasPrefix("//") {
            let end = rest.dropFirst(2).firstIndex { "/?".contains($0) } ?? rest.endIndex
            let written = rest[rest.index(rest.startIndex, offsetBy: 2)..<end]
            guard let authority = Authority(String(written)) else { return nil }
            let tail = rest[end...]
            self.init(
                isSecure: isSecure, host: authority.host,
                port: authority.port ?? Self.usualPort(isSecure: isSecure),
                path: Self.withoutDots(tail.hasPrefix("/") ? tail : "/\(tail)"))
            return
        }
        guard !hasScheme else { return nil }
        self = base
        if rest.hasPrefix("/") {
            path = Self.withoutDots(rest)
        } else if rest.hasPrefix("?") {
            path = String(base.path.prefix { $0 != "?" }) + rest
        } else if !rest.isEmpty {
            let before = base.path.prefix { $0 != "?" }
            let folder = before[...(before.lastIndex(of: "/") ?? before.startIndex)]
            path = Self.withoutDots(folder + rest)
        }
    }

    static func usualPort(isSecure: Bool) -> Int {
        isSecure ? 443 : 80
    }

    /// What a `Host` header says (RFC 9110 §7.2): the port only where it is not the usual one, IPv6
    /// addresses in brackets.
    package var hostHeader: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == Self.usualPort(isSecure: isSecure) ? name : "\(name):\(port)"
    }

    /// Scheme, host and port: what may be shown of an address, and what credentials are bound to.
    package var origin: String {
        "\(isSecure ? "https" : "http")://\(hostHeader)"
    }

    /// `text` with everything that may not stand in a request line percent-encoded.
    static func percentEncoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            if (0x21...0x7e).contains(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                encoded += byte < 0x10 ? "%0" : "%"
                encoded += String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }

    // RFC 3986 §5.2.4.
    private static func withoutDots(_ text: Substring) -> String {
        let path = text.prefix { $0 != "?" }
        let query = text[path.endIndex...]
        var segments: [Substring] = []
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            switch part {
            case ".": if isLast { segments.append("") }
            case "..":
                if !segments.isEmpty { segments.removeLast() }
                if isLast { segments.append("") }
            default: segments.append(part)
            }
        }
        return "/" + segments.joined(separator: "/") + query
    }

    private static func withoutDots(_ text: String) -> String {
        withoutDots(text[...])
    }
}

/// The host and perhaps the port of an address or a `Host` header: `shop.example.com`,
/// `192.0.2.10:8080`, `[2001:db8::1]:8443`.
package struct Authority: Hashable, Sendable {
    /// Without brackets.
    package var host: String
    package var port: Int?

    /// Nil where there is user information, or something that is neither a name nor an address.
    package init?(_ text: String) {
        var port = Substring()
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = String(text[text.index(after: text.startIndex)..<end])
            guard case .v6? = IPAddress(host) else { return nil }
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            port = rest.dropFirst()
        } else {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { return nil }
            host = String(parts[0])
            if parts.count == 2 { port = parts[1] }
            let isName = host.utf8.allSatisfy { byte in
                switch UInt8(byte) {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
            guard isName, (1...253).contains(host.utf8.count) else { return nil }
        }
        guard !port.isEmpty else { return }
        guard port.utf8.count <= 5, port.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(port), (1...65535).contains(number)
        else { return nil }
        self.port = number
    }
}

extension String {
    /// Without blanks and tabs at either end.
    fileprivate var trimmed: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let start = drop(while: isBlank)
        return String(
            start[
                ..<(start.lastIndex { !isBlank($0) }.map(start.index(after:)) ?? start.startIndex)])
    }
}
