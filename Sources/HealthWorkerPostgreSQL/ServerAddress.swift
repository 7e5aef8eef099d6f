import CPostgreSQL
import HealthWorkerStorage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where a database is, as it may be shown: without a password.
struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    /// One server of those that the URL names, in the order in which they are tried.
    struct Place: Hashable, Sendable {
        var host: String?
        /// Connected to instead of what the host's name resolves to.
        var address: String?
        var port: String

        fileprivate var shown: String {
            let host = host ?? address ?? ServerAddress.environment("PGHOST") ?? "local socket"
            return "\(host):\(port)"
        }
    }

    var places: [Place]
    var database: String
    var user: String
    /// How long one place may take to accept a connection.
    var connectLimit: Duration

    /// Reads what libpq would read of `url`: the URL itself, the environment, the defaults.
    ///
    /// - Throws: ``StorageError/failed(_:)`` for what is no URL of PostgreSQL. libpq's own words
    ///   are not part of it: they quote the URL, which holds the password.
    init(url: String) throws(StorageError) {
        guard url.hasPrefix("postgresql://") || url.hasPrefix("postgres://") else {
            throw .failed("The database's URL does not begin with postgresql://.")
        }
        guard let read = PQconninfoParse(url, nil) else {
            throw Self.unreadable
        }
        defer { PQconninfoFree(read) }
        var values: [String: String] = [:]
        var option = read
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                values[String(cString: keyword)] = String(cString: value)
            }
            option += 1
        }
        // A password with a "/" or "@" of its own is read as a port, a host or a database, which
        // are shown: none of it is kept.
        for port in values["port"]?.split(separator: ",") ?? [] where (UInt16(port) ?? 0) == 0 {
            throw Self.unreadable
        }
        for name in ["host", "hostaddr", "dbname"] where values[name]?.contains("@") == true {
            throw Self.unreadable
        }
        places = try Self.places(values)
        user = values["user"] ?? Self.environment("PGUSER") ?? "the system's user"
        database = values["dbname"] ?? Self.environment("PGDATABASE") ?? user
        let seconds = values["connect_timeout"].flatMap { Int($0) } ?? 0
        connectLimit = .seconds(seconds > 0 ? seconds : 10)
    }

    private static let unreadable = StorageError.failed(
        "The database's URL cannot be read; write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
            + "with every special character of user and password as %XX and a port from 1 to "
            + "65535.")

    /// The same database on one of the servers.
    func only(_ place: Place) -> Self {
        var address = self
        address.places = [place]
        return address
    }

    /// `fra1-db:5432/health`; several servers as `fra1-db:5432,ams1-db:5432/health`.
    var description: String { "\(servers)/\(database)" }

    /// `fra1-db:5432`.
    var servers: String { places.map(\.shown).joined(separator: ",") }
}

extension ServerAddress {
    /// Lists as libpq reads them: hosts and addresses pair up, and one port is everybody's.
    private static func places(_ values: [String: String]) throws(StorageError) -> [Place] {
        func list(_ name: String) -> [String] {
            values[name]?.split(separator: ",", omittingEmptySubsequences: false)
                .map(String.init) ?? []
        }
        let (hosts, addresses, ports) = (list("host"), list("hostaddr"), list("port"))
        let count = max(hosts.count, addresses.count, 1)
        for list in [hosts, addresses] where !list.isEmpty {
            guard list.count == count, count == 1 || !list.contains("") else {
                throw .failed("The database's URL leaves out a host between commas; name each.")
            }
        }
        guard ports.count <= 1 || ports.count == count else {
            throw .failed(
                "The database's URL has \(ports.count) ports for \(count) hosts; write each as "
                    + "HOST:PORT.")
        }
        let common = environment("PGPORT") ?? "5432"
        return (0..<count).map { index in
            let port = ports.count == count ? ports[index] : ports.first ?? ""
            return Place(
                host: hosts.isEmpty ? nil : hosts[index],
                address: addresses.isEmpty ? nil : addresses[index],
                port: port.isEmpty ? common : port)
        }
    }

    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
