import HealthWorkerModel
import HealthWorkerTelling

/// A URL that `probe` was given, taken apart: what it says of a check.
///
/// Only what stands between the parts is judged here. The host and the path are judged by the rules
/// of checks, which say better what is wrong with them.
struct ProbedAddress {
    struct Malformed: Error {
        /// Says what is wrong and what to write, without user names and passwords.
        var sentence: String
    }

    var type: CheckType
    /// Whether a tcp check speaks TLS.
    var hasTLS: Bool
    /// Without brackets.
    var host: String
    var port: Int?
    /// Path and query, beginning with `/`; nil for tcp.
    var path: String?

    private static let kinds: [String: (type: CheckType, hasTLS: Bool)] = [
        "http": (.http, false), "https": (.https, true), "tcp": (.tcp, false),
        "tcp+tls": (.tcp, true),
    ]

    init(_ url: String) throws(Malformed) {
        guard let mark = url.ranges(of: "://").first else {
            throw Malformed(
                sentence: "\(Self.shown(url)) has no scheme: write https://, http://, tcp:// or "
                    + "tcp+tls:// before the host.")
        }
        let scheme = url[..<mark.lowerBound].lowercased()
        guard let kind = Self.kinds[scheme] else {
            let isTLS = scheme == "tls" || scheme == "ssl"
            throw Malformed(
                sentence: "\(Self.shown(scheme)) is no scheme that can be probed: write "
                    + (isTLS ? "tcp+tls://." : "https://, http://, tcp:// or tcp+tls://."))
        }
        (type, hasTLS) = kind
        let rest = url[mark.upperBound...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else {
            throw Malformed(
                sentence: "The address has a user name or password in it: write them as "
                    + "secret_headers of a check and probe that with --file.")
        }
        (host, port) = try Self.hostAndPort(String(authority), of: "the address")
        let tail = rest[authority.endIndex...]
        if type == .tcp {
            guard tail.isEmpty || tail == "/" else {
                throw Malformed(
                    sentence: "A tcp address ends with its port: leave out "
                        + "\(Self.shown(String(tail))).")
            }
            guard port != nil else {
                throw Malformed(
                    sentence:
                        "A tcp address has no usual port: write \(scheme)://\(authority):PORT.")
            }
        } else {
            path = tail.hasPrefix("/") ? String(tail) : "/\(tail)"
        }
    }

    /// `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT`, or an IPv6 address alone.
    ///
    /// - Parameter place: Where it was written, for the sentence.
    static func hostAndPort(
        _ text: String, of place: String
    ) throws(Malformed) -> (host: String, port: Int?) {
        if IPAddress(text) != nil { return (text, nil) }
        var host = Substring(text)
        var port: Substring?
        if text.hasPrefix("[") {
            let end = text.firstIndex(of: "]") ?? text.endIndex
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[end...].dropFirst()
            guard case .v6? = IPAddress(String(host)), end < text.endIndex,
                rest.isEmpty || rest.hasPrefix(":")
            else {
                throw Malformed(
                    sentence: "\(shown(text)) in \(place) is no IPv6 address in brackets with or "
                        + "without a port: write [2001:db8::1]:443.")
            }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        guard let port else { return (String(host), nil) }
        guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(port),
            (1...65_535).contains(number)
        else {
            throw Malformed(
                sentence: "\(shown(String(port))) is no port in \(place): write one within 1 to "
                    + "65535.")
        }
        return (String(host), number)
    }

    /// In quotes and not longer than a line.
    static func shown(_ text: String) -> String {
        "\"\(String(text.prefix(60)).harmless)\(text.count > 60 ? "…" : "")\""
    }
}
