import GRDB
package import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func liveSettings() async throws(StorageError) -> LiveSettings {
        try await read { try $0.liveSettings() }
    }

    package func change(_ change: SettingsChange) async throws(StorageError) -> LiveSettings {
        try await write { session in
            var live = try session.liveSettings()
            if let write = try live.change(change, at: session.now) { try session.store(write) }
            return live
        }
    }
}

extension Session {
    fileprivate func liveSettings() throws -> LiveSettings {
        let revision = try first("SELECT revision FROM settings_revision WHERE id = 1") {
            $0.integer(0)
        }
        let settings = try all(
            """
            SELECT scope, name, revision, updated_at, updated_by, message, settings
            FROM settings
            """
        ) { try ScopedSettings($0, from: 0) }
        return LiveSettings(revision: revision ?? 0, settings: settings)
    }

    fileprivate func store(_ write: SettingsWrite) throws {
        try run(
            """
            UPDATE settings_revision
            SET revision = ?
            WHERE id = 1
            """, [write.revision])
        if let row = write.row {
            try run(
                """
                INSERT INTO settings
                    (scope, name, revision, updated_at, updated_by, message, settings)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (scope, name) DO UPDATE
                SET revision = excluded.revision,
                    updated_at = excluded.updated_at,
                    updated_by = excluded.updated_by,
                    message = excluded.message,
                    settings = excluded.settings
                """,
                [
                    row.scope.kind.rawValue, row.scope.name, row.revision,
                    row.updatedAt.microseconds, row.updatedBy, row.message,
                    try JSONColumn.text(of: row.settings),
                ])
        } else {
            try run(
                """
                DELETE FROM settings
                WHERE scope = ?
                  AND name = ?
                """, [write.scope.kind.rawValue, write.scope.name])
        }
        try append([write.audit])
    }
}
