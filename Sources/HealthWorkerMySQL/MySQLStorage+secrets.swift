import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func secrets(
        unlessRevision known: Int64?
    ) async throws(StorageError) -> StoredSecrets? {
        try await perform { session in
            let found = try session.secrets(unlessRevision: known)
            return found.revision == known ? nil : found
        }
    }

    package func change(_ change: SecretChange) async throws(StorageError) -> WriteResult {
        try await transact { session in
            // Of two changes the second waits here, and its next statement sees the first.
            _ = try session.all(
                """
                SELECT revision
                FROM secrets_revision
                WHERE id = 1
                FOR UPDATE
                """
            ) { $0.integer(0) }
            let stored = try session.secrets(unlessRevision: nil)
            let mine = stored.secrets.first { $0.name == change.name }
            let users = change.order == .delete ? try session.secretUsers()[change.name] : nil
            guard
                let write = try change.write(
                    to: mine, count: stored.secrets.count, users: users ?? [],
                    last: stored.revision, at: session.now)
            else { return .unchanged(revision: mine?.revision ?? 0) }
            try session.store(write)
            return write.result
        }
    }

    package func secretUsers() async throws(StorageError) -> [String: [String]] {
        try await perform { try $0.secretUsers() }
    }
}

extension Session {
    /// One statement, so that rows and revision are of one moment.
    fileprivate func secrets(unlessRevision known: Int64?) throws -> StoredSecrets {
        var revision: Int64 = 0
        let secrets = try all(
            """
            SELECT r.revision, s.name, s.sealed, s.revision, s.created_at, s.updated_at,
                   s.updated_by
            FROM secrets_revision AS r
            LEFT JOIN secrets AS s ON NOT (r.revision <=> ?)
            WHERE r.id = 1
            """, [known]
        ) { row -> StoredSecret? in
            revision = row.integer(0)
            return row.isNull(1) ? nil : StoredSecret(row, from: 1)
        }
        return StoredSecrets(revision: revision, secrets: secrets.compactMap(\.self))
    }

    /// There are no partial indexes here, so this reads every check: it is asked for when somebody
    /// lists secrets or deletes one, and by no process by itself.
    fileprivate func secretUsers() throws -> [String: [String]] {
        var users = SecretUsers()
        let specs = try all(
            """
            SELECT spec
            FROM checks
            WHERE LOCATE('"secret_headers"', spec) > 0
            ORDER BY name
            """
        ) { try $0.json(0, as: CheckSpec.self) }
        for spec in specs { users.add(spec) }
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
                ON DUPLICATE KEY UPDATE
                    sealed = VALUES(sealed),
                    revision = VALUES(revision),
                    updated_at = VALUES(updated_at),
                    updated_by = VALUES(updated_by)
                """,
                [
                    row.name, row.sealed, row.revision, row.createdAt, row.updatedAt,
                    row.updatedBy,
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
