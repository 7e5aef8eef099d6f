import GRDB
import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func secrets(
        unlessRevision known: Int64?
    ) async throws(StorageError) -> StoredSecrets? {
        try await read { session in
            let revision = try session.secretsRevision()
            return revision == known
                ? nil : StoredSecrets(revision: revision, secrets: try session.secrets())
        }
    }

    package func change(_ change: SecretChange) async throws(StorageError) -> WriteResult {
        try await write { session in
            let stored = try session.secrets()
            let mine = stored.first { $0.name == change.name }
            let users = change.order == .delete ? try session.secretUsers()[change.name] : nil
            guard
                let write = try change.write(
                    to: mine, count: stored.count, users: users ?? [],
                    last: try session.secretsRevision(), at: session.now)
            else { return .unchanged(revision: mine?.revision ?? 0) }
            try session.store(write)
            return write.result
        }
    }

    package func secretUsers() async throws(StorageError) -> [String: [String]] {
        try await read { try $0.secretUsers() }
    }

    /// The checks that name a secret, and none that does not.
    package static let checksWithSecrets = """
        SELECT spec
        FROM checks
        WHERE instr(spec, '"secret_headers"') > 0
        ORDER BY name
        """
}

extension Session {
    fileprivate func secretsRevision() throws -> Int64 {
        try first("SELECT revision FROM secrets_revision WHERE id = 1") { $0.integer(0) } ?? 0
    }

    fileprivate func secrets() throws -> [StoredSecret] {
        try all(
            """
            SELECT name, sealed, revision, created_at, updated_at, updated_by
            FROM secrets
            ORDER BY name
            """
        ) { StoredSecret($0, from: 0) }
    }

    fileprivate func secretUsers() throws -> [String: [String]] {
        var users = SecretUsers()
        for spec in try all(
            SQLiteStorage.checksWithSecrets, [], { try $0.json(0, as: CheckSpec.self) })
        {
            users.add(spec)
        }
        return users.names
    }

    fileprivate func store(_ write: SecretWrite) throws {
        try run(
            """
            UPDATE secrets_revision
            SET revision = ?
            WHERE id = 1
            """, [write.revision])
        if let row = write.row {
            try run(
                """
                INSERT INTO secrets (name, sealed, revision, created_at, updated_at, updated_by)
                VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (name) DO UPDATE
                SET sealed = excluded.sealed,
                    revision = excluded.revision,
                    updated_at = excluded.updated_at,
                    updated_by = excluded.updated_by
                """,
                [
                    row.name, row.sealed, row.revision, row.createdAt.microseconds,
                    row.updatedAt.microseconds, row.updatedBy,
                ])
        } else {
            try run(
                """
                DELETE FROM secrets
                WHERE name = ?
                """, [write.name])
        }
        try append([write.audit])
    }
}
