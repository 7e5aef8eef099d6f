package import HealthWorkerModel

/// Secrets that checks name in `secret_headers`. Storage only ever sees them sealed.
package protocol SecretStore: Sendable {
    /// All of them and the number of the last change, as of one moment.
    ///
    /// - Returns: nil where the number is still `known`: so a reader that looks every few seconds
    ///   costs one row.
    func secrets(unlessRevision known: Int64?) async throws(StorageError) -> StoredSecrets?

    /// Stores a secret or removes it, with the audit log's entry in one transaction.
    /// ``SecretChange/write(to:count:users:last:at:)`` is the rule.
    /// - Throws: ``StorageError/refused(_:)`` for one that checks use, that is missing, and for one
    ///   too many.
    func change(_ change: SecretChange) async throws(StorageError) -> WriteResult

    /// Names of the checks that use each secret, stored or not, in order; a secret that none uses
    /// has no entry.
    func secretUsers() async throws(StorageError) -> [String: [String]]
}

extension SecretStore {
    /// All secrets, in the order of their names.
    package func secrets() async throws(StorageError) -> [StoredSecret] {
        try await secrets(unlessRevision: nil)?.secrets ?? []
    }
}

package struct StoredSecrets: Hashable, Sendable {
    /// Differs after each change; it rises, unless a backup is restored.
    package var revision: Int64
    /// In the order of their names.
    package var secrets: [StoredSecret]

    package init(revision: Int64 = 0, secrets: [StoredSecret] = []) {
        self.revision = revision
        self.secrets = secrets.sorted { $0.name < $1.name }
    }
}

package struct StoredSecret: Hashable, Sendable {
    package var name: String
    /// What nobody can read without the key that sealed it.
    package var sealed: String
    /// The number of the change that stored it.
    package var revision: Int64
    package var createdAt: Timestamp
    /// When its value was given last.
    package var updatedAt: Timestamp
    package var updatedBy: String

    package init(
        name: String, sealed: String, revision: Int64, createdAt: Timestamp, updatedAt: Timestamp,
        updatedBy: String
    ) {
        self.name = name
        self.sealed = sealed
        self.revision = revision
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.updatedBy = updatedBy
    }
}

/// What is to become of a secret.
package struct SecretChange: Hashable, Sendable {
    package enum Order: Hashable, Sendable {
        /// Creates it or replaces its value.
        case put(sealed: String)
        /// The value of this revision, sealed anew; changes nothing where it was replaced meanwhile.
        case reseal(sealed: String, revision: Int64)
        case delete
    }

    /// So many may be stored: each worker holds all of them.
    package static let mostSecrets = 1000

    package var name: String
    package var order: Order
    package var actor: String
    /// Why.
    package var message: String?
    package var requestID: String?

    package init(
        _ order: Order, of name: String, actor: String, message: String? = nil,
        requestID: String? = nil
    ) {
        self.name = name
        self.order = order
        self.actor = actor
        self.message = message
        self.requestID = requestID
    }
}
