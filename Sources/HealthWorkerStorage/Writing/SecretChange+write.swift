package import HealthWorkerModel

/// What a change of a secret stores: the revision, the secret's row, and an entry of the audit log.
package struct SecretWrite: Hashable, Sendable {
    package var revision: Int64
    package var name: String
    /// Nil: the row goes.
    package var row: StoredSecret?
    package var audit: AuditEntry
    package var result: WriteResult
}

extension SecretChange {
    /// What to store; nil where nothing changes. Called under the lock that keeps changes one after
    /// the other.
    ///
    /// - Parameters:
    ///   - stored: the secret of this name, if there is one.
    ///   - count: how many are stored.
    ///   - users: names of the checks that use it.
    ///   - last: the number of the change before.
    /// - Throws: ``StorageError/refused(_:)``
    package func write(
        to stored: StoredSecret?, count: Int, users: [String], last: Int64, at now: Timestamp
    ) throws(StorageError) -> SecretWrite? {
        let revision = max(last + 1, now.seconds)
        switch order {
        case .put(let sealed):
            guard stored != nil || count < Self.mostSecrets else {
                throw .refused([.tooMany(.secret, limit: Self.mostSecrets)])
            }
            return SecretWrite(
                revision: revision, name: name,
                row: StoredSecret(
                    name: name, sealed: sealed, revision: revision,
                    createdAt: stored?.createdAt ?? now, updatedAt: now, updatedBy: actor),
                audit: entry(stored == nil ? "secret.created" : "secret.updated", at: now),
                result: stored == nil
                    ? .created(revision: revision) : .updated(revision: revision))
        case .reseal(let sealed, let wanted):
            guard var row = stored, row.revision == wanted else { return nil }
            row.sealed = sealed
            row.revision = revision
            return SecretWrite(
                revision: revision, name: name, row: row,
                audit: entry("secret.resealed", at: now), result: .updated(revision: revision))
        case .delete:
            guard stored != nil else { throw .refused([.missing(.secret, name)]) }
            guard users.isEmpty else { throw .refused([.secretInUse(name, by: users)]) }
            return SecretWrite(
                revision: revision, name: name, row: nil, audit: entry("secret.deleted", at: now),
                result: .deleted)
        }
    }

    /// Not a word of what the value was or is.
    private func entry(_ action: String, at now: Timestamp) -> AuditEntry {
        AuditEntry(
            at: now, actor: actor, action: action, object: name, message: message,
            requestID: requestID)
    }
}

/// Which checks use which secrets.
package struct SecretUsers {
    /// By secret.
    package private(set) var names: [String: [String]] = [:]

    package init() {}

    /// To be called in the order of the checks' names.
    package mutating func add(_ spec: CheckSpec) {
        for secret in spec.http?.secretNames ?? [] { names[secret, default: []].append(spec.name) }
    }
}
