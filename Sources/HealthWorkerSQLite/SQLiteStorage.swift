import Foundation
import GRDB
package import HealthWorkerModel
package import HealthWorkerStorage

/// Everything that is kept, in one SQLite file, for any number of processes on one host.
///
/// All writing goes through one connection, one transaction after the other; reading through a few
/// others, each on a snapshot. GRDB runs every closure on its connection's own dispatch queue, whose
/// thread may block; the caller is suspended meanwhile, so that no thread of the cooperative pool
/// waits for a disk or for another process's lock. A call that has begun ends, also in a cancelled
/// task: giving back leases is just what a cancelled task still has to do.
package final class SQLiteStorage: Storage {
    package let process: ProcessID
    let path: String
    let pool: DatabasePool
    let clock: HostClock

    init(path: String, process: ProcessID, pool: DatabasePool, clock: HostClock) {
        self.path = path
        self.process = process
        self.pool = pool
        self.clock = clock
    }

    package func now() async throws(StorageError) -> Timestamp {
        clock.now()
    }

    package func ping() async throws(StorageError) {
        // A page of the file, and whether it may be written. The write lock is not asked for: who
        // holds it for long is at work, and whoever asks how this process is would wait for that.
        try await read { [path] session in
            _ = try session.first("SELECT last_at FROM storage_clock WHERE id = 1") {
                $0.integer(0)
            }
            guard FileManager.default.isWritableFile(atPath: path) else {
                throw StorageError.failed(
                    "The database \(path) cannot be written; check that it is there, that this user "
                        + "may write it, and that the file system is not read-only.")
            }
        }
    }

    /// Takes the write lock and the stored moment, from which on the clock does not go back.
    func takeTime() async throws(StorageError) {
        try await write { _ in }
    }

    package func close() async {
        await Self.disconnect(pool)
    }
}

extension SQLiteStorage {
    /// One transaction that may write, from `BEGIN IMMEDIATE` on: a transaction that began by
    /// reading could not wait for another process's, it would fail at once.
    ///
    /// What throws leaves nothing behind, and neither does a transaction that is not to be kept.
    @discardableResult
    func write<Value: Sendable>(
        keeps: Bool = true, _ body: @escaping @Sendable (Session) throws -> Value
    ) async throws(StorageError) -> Value {
        let result: Result<Value, StorageError> = await withCheckedContinuation { continuation in
            pool.asyncWriteWithoutTransaction { [path, clock] db in
                do {
                    var value: Value?
                    try db.inTransaction(.immediate) {
                        value = try Self.transact(db, clock: clock, body)
                        return keeps ? .commit : .rollback
                    }
                    guard let value else {
                        throw StorageError.failed("The transaction has no end.")
                    }
                    continuation.resume(returning: .success(value))
                } catch {
                    continuation.resume(returning: .failure(StorageError(error, path: path)))
                }
            }
        }
        return try result.get()
    }

    /// Reads on one snapshot.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Session) throws -> Value
    ) async throws(StorageError) -> Value {
        let result: Result<Value, StorageError> = await withCheckedContinuation { continuation in
            pool.asyncRead { [path, clock] db in
                do {
                    let session = Session(db: try db.get(), now: clock.now())
                    continuation.resume(returning: .success(try body(session)))
                } catch {
                    continuation.resume(returning: .failure(StorageError(error, path: path)))
                }
            }
        }
        return try result.get()
    }

    /// The latest moment is kept with what happened at it. A transaction that changes nothing writes
    /// nothing, so that idle polling costs no disk.
    private static func transact<Value>(
        _ db: Database, clock: HostClock, _ body: (Session) throws -> Value
    ) throws -> Value {
        let start = Session(db: db, now: Timestamp(microseconds: 0))
        let stored = try start.first("SELECT last_at FROM storage_clock WHERE id = 1") {
            $0.moment(0)
        }
        let session = Session(db: db, now: clock.now(notBefore: stored))
        let before = db.totalChangesCount
        let value = try body(session)
        if db.totalChangesCount != before {
            try session.run(
                """
                UPDATE storage_clock
                SET last_at = ?
                WHERE id = 1
                """, [session.now.microseconds])
        }
        return value
    }
}
