package import HealthWorkerModel

/// The life of a job: enqueue, claim, complete or release; a lease that ran out is claimed again.
///
/// Promises under `kill -9` of any process: no job is lost (enqueued = completed + live + lost +
/// void), each (job, attempt) is handed out at most once, and exactly one outcome per job is kept.
package protocol JobQueue: Sendable {
    /// Enqueues the checks of slots that are due, at most `maxSlots` slots, earliest first, and
    /// advances these slots, keeping their phase. Ticks that were missed are skipped and counted.
    ///
    /// A check whose job is still live gets none. Callers at the same time take different slots.
    func enqueueDue(maxSlots: Int) async throws(StorageError) -> EnqueueReport

    /// Claims up to `request.limit` jobs that are visible, in order of their ids.
    ///
    /// No other worker can claim the same job until its lease ends: its own time-out plus the
    /// margin, by the storage's clock. A job that avoids this worker is not handed to it until 1 s
    /// after it became visible, nor, where its check lists several locations, to another one at the
    /// location of the avoided worker. A job whose third lease ended is left to
    /// ``expireLost(limit:from:)``; one that was given back is claimed, whatever its attempt.
    func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim]

    /// Ends jobs with their outcomes, moves health, records turns, enqueues re-checks and the
    /// evaluations that turns ask for, all in one transaction.
    ///
    /// A completion whose (job, attempt) is not live any more is stale: it changes nothing. Sending
    /// the same batch again after a lost answer is safe.
    func complete(_ batch: [Completion]) async throws(StorageError) -> CompletionReport

    /// Gives back jobs that were claimed and not started; they are visible at once, and the attempt
    /// stays counted. Each takes over its check's time-out and locations, for it may be given back
    /// because its lease was too short for them. Stale ones are passed over.
    /// - Returns: how many were given back.
    func release(_ jobs: [JobReference]) async throws(StorageError) -> Int

    /// Ends claimed jobs whose check is gone or paused, without outcome: they count as void.
    /// - Returns: how many ended.
    func discard(_ jobs: [JobReference]) async throws(StorageError) -> Int

    /// The live job with the lowest id from `from` on, whoever holds it; nil without one.
    func oldestJob(from: JobID) async throws(StorageError) -> JobID?

    /// Ends jobs whose third lease ended, those with ids from `from` on, with one inconclusive outcome,
    /// `lost`.
    /// - Returns: how many ended.
    func expireLost(limit: Int, from: JobID) async throws(StorageError) -> Int

    /// Makes a check due now, unless its job is live; then that job becomes visible now if nobody
    /// holds it.
    func enqueueNow(_ check: CheckID) async throws(StorageError)

    /// Gives live jobs the time-outs and the locations of their checks. An edit does so too; this is
    /// for jobs that were made at that very moment, from the check as it was before.
    /// - Returns: how many were behind.
    func updateJobs() async throws(StorageError) -> Int

    /// When the earliest slot is due; nil without slots.
    func nextSlotDue() async throws(StorageError) -> Timestamp?

    func queueStatus() async throws(StorageError) -> QueueStatus

    /// Removes outcomes older than `keep`, at most `limit`. A storage that keeps them in parts by time
    /// removes a part at once, when all of it is that old.
    /// - Returns: how many were removed one by one.
    func pruneOutcomes(keep: Duration, limit: Int) async throws(StorageError) -> Int
}

package struct EnqueueReport: Hashable, Sendable {
    package var slots: Int
    package var enqueued: Int
    /// Checks whose job was still live.
    package var superseded: Int
    /// Checks × ticks that fell while no register ran.
    package var missed: Int

    package init(slots: Int = 0, enqueued: Int = 0, superseded: Int = 0, missed: Int = 0) {
        self.slots = slots
        self.enqueued = enqueued
        self.superseded = superseded
        self.missed = missed
    }
}

extension JobQueue {
    /// The same of all jobs.
    package func expireLost(limit: Int) async throws(StorageError) -> Int {
        try await expireLost(limit: limit, from: 0)
    }
}

package struct ClaimRequest: Hashable, Sendable {
    package var limit: Int
    package var location: String
    /// The low watermark: jobs with smaller ids are left to the sweep, which claims from the oldest
    /// live job on.
    package var from: JobID
    package var leaseMargin: Duration

    package init(
        limit: Int, location: String = "default", from: JobID = 0,
        leaseMargin: Duration = .seconds(5)
    ) {
        self.limit = limit
        self.location = location
        self.from = from
        self.leaseMargin = leaseMargin
    }
}

/// One job, handed to one worker until its lease ends.
package struct Claim: Hashable, Sendable {
    package var job: JobID
    /// The fence: rises with each claim of the job.
    package var attempt: Int
    package var check: CheckID
    /// The check's revision as of the claim: which configuration to probe with.
    package var revision: Int64
    package var dueAt: Timestamp
    package var claimedAt: Timestamp
    package var leaseEnds: Timestamp
    /// The truth from which outcomes in a row are counted.
    package var base: HealthState

    package init(
        job: JobID, attempt: Int, check: CheckID, revision: Int64, dueAt: Timestamp,
        claimedAt: Timestamp, leaseEnds: Timestamp, base: HealthState
    ) {
        self.job = job
        self.attempt = attempt
        self.check = check
        self.revision = revision
        self.dueAt = dueAt
        self.claimedAt = claimedAt
        self.leaseEnds = leaseEnds
        self.base = base
    }

    package var reference: JobReference { JobReference(job: job, attempt: attempt) }
}

package struct JobReference: Hashable, Sendable {
    package var job: JobID
    package var attempt: Int

    package init(job: JobID, attempt: Int) {
        self.job = job
        self.attempt = attempt
    }
}

/// One job's end.
package struct Completion: Hashable, Sendable {
    package var claim: Claim
    /// The epoch of the configuration that was really probed. Where it, or the epoch of the claim's
    /// base, is not the check's any more the outcome is recorded, nothing moves, and the check is due
    /// now.
    package var epoch: Int64
    package var report: ProbeReport
    /// What ``HealthTracker`` decided; its state is stored only where it differs from the base, and
    /// only if the stored row still equals the base.
    package var decision: HealthTracker.Decision
    /// How long ago the probe began, by the process's monotonic clock.
    package var age: Duration
    /// False: the outcome is not kept in the history (`history.outcomes`), all else happens.
    package var keepsOutcome: Bool

    package init(
        claim: Claim, epoch: Int64, report: ProbeReport, decision: HealthTracker.Decision,
        age: Duration, keepsOutcome: Bool = true
    ) {
        self.claim = claim
        self.epoch = epoch
        self.report = report
        self.decision = decision
        self.age = age
        self.keepsOutcome = keepsOutcome
    }
}

package struct CompletionReport: Hashable, Sendable {
    package var accepted: Set<JobID>
    package var turned: [TurnedCheck]

    package init(accepted: Set<JobID> = [], turned: [TurnedCheck] = []) {
        self.accepted = accepted
        self.turned = turned
    }
}

package struct TurnedCheck: Hashable, Sendable {
    package var check: CheckID
    package var change: HealthChangeID
    package var turn: HealthTurn
    /// Policies with such a member; each has an evaluation due now.
    package var policies: [PolicyID]

    package init(check: CheckID, change: HealthChangeID, turn: HealthTurn, policies: [PolicyID]) {
        self.check = check
        self.change = change
        self.turn = turn
        self.policies = policies
    }
}

package struct QueueStatus: Hashable, Sendable {
    package var live: Int
    /// Live, visible now and held by nobody.
    package var ready: Int
    /// Live and held under a lease.
    package var leased: Int
    /// How long the oldest visible job has been due; nil without one.
    package var oldestReady: Duration?
    /// The visible jobs once more, by how long they have been due.
    package var waiting: WaitingJobs
    /// Slots that have been due for more than a second: no register keeps up.
    package var lateSlots: Int
    /// What keeps the database from forgetting; nil where there is nothing, or nothing of the kind.
    package var oldestTransaction: OpenTransaction?
    /// Sums over all processes, the ended ones included, since the schema was made.
    package var tally: Tally

    package init(
        live: Int, ready: Int, leased: Int, oldestReady: Duration?,
        waiting: WaitingJobs = WaitingJobs(), lateSlots: Int = 0,
        oldestTransaction: OpenTransaction? = nil, tally: Tally
    ) {
        self.live = live
        self.ready = ready
        self.leased = leased
        self.oldestReady = oldestReady
        self.waiting = waiting
        self.lateSlots = lateSlots
        self.oldestTransaction = oldestTransaction
        self.tally = tally
    }
}

/// Jobs that could be claimed, by how long they have been due.
package struct WaitingJobs: Hashable, Sendable, Codable {
    package var under1s = 0
    package var under10s = 0
    package var under60s = 0
    package var longer = 0

    package enum CodingKeys: String, CodingKey {
        case under1s = "under_1s"
        case under10s = "under_10s"
        case under60s = "under_60s"
        case longer
    }

    package init(under1s: Int = 0, under10s: Int = 0, under60s: Int = 0, longer: Int = 0) {
        self.under1s = under1s
        self.under10s = under10s
        self.under60s = under60s
        self.longer = longer
    }
}

/// A transaction that is under way. While it is, nothing that ended since it began can be vacuumed:
/// the queue, whose rows live for a second, grows by thousands of dead ones a second.
package struct OpenTransaction: Hashable, Sendable {
    package var age: Duration
    /// Whose it is, so that it can be ended: a process id of the server and what it calls itself.
    package var session: String

    /// From here on it is worth a warning: the queue still keeps its pace, and grows.
    package static let warningAge: Duration = .seconds(60)

    package init(age: Duration, session: String) {
        self.age = age
        self.session = session
    }

    package var isTooOld: Bool { age >= Self.warningAge }
}

/// What became of jobs. It is written in the very transactions that it counts, so that at any moment
/// enqueued = completed + live + lost + void.
package struct Tally: Hashable, Sendable, Codable {
    package var enqueued: Int64
    package var completed: Int64
    package var lost: Int64
    package var void: Int64
    /// Claims of jobs whose lease had ended.
    package var rescued: Int64
    /// Completions that came too late and changed nothing.
    package var stale: Int64
    package var superseded: Int64
    package var missed: Int64

    package init(
        enqueued: Int64 = 0, completed: Int64 = 0, lost: Int64 = 0, void: Int64 = 0,
        rescued: Int64 = 0, stale: Int64 = 0, superseded: Int64 = 0, missed: Int64 = 0
    ) {
        self.enqueued = enqueued
        self.completed = completed
        self.lost = lost
        self.void = void
        self.rescued = rescued
        self.stale = stale
        self.superseded = superseded
        self.missed = missed
    }
}
