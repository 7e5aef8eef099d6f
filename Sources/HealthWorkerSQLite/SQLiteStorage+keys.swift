import GRDB
import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func insertKey(_ key: APIKey) async throws(StorageError) {
        try await write { session in
            let inserted = try session.run(
                """
                INSERT INTO api_keys
                    (key_id, secret_hash, name, role, sets, created_at, expires_at, last_used_at,
                     revoked_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (key_id) DO NOTHING
                """,
                [
                    key.id, key.secretHash, key.name, key.role.rawValue,
                    try JSONColumn.text(of: key.sets), key.createdAt.microseconds,
                    key.expiresAt?.microseconds, key.lastUsedAt?.microseconds,
                    key.revokedAt?.microseconds,
                ])
            if inserted == 0 { throw StorageError.refused([.exists(.key, key.id)]) }
        }
    }

    package func key(id: String) async throws(StorageError) -> APIKey? {
        try await read { session in
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
        try await read { session in
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
        try await write { session in
            // Revoked twice is revoked since the first time.
            let revoked = try session.run(
                """
                UPDATE api_keys
                SET revoked_at = coalesce(revoked_at, ?)
                WHERE key_id = ?
                """, [session.now.microseconds, id])
            if revoked == 0 { throw StorageError.refused([.missing(.key, id)]) }
        }
    }

    package func touchKey(id: String) async throws(StorageError) {
        // To the minute: a key that calls a thousand times a second costs one write a minute.
        let isDue = try await read { session in
            try session.first(
                """
                SELECT last_used_at IS NOT ?
                FROM api_keys
                WHERE key_id = ?
                """, [session.now.minute.microseconds, id]
            ) { $0.flag(0) } ?? false
        }
        guard isDue else { return }
        try await write { session in
            try session.run(
                """
                UPDATE api_keys
                SET last_used_at = ?
                WHERE key_id = ?
                """, [session.now.minute.microseconds, id])
        }
    }
}

extension Timestamp {
    fileprivate var minute: Timestamp {
        Timestamp(seconds: seconds / 60 * 60)
    }
}
