package import HealthWorkerModel
package import HealthWorkerStorage
package import Logging

extension MySQLStorage {
    /// Opens the storage in the database at `url`, whose schema is made by ``MySQLSchema``.
    ///
    /// - Parameters:
    ///   - url: `mysql://USER:PASSWORD@HOST:PORT/DATABASE`, and after `?` `ssl-mode`, `ssl-ca`,
    ///     `ssl-cert`, `ssl-key` or `socket`.
    ///   - poolSize: How many connections there are at most; they are made when they are needed.
    ///   - statementLimit: How long a statement may take, the waiting for others' locks included.
    ///   - time: The storage's clock instead of the database's; tests move their own.
    /// - Throws: ``StorageError/unavailable(_:)`` where no server answers,
    ///   ``StorageError/schema(_:)`` where the schema is not one that `version` can work on, naming
    ///   the command or version that mends it, ``StorageError/failed(_:)`` where the database
    ///   cannot be used, saying what to do.
    package static func open(
        url: String, process: ProcessID, version: ProgramVersion, poolSize: Int = 4,
        statementLimit: Duration = .seconds(10), time: (@Sendable () -> Timestamp)? = nil,
        logger: Logger
    ) async throws(StorageError) -> MySQLStorage {
        let address = try ServerAddress(url: url)
        let clock = time.map(DatabaseClock.given) ?? .database
        let pool = ConnectionPool(size: poolSize) { () throws(StorageError) in
            do throws(StorageError) {
                return try await Connection.open(
                    to: address, clock: clock, limit: statementLimit)
            } catch {
                logger.debug(
                    "no connection to the database",
                    metadata: ["database": "\(address)", "why": "\(error)"])
                throw error
            }
        }
        let storage = MySQLStorage(process: process, pool: pool)
        do throws(StorageError) {
            let applied = try await storage.perform { try MySQLSchema.applied(on: $0) }
            let history = SchemaHistory(carried: try MySQLSchema.migrations(), applied: applied)
            if let refusal = history.refusal(for: version) { throw refusal }
            try await storage.ping()
        } catch {
            await storage.close()
            throw error
        }
        return storage
    }
}
