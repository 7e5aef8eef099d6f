package import HealthWorkerModel

/// What is known of checks, for people and for policies.
package protocol HealthStore: Sendable {
    /// A check without an entry does not exist.
    func observations(of checks: [CheckID]) async throws(StorageError) -> [CheckID: Observation]

    /// Newest first, older than `before`. Those of a deleted check stay until they are too old: a
    /// week of them is tens of thousands of rows, and no other check ever gets its id.
    func outcomes(of check: CheckID, before: JobID?, limit: Int)
        async throws(StorageError) -> [RecordedOutcome]

    /// Newest first, older than `before`; nil check: of all checks.
    func healthChanges(of check: CheckID?, before: HealthChangeID?, limit: Int)
        async throws(StorageError) -> [RecordedHealthChange]

    /// The names of the unhealthy checks that each of these depends on, directly or not, sorted. A paused
    /// one explains nothing: its health is of old. A check without such has no entry.
    func unhealthyDependencies(of checks: [CheckID])
        async throws(StorageError) -> [CheckID: [String]]

    /// All checks and policies, counted; a walk through all of them.
    func census() async throws(StorageError) -> Census
}

/// What is measured of one check now.
package struct Observation: Hashable, Sendable {
    package var state: HealthState
    /// The live job, where there is one.
    package var job: LiveJob?
    /// When its slot is due next; nil for a check that is paused.
    package var slotDueAt: Timestamp?
    package var lastOutcome: RecordedOutcome?

    package init(
        state: HealthState, job: LiveJob?, slotDueAt: Timestamp?, lastOutcome: RecordedOutcome?
    ) {
        self.state = state
        self.job = job
        self.slotDueAt = slotDueAt
        self.lastOutcome = lastOutcome
    }
}

package struct LiveJob: Hashable, Sendable {
    package var id: JobID
    package var attempt: Int
    package var dueAt: Timestamp
    package var visibleAt: Timestamp
    package var worker: ProcessID?

    package init(
        id: JobID, attempt: Int, dueAt: Timestamp, visibleAt: Timestamp, worker: ProcessID?
    ) {
        self.id = id
        self.attempt = attempt
        self.dueAt = dueAt
        self.visibleAt = visibleAt
        self.worker = worker
    }
}

package struct RecordedOutcome: Hashable, Sendable {
    package var job: JobID
    package var attempt: Int
    package var check: CheckID
    package var epoch: Int64
    package var startedAt: Timestamp
    package var worker: ProcessID
    package var location: String
    package var report: ProbeReport

    package init(
        job: JobID, attempt: Int, check: CheckID, epoch: Int64, startedAt: Timestamp,
        worker: ProcessID, location: String, report: ProbeReport
    ) {
        self.job = job
        self.attempt = attempt
        self.check = check
        self.epoch = epoch
        self.startedAt = startedAt
        self.worker = worker
        self.location = location
        self.report = report
    }
}

package struct RecordedHealthChange: Hashable, Sendable {
    package var id: HealthChangeID
    package var check: CheckID
    package var at: Timestamp
    package var turn: HealthTurn
    /// The job whose outcome turned it; nil for an edit.
    package var job: JobID?
    package var worker: ProcessID?

    package init(
        id: HealthChangeID, check: CheckID, at: Timestamp, turn: HealthTurn, job: JobID?,
        worker: ProcessID?
    ) {
        self.id = id
        self.check = check
        self.at = at
        self.turn = turn
        self.job = job
        self.worker = worker
    }
}
