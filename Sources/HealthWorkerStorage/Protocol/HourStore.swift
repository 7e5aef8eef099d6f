package import HealthWorkerModel

/// The figures of each hour, which stay when the outcomes and routes that they are made of are gone.
///
/// ``HourMaker`` makes them, in steps that read without a lock and write little; nothing that claims or
/// completes jobs reads or writes any of these rows. Those of a check or policy that was deleted stay
/// until they are too old: nothing else ever gets its id.
package protocol HourStore: Sendable {
    /// How far the making of hours has come.
    func hourMark() async throws(StorageError) -> HourMark

    /// Checks that were made before an hour ended, those after `after` in the order of ids.
    func checks(of hour: Hour, after: CheckID, limit: Int)
        async throws(StorageError) -> [CheckOfHour]

    /// The outcomes of a check from `start` on whose jobs come after `job`, in the order of jobs, which
    /// is that of time: a check has one live job at most.
    func outcomes(of check: CheckID, from start: Timestamp, after job: JobID, limit: Int)
        async throws(StorageError) -> [HourOutcome]

    /// Policies that were made before an hour ended, those after `after` in the order of ids.
    func policies(of hour: Hour, after: PolicyID, limit: Int)
        async throws(StorageError) -> [PolicyID]

    /// Keeps hours, in the place of those of the same checks, policies and hours, and moves the mark on.
    /// - Returns: false, and nothing is kept, where the mark is not `mark` any more.
    func keep(_ hours: MadeHours, from mark: HourMark, to next: HourMark)
        async throws(StorageError) -> Bool

    /// In their order, `end` not among them.
    func checkHours(of check: CheckID, from start: Hour, until end: Hour)
        async throws(StorageError) -> [CheckHour]

    /// In their order, `end` not among them.
    func policyHours(of policy: PolicyID, from start: Hour, until end: Hour)
        async throws(StorageError) -> [PolicyHour]

    /// Removes hours before `hour`, at most `limit` of checks and as many of policies, the oldest first.
    /// - Returns: how many were removed.
    func pruneHours(before hour: Hour, limit: Int) async throws(StorageError) -> Int
}

/// How far the making of hours has come: all before it is done.
package struct HourMark: Hashable, Sendable {
    /// Policies come last: their hours are made of those of checks.
    package enum Stage: String, Hashable, Sendable, CaseIterable {
        case checks, policies
    }

    package var hour: Hour
    package var stage: Stage
    /// The id of the last one that is done.
    package var after: Int64

    /// As the schema begins with it.
    package static let beginning = HourMark(hour: Hour(number: 0), stage: .checks, after: 0)

    package init(hour: Hour, stage: Stage, after: Int64 = 0) {
        self.hour = hour
        self.stage = stage
        self.after = after
    }
}

/// A check, and what the hour before says of it.
package struct CheckOfHour: Hashable, Sendable {
    package var check: CheckID
    package var createdAt: Timestamp
    /// How old its last conclusive outcome may be before nothing is known.
    package var staleAfter: Duration
    /// Now.
    package var health: Health
    package var healthSince: Timestamp
    /// The last outcome that the hour before counted; 0: that hour was not made.
    package var lastJob: JobID
    package var seenAt: Timestamp?

    package init(
        check: CheckID, createdAt: Timestamp, staleAfter: Duration, health: Health,
        healthSince: Timestamp, lastJob: JobID, seenAt: Timestamp?
    ) {
        self.check = check
        self.createdAt = createdAt
        self.staleAfter = staleAfter
        self.health = health
        self.healthSince = healthSince
        self.lastJob = lastJob
        self.seenAt = seenAt
    }
}

/// What one step made.
package struct MadeHours: Hashable, Sendable {
    package var checks: [CheckHour]
    package var policies: [PolicyHour]

    package init(checks: [CheckHour] = [], policies: [PolicyHour] = []) {
        self.checks = checks
        self.policies = policies
    }
}
