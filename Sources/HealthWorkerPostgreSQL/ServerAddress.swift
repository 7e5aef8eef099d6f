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
    var host: String
    var port: String
    var database: String
    var user: String

    /// Reads what libpq would read of `url`: the URL itself, the environment, the defaults.
    ///
    /// - Throws: ``StorageError/failed(_:)`` for what is no URL of PostgreSQL. libpq's own words
    ///   are not part of it: they quote the URL, which holds the password.
    init(url: String) throws(StorageError) {
        guard url.hasPrefix("postgresql://") || url.hasPrefix("postgres://") else {
            throw .failed("The database's URL does not begin with postgresql://.")
        }
        guard let read = PQconninfoParse(url, nil) else {
            throw .failed(
                "The database's URL cannot be read; write postgresql://USER:PASSWORD@HOST:PORT/"
                    + "DATABASE, with every special character of user and password as %XX.")
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
        host = values["host"] ?? values["hostaddr"] ?? Self.environment("PGHOST") ?? "local socket"
        port = values["port"] ?? Self.environment("PGPORT") ?? "5432"
        user = values["user"] ?? Self.environment("PGUSER") ?? "the system's user"
        database = values["dbname"] ?? Self.environment("PGDATABASE") ?? user
    }

    /// `fra1-db:5432/health`.
    var description: String { "\(host):\(port)/\(database)" }
}

extension ServerAddress {
    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
