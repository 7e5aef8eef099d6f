import HealthWorkerModel
package import HealthWorkerStorage

/// The schema's history in one database of MySQL or MariaDB.
package struct MySQLSchema: MigrationStore {
    private let address: ServerAddress

    /// - Throws: ``StorageError/failed(_:)`` for what is no URL of MySQL.
    package init(url: String) throws(StorageError) {
        address = try ServerAddress(url: url)
    }

    /// What brings the database at `url` to the schema that this program carries.
    package static func migrator(
        url: String, version: ProgramVersion
    ) throws(StorageError) -> Migrator {
        Migrator(migrations: try migrations(), store: try MySQLSchema(url: url), version: version)
    }

    /// The files of `Migrations/MySQL`, by number.
    package static func migrations() throws(StorageError) -> [Migration] {
        try Migration.carried(for: "MySQL")
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
        // A file is sent as one, and what it changes may be large.
        let connection = try await Connection.open(to: address, limit: .seconds(600))
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

extension MySQLSchema {
    static func applied(on session: Session) throws -> [AppliedMigration] {
        let hasTable =
            try session.first(
                """
                SELECT count(*)
                FROM information_schema.tables
                WHERE table_schema = DATABASE()
                  AND table_name = 'schema_migrations'
                """
            ) { $0.flag(0) } ?? false
        guard hasTable else { return [] }
        return try session.all(
            """
            SELECT number, name, checksum, applied_at, applied_by, compatible_from
            FROM schema_migrations
            ORDER BY number
            """, [], AppliedMigration.init(row:))
    }

    /// Every statement that makes or changes a table is a transaction of its own here. A file that
    /// was cut off is done again from its beginning, and each of its statements does nothing where it
    /// was done; the file is noted after its last one.
    ///
    /// The lock is this connection's alone: whoever dies lets go of it.
    private static func apply(
        _ migration: Migration, by version: ProgramVersion, on session: Session
    ) throws -> Bool {
        let isLocked =
            try session.first(
                """
                SELECT GET_LOCK(CONCAT('health-worker ', MD5(DATABASE())), 30)
                """
            ) { !$0.isNull(0) && $0.flag(0) } ?? false
        guard isLocked else {
            throw StorageError.unavailable(
                "Another process has been migrating the database \(session.address) for 30 s; "
                    + "wait for it, or end it.")
        }
        try session.script(
            """
            CREATE TABLE IF NOT EXISTS schema_migrations (
                number          INT          NOT NULL PRIMARY KEY,
                name            VARCHAR(255) NOT NULL,
                checksum        VARCHAR(64)  NOT NULL,
                applied_at      BIGINT       NOT NULL,
                applied_by      VARCHAR(64)  NOT NULL,
                compatible_from VARCHAR(64)  NOT NULL
            ) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin
            """)
        if try applied(on: session).contain(migration) { return false }
        try session.script(migration.sql)
        try session.takeTime()
        try session.run(
            """
            INSERT INTO schema_migrations
                (number, name, checksum, applied_at, applied_by, compatible_from)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            [
                migration.number, migration.name, migration.checksum, session.now,
                version.description, migration.compatibleFrom.description,
            ])
        return true
    }
}
