/// Where a Redis server is, and as whom to speak to it. Nothing that prints it shows the password.
package struct RedisURL: Hashable, Sendable {
    package enum Endpoint: Hashable, Sendable {
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    package let endpoint: Endpoint
    package let user: String?
    package let database: Int
    let password: String?

    /// Reads `redis://[user:password@]host[:port][/db]` or `unix://[user:password@]/path[?db=n]`.
    ///
    /// User, password and path may be percent-encoded.
    package init(_ text: String) throws(RedisURLError) {
        guard let (scheme, rest) = text.cut(at: "://") else {
            throw RedisURLError("is no URL; \(Self.remedy)")
        }
        // No message repeats any part of the text: in a URL written wrongly, any may be a password.
        switch scheme.lowercased() {
        case "redis":
            try self.init(tcp: rest)
        case "unix", "redis+unix":
            try self.init(unix: rest)
        case "rediss":
            throw RedisURLError(
                "asks for TLS (rediss://), which this program does not speak to Redis; run stunnel "
                    + "beside it, let that connect to the server, and give its local address as "
                    + "redis://127.0.0.1:6379.")
        default:
            throw RedisURLError("has a scheme that is not known; \(Self.remedy)")
        }
    }

    private static let remedy =
        "write redis://HOST:6379, redis://USER:PASSWORD@HOST:6379/0 or unix:///PATH."

    private init(tcp rest: Substring) throws(RedisURLError) {
        let authority = rest.prefix { !"/?#".contains($0) }
        let tail = rest[authority.endIndex...]
        guard !tail.contains("@") else {
            throw RedisURLError(
                "has an @ behind its host; write / ? # and @ of a password as %2F %3F %23 and %40.")
        }
        guard !tail.contains("?"), !tail.contains("#") else {
            throw RedisURLError("has parameters, which redis:// does not take; leave them out.")
        }
        let (credentials, address) = try Self.split(authority)
        let (host, port) = try Self.hostAndPort(address)
        let path = tail.dropFirst()
        endpoint = .tcp(host: host, port: port)
        (user, password) = credentials
        database = path.isEmpty ? 0 : try Self.database(path)
    }

    private init(unix rest: Substring) throws(RedisURLError) {
        let (beforeQuery, query) = rest.cut(at: "?") ?? (rest, "")
        guard let slash = beforeQuery.firstIndex(of: "/") else {
            throw RedisURLError(
                "names no socket; write unix:///PATH with three slashes and the whole path.")
        }
        let (credentials, host) = try Self.split(beforeQuery[..<slash])
        guard host.isEmpty else {
            throw RedisURLError(
                "names a host before the socket's path; write unix:///PATH with three slashes.")
        }
        let path = try Self.decoded(beforeQuery[slash...], "the path")
        // sun_path of unix(7), its end included; hiredis would cut off what is longer.
        guard path.utf8.count <= 107 else {
            throw RedisURLError(
                "names a socket with a path of \(path.utf8.count) bytes; 107 are the most that "
                    + "the system takes.")
        }
        var database = 0
        for parameter in query.split(separator: "&") {
            guard let (name, value) = parameter.cut(at: "="), name == "db" else {
                throw RedisURLError("has a parameter that is not known; only db=NUMBER is.")
            }
            database = try Self.database(value)
        }
        endpoint = .unix(path: path)
        (user, password) = credentials
        self.database = database
    }

    private static func split(
        _ authority: Substring
    ) throws(RedisURLError) -> (credentials: (String?, String?), address: Substring) {
        guard let at = authority.lastIndex(of: "@") else { return ((nil, nil), authority) }
        let address = authority[authority.index(after: at)...]
        guard let (user, password) = authority[..<at].cut(at: ":") else {
            throw RedisURLError(
                "has one word before the @; write USER:PASSWORD@, or :PASSWORD@ without a user.")
        }
        guard !password.isEmpty else {
            throw RedisURLError("has no password behind its user; write USER:PASSWORD@.")
        }
        return (
            (
                user.isEmpty ? nil : try decoded(user, "the user"),
                try decoded(password, "the password")
            ), address
        )
    }

    private static func hostAndPort(
        _ address: Substring
    ) throws(RedisURLError) -> (String, Int) {
        let host: Substring
        let port: Substring?
        if address.first == "[" {
            guard let (inside, behind) = address.dropFirst().cut(at: "]"),
                behind.isEmpty || behind.first == ":"
            else {
                throw RedisURLError("has an IPv6 address without its end; write [ADDRESS]:6379.")
            }
            (host, port) = (inside, behind.isEmpty ? nil : behind.dropFirst())
        } else if let (name, number) = address.cut(at: ":") {
            guard !number.contains(":") else {
                throw RedisURLError("has more than one colon in its host; write [ADDRESS]:6379.")
            }
            (host, port) = (name, number)
        } else {
            (host, port) = (address, nil)
        }
        guard !host.isEmpty else { throw RedisURLError("names no host; \(remedy)") }
        guard host.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw RedisURLError("has a host with a space or control character; leave it out.")
        }
        guard let port else { return (String(host), 6379) }
        guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(port),
            (1...65535).contains(number)
        else {
            throw RedisURLError("has a port that is no number from 1 to 65535.")
        }
        return (String(host), number)
    }

    private static func database(_ text: Substring) throws(RedisURLError) -> Int {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text) else {
            throw RedisURLError("has a database that is no number; write /0 or another number.")
        }
        return number
    }

    private static func decoded(
        _ text: Substring, _ what: String
    ) throws(RedisURLError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexDigit),
                let low = rest.popFirst().flatMap(hexDigit)
            else {
                throw RedisURLError(
                    "has a % in \(what) without two hexadecimal digits; write a % itself as %25.")
            }
            bytes.append(high << 4 | low)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw RedisURLError("has bytes in \(what) that are no UTF-8.")
        }
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw RedisURLError("has a control character in \(what); leave it out.")
        }
        return decoded
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init)
    }
}

extension RedisURL: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The address and the database, without user and password.
    package var description: String {
        switch endpoint {
        case .tcp(let host, let port):
            let name = host.contains(":") ? "[\(host)]" : host
            return "redis://\(name):\(port)" + (database == 0 ? "" : "/\(database)")
        case .unix(let path):
            return "unix://\(path)" + (database == 0 ? "" : "?db=\(database)")
        }
    }

    package var debugDescription: String { description }

    // Without this, `dump` would find the password.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// What is wrong with a URL, as the end of a sentence that begins with the name of its setting.
package struct RedisURLError: Error, Hashable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension StringProtocol where SubSequence == Substring {
    /// What is before the first `separator` and what is behind it.
    fileprivate func cut(at separator: String) -> (Substring, Substring)? {
        guard let range = firstRange(of: separator) else { return nil }
        return (self[..<range.lowerBound], self[range.upperBound...])
    }
}
