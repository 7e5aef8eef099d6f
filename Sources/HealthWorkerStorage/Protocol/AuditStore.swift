package import HealthWorkerModel

/// Who changed what.
package protocol AuditStore: Sendable {
    func appendAudit(_ entries: [AuditEntry]) async throws(StorageError)
    /// Newest first, older than `before`.
    func audit(before: Int64?, limit: Int) async throws(StorageError) -> [AuditEntry]
}

package struct AuditEntry: Hashable, Sendable {
    /// Given by storage; rises.
    package var id: Int64
    package var at: Timestamp
    package var actor: String
    /// `check.created`, `policy.updated`, `override.set` …
    package var action: String
    package var object: String
    /// JSON text of the object before and after, where there is one. Never a secret.
    package var before: String?
    package var after: String?
    package var message: String?

    package init(
        id: Int64 = 0, at: Timestamp, actor: String, action: String, object: String,
        before: String? = nil, after: String? = nil, message: String? = nil
    ) {
        self.id = id
        self.at = at
        self.actor = actor
        self.action = action
        self.object = object
        self.before = before
        self.after = after
        self.message = message
    }
}

extension AuditEntry {
    static let documentApplied = "document.applied"
    /// Set names have no parentheses.
    static let noSet = "(no set)"

    /// Whether it tells that a document of this set was applied.
    package func isApply(of set: String?) -> Bool {
        action == Self.documentApplied && object == set ?? Self.noSet
    }
}
