/// All that operators have set for workers, as of one moment.
package struct LiveSettings: Hashable, Sendable, Codable {
    /// The number of the last change; it rises with each, also past a restored backup. 0: nothing was
    /// ever set.
    package var revision: Int64
    /// One for each scope of which something is said, in the order of the scopes.
    package var settings: [ScopedSettings]

    package init(revision: Int64 = 0, settings: [ScopedSettings] = []) {
        self.revision = revision
        self.settings = settings.sorted { $0.scope < $1.scope }
    }

    package func settings(for scope: WorkerScope) -> ScopedSettings? {
        settings.first { $0.scope == scope }
    }
}

/// What is set for one scope, and by whom.
package struct ScopedSettings: Hashable, Sendable, Codable {
    package var scope: WorkerScope
    package var settings: WorkerSettings
    /// The number of its last change.
    package var revision: Int64
    package var updatedAt: Timestamp
    package var updatedBy: String
    /// Why, in the words of who changed it.
    package var message: String?

    package init(
        scope: WorkerScope, settings: WorkerSettings, revision: Int64, updatedAt: Timestamp,
        updatedBy: String, message: String? = nil
    ) {
        self.scope = scope
        self.settings = settings
        self.revision = revision
        self.updatedAt = updatedAt
        self.updatedBy = updatedBy
        self.message = message
    }
}
