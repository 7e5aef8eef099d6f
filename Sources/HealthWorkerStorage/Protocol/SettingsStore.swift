package import HealthWorkerModel

/// What operators set for workers while they run.
package protocol SettingsStore: Sendable {
    /// All that is set, as of one moment.
    func liveSettings() async throws(StorageError) -> LiveSettings

    /// Sets what holds for a scope, or takes it away, with the audit log's entry in one transaction.
    ///
    /// Changes follow one another: whoever sees a revision sees all changes up to it. One that
    /// changes nothing stores nothing. ``LiveSettings/change(_:at:)`` is the rule.
    /// - Returns: all that is set afterwards.
    /// - Throws: ``StorageError/refused(_:)`` when the precondition does not hold, and for
    ///   a scope too many.
    func change(_ change: SettingsChange) async throws(StorageError) -> LiveSettings
}

/// What is to hold for a scope from now on.
package struct SettingsChange: Hashable, Sendable {
    package var scope: WorkerScope
    /// Everything that is to be set; where it is empty, nothing is said of the scope any more.
    package var settings: WorkerSettings
    package var actor: String
    /// Why.
    package var message: String?
    package var precondition: Precondition
    package var requestID: String?

    /// For so many scopes something may be said: each worker reads all of it every second.
    package static let mostScopes = 1000

    package init(
        _ settings: WorkerSettings, for scope: WorkerScope, actor: String, message: String? = nil,
        precondition: Precondition = .none, requestID: String? = nil
    ) {
        self.scope = scope
        self.settings = settings
        self.actor = actor
        self.message = message
        self.precondition = precondition
        self.requestID = requestID
    }
}
