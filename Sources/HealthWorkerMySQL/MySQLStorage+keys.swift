import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func insertKey(_ key: APIKey) async throws(StorageError) {
        try await perform { session in
            // A key that is inserted meanwhile is a conflict: done again, this sees it.
            let isTaken =
                try session.first(
                    """
                    SELECT 1
                    FROM api_keys
                    WHERE key_id = ?
                    """, [key.id]
                ) { $0.flag(0) } ?? false
            if isTaken { throw StorageError.refused([.exists(.key, key.id)]) }
            _ = try session.run(
                """
                INSERT INTO api_keys
                    (key_id, secret_hash, name, role, sets, created_at, expires_at, last_used_at,
                     revoked_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    key.id, key.secretHash, key.name, key.role.rawValue,
                    try JSONColumn.text(of: key.sets), key.createdAt, key.expiresAt,
                    key.lastUsedAt, key.revokedAt,
                ])
        }
    }

    package func key(id: String) async throws(StorageError) -> APIKey? {
        try await perform { session in
            try session.first(
                """
                SELECT key_id, secret_hash, name, role, sets, created_at, expires_at, last_used_at,
                       revoked_at
                FROM api_keys
                WHERE key_id = ?
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
        try await read { session in
            // Revoked twice is revoked since the first time.
            let revoked = try session.run(
                """
                UPDATE api_keys
                SET revoked_at = coalesce(revoked_at, ?)
                WHERE key_id = ?
                """, [session.now, id])
            if revoked == 0 { throw StorageError.refused([.missing(.key, id)]) }
        }
    }

    package func touchKey(id: String) async throws(StorageError) {
        // To the minute: a key that calls a thousand times a second costs one write a minute.
        try await read { session in
            let minute = Timestamp(seconds: session.now.seconds / 60 * 60)
            let isDue =
                try session.first(
                    """
                    SELECT NOT (last_used_at <=> ?)
                    FROM api_keys
                    WHERE key_id = ?
                    """, [minute, id]
                ) { $0.flag(0) } ?? false
            guard isDue else { return }
            _ = try session.run(
                """
                UPDATE api_keys
                SET last_used_at = ?
                WHERE key_id = ?
                """, [minute, id])
        }
    }
}
