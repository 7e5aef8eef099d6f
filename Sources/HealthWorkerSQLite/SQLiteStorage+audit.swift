import GRDB
import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func appendAudit(_ entries: [AuditEntry]) async throws(StorageError) {
        if entries.isEmpty { return }
        try await write { try $0.append(entries) }
    }

    package func audit(
        matching filter: AuditFilter, before: Int64?, limit: Int
    ) async throws(StorageError) -> [AuditEntry] {
        let page = AuditPage(filter, before: before, limit: limit, in: .sqlite)
        return try await read { session in
            try session.all(page.sql, page.values.bound, AuditEntry.init(row:))
        }
    }

    package func pruneAudit(keep: Duration, limit: Int) async throws(StorageError) -> Int {
        try await write { session in
            try session.run(
                """
                DELETE FROM audit_log
                WHERE entry_id IN (
                    SELECT entry_id
                    FROM audit_log
                    WHERE at < ?
                    ORDER BY at, entry_id
                    LIMIT ?
                )
                """, [(session.now - keep).microseconds, limit])
        }
    }
}

extension Session {
    func append(_ entries: [AuditEntry]) throws {
        for entry in entries {
            try run(
                """
                INSERT INTO audit_log
                    (at, actor, action, object, before, after, message, request_id, document)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    entry.at.microseconds, entry.actor, entry.action, entry.object, entry.before,
                    entry.after, entry.message, entry.requestID, entry.document,
                ])
        }
    }
}
