package import HealthWorkerModel

/// The steps that this program carries beside those that were done. Pure: what to do and whether the
/// program may run follow from these values alone.
package struct SchemaHistory: Hashable, Sendable {
    /// One step, carried or done or both.
    package struct Step: Hashable, Sendable {
        package var number: Int
        package var name: String
        package var state: MigrationState

        package init(number: Int, name: String, state: MigrationState) {
            self.number = number
            self.name = name
            self.state = state
        }
    }

    /// By number.
    package let steps: [Step]

    package init(carried: [Migration], applied: [AppliedMigration]) {
        let done = Dictionary(uniqueKeysWithValues: applied.map { ($0.number, $0) })
        let numbers = Set(carried.map(\.number))
        var steps = carried.map { migration in
            let state: MigrationState =
                switch done[migration.number] {
                case nil:
                    .pending
                case let row? where row.checksum == migration.checksum:
                    .applied(at: row.appliedAt, by: row.appliedBy)
                case let row?:
                    .changed(at: row.appliedAt, by: row.appliedBy)
                }
            return Step(number: migration.number, name: migration.name, state: state)
        }
        steps += applied.filter { !numbers.contains($0.number) }.map { row in
            Step(
                number: row.number, name: row.name,
                state: .newer(
                    at: row.appliedAt, by: row.appliedBy, compatibleFrom: row.compatibleFrom))
        }
        self.steps = steps.sorted { $0.number < $1.number }
    }

    package var pending: [Int] {
        steps.filter { $0.state == .pending }.map(\.number)
    }

    /// Why `version` of the program must neither migrate nor run here; nil: it may migrate.
    package func obstacle(for version: ProgramVersion) -> StorageError? {
        let newer = steps.compactMap { step in
            if case .newer(_, let program, let oldest) = step.state, oldest > version {
                (step: step, program: program, oldest: oldest)
            } else {
                nil
            }
        }
        if let newest = newer.last {
            let oldest = newer.map(\.oldest).max() ?? newest.oldest
            return .schema(
                "The schema is at migration \(newest.step.number) (\(newest.step.name)), made by "
                    + "version \(newest.program), and works with version \(oldest) or later. This "
                    + "is version \(version): install \(oldest) or later.")
        }
        for step in steps {
            if case .changed(_, let program) = step.state {
                return .schema(
                    "Migration \(step.number) (\(step.name)) was done by version \(program) with "
                        + "another text than this program carries. Install the released program "
                        + "that made this schema, or restore the database.")
            }
        }
        return nil
    }

    /// Why `version` of the program cannot run here; nil: it may.
    package func refusal(for version: ProgramVersion) -> StorageError? {
        if let obstacle = obstacle(for: version) { return obstacle }
        guard let missing = pending.first else { return nil }
        return .schema(
            "The schema lacks migration \(missing) of version \(version); "
                + "run: health-worker migrate up")
    }
}

/// What became of one step.
package enum MigrationState: Hashable, Sendable {
    case pending
    case applied(at: Timestamp, by: String)
    /// Done with another text than this program carries.
    case changed(at: Timestamp, by: String)
    /// Done by a later version of the program.
    case newer(at: Timestamp, by: String, compatibleFrom: ProgramVersion)
}
