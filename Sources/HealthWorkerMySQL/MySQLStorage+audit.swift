import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func appendAudit(_ entries: [AuditEntry]) async throws(StorageError) {
        if entries.isEmpty { return }
        try await transact { try $0.append(entries) }
    }

    package func audit(before: Int64?, limit: Int) async throws(StorageError) -> [AuditEntry] {
        try await perform { session in
            try session.all(
                """
                SELECT entry_id, at, actor, action, object, `before`, after, message
                FROM audit_log
                WHERE entry_id < ?
                ORDER BY entry_id DESC
                LIMIT ?
                """, [before ?? .max, limit], AuditEntry.init(row:))
        }
    }
}

extension Session {
    func append(_ entries: [AuditEntry]) throws {
        try insert(
            entries.map { entry in
                [
                    entry.at, entry.actor, entry.action, entry.object, entry.before, entry.after,
                    entry.message,
                ]
            }, into: "audit_log (at, actor, action, object, `before`, after, message)")
    }
}
