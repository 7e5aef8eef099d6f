import HealthWorkerModel
import HealthWorkerStorage

/// What the server, or the client library, said of a statement or of a connection.
struct ServerError: Error {
    /// MySQL Server Error Message Reference; below 3000 and from 2000 on the library's own.
    var code: UInt32
    var message: String

    /// Another transaction was in the way: the whole transaction may succeed when it is done again.
    ///
    /// A unique or foreign key that somebody else took meanwhile is one of these: done again, the
    /// rules that read first refuse what contradicts. So is a statement whose table was changed
    /// since it was prepared.
    var isConflict: Bool {
        switch code {
        case 1213, 1205, 1020, 1467, 1062, 1451, 1452, 1412, 1615: true
        default: false
        }
    }

    /// Whether the connection is of no use any more, also where it is still open.
    var endsConnection: Bool {
        switch code {
        case 2000..<3000, 1053, 1077...1081, 1152...1161, 1290, 1792, 1836, 1927, 4031: true
        default: false
        }
    }
}

/// A connection on which nobody answered in time.
struct DeadlinePassed: Error {
    var limit: Duration
}

extension StorageError {
    /// What an error of a statement, or of connecting, means to the caller. Values that were bound
    /// to the statement are never part of it.
    init(_ error: any Error, at address: ServerAddress) {
        switch error {
        case let error as StorageError:
            self = error
        case let error as ServerError:
            self.init(error, at: address)
        case let passed as DeadlinePassed:
            self = .unavailable(
                "The database \(address) did not answer within \(passed.limit.milliseconds) ms.")
        case is DecodingError:
            self = .failed("The database \(address) holds a value that cannot be read: \(error)")
        default:
            self = .failed("The database \(address): \(error)")
        }
    }

    private init(_ error: ServerError, at address: ServerAddress) {
        let said = "\(error.message) (\(error.code))"
        switch error.code {
        case 1045, 1698, 1862, 1820, 4151:
            self = .failed(
                "The database \(address) does not accept the user \(address.user) with this "
                    + "password; check database.url: \(said)")
        case 1049:
            self = .failed(
                "The server \(address.place) has no database \(address.database); create it "
                    + "(CREATE DATABASE \(address.database)) or name another one: \(said)")
        case 1044, 1142, 1143, 1227, 1370:
            self = .failed(
                "The user \(address.user) may not do this in the database \(address); grant it: "
                    + said)
        case 1290, 1792, 1836:
            self = .unavailable(
                "The database \(address) is read-only; name the server that accepts writing: "
                    + said)
        case 1146, 1054, 1305, 1051:
            self = .schema(
                "The database \(address) does not have this program's schema; "
                    + "run: health-worker migrate up: \(said)")
        case 1040, 1203, 1226, 1461:
            self = .unavailable(
                "The database \(address) has no connection left; raise max_connections or lower "
                    + "database.pool_size: \(said)")
        case 1021, 1114, 1041, 1037, 1038:
            self = .unavailable("The disk of the database \(address) is full; make room: \(said)")
        case 1213, 1205, 1020, 1467, 1412, 1615:
            self = .unavailable(
                "The database \(address) was busy with the same rows five times: \(said)")
        case 1062, 1451, 1452:
            // These words quote the value.
            self = .unavailable(
                "The database \(address) was busy with the same names five times (\(error.code)).")
        case 2002, 2003, 2005, 2012:
            self = .unavailable(
                "The database \(address) does not answer; check that it runs, and database.url: "
                    + said)
        case 2026 where error.message.contains("certificate"):
            self = .failed(
                "The database \(address) does not prove that it is \(address.host); check ssl-ca "
                    + "and the host in database.url: \(said)")
        case 2026:
            self = .failed(
                "The database \(address) does not speak TLS as ssl-mode in database.url asks for: "
                    + said)
        case 2006, 2013, 2055, 1927, 4031:
            self = .unavailable("The connection to the database \(address) was lost: \(said)")
        case 2000..<3000, 1053, 1077...1081, 1129, 1152...1161, 1317, 3024, 1969:
            self = .unavailable("The database \(address) is not available: \(said)")
        case 1264, 1366, 1406, 1292, 3140, 4025, 3819:
            self = .failed("The database \(address) cannot store a value (\(error.code)).")
        default:
            self = .failed("The database \(address): \(said)")
        }
    }
}
