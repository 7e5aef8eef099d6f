/// Brings a schema to what this program needs, and says whether it is there.
package struct Migrator: Sendable {
    package typealias MigrationStatus = SchemaHistory.Step

    /// The steps that this program carries, by number.
    package let migrations: [Migration]
    package let version: ProgramVersion
    private let store: any MigrationStore

    package init(migrations: [Migration], store: any MigrationStore, version: ProgramVersion) {
        self.migrations = migrations.sorted { $0.number < $1.number }
        self.store = store
        self.version = version
    }

    /// Every step, carried or done, by number.
    package func status() async throws(StorageError) -> [MigrationStatus] {
        try await history().steps
    }

    /// The steps that are still to be done, in order: what `up` would do, and the SQL of it.
    package func pending() async throws(StorageError) -> [Migration] {
        let pending = Set(try await history().pending)
        return migrations.filter { pending.contains($0.number) }
    }

    /// Does every step that is still to be done, each in a transaction of its own. What was done
    /// before one fails stays done, and calling again goes on from there.
    ///
    /// - Returns: the steps done by this call, or, for a dry run, those it would do.
    /// - Throws: ``StorageError/schema(_:)``, and nothing is done, where a step was done with another
    ///   text or by a version that this one may not follow.
    package func up(dryRun: Bool = false) async throws(StorageError) -> [Migration] {
        if let obstacle = try await history().obstacle(for: version) { throw obstacle }
        let pending = try await pending()
        if dryRun { return pending }
        var done: [Migration] = []
        for migration in pending where try await store.apply(migration, by: version) {
            done.append(migration)
        }
        return done
    }

    /// Whether this program may run on the schema as it is. Steps of a later version are fine while
    /// they say so.
    ///
    /// - Throws: ``StorageError/schema(_:)`` that names the command or the version that mends it.
    package func validate() async throws(StorageError) {
        if let refusal = try await history().refusal(for: version) { throw refusal }
    }

    private func history() async throws(StorageError) -> SchemaHistory {
        SchemaHistory(carried: migrations, applied: try await store.appliedMigrations())
    }
}
