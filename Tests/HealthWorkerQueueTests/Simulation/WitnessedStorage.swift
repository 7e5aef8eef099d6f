import HealthWorkerModel
import HealthWorkerStorage
import StorageConformance
import Synchronization

/// A storage of which everything that happens to jobs is written down and judged.
struct WitnessedStorage<Base: Storage>: ForwardingStorage {
    let base: Base
    let journal: Journal

    func enqueueDue(maxSlots: Int) async throws(StorageError) -> EnqueueReport {
        let before = try await slots()
        let report = try await base.enqueueDue(maxSlots: maxSlots)
        let after = try await slots()

        var ticks = 0
        var missed: Int64 = 0
        for (check, slot) in before {
            guard let due = after[check]?.due else { continue }
            let passed = (due - slot.due).microseconds
            if passed < 0 || passed % slot.interval.microseconds != 0 {
                journal.violated("the slot of check \(check) lost its phase, by \(passed) µs")
            }
            if passed > 0 {
                ticks += 1
                missed += passed / slot.interval.microseconds - 1
            }
        }
        if report.enqueued + report.superseded != ticks || Int64(report.missed) != missed {
            journal.violated("\(ticks) ticks passed, and \(missed) before them; \(report)")
        }
        journal.note(3, Int64(report.enqueued), Int64(report.superseded))
        return report
    }

    func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim] {
        let claims = try await base.claim(request)
        journal.claimed(claims, at: try await base.now())
        return claims
    }

    func complete(_ batch: [Completion]) async throws(StorageError) -> CompletionReport {
        let checks = batch.map(\.claim.check)
        let before = try await base.observations(of: checks)
        let report = try await base.complete(batch)
        journal.completed(batch, report, at: try await base.now())
        if report.accepted.isEmpty, try await base.observations(of: checks) != before {
            journal.violated("a batch of stale outcomes changed something")
        }
        return report
    }

    func release(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        let released = try await base.release(jobs)
        journal.released(jobs)
        return released
    }

    func discard(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        let discarded = try await base.discard(jobs)
        if discarded == jobs.count { journal.ended(jobs) }
        return discarded
    }

    func expireLost(limit: Int, from: JobID) async throws(StorageError) -> Int {
        let over = journal.lostHolds(at: try await base.now())
        let lost = try await base.expireLost(limit: limit, from: from)
        let live = try await base.observations(of: over.map(\.check))
        journal.ended(over.filter { live[$0.check]?.job?.id != $0.job.job }.map(\.job))
        return lost
    }

    private func slots() async throws(StorageError) -> [CheckID: (
        due: Timestamp, interval: Duration
    )] {
        let checks = try await base.checks(matching: ObjectFilter(), after: nil, limit: 100)
        let seen = try await base.observations(of: checks.map(\.id))
        var slots: [CheckID: (due: Timestamp, interval: Duration)] = [:]
        for check in checks where check.spec.isEnabled {
            guard let due = seen[check.id]?.slotDueAt else { continue }
            slots[check.id] = (due, check.spec.interval.duration)
        }
        return slots
    }
}

/// A storage whose next calls fail as they do when a connection is lost: before they are carried
/// out, or after, so that only the answer is missing.
struct FaultyStorage<Base: Storage>: ForwardingStorage {
    let base: Base
    let faults: Faults

    func enqueueDue(maxSlots: Int) async throws(StorageError) -> EnqueueReport {
        try faults.before()
        let report = try await base.enqueueDue(maxSlots: maxSlots)
        try faults.after()
        return report
    }

    func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim] {
        try faults.before()
        let claims = try await base.claim(request)
        try faults.after()
        return claims
    }

    func complete(_ batch: [Completion]) async throws(StorageError) -> CompletionReport {
        try faults.before()
        let report = try await base.complete(batch)
        try faults.after()
        return report
    }

    func release(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        do throws(StorageError) {
            try faults.before()
        } catch {
            faults.leave(jobs)
            throw error
        }
        let released = try await base.release(jobs)
        try faults.after()
        return released
    }

    func discard(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        try faults.before()
        let discarded = try await base.discard(jobs)
        try faults.after()
        return discarded
    }

    func expireLost(limit: Int, from: JobID) async throws(StorageError) -> Int {
        try faults.before()
        let lost = try await base.expireLost(limit: limit, from: from)
        try faults.after()
        return lost
    }

    func checks(ids: [CheckID]) async throws(StorageError) -> [Check] {
        try faults.before()
        return try await base.checks(ids: ids)
    }
}

/// Which of the calls to come fail.
final class Faults: Sendable {
    enum Kind { case notDone, answerLost }

    private let next = Mutex<[Kind?]>([])
    private let left = Mutex<Set<JobReference>>([])

    /// Jobs whose giving back was not carried out.
    var unreleased: Set<JobReference> { left.withLock { $0 } }

    func leave(_ jobs: [JobReference]) {
        left.withLock { $0.formUnion(jobs) }
    }

    func plan(_ kinds: [Kind?]) {
        next.withLock { $0 = kinds }
    }

    func before() throws(StorageError) {
        let isFailing = next.withLock { next in
            guard next.first == .notDone else { return false }
            next.removeFirst()
            return true
        }
        if isFailing { throw .unavailable("the connection was lost before the call") }
    }

    func after() throws(StorageError) {
        let isFailing = next.withLock { next in
            guard !next.isEmpty else { return false }
            return next.removeFirst() == .answerLost
        }
        if isFailing { throw .unavailable("the connection was lost before the answer") }
    }
}
