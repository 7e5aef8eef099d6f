import Dispatch
import Foundation
import GRDB
package import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    /// Opening and closing a file blocks: never on the cooperative pool.
    static let opening = DispatchQueue(
        label: "health-worker.sqlite.opening", attributes: .concurrent)

    /// Opens the storage in the file at `path`, whose schema is made by ``SQLiteSchema``.
    ///
    /// - Throws: ``StorageError/schema(_:)`` where there is no file, or its schema is not one that
    ///   `version` can work on, naming the command or version that mends it;
    ///   ``StorageError/failed(_:)`` where the file cannot be opened, saying what to do.
    ///
    /// - Parameter hostTime: The host's clock, which is the storage's; tests move their own.
    package static func open(
        path: String, process: ProcessID, version: ProgramVersion,
        hostTime: @escaping @Sendable () -> Timestamp = HostClock.systemTime
    ) async throws(StorageError) -> SQLiteStorage {
        let schema = SQLiteSchema(path: path)
        guard try schema.fileExists() else {
            throw .schema("There is no database at \(path); run: health-worker migrate up")
        }
        let pool = try await connect(to: path)
        let storage = SQLiteStorage(
            path: path, process: process, pool: pool, clock: HostClock(wall: hostTime))
        do throws(StorageError) {
            let applied = try await schema.appliedMigrations(on: pool)
            let history = SchemaHistory(carried: try SQLiteSchema.migrations(), applied: applied)
            if let refusal = history.refusal(for: version) { throw refusal }
            try await storage.takeTime()
        } catch {
            await storage.close()
            throw error
        }
        return storage
    }

    static func connect(to path: String) async throws(StorageError) -> DatabasePool {
        let result: Result<DatabasePool, StorageError> = await withCheckedContinuation {
            continuation in
            opening.async {
                do {
                    let pool = try DatabasePool(path: path, configuration: configuration)
                    continuation.resume(returning: .success(pool))
                } catch {
                    continuation.resume(returning: .failure(StorageError(error, path: path)))
                }
            }
        }
        return try result.get()
    }

    /// Closes the connections; calls that are under way end first.
    static func disconnect(_ pool: DatabasePool) async {
        await withCheckedContinuation { continuation in
            opening.async {
                // It fails only while a statement is being stepped, and none is left behind: the
                // connections are then closed with the last reference to them.
                try? pool.close()
                continuation.resume()
            }
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "health-worker.sqlite"
        configuration.busyMode = .timeout(10)
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { db in
            // NORMAL: a commit survives the process; a power cut may take the last ones, whole. FULL
            // was measured at a third of the throughput.
            try db.execute(
                sql: """
                    PRAGMA synchronous = NORMAL;
                    PRAGMA wal_autocheckpoint = 4000;
                    PRAGMA journal_size_limit = 67108864;
                    PRAGMA cache_size = -16384;
                    PRAGMA temp_store = MEMORY;
                    """)
        }
        return configuration
    }
}
