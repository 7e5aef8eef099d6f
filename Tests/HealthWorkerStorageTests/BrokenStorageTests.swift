import HealthWorkerModel
import HealthWorkerStorage
import StorageConformance
import Synchronization
import Testing

/// A suite is worth what it catches: each storage here breaks one rule, and the promises that say so
/// must fail.
struct BrokenStorageTests {
    @Test func `a completion without a fence is caught`() async throws {
        try await expectBroken(
            by: { WithoutFence(base: $0) },
            ["a stale completion changes nothing"])
    }

    @Test func `a claim that does not skip what another one takes is caught`() async throws {
        for sentence in [
            "two workers never hold the same job", "claims at the same time share the jobs out",
        ] {
            let others = OthersClaims()
            try await expectBroken(
                by: { ClaimWithoutSkipping(base: $0, others: others) }, [sentence])
        }
    }

    @Test func `a rescue by the job's id alone is caught`() async throws {
        try await expectBroken(
            by: { RescueByID(base: $0) },
            ["a job that is given back is visible at once, its attempt counted"])
    }

    @Test func `a rescue that keeps the attempt is caught`() async throws {
        try await expectBroken(
            by: { RescueWithoutNewAttempt(base: $0) },
            [
                "a job whose lease ended is claimed again, with a higher attempt",
                "a stale completion changes nothing",
            ])
    }

    @Test func `a job that is given back as it was is caught`() async throws {
        try await expectBroken(
            by: { ReleaseWithoutTerms(base: $0) },
            ["a job that is given back gets its check's time-out and locations"])
    }

    @Test func `a lease that holds nobody off is caught`() async throws {
        try await expectBroken(
            by: { WithoutLease(base: $0) },
            [
                "two workers never hold the same job",
                "claims at the same time share the jobs out",
            ])
    }

    @Test func `a claim that takes what is beyond its location is caught`() async throws {
        try await expectBroken(
            by: { EverywhereAtHome(base: $0) },
            ["only workers at a listed location get a check's job"])
    }

    @Test func `a tally that misses what ended as void is caught`() async throws {
        try await expectBroken(
            by: { WithoutVoid(base: $0) },
            [
                "whatever happens no job is lost and every count is right (seed 1)",
                "a deleted check takes its job, health and turns along",
            ])
    }

    @Test func `counting inconclusive outcomes as failures is caught`() async throws {
        try await expectBroken(
            by: { CountingEverything(base: $0) },
            ["whatever happens no job is lost and every count is right (seed 2)"])
    }

    @Test func `a commit without its compare is caught`() async throws {
        try await expectBroken(
            by: { WithoutCompare(base: $0) },
            [
                "a commit of an old evaluation number is superseded and changes nothing",
                "of two evaluations at once one is stored, and nothing due is forgotten",
            ])
    }

    @Test func `evaluations that are answered twice are caught`() async throws {
        try await expectBroken(
            by: { AnsweringWhatItDidNotRead(base: $0) },
            ["an evaluation is answered by the commit that read it, and only by that"])
    }

    @Test func `a dry run that stores is caught`() async throws {
        try await expectBroken(
            by: { DryRunsStore(base: $0) },
            ["a dry run decides everything and stores nothing"])
    }

    @Test func `an acknowledgement that forgets the newer generation is caught`() async throws {
        try await expectBroken(
            by: { ForgettingTheNewer(base: $0) },
            ["a newer generation takes the waiting one's place and leaves its lease alone"])
    }

    @Test func `a duty that everybody gets is caught`() async throws {
        try await expectBroken(
            by: { DutyForAll(base: $0) },
            [
                "a duty is one process's until its lease ends",
                "a duty is taken by one of two that ask at once",
            ])
    }

    /// Asks the named promises of a broken storage: each of them must fail, and keep on an intact one.
    private func expectBroken<Broken: ForwardingStorage>(
        by make: @escaping @Sendable (MemoryStorage) -> Broken, _ sentences: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for sentence in sentences {
            let promise = try #require(
                StoragePromise.all.first { $0.sentence == sentence }, "no promise: \(sentence)",
                sourceLocation: sourceLocation)
            try await promise.ask(of: MemoryFixture())
            await #expect(
                throws: (any Error).self, "kept: \(sentence)", sourceLocation: sourceLocation
            ) {
                try await promise.ask(of: BrokenFixture(make: make))
            }
        }
    }
}

private struct BrokenFixture<Broken: ForwardingStorage>: StorageFixture {
    let intact = MemoryFixture()
    let make: @Sendable (MemoryStorage) -> Broken

    func storage(process: ProcessID) async throws -> any Storage {
        make(MemoryStorage(process: process, shared: intact.shared))
    }

    func age(by duration: Duration) async throws {
        try await intact.age(by: duration)
    }

    func loseEvaluations() async throws {
        try await intact.loseEvaluations()
    }

    func leaveEvaluation(of policy: PolicyID) async throws {
        try await intact.leaveEvaluation(of: policy)
    }

    func leaveJobsBehind(timeout: Duration, locations: [String]) async throws {
        try await intact.leaveJobsBehind(timeout: timeout, locations: locations)
    }
}

/// Deletes by job alone, as several of the well-known queues do.
private struct WithoutFence: ForwardingStorage {
    let base: MemoryStorage

    func complete(_ batch: [Completion]) async throws(StorageError) -> CompletionReport {
        var unfenced = batch
        for index in batch.indices {
            let claim = batch[index].claim
            if let job = try await base.observations(of: [claim.check])[claim.check]?.job {
                unfenced[index].claim.attempt = job.attempt
            }
        }
        return try await base.complete(unfenced)
    }
}

/// Reads what is visible and takes it, as without `FOR UPDATE SKIP LOCKED`: of two at one moment both
/// have read it.
private struct ClaimWithoutSkipping: ForwardingStorage {
    let base: MemoryStorage
    let others: OthersClaims

    func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim] {
        let mine = try await base.claim(request)
        return others.add(mine, by: base.process)
    }
}

private final class OthersClaims: Sendable {
    private let claims = Mutex<[(process: ProcessID, claim: Claim)]>([])

    /// - Returns: these, and what others claimed at the same moment.
    func add(_ mine: [Claim], by process: ProcessID) -> [Claim] {
        claims.withLock { claims in
            let moment = mine.first?.claimedAt ?? claims.last?.claim.claimedAt
            let theirs = claims.filter { $0.process != process && $0.claim.claimedAt == moment }
            claims += mine.map { (process, $0) }
            return mine + theirs.map(\.claim)
        }
    }
}

/// Gives back by the job's id, whoever has claimed it since.
private struct RescueByID: ForwardingStorage {
    let base: MemoryStorage

    func release(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        let checks = try await base.checks(matching: ObjectFilter(), after: nil, limit: 1000)
        let live = try await base.observations(of: checks.map(\.id)).values.compactMap(\.job)
        let present = jobs.map { reference in
            JobReference(
                job: reference.job,
                attempt: live.first { $0.id == reference.job }?.attempt ?? reference.attempt)
        }
        return try await base.release(present)
    }
}

/// Lets a job that an edit passed by keep its short lease for ever.
private struct ReleaseWithoutTerms: ForwardingStorage {
    let base: MemoryStorage

    func release(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        let released = try await base.release(jobs)
        base.leaveJobsBehind(timeout: .seconds(1), locations: ["sin1"])
        return released
    }
}

/// Hands an ended lease on as the same attempt: the late holder and the new one are the same to it.
private struct RescueWithoutNewAttempt: ForwardingStorage {
    let base: MemoryStorage

    func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim] {
        try await base.claim(request).map { claim in
            var claim = claim
            claim.attempt = 1
            return claim
        }
    }

    func complete(_ batch: [Completion]) async throws(StorageError) -> CompletionReport {
        try await WithoutFence(base: base).complete(batch)
    }
}

private struct WithoutLease: ForwardingStorage {
    let base: MemoryStorage

    func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim] {
        var request = request
        request.leaseMargin = .hours(-1)
        return try await base.claim(request)
    }
}

private struct EverywhereAtHome: ForwardingStorage {
    let base: MemoryStorage

    func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim] {
        var request = request
        request.location = "fra1"
        return try await base.claim(request)
    }
}

private struct WithoutVoid: ForwardingStorage {
    let base: MemoryStorage

    func queueStatus() async throws(StorageError) -> QueueStatus {
        var status = try await base.queueStatus()
        status.tally.void = 0
        return status
    }
}

private struct CountingEverything: ForwardingStorage {
    let base: MemoryStorage

    func complete(_ batch: [Completion]) async throws(StorageError) -> CompletionReport {
        var counted = batch
        for index in batch.indices where !batch[index].report.outcome.isConclusive {
            counted[index].decision.state.inARow += 1
        }
        return try await base.complete(counted)
    }
}

private struct WithoutCompare: ForwardingStorage {
    let base: MemoryStorage

    func commit(_ commit: EvaluationCommit) async throws(StorageError) -> CommitOutcome {
        var commit = commit
        let policy = commit.read.inputs.policy.id
        // Until no other comes between the two.
        while true {
            if let present = try await base.evaluationInputs(of: policy) {
                commit.read.evaluation = present.evaluation
            }
            let outcome = try await base.commit(commit)
            if outcome != .superseded { return outcome }
        }
    }
}

private struct AnsweringWhatItDidNotRead: ForwardingStorage {
    let base: MemoryStorage

    func commit(_ commit: EvaluationCommit) async throws(StorageError) -> CommitOutcome {
        var commit = commit
        let policy = commit.read.inputs.policy.id
        if let present = try await base.evaluationInputs(of: policy) {
            commit.read.answers = present.answers
        }
        return try await base.commit(commit)
    }
}

private struct DryRunsStore: ForwardingStorage {
    let base: MemoryStorage

    func write(_ batch: WriteBatch) async throws(StorageError) -> [WriteResult] {
        var batch = batch
        batch.isDryRun = false
        return try await base.write(batch)
    }
}

private struct ForgettingTheNewer: ForwardingStorage {
    let base: MemoryStorage

    func acknowledge(
        _ delivery: Delivery, memory: String?
    ) async throws(StorageError) -> Acknowledgement {
        var delivery = delivery
        if let route = try await base.route(of: delivery.policy)?.route {
            delivery.order = .publish(route, after: nil)
        }
        return try await base.acknowledge(delivery, memory: memory)
    }
}

private struct DutyForAll: ForwardingStorage {
    let base: MemoryStorage

    func takeDuty(_ name: String, for lease: Duration) async throws(StorageError) -> Bool { true }
}
