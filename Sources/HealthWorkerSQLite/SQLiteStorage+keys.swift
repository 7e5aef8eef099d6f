import GRDB
import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func key(id: String) async throws(StorageError) -> APIKey? {
        try await read { try $0.key(id) }
    }

    package func keys() async throws(StorageError) -> [APIKey] {
        try await read { session in
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
        try await write { session in
            let stored = try change.subject.flatMap { try session.key($0) }
            guard let write = try change.write(to: stored, at: session.now) else { return }
            try session.store(write)
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

extension Session {
    fileprivate func key(_ id: String) throws -> APIKey? {
        try first(
            """
            SELECT key_id, secret_hash, name, role, sets, created_at, expires_at, last_used_at,
                   revoked_at, replaced_by
            FROM api_keys
            WHERE key_id = ?
            """, [id], APIKey.init(row:))
    }

    fileprivate func store(_ write: KeyWrite) throws {
        if let key = write.made {
            let inserted = try run(
                """
                INSERT INTO api_keys
                    (key_id, secret_hash, name, role, sets, created_at, expires_at, last_used_at,
                     revoked_at, replaced_by)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (key_id) DO NOTHING
                """,
                [
                    key.id, key.secretHash, key.name, key.role.rawValue,
                    try JSONColumn.text(of: key.sets), key.createdAt.microseconds,
                    key.expiresAt?.microseconds, key.lastUsedAt?.microseconds,
                    key.revokedAt?.microseconds, key.replacedBy,
                ])
            if inserted == 0 { throw StorageError.refused([.exists(.key, key.id)]) }
        }
        if let key = write.ended {
            try run(
                """
                UPDATE api_keys
                SET expires_at = ?,
                    revoked_at = ?,
                    replaced_by = ?
                WHERE key_id = ?
                """,
                [
                    key.expiresAt?.microseconds, key.revokedAt?.microseconds, key.replacedBy,
                    key.id,
                ])
        }
        try append([write.audit])
    }
}

extension Timestamp {
    fileprivate var minute: Timestamp {
        Timestamp(seconds: seconds / 60 * 60)
    }
}
