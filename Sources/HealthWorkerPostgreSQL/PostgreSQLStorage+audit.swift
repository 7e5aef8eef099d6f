import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func appendAudit(_ entries: [AuditEntry]) async throws(StorageError) {
        if entries.isEmpty { return }
        try await perform { try $0.append(entries) }
    }

    package func audit(
        matching filter: AuditFilter, before: Int64?, limit: Int
    ) async throws(StorageError) -> [AuditEntry] {
        let page = AuditPage(filter, before: before, limit: limit, in: .postgresql)
        return try await perform { session in
            try session.all(page.sql, page.values.bound, AuditEntry.init(row:))
        }
    }

    package func pruneAudit(keep: Duration, limit: Int) async throws(StorageError) -> Int {
        try await perform { session in
            try session.run(
                """
                DELETE FROM audit_log
                WHERE entry_id IN (
                    SELECT entry_id
                    FROM audit_log
                    WHERE at < now_us() - $1
                    ORDER BY at, entry_id
                    LIMIT $2
                    FOR UPDATE SKIP LOCKED
                )
                """, [keep, limit])
        }
    }
}

extension Session {
    func append(_ entries: [AuditEntry]) throws {
        if entries.isEmpty { return }
        try run(
            """
            INSERT INTO audit_log
                (at, actor, action, object, before, after, message, request_id, document)
            SELECT at, actor, action, object, before, after, message, request_id, document
            FROM unnest(
                $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                $7::text[], $8::text[], $9::text[]
            ) WITH ORDINALITY
                AS e (at, actor, action, object, before, after, message, request_id, document,
                    place)
            ORDER BY place
            """,
            [
                entries.map(\.at), entries.map(\.actor), entries.map(\.action),
                entries.map(\.object), entries.map(\.before), entries.map(\.after),
                entries.map(\.message), entries.map(\.requestID), entries.map(\.document),
            ])
    }
}
