import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func key(id: String) async throws(StorageError) -> APIKey? {
        try await perform { session in
            try session.first(
                """
                SELECT key_id, secret_hash, name, role, sets, created_at, expires_at, last_used_at,
                       revoked_at, replaced_by
                FROM api_keys
                WHERE key_id = $1
                """, [id], APIKey.init(row:))
        }
    }

    package func keys() async throws(StorageError) -> [APIKey] {
        try await perform { session in
            try session.all(
                """
                SELECT key_id, secret_hash, name, role, sets, created_at, expires_at, last_used_at,
                       revoked_at, replaced_by
                FROM api_keys
                ORDER BY created_at, key_id
                """, [], APIKey.init(row:))
        }
    }

    package func change(_ change: KeyChange) async throws(StorageError) {
        try await transact { session in
            let stored = try change.subject.flatMap { try session.lockedKey($0) }
            guard let write = try change.write(to: stored, at: session.now) else { return }
            try session.store(write)
        }
    }

    package func touchKey(id: String) async throws(StorageError) {
        // To the minute: a key that calls a thousand times a second costs one write a minute.
        try await perform { session in
            _ = try session.run(
                """
                UPDATE api_keys
                SET last_used_at = now_us() / 60000000 * 60000000
                WHERE key_id = $1
                  AND last_used_at IS DISTINCT FROM now_us() / 60000000 * 60000000
                """, [id])
        }
    }
}

extension Session {
    fileprivate func lockedKey(_ id: String) throws -> APIKey? {
        try first(
            """
            SELECT key_id, secret_hash, name, role, sets, created_at, expires_at, last_used_at,
                   revoked_at, replaced_by
            FROM api_keys
            WHERE key_id = $1
            FOR UPDATE
            """, [id], APIKey.init(row:))
    }

    fileprivate func store(_ write: KeyWrite) throws {
        if let key = write.made {
            let inserted = try run(
                """
                INSERT INTO api_keys
                    (key_id, secret_hash, name, role, sets, created_at, expires_at, last_used_at,
                     revoked_at, replaced_by)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                ON CONFLICT (key_id) DO NOTHING
                """,
                [
                    key.id, key.secretHash, key.name, key.role.rawValue,
                    try JSONColumn.text(of: key.sets), key.createdAt, key.expiresAt,
                    key.lastUsedAt, key.revokedAt, key.replacedBy,
                ])
            if inserted == 0 { throw StorageError.refused([.exists(.key, key.id)]) }
        }
        if let key = write.ended {
            try run(
                """
                UPDATE api_keys
                SET expires_at = $2,
                    revoked_at = $3,
                    replaced_by = $4
                WHERE key_id = $1
                """, [key.id, key.expiresAt, key.revokedAt, key.replacedBy])
        }
        try append([write.audit])
    }
}
