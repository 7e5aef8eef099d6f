package import HealthWorkerModel

extension RunningProcess {
    /// Reads `process_id, seen_at, presence`.
    package init(row: some StoredRow) throws {
        self.init(id: row.id(0), seenAt: row.moment(1), presence: try row.json(2))
    }
}

extension APIKey {
    /// Reads `key_id, secret_hash, name, role, sets, created_at, expires_at, last_used_at,
    /// revoked_at, replaced_by`.
    package init(row: some StoredRow) throws {
        self.init(
            id: row.text(0), secretHash: row.text(1), name: row.text(2), role: try row.word(3),
            sets: try row.json(4), createdAt: row.moment(5), expiresAt: row.optionalMoment(6),
            lastUsedAt: row.optionalMoment(7), revokedAt: row.optionalMoment(8),
            replacedBy: row.optionalText(9))
    }
}

extension AuditEntry {
    /// Reads `entry_id, at, actor, action, object, before, after, message, request_id, document`.
    package init(row: some StoredRow) {
        self.init(
            id: row.integer(0), at: row.moment(1), actor: row.text(2), action: row.text(3),
            object: row.text(4), before: row.optionalText(5), after: row.optionalText(6),
            message: row.optionalText(7), requestID: row.optionalText(8),
            document: row.optionalText(9))
    }
}

extension Tally {
    /// Reads `enqueued, completed, lost, void, rescued, stale, superseded, missed`, of which the
    /// first stands at `first`.
    package init(_ row: some StoredRow, from first: Int) {
        self.init(
            enqueued: row.integer(first), completed: row.integer(first + 1),
            lost: row.integer(first + 2), void: row.integer(first + 3),
            rescued: row.integer(first + 4), stale: row.integer(first + 5),
            superseded: row.integer(first + 6), missed: row.integer(first + 7))
    }
}

extension ScopedSettings {
    /// Reads `scope, name, revision, updated_at, updated_by, message, settings`, of which the first
    /// stands at `first`.
    package init(_ row: some StoredRow, from first: Int) throws {
        self.init(
            scope: WorkerScope(try row.word(first), row.text(first + 1)),
            settings: try row.json(first + 6), revision: row.integer(first + 2),
            updatedAt: row.moment(first + 3), updatedBy: row.text(first + 4),
            message: row.optionalText(first + 5))
    }
}

extension StoredSecret {
    /// Reads `name, sealed, revision, created_at, updated_at, updated_by`, of which the first stands
    /// at `first`.
    package init(_ row: some StoredRow, from first: Int) {
        self.init(
            name: row.text(first), sealed: row.text(first + 1), revision: row.integer(first + 2),
            createdAt: row.moment(first + 3), updatedAt: row.moment(first + 4),
            updatedBy: row.text(first + 5))
    }
}
