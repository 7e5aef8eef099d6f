package import HealthWorkerModel

/// What a change of a key stores.
package struct KeyWrite: Hashable, Sendable {
    /// A new key.
    package var made: APIKey?
    /// A stored key that ends, with its end.
    package var ended: APIKey?
    package var audit: AuditEntry
}

extension KeyChange {
    /// What to store; nil where nothing changes.
    ///
    /// - Parameter stored: the key that ``subject`` names, if there is one.
    /// - Throws: ``StorageError/refused(_:)``
    package func write(to stored: APIKey?, at now: Timestamp) throws(StorageError) -> KeyWrite? {
        switch order {
        case .make(let key):
            return KeyWrite(
                made: key,
                audit: try entry("key.created", key.name, at: now, after: AuditedKey(key)))
        case .rotate(let id, let successor, let end):
            guard var key = stored else { throw .refused([.missing(.key, id)]) }
            try key.mayRotate(at: now)
            let before = AuditedKey(key)
            key.expiresAt = min(key.expiresAt ?? end, end)
            key.replacedBy = successor.id
            return KeyWrite(
                made: successor, ended: key,
                audit: try entry(
                    "key.rotated", key.name, at: now, before: before,
                    after: AuditedKey(successor)))
        case .revoke(let id):
            guard var key = stored else { throw .refused([.missing(.key, id)]) }
            // Revoked twice is revoked since the first time.
            if key.revokedAt != nil { return nil }
            let before = AuditedKey(key)
            key.revokedAt = now
            return KeyWrite(
                ended: key,
                audit: try entry(
                    "key.revoked", key.name, at: now, before: before, after: AuditedKey(key)))
        }
    }

    private func entry(
        _ action: String, _ name: String, at now: Timestamp, before: AuditedKey? = nil,
        after: AuditedKey
    ) throws(StorageError) -> AuditEntry {
        AuditEntry(
            at: now, actor: actor, action: action, object: name,
            before: try before.map(JSONColumn.text(of:)), after: try JSONColumn.text(of: after),
            message: message,
            requestID: requestID)
    }
}

extension APIKey {
    /// - Throws: ``StorageError/refused(_:)`` for a key that ended, or that has a successor.
    fileprivate func mayRotate(at now: Timestamp) throws(StorageError) {
        let why: String? =
            if revokedAt != nil {
                "The key \(id) was revoked; make another one."
            } else if let expiresAt, expiresAt <= now {
                "The key \(id) has expired; make another one."
            } else if let replacedBy {
                "The key \(id) was rotated already; \(replacedBy) took its place."
            } else {
                nil
            }
        if let why { throw .refused([.nothingToDo(why)]) }
    }
}

/// A key as the audit log shows it: nothing of its secret, not even the hash.
private struct AuditedKey: Encodable {
    var id: String
    var name: String
    var role: KeyRole
    var sets: [String]
    var expiresAt: Timestamp?
    var revokedAt: Timestamp?
    var replacedBy: String?

    enum CodingKeys: String, CodingKey {
        case id, name, role, sets
        case expiresAt = "expires_at"
        case revokedAt = "revoked_at"
        case replacedBy = "replaced_by"
    }

    init(_ key: APIKey) {
        id = key.id
        name = key.name
        role = key.role
        sets = key.sets
        expiresAt = key.expiresAt
        revokedAt = key.revokedAt
        replacedBy = key.replacedBy
    }
}
