import HealthWorkerModel
import HealthWorkerStorage

/// What the server said of a statement, or of a connection that it did not accept.
struct ServerError: Error {
    /// The SQLSTATE (PostgreSQL documentation, appendix A).
    var state: String
    var message: String

    /// Another transaction was in the way: the whole transaction may succeed when it is done again.
    ///
    /// A unique or foreign key that somebody else took meanwhile is one of these: done again, the
    /// rules that read first refuse what contradicts.
    var isConflict: Bool {
        switch state {
        case "40001", "40P01", "55P03", "23505", "23503": true
        default: false
        }
    }

    /// Whether the connection is of no use any more, also where it is still open.
    var endsConnection: Bool {
        state.hasPrefix("08") || state.hasPrefix("57P") || state == "25006" || state == "25P03"
    }
}

/// A connection that is no more, or on which nobody answered in time.
enum LostConnection: Error {
    case lost(String)
    case deadline(Duration)
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
        case LostConnection.lost(let why):
            self = .unavailable("The connection to the database \(address) was lost: \(why)")
        case LostConnection.deadline(let limit):
            self = .unavailable(
                "The database \(address) did not answer within \(limit.milliseconds) ms.")
        case is DecodingError:
            self = .failed("The database \(address) holds a value that cannot be read: \(error)")
        default:
            self = .failed("The database \(address): \(error)")
        }
    }

    private init(_ error: ServerError, at address: ServerAddress) {
        let said = "\(error.message) (\(error.state))"
        switch error.state {
        // Of pg_hba.conf: a refusal of what comes without TLS ends in these words, also where a
        // server that has no TLS has no line for this user.
        case "28000" where error.message.hasSuffix("no encryption"):
            self = .failed(
                "The database \(address) lets nobody in as \(address.user) from here without TLS; "
                    + "if it speaks TLS write sslmode=require (or verify-full) into database.url, "
                    + "else add a line to its pg_hba.conf: \(said)")
        case "28P01", "28000":
            self = .failed(
                "The database \(address) does not accept the user \(address.user) with this "
                    + "password; check database.url: \(said)")
        case "3D000":
            self = .failed(
                "The server \(address.servers) has no database \(address.database); "
                    + "create it (createdb \(address.database)) or name another one: \(said)")
        case "42501":
            self = .failed(
                "The user \(address.user) may not do this in the database \(address); grant it: "
                    + said)
        case "25006":
            self = .unavailable(
                "The database \(address) is read-only; name the server that accepts writing: "
                    + said)
        case "42P01", "42703", "42883", "3F000":
            self = .schema(
                "The database \(address) does not have this program's schema; "
                    + "run: health-worker migrate up: \(said)")
        case "53300":
            self = .unavailable(
                "The database \(address) has no connection left; raise max_connections or lower "
                    + "database.pool_size: \(said)")
        case "53100":
            self = .unavailable("The disk of the database \(address) is full; make room: \(said)")
        case "57014":
            self = .unavailable("The database \(address) took too long: \(said)")
        case "40001", "40P01", "55P03":
            self = .unavailable(
                "The database \(address) was busy with the same rows five times: \(said)")
        case let state
        where state.hasPrefix("08") || state.hasPrefix("53") || state.hasPrefix("57")
            || state.hasPrefix("58") || state == "25P03":
            self = .unavailable("The database \(address) is not available: \(said)")
        case let state where state.hasPrefix("22"):
            // These words quote the value.
            self = .failed("The database \(address) cannot store a value (\(state)).")
        default:
            self = .failed("The database \(address): \(said)")
        }
    }
}
