import Foundation
import GRDB
import HealthWorkerModel
package import HealthWorkerStorage

/// The schema's history in one SQLite file.
package struct SQLiteSchema: MigrationStore {
    let path: String

    /// - Parameter path: A file that need not exist: the first step makes it.
    package init(path: String) {
        self.path = path
    }

    /// What brings the file at `path` to the schema that this program carries.
    package static func migrator(
        path: String, version: ProgramVersion
    ) throws(StorageError) -> Migrator {
        Migrator(migrations: try migrations(), store: SQLiteSchema(path: path), version: version)
    }

    /// The files of `Migrations/SQLite`, by number.
    package static func migrations() throws(StorageError) -> [Migration] {
        try Migration.carried(for: "SQLite")
    }

    package func appliedMigrations() async throws(StorageError) -> [AppliedMigration] {
        guard try fileExists() else { return [] }
        return try await connected { try Self.applied(on: $0) }
    }

    package func apply(
        _ migration: Migration, by version: ProgramVersion
    ) async throws(StorageError) -> Bool {
        _ = try fileExists()
        return try await connected { db in
            var isDone = false
            try db.inTransaction(.immediate) {
                isDone = try Self.apply(migration, by: version, on: db)
                return .commit
            }
            return isDone
        }
    }

    /// One connection to the file for one piece of work, which makes the file where there is none.
    private func connected<Value: Sendable>(
        _ work: @escaping @Sendable (Database) throws -> Value
    ) async throws(StorageError) -> Value {
        let pool = try await SQLiteStorage.connect(to: path)
        let result = await Self.result(of: work, on: pool, path: path)
        await SQLiteStorage.disconnect(pool)
        return try result.get()
    }

    func appliedMigrations(on pool: DatabasePool) async throws(StorageError) -> [AppliedMigration] {
        try await Self.result(of: { try Self.applied(on: $0) }, on: pool, path: path).get()
    }

    private static func result<Value: Sendable>(
        of work: @escaping @Sendable (Database) throws -> Value, on pool: DatabasePool, path: String
    ) async -> Result<Value, StorageError> {
        await withCheckedContinuation { continuation in
            pool.asyncWriteWithoutTransaction { db in
                do {
                    continuation.resume(returning: .success(try work(db)))
                } catch {
                    continuation.resume(returning: .failure(StorageError(error, path: path)))
                }
            }
        }
    }

    /// - Throws: ``StorageError/failed(_:)`` where no file could be: a missing folder, or a folder.
    func fileExists() throws(StorageError) -> Bool {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder),
            isFolder.boolValue
        else {
            throw .failed("The folder \(folder) of the database does not exist; create it.")
        }
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            return false
        }
        if isFolder.boolValue {
            throw .failed("\(path) is a folder; name a file in it for the database.")
        }
        return true
    }
}

extension SQLiteSchema {
    private static func applied(on db: Database) throws -> [AppliedMigration] {
        guard try db.tableExists("schema_migrations") else { return [] }
        let session = Session(db: db, now: Timestamp(microseconds: 0))
        return try session.all(
            """
            SELECT number, name, checksum, applied_at, applied_by, compatible_from
            FROM schema_migrations
            ORDER BY number
            """, [], AppliedMigration.init(row:))
    }

    /// Inside a transaction that holds the write lock from its beginning.
    private static func apply(
        _ migration: Migration, by version: ProgramVersion, on db: Database
    ) throws -> Bool {
        try db.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS schema_migrations (
                    number          INTEGER PRIMARY KEY,
                    name            TEXT    NOT NULL,
                    checksum        TEXT    NOT NULL,
                    applied_at      INTEGER NOT NULL,
                    applied_by      TEXT    NOT NULL,
                    compatible_from TEXT    NOT NULL
                ) STRICT
                """)
        if try applied(on: db).contain(migration) { return false }
        try db.execute(sql: migration.sql)
        try Session(db: db, now: HostClock.systemTime()).note(migration, by: version)
        return true
    }
}

extension Session {
    fileprivate func note(_ migration: Migration, by version: ProgramVersion) throws {
        try run(
            """
            INSERT INTO schema_migrations
                (number, name, checksum, applied_at, applied_by, compatible_from)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            [
                migration.number, migration.name, migration.checksum, now.microseconds,
                version.description, migration.compatibleFrom.description,
            ])
    }
}
