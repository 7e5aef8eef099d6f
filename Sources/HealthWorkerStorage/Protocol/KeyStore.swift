package import HealthWorkerModel

/// Keys of the API. Storage only ever sees the hash of a key's secret.
package protocol KeyStore: Sendable {
    func key(id: String) async throws(StorageError) -> APIKey?
    /// All of them, those that ended included, in the order in which they were made.
    func keys() async throws(StorageError) -> [APIKey]
    /// Makes, rotates or revokes a key, with the audit log's entry in one transaction.
    /// ``KeyChange/write(to:at:)`` is the rule.
    /// - Throws: ``StorageError/refused(_:)`` when the id of a new key is taken, when there is no
    ///   such key, and when one that ended is to be rotated.
    func change(_ change: KeyChange) async throws(StorageError)
    /// Remembers that a key was used, to the minute.
    func touchKey(id: String) async throws(StorageError)
}

package struct APIKey: Hashable, Sendable {
    /// The public part, between `hw_` and the second `_`.
    package var id: String
    /// SHA-256 of the secret part, as 64 hexadecimal digits.
    package var secretHash: String
    package var name: String
    package var role: KeyRole
    /// Sets whose objects it may write; empty means all.
    package var sets: [String]
    package var createdAt: Timestamp
    package var expiresAt: Timestamp?
    package var lastUsedAt: Timestamp?
    package var revokedAt: Timestamp?
    /// The id of the key that took its place, of one that was rotated.
    package var replacedBy: String?

    package init(
        id: String, secretHash: String, name: String, role: KeyRole, sets: [String] = [],
        createdAt: Timestamp, expiresAt: Timestamp? = nil, lastUsedAt: Timestamp? = nil,
        revokedAt: Timestamp? = nil, replacedBy: String? = nil
    ) {
        self.id = id
        self.secretHash = secretHash
        self.name = name
        self.role = role
        self.sets = sets
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.lastUsedAt = lastUsedAt
        self.revokedAt = revokedAt
        self.replacedBy = replacedBy
    }
}

/// What a key may do; each role includes those before it.
package enum KeyRole: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    case read
    /// Override, freeze, failback, probe, pause workers.
    case operate
    case write
    case admin

    package static func < (left: Self, right: Self) -> Bool {
        let order = Self.allCases
        return order.firstIndex(of: left)! < order.firstIndex(of: right)!  // every case is listed
    }
}

/// What is to become of a key.
package struct KeyChange: Hashable, Sendable {
    package enum Order: Hashable, Sendable {
        case make(APIKey)
        /// Makes `successor` and lets the key end at `end`, unless it ends before that anyway.
        case rotate(id: String, to: APIKey, end: Timestamp)
        case revoke(id: String)
    }

    package var order: Order
    package var actor: String
    /// Why.
    package var message: String?
    package var requestID: String?

    package init(
        _ order: Order, actor: String, message: String? = nil, requestID: String? = nil
    ) {
        self.order = order
        self.actor = actor
        self.message = message
        self.requestID = requestID
    }

    /// The stored key that it is about, which is read under a lock before ``write(to:at:)``.
    package var subject: String? {
        switch order {
        case .make: nil
        case .rotate(let id, _, _), .revoke(let id): id
        }
    }
}
