package import HealthWorkerModel

/// What an engine offers to ``Migrator``: the table of the steps done, and how to do one.
package protocol MigrationStore: Sendable {
    /// The steps done so far, by number; none where there is no database or no table yet. It
    /// creates nothing.
    func appliedMigrations() async throws(StorageError) -> [AppliedMigration]

    /// Does one step and notes it, in one transaction and under a lock, so that of two processes
    /// that migrate at once one waits and then finds the step done.
    ///
    /// - Returns: false if the step was done already; nothing is changed then.
    func apply(_ migration: Migration, by version: ProgramVersion)
        async throws(StorageError) -> Bool
}

/// A row of `schema_migrations`.
package struct AppliedMigration: Hashable, Sendable {
    package var number: Int
    package var name: String
    package var checksum: String
    package var appliedAt: Timestamp
    /// The version of the program that did it.
    package var appliedBy: String
    package var compatibleFrom: ProgramVersion

    package init(
        number: Int, name: String, checksum: String, appliedAt: Timestamp, appliedBy: String,
        compatibleFrom: ProgramVersion
    ) {
        self.number = number
        self.name = name
        self.checksum = checksum
        self.appliedAt = appliedAt
        self.appliedBy = appliedBy
        self.compatibleFrom = compatibleFrom
    }
}
