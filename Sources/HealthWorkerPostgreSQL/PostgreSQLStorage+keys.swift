import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func insertKey(_ key: APIKey) async throws(StorageError) {
        try await perform { session in
            let inserted = try session.run(
                """
                INSERT INTO api_keys
                    (key_id, secret_hash, name, role, sets, created_at, expires_at, last_used_at,
                     revoked_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                ON CONFLICT (key_id) DO NOTHING
                """,
                [
                    key.id, key.secretHash, key.name, key.role.rawValue,
                    try JSONColumn.text(of: key.sets), key.createdAt, key.expiresAt,
                    key.lastUsedAt, key.revokedAt,
                ])
            if inserted == 0 { throw StorageError.refused([.exists(.key, key.id)]) }
        }
    }

    package func key(id: String) async throws(StorageError) -> APIKey? {
        try await perform { session in
            try session.first(
                """
                SELECT key_id, secret_hash, name, role, sets, created_at, expires_at, last_used_at,
                       revoked_at
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
                       revoked_at
                FROM api_keys
                ORDER BY created_at, key_id
                """, [], APIKey.init(row:))
        }
    }

    package func revokeKey(id: String) async throws(StorageError) {
        try await perform { session in
            // Revoked twice is revoked since the first time.
            let revoked = try session.run(
                """
                UPDATE api_keys
                SET revoked_at = coalesce(revoked_at, now_us())
                WHERE key_id = $1
                """, [id])
            if revoked == 0 { throw StorageError.refused([.missing(.key, id)]) }
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
