package import HealthWorkerModel

/// Who changed what.
package protocol AuditStore: Sendable {
    /// For what is no row of this storage; every other call writes its entry with what it changes.
    func appendAudit(_ entries: [AuditEntry]) async throws(StorageError)
    /// Newest first, older than `before`.
    func audit(matching filter: AuditFilter, before: Int64?, limit: Int)
        async throws(StorageError) -> [AuditEntry]
    /// Removes at most `limit` of the entries that are older than `keep`, oldest first.
    /// - Returns: how many went.
    func pruneAudit(keep: Duration, limit: Int) async throws(StorageError) -> Int
}

extension AuditStore {
    /// Entries of whatever was changed, newest first, older than `before`.
    package func audit(before: Int64?, limit: Int) async throws(StorageError) -> [AuditEntry] {
        try await audit(matching: AuditFilter(), before: before, limit: limit)
    }
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
    /// Of the request that it was written for: the same as in its answer and in the log.
    package var requestID: String?
    /// The set of the document that was applied, of an entry that an apply wrote; ``noSet`` for one
    /// without.
    package var document: String?

    package init(
        id: Int64 = 0, at: Timestamp, actor: String, action: String, object: String,
        before: String? = nil, after: String? = nil, message: String? = nil,
        requestID: String? = nil, document: String? = nil
    ) {
        self.id = id
        self.at = at
        self.actor = actor
        self.action = action
        self.object = object
        self.before = before
        self.after = after
        self.message = message
        self.requestID = requestID
        self.document = document
    }
}

/// Which entries are wanted; nil means any.
package struct AuditFilter: Hashable, Sendable {
    package var actor: String?
    package var action: String?
    package var object: String?
    /// Not before this moment.
    package var since: Timestamp?

    /// Ids rise with time, but for writes that were under way at once: none of them takes this long.
    package static let disorder: Duration = .seconds(60)

    package init(
        actor: String? = nil, action: String? = nil, object: String? = nil,
        since: Timestamp? = nil
    ) {
        self.actor = actor
        self.action = action
        self.object = object
        self.since = since
    }

    package func admits(_ entry: AuditEntry) -> Bool {
        (actor.map { $0 == entry.actor } ?? true) && (action.map { $0 == entry.action } ?? true)
            && (object.map { $0 == entry.object } ?? true)
            && (since.map { $0 <= entry.at } ?? true)
    }
}

extension AuditEntry {
    package static let documentApplied = "document.applied"
    /// Members turned unhealthy and are published on; by the guard or a budget.
    package static let held = "policy.held"
    /// They are healthy again, or leave because the hold is over.
    package static let holdEnded = "policy.hold_ended"
    /// They leave because an operator says so.
    package static let released = "policy.released"
    /// A maintenance began, or was over, for members of a policy.
    package static let maintenanceBegan = "policy.maintenance_began"
    package static let maintenanceEnded = "policy.maintenance_ended"
    /// A worker is contradicted by its peers, and claims nothing for a while.
    package static let quarantined = "worker.quarantined"
    /// It was right for a while, or was ended.
    package static let quarantineEnded = "worker.released"
    /// Set names have no parentheses.
    static let noSet = "(no set)"

    /// Whether it tells that a document of this set was applied.
    package func isApply(of set: String?) -> Bool {
        action == Self.documentApplied && object == set ?? Self.noSet
    }
}
