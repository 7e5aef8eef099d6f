import Migrations

extension Migration {
    /// The files of `Migrations/ENGINE`, by number.
    package static func carried(for engine: String) throws(StorageError) -> [Migration] {
        var migrations: [Migration] = []
        for index in 0..<embedded_migration_count() {
            // The table is constant and lives as long as the program, so are and do its pointers.
            let file = embedded_migration_at(index).pointee
            guard String(cString: file.engine) == engine else { continue }
            let bytes = UnsafeBufferPointer(start: file.bytes, count: file.length)
            migrations.append(
                try Migration(
                    number: Int(file.number), name: String(cString: file.name),
                    sql: String(decoding: bytes, as: UTF8.self)))
        }
        return migrations.sorted { $0.number < $1.number }
    }
}

extension AppliedMigration {
    /// Reads `number, name, checksum, applied_at, applied_by, compatible_from`.
    package init(row: some StoredRow) throws {
        guard let compatibleFrom = ProgramVersion(row.text(5)) else {
            throw StorageError.failed("\"\(row.text(5))\" is no version.")
        }
        self.init(
            number: row.int(0), name: row.text(1), checksum: row.text(2),
            appliedAt: row.moment(3), appliedBy: row.text(4), compatibleFrom: compatibleFrom)
    }
}

extension [AppliedMigration] {
    /// Whether `migration` is among these.
    ///
    /// - Throws: ``StorageError/schema(_:)`` where it was done with another text.
    package func contain(_ migration: Migration) throws(StorageError) -> Bool {
        guard let done = first(where: { $0.number == migration.number }) else { return false }
        guard done.checksum == migration.checksum else {
            throw .schema(
                "Migration \(migration.number) (\(migration.name)) was done meanwhile by version "
                    + "\(done.appliedBy) with another text; look: health-worker migrate status")
        }
        return true
    }
}
