package import HealthWorkerModel

/// What a change of settings stores: the scope's row, the revision, and an entry of the audit log.
package struct SettingsWrite: Hashable, Sendable {
    package var revision: Int64
    package var scope: WorkerScope
    /// Nil: the scope's row goes.
    package var row: ScopedSettings?
    package var audit: AuditEntry
}

extension LiveSettings {
    /// Makes the change and says what to store, nil where it changes nothing; called under the lock
    /// that keeps changes one after the other.
    ///
    /// The revision becomes the storage's Unix seconds where these are ahead: so it rises also past
    /// one that was given before a backup was restored, and no copy of then is taken for newer.
    package mutating func change(
        _ change: SettingsChange, at now: Timestamp
    ) throws(StorageError) -> SettingsWrite? {
        let stored = settings(for: change.scope)
        if let refusal = change.precondition.refusal(
            of: .setting, "for \(change.scope)", exists: stored != nil, revision: stored?.revision)
        {
            throw .refused([refusal])
        }
        guard change.settings != stored?.settings ?? WorkerSettings() else { return nil }
        guard stored != nil || settings.count < SettingsChange.mostScopes else {
            throw .refused([.tooMany(.setting, limit: SettingsChange.mostScopes)])
        }
        revision = max(revision + 1, now.seconds)
        let row =
            change.settings.isEmpty
            ? nil
            : ScopedSettings(
                scope: change.scope, settings: change.settings, revision: revision, updatedAt: now,
                updatedBy: change.actor, message: change.message)
        settings =
            LiveSettings(
                settings: settings.filter { $0.scope != change.scope } + [row].compactMap(\.self)
            ).settings
        return SettingsWrite(
            revision: revision, scope: change.scope, row: row,
            audit: AuditEntry(
                at: now, actor: change.actor,
                action: row == nil ? "worker_settings.cleared" : "worker_settings.set",
                object: change.scope.description,
                before: try (stored?.settings).map(JSONColumn.text(of:)),
                after: try (row?.settings).map(JSONColumn.text(of:)),
                message: change.message, requestID: change.requestID))
    }
}
