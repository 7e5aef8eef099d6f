package import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func liveSettings() async throws(StorageError) -> LiveSettings {
        try await perform { try $0.liveSettings() }
    }

    package func change(_ change: SettingsChange) async throws(StorageError) -> LiveSettings {
        try await transact { session in
            // Of two changes the second waits here, and its next statement sees the first.
            _ = try session.all(
                """
                SELECT revision
                FROM settings_revision
                WHERE id = 1
                FOR UPDATE
                """
            ) { $0.integer(0) }
            var live = try session.liveSettings()
            if let write = try live.change(change, at: session.now) { try session.store(write) }
            return live
        }
    }
}

extension Session {
    /// One statement, so that rows and revision are of one moment.
    fileprivate func liveSettings() throws -> LiveSettings {
        var live = LiveSettings()
        let settings = try all(
            """
            SELECT r.revision, s.scope, s.name, s.revision, s.updated_at, s.updated_by, s.message,
                   s.settings
            FROM settings_revision AS r
            LEFT JOIN settings AS s ON true
            WHERE r.id = 1
            """
        ) { row -> ScopedSettings? in
            live.revision = row.integer(0)
            return row.isNull(1) ? nil : try ScopedSettings(row, from: 1)
        }
        return LiveSettings(revision: live.revision, settings: settings.compactMap(\.self))
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
                ON DUPLICATE KEY UPDATE
                    revision = VALUES(revision),
                    updated_at = VALUES(updated_at),
                    updated_by = VALUES(updated_by),
                    message = VALUES(message),
                    settings = VALUES(settings)
                """,
                [
                    row.scope.kind.rawValue, row.scope.name, row.revision, row.updatedAt,
                    row.updatedBy, row.message, try JSONColumn.text(of: row.settings),
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
