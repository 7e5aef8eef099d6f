import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func appendAudit(_ entries: [AuditEntry]) async throws(StorageError) {
        if entries.isEmpty { return }
        try await transact { try $0.append(entries) }
    }

    package func audit(
        matching filter: AuditFilter, before: Int64?, limit: Int
    ) async throws(StorageError) -> [AuditEntry] {
        let page = AuditPage(
            filter, before: before, limit: limit, in: .mysql, beforeColumn: "`before`")
        return try await perform { session in
            try session.all(page.sql, page.values.bound, AuditEntry.init(row:))
        }
    }

    package func pruneAudit(keep: Duration, limit: Int) async throws(StorageError) -> Int {
        try await read { session in
            try session.run(
                """
                DELETE FROM audit_log
                WHERE at < ?
                ORDER BY at, entry_id
                LIMIT ?
                """, [session.now - keep, limit])
        }
    }
}

extension Session {
    func append(_ entries: [AuditEntry]) throws {
        try insert(
            entries.map { entry in
                [
                    entry.at, entry.actor, entry.action, entry.object, entry.before, entry.after,
                    entry.message, entry.requestID, entry.document,
                ]
            },
            into: "audit_log (at, actor, action, object, `before`, after, message, request_id, "
                + "document)")
    }
}
