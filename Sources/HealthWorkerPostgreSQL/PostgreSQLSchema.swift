import HealthWorkerModel
package import HealthWorkerStorage
import Logging

/// The schema's history in one PostgreSQL database, in the schema that the URL's search path names
/// first.
package struct PostgreSQLSchema: MigrationStore {
    private let url: String
    private let address: ServerAddress

    /// - Throws: ``StorageError/failed(_:)`` for what is no URL of PostgreSQL.
    package init(url: String) throws(StorageError) {
        self.url = url
        address = try ServerAddress(url: url)
    }

    /// What brings the database at `url` to the schema that this program carries.
    package static func migrator(
        url: String, version: ProgramVersion
    ) throws(StorageError) -> Migrator {
        Migrator(
            migrations: try migrations(), store: try PostgreSQLSchema(url: url), version: version)
    }

    /// The files of `Migrations/PostgreSQL`, by number.
    package static func migrations() throws(StorageError) -> [Migration] {
        try Migration.carried(for: "PostgreSQL")
    }

    package func appliedMigrations() async throws(StorageError) -> [AppliedMigration] {
        try await connected { try Self.applied(on: $0) }
    }

    package func apply(
        _ migration: Migration, by version: ProgramVersion
    ) async throws(StorageError) -> Bool {
        try await connected { try Self.apply(migration, by: version, on: $0) }
    }

    /// One connection for one piece of work.
    private func connected<Value: Sendable>(
        _ work: @escaping @Sendable (Session) throws -> Value
    ) async throws(StorageError) -> Value {
        // Nothing is prepared: each statement is sent once, and there may be a pooler.
        let connection = try await Connection.open(
            url: url, address: address, preparesStatements: false, limit: .seconds(600))
        do throws(StorageError) {
            let value = try await connection.perform(work)
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }
}

extension PostgreSQLSchema {
    static func applied(on session: Session) throws -> [AppliedMigration] {
        let hasTable =
            try session.first("SELECT to_regclass('schema_migrations') IS NOT NULL", []) {
                $0.flag(0)
            } ?? false
        guard hasTable else { return [] }
        return try session.all(
            """
            SELECT number, name, checksum, applied_at, applied_by, compatible_from
            FROM schema_migrations
            ORDER BY number
            """, [], AppliedMigration.init(row:))
    }

    /// In one transaction, under a lock that is the transaction's: whoever dies lets go of it. A
    /// lock that is not to be had soon, this one or a table's, is waited for again, so that running
    /// processes never queue behind a migration. The index of a large table takes its time.
    private static func apply(
        _ migration: Migration, by version: ProgramVersion, on session: Session
    ) throws -> Bool {
        try session.inTransaction(
            """
            BEGIN;
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = 0;
            SELECT pg_advisory_xact_lock(hashtext('health-worker ' || current_schema()))
            """
        ) { session, _ in
            try session.script(
                """
                CREATE TABLE IF NOT EXISTS schema_migrations (
                    number          integer PRIMARY KEY,
                    name            text   NOT NULL,
                    checksum        text   NOT NULL,
                    applied_at      bigint NOT NULL,
                    applied_by      text   NOT NULL,
                    compatible_from text   NOT NULL
                )
                """)
            if try applied(on: session).contain(migration) { return false }
            try session.script(migration.sql)
            try session.note(migration, by: version)
            return true
        }
    }
}

extension Session {
    fileprivate func note(_ migration: Migration, by version: ProgramVersion) throws {
        try run(
            """
            INSERT INTO schema_migrations
                (number, name, checksum, applied_at, applied_by, compatible_from)
            VALUES ($1, $2, $3, now_us(), $4, $5)
            """,
            [
                migration.number, migration.name, migration.checksum, version.description,
                migration.compatibleFrom.description,
            ])
    }
}
