import GRDB
import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func appendAudit(_ entries: [AuditEntry]) async throws(StorageError) {
        if entries.isEmpty { return }
        try await write { try $0.append(entries) }
    }

    package func audit(before: Int64?, limit: Int) async throws(StorageError) -> [AuditEntry] {
        try await read { session in
            try session.all(
                """
                SELECT entry_id, at, actor, action, object, before, after, message
                FROM audit_log
                WHERE entry_id < ?
                ORDER BY entry_id DESC
                LIMIT ?
                """, [before ?? .max, limit]
            ) { row in
                AuditEntry(
                    id: row.integer(0), at: row.moment(1), actor: row.text(2), action: row.text(3),
                    object: row.text(4), before: row.optionalText(5), after: row.optionalText(6),
                    message: row.optionalText(7))
            }
        }
    }
}

extension Session {
    func append(_ entries: [AuditEntry]) throws {
        for entry in entries {
            try run(
                """
                INSERT INTO audit_log (at, actor, action, object, before, after, message)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    entry.at.microseconds, entry.actor, entry.action, entry.object, entry.before,
                    entry.after, entry.message,
                ])
        }
    }
}
