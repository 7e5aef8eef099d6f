package import HealthWorkerModel

/// Keys of the API. Storage only ever sees the hash of a key's secret.
package protocol KeyStore: Sendable {
    /// - Throws: ``StorageError/refused(_:)`` when the id is taken.
    func insertKey(_ key: APIKey) async throws(StorageError)
    func key(id: String) async throws(StorageError) -> APIKey?
    func keys() async throws(StorageError) -> [APIKey]
    /// - Throws: ``StorageError/refused(_:)`` when there is no such key.
    func revokeKey(id: String) async throws(StorageError)
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

    package init(
        id: String, secretHash: String, name: String, role: KeyRole, sets: [String] = [],
        createdAt: Timestamp, expiresAt: Timestamp? = nil, lastUsedAt: Timestamp? = nil,
        revokedAt: Timestamp? = nil
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
    }
}

/// What a key may do; each role includes those before it.
package enum KeyRole: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    case read
    /// Override, freeze, failback, probe.
    case operate
    case write
    case admin

    package static func < (left: Self, right: Self) -> Bool {
        let order = Self.allCases
        return order.firstIndex(of: left)! < order.firstIndex(of: right)!  // every case is listed
    }
}
