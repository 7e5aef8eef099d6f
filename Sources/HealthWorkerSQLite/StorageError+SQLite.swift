import Foundation
import GRDB
import HealthWorkerStorage

extension StorageError {
    /// What an error of a statement, or of opening, means to the caller. Values that were bound to
    /// the statement are never part of it.
    init(_ error: any Error, path: String) {
        switch error {
        case let error as StorageError:
            self = error
        case let error as DatabaseError:
            self.init(error, path: path)
        case is DecodingError:
            self = .failed("The database \(path) holds a value that cannot be read: \(error)")
        default:
            self = .failed("The database \(path): \(error)")
        }
    }

    private init(_ error: DatabaseError, path: String) {
        let said = "\(error.message ?? "no message") (SQLite \(error.extendedResultCode.rawValue))"
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self = .unavailable("The database \(path) is held by another process: \(said)")
        case .SQLITE_FULL:
            self = .unavailable("The disk of the database \(path) is full; make room: \(said)")
        case .SQLITE_IOERR:
            self = .unavailable("The database \(path) cannot be read or written: \(said)")
        case .SQLITE_INTERRUPT, .SQLITE_ABORT:
            self = .unavailable("The database \(path) was interrupted: \(said)")
        case .SQLITE_MISUSE:
            // What every call on a closed connection says.
            self = .unavailable("The database \(path) is closed.")
        case .SQLITE_CANTOPEN, .SQLITE_PERM:
            self = .failed(
                "The database \(path) cannot be opened; check that this user may read and write "
                    + "it and its folder: \(said)")
        case .SQLITE_READONLY:
            self = .failed(
                "The database \(path) cannot be written; check that this user may write it and "
                    + "its folder, and that the file system is not read-only: \(said)")
        case .SQLITE_NOTADB:
            self = .failed("\(path) is not an SQLite database; name another file: \(said)")
        case .SQLITE_CORRUPT:
            self = .failed("The database \(path) is damaged; restore a copy: \(said)")
        default:
            self = .failed("The database \(path): \(said)")
        }
    }
}
