import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func key(id: String) async throws(StorageError) -> APIKey? {
        try await perform { session in
            try session.first(
                """
                SELECT key_id, secret_hash, name, role, sets, created_at, expires_at, last_used_at,
                       revoked_at, replaced_by
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

extension Session {
    fileprivate func lockedKey(_ id: String) throws -> APIKey? {
        try first(
            """
            SELECT key_id, secret_hash, name, role, sets, created_at, expires_at, last_used_at,
                   revoked_at, replaced_by
            FROM api_keys
            WHERE key_id = ?
            FOR UPDATE
            """, [id], APIKey.init(row:))
    }

    fileprivate func store(_ write: KeyWrite) throws {
        if let key = write.made {
            // A key that is inserted meanwhile is a conflict: done again, this sees it.
            let isTaken =
                try first(
                    """
                    SELECT 1
                    FROM api_keys
                    WHERE key_id = ?
                    """, [key.id]
                ) { $0.flag(0) } ?? false
            if isTaken { throw StorageError.refused([.exists(.key, key.id)]) }
            try run(
                """
                INSERT INTO api_keys
                    (key_id, secret_hash, name, role, sets, created_at, expires_at, last_used_at,
                     revoked_at, replaced_by)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    key.id, key.secretHash, key.name, key.role.rawValue,
                    try JSONColumn.text(of: key.sets), key.createdAt, key.expiresAt,
                    key.lastUsedAt, key.revokedAt, key.replacedBy,
                ])
        }
        if let key = write.ended {
            try run(
                """
                UPDATE api_keys
                SET expires_at = ?,
                    revoked_at = ?,
                    replaced_by = ?
                WHERE key_id = ?
                """, [key.expiresAt, key.revokedAt, key.replacedBy, key.id])
        }
        try append([write.audit])
    }
}
