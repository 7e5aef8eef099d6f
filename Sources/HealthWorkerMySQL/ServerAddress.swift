import Foundation
import HealthWorkerStorage

/// Where a database is and how it is spoken to, as a URL says it.
struct ServerAddress: Hashable, Sendable {
    /// Whether the connection is encrypted, and whether the server must prove who it is.
    enum Encryption: String, CaseIterable, Hashable, Sendable {
        case disabled
        /// Where the server offers it.
        case preferred
        case required
        /// By a certificate for the name in the URL.
        case verifyIdentity = "verify_identity"
    }

    var host: String
    var port: UInt32
    /// The path of a socket in the file system, instead of host and port.
    var socket: String?
    var database: String
    var user: String
    var password: String
    var encryption: Encryption
    /// Paths of PEM files; nil: the system's authorities, and no certificate of ours.
    var authority: String?
    var certificate: String?
    var key: String?

    /// Reads `mysql://USER:PASSWORD@HOST:PORT/DATABASE?ssl-mode=…`.
    ///
    /// - Throws: ``StorageError/failed(_:)`` for anything else. The URL is not part of it: it holds
    ///   the password.
    init(url: String) throws(StorageError) {
        guard url.hasPrefix("mysql://") || url.hasPrefix("mariadb://") else {
            throw .failed("The database's URL does not begin with mysql://.")
        }
        guard let parts = URLComponents(string: url, encodingInvalidCharacters: false),
            let user = parts.user, !user.isEmpty,
            parts.fragment == nil, let port = UInt16(exactly: parts.port ?? 3306)
        else {
            throw .failed(
                "The database's URL cannot be read; write mysql://USER:PASSWORD@HOST:PORT/DATABASE, "
                    + "with every special character of user and password as %XX.")
        }
        self.user = user
        password = parts.password ?? ""
        host = parts.host ?? ""
        self.port = UInt32(port)
        database = String(parts.path.dropFirst())
        guard !database.isEmpty, !database.contains("/") else {
            throw .failed(
                "The database's URL names no database; write it after the host: /DATABASE")
        }
        encryption = .preferred
        for item in parts.queryItems ?? [] {
            try read(item.name, item.value ?? "")
        }
        if host.isEmpty, socket == nil {
            throw .failed("The database's URL names no host; write it, or ?socket=/PATH.")
        }
        if socket != nil { encryption = .disabled }
    }

    private mutating func read(_ name: String, _ value: String) throws(StorageError) {
        switch name {
        case "socket": socket = value
        case "ssl-ca": authority = value
        case "ssl-cert": certificate = value
        case "ssl-key": key = value
        case "ssl-mode":
            guard let mode = Encryption(rawValue: value.lowercased()) else {
                let modes = Encryption.allCases.map { $0.rawValue.uppercased() }
                throw .failed(
                    "The database's URL has an unknown ssl-mode; there are: "
                        + modes.joined(separator: ", "))
            }
            encryption = mode
        default:
            throw .failed(
                "The database's URL has an unknown parameter; there are: socket, ssl-mode, ssl-ca, "
                    + "ssl-cert, ssl-key")
        }
    }

    /// `db.example.com:3306`, or the path of a socket.
    var place: String { socket ?? "\(host):\(port)" }
}

extension ServerAddress: CustomStringConvertible, CustomDebugStringConvertible {
    /// `db.example.com:3306/health`: without user and password.
    var description: String { "\(place)/\(database)" }
    var debugDescription: String { description }
}

extension ServerAddress: CustomReflectable {
    var customMirror: Mirror { Mirror(self, children: [:]) }
}
