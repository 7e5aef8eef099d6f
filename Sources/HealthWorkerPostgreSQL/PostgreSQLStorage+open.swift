package import HealthWorkerModel
package import HealthWorkerStorage
package import Logging

extension PostgreSQLStorage {
    /// Opens the storage in the database at `url`, whose schema is made by ``PostgreSQLSchema``.
    ///
    /// - Parameters:
    ///   - url: As libpq reads it, TLS modes and several hosts included.
    ///   - poolSize: How many connections there are at most; they are made when they are needed.
    ///   - usesPreparedStatements: False behind a pooler in transaction mode.
    ///   - statementLimit: How long a statement may take, the waiting for others' locks included.
    /// - Throws: ``StorageError/unavailable(_:)`` where no server answers,
    ///   ``StorageError/schema(_:)`` where the schema is not one that `version` can work on, naming
    ///   the command or version that mends it, ``StorageError/failed(_:)`` where the database
    ///   cannot be used, saying what to do.
    package static func open(
        url: String, process: ProcessID, version: ProgramVersion, poolSize: Int = 4,
        usesPreparedStatements: Bool = true, statementLimit: Duration = .seconds(10),
        logger: Logger
    ) async throws(StorageError) -> PostgreSQLStorage {
        let address = try ServerAddress(url: url)
        let pool = connections(
            to: url, at: address, size: poolSize, preparesStatements: usesPreparedStatements,
            limit: statementLimit, logger: logger)
        let storage = PostgreSQLStorage(process: process, pool: pool)
        do throws(StorageError) {
            let applied = try await storage.perform { try PostgreSQLSchema.applied(on: $0) }
            let history = SchemaHistory(
                carried: try PostgreSQLSchema.migrations(), applied: applied)
            if let refusal = history.refusal(for: version) { throw refusal }
            try await storage.ping()
        } catch {
            await storage.close()
            throw error
        }
        return storage
    }

    static func connections(
        to url: String, at address: ServerAddress, size: Int, preparesStatements: Bool,
        limit: Duration, logger: Logger
    ) -> ConnectionPool<Connection> {
        let latest = LatestServer()
        return ConnectionPool(size: size) { () throws(StorageError) in
            do throws(StorageError) {
                return try await Connection.open(
                    url: url, address: address, latest: latest,
                    preparesStatements: preparesStatements, limit: limit)
            } catch {
                logger.debug(
                    "no connection to the database",
                    metadata: ["database": "\(address)", "why": "\(error)"])
                throw error
            }
        }
    }
}
