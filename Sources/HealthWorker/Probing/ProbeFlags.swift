import ArgumentParser
import Foundation
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerTelling

/// The flags of `probe`: each stands for a field of the check.
///
/// They are laid over the check as a merge-patch, and the rules of documents judge what comes out,
/// so that a probe from the command line is one that a document could have asked for.
struct ProbeFlags: ParsableArguments {
    @Option(
        help: """
            Connect to this address or name, with or without :PORT; Host and the name in the \
            certificate stay (target).
            """)
    var connect: String?
    @Flag(name: [.customShort("4"), .customLong("ipv4")], help: "Probe the name's IPv4 address.")
    var isV4 = false
    @Flag(name: [.customShort("6"), .customLong("ipv6")], help: "Probe the name's IPv6 address.")
    var isV6 = false
    @Option(help: "The time for the whole probe, 100ms to 60s (timeout; default 5s).")
    var timeout: String?
    @Option(help: "GET, HEAD, POST or OPTIONS (http.method).")
    var method: String?
    @Option(
        name: [.customShort("H"), .customLong("header")],
        help: "A header as \"Name: value\"; may be repeated (http.headers; Host is http.host).")
    var headers: [String] = []
    @Flag(help: "Follow redirects, at most five (http.follow_redirects).")
    var follow = false
    @Flag(
        name: [.customShort("k"), .customLong("insecure")],
        help: "Take any certificate (tls.verify).")
    var isInsecure = false
    @Option(help: "The name that is sent and that the certificate must be for (tls.server_name).")
    var serverName: String?
    @Option(help: "A PEM file of authorities to trust (tls.ca).")
    var ca: String?
    @Option(help: "Statuses that are a success, such as 200,204-299 (expect.status).")
    var expectStatus: String?
    @Option(
        help: """
            A text that the body, or what a tcp target says, must have in it \
            (expect.body_contains, expect.tcp_contains).
            """)
    var expectText: String?

    /// The check of a URL; exits 64 where it or a flag is wrong.
    func check(at url: String) throws -> CheckSpec {
        let address: ProbedAddress
        do {
            address = try ProbedAddress(url)
        } catch {
            throw Exit.error(Exit.usage, error.sentence)
        }
        var members: [String: JSONValue] = [
            "name": .string("probe"), "type": .string(address.type.rawValue),
            "target": .object([
                "host": .string(address.host),
                "port": address.port.map { .integer(Int64($0)) } ?? .null,
            ]),
        ]
        if let path = address.path { members["http"] = .object(["path": .string(path)]) }
        if address.hasTLS { members["tls"] = .object([:]) }
        return try compiled(
            .object(members), type: address.type, hasTLS: address.hasTLS,
            spokenTo: Self.spokenTo(address.host, address.port, address.type), source: "The address"
        )
    }

    /// The check of a document with the flags laid over it; exits 64 where they do not fit.
    func check(over check: CheckSpec) throws -> CheckSpec {
        let spokenTo =
            check.http?.host ?? Self.spokenTo(check.target.host, check.target.port, check.type)
        return try compiled(
            try JSONValue(encoding: check), type: check.type,
            hasTLS: check.type == .https || check.tls != nil, spokenTo: spokenTo,
            source: "The check \(check.name)")
    }

    /// What the Host header says, and where TLS takes its name from, wherever the connection goes.
    private static func spokenTo(_ host: String, _ port: Int?, _ type: CheckType) -> String {
        let name = host.contains(":") ? "[\(host)]" : host
        guard let port, port != type.defaultPort else { return name }
        return "\(name):\(port)"
    }

    private func compiled(
        _ base: JSONValue, type: CheckType, hasTLS: Bool, spokenTo: String, source: String
    ) throws -> CheckSpec {
        try refuseUnfit(type: type, hasTLS: hasTLS)
        var patch = try overrides(type: type)
        if connect != nil {
            // What was connected to until now is what is spoken to from now on.
            if type == .tcp {
                if hasTLS, serverName == nil, base["tls"]?["server_name"] == nil {
                    patch.set(
                        .string(base["target"]?["host"]?.text ?? ""), at: "tls", "server_name")
                }
            } else if patch["http"]?["host"] == nil {
                patch.set(.string(spokenTo), at: "http", "host")
            }
        }
        var order = base.merging(patch)
        if let span = order["timeout"]?.text.flatMap({ TimeSpan($0) }),
            span > order["interval"]?.text.flatMap({ TimeSpan($0) }) ?? .seconds(10)
        {
            // There is no next probe that this one would have to end before.
            order.set(.string(span.description), at: "interval")
        }
        do {
            return try DocumentFile.compiler.compile(check: Node(json: order)).spec
        } catch {
            let sentences = error.list.map { problem in
                "\(flag(for: problem.path) ?? source): \(problem.sentence)"
            }
            throw Exit.error(Exit.usage, sentences.joined(separator: "\n"))
        }
    }

    /// A flag that says nothing to this kind of check is a mistake about it.
    private func refuseUnfit(type: CheckType, hasTLS: Bool) throws {
        let forHTTP = [
            ("--method", method != nil), ("--header", !headers.isEmpty), ("--follow", follow),
            ("--expect-status", expectStatus != nil),
        ]
        let forTLS = [
            ("--insecure", isInsecure), ("--server-name", serverName != nil), ("--ca", ca != nil),
        ]
        if type == .tcp, let flag = forHTTP.first(where: \.1)?.0 {
            throw Exit.error(Exit.usage, "\(flag) is for http and https, and this is a tcp check.")
        }
        if !hasTLS, let flag = forTLS.first(where: \.1)?.0 {
            throw Exit.error(Exit.usage, "\(flag) is for https and tcp+tls, and here is no TLS.")
        }
        if isV4, isV6 {
            throw Exit.error(Exit.usage, "-4 and -6 were given: write one.")
        }
    }

    /// The flags as a merge-patch of a check.
    private func overrides(type: CheckType) throws -> JSONValue {
        var patch = JSONValue.object([:])
        if let connect {
            do {
                let (host, port) = try ProbedAddress.hostAndPort(connect, of: "--connect")
                patch.set(.string(host), at: "target", "host")
                if let port { patch.set(.integer(Int64(port)), at: "target", "port") }
            } catch {
                throw Exit.error(Exit.usage, error.sentence)
            }
        }
        if isV4 || isV6 { patch.set(.string(isV4 ? "v4" : "v6"), at: "target", "ip_family") }
        if let timeout { patch.set(.string(timeout), at: "timeout") }
        if let method { patch.set(.string(method.uppercased()), at: "http", "method") }
        for header in headers {
            guard let colon = header.firstIndex(of: ":") else {
                throw Exit.error(
                    Exit.usage, "--header has no colon: write it as \"Name: value\".")
            }
            let name = header[..<colon].trimmingCharacters(in: .whitespaces)
            let value = header[header.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            if name.lowercased() == "host" {
                patch.set(.string(value), at: "http", "host")
            } else {
                patch.set(.string(value), at: "http", "headers", name)
            }
        }
        if follow { patch.set(.bool(true), at: "http", "follow_redirects") }
        if isInsecure { patch.set(.bool(false), at: "tls", "verify") }
        if let serverName { patch.set(.string(serverName), at: "tls", "server_name") }
        if let ca {
            patch.set(
                .string(ca == "system" ? ca : URL(filePath: ca).standardizedFileURL.path),
                at: "tls", "ca")
        }
        if let expectStatus {
            let ranges = expectStatus.split(separator: ",", omittingEmptySubsequences: false)
            patch.set(
                .array(ranges.map { .string($0.trimmingCharacters(in: .whitespaces)) }),
                at: "expect", "status")
        }
        if let expectText {
            patch.set(
                .string(expectText), at: "expect", type == .tcp ? "tcp_contains" : "body_contains")
        }
        return patch
    }

    /// The flag that stands for the field, where it was given.
    private func flag(for path: Path) -> String? {
        let keys = path.steps.prefix(2).map { step in
            if case .key(let key) = step { key } else { "" }
        }
        let field = keys.joined(separator: ".")
        let flags: [String: (flag: String, isGiven: Bool)] = [
            "target.host": ("--connect", connect != nil),
            "target.ip_family": (isV6 ? "-6" : "-4", isV4 || isV6),
            "timeout": ("--timeout", timeout != nil), "http.method": ("--method", method != nil),
            "http.headers": ("--header", !headers.isEmpty),
            "http.host": ("--header", headers.contains { $0.lowercased().hasPrefix("host") }),
            "tls.server_name": ("--server-name", serverName != nil), "tls.ca": ("--ca", ca != nil),
            "expect.status": ("--expect-status", expectStatus != nil),
            "expect.body_contains": ("--expect-text", expectText != nil),
            "expect.tcp_contains": ("--expect-text", expectText != nil),
        ]
        guard let found = flags[field], found.isGiven else { return nil }
        return found.flag
    }
}

extension JSONValue {
    /// Sets the member that the keys lead to, making objects on the way.
    fileprivate mutating func set(_ value: JSONValue, at keys: String...) {
        self = merging(keys.reversed().reduce(value) { .object([$1: $0]) })
    }
}
