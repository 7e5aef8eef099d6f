import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func appendAudit(_ entries: [AuditEntry]) async throws(StorageError) {
        if entries.isEmpty { return }
        try await perform { try $0.append(entries) }
    }

    package func audit(before: Int64?, limit: Int) async throws(StorageError) -> [AuditEntry] {
        try await perform { session in
            try session.all(
                """
                SELECT entry_id, at, actor, action, object, before, after, message
                FROM audit_log
                WHERE entry_id < $1
                ORDER BY entry_id DESC
                LIMIT $2
                """, [before ?? .max, limit], AuditEntry.init(row:))
        }
    }
}

extension Session {
    func append(_ entries: [AuditEntry]) throws {
        if entries.isEmpty { return }
        try run(
            """
            INSERT INTO audit_log (at, actor, action, object, before, after, message)
            SELECT at, actor, action, object, before, after, message
            FROM unnest(
                $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]
            ) WITH ORDINALITY AS e (at, actor, action, object, before, after, message, place)
            ORDER BY place
            """,
            [
                entries.map(\.at), entries.map(\.actor), entries.map(\.action),
                entries.map(\.object), entries.map(\.before), entries.map(\.after),
                entries.map(\.message),
            ])
    }
}
