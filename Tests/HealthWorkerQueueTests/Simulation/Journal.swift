import HealthWorkerModel
import HealthWorkerStorage
import Synchronization

/// What the storage was seen to do, and the first promise that it broke.
final class Journal: Sendable {
    fileprivate struct Hold {
        var check: CheckID
        var attempt: Int
        var leaseEnds: Timestamp
        var isReleased = false
    }

    /// Health as it follows from nothing but the outcomes that were accepted, in their order.
    struct Expected: Equatable {
        var epoch: Int64
        var health = Health.unknown
        var inARow = 0
    }

    fileprivate struct State {
        var holds: [JobID: Hold] = [:]
        var ended: Set<JobID> = []
        var handedOut: Set<JobReference> = []
        var expected: [CheckID: Expected] = [:]
        var violation: String?
        /// Of all that happened, to compare two runs.
        var digest: UInt64 = 0xCBF2_9CE4_8422_2325
        var rescued = 0
    }

    private let state = Mutex(State())

    var violation: String? { state.withLock { $0.violation } }
    var digest: UInt64 { state.withLock { $0.digest } }
    var rescued: Int { state.withLock { $0.rescued } }

    func violated(_ sentence: String) {
        state.withLock { $0.violation = $0.violation ?? sentence }
    }

    /// FNV-1a.
    func note(_ words: Int64...) {
        state.withLock { state in
            for word in words {
                state.digest = (state.digest ^ UInt64(bitPattern: word)) &* 0x100_0000_01B3
            }
        }
    }

    func claimed(_ claims: [Claim], at now: Timestamp) {
        for claim in claims {
            note(1, claim.job.rawValue, Int64(claim.attempt), now.microseconds)
            let problem = state.withLock { state -> String? in
                defer {
                    state.holds[claim.job] = Hold(
                        check: claim.check, attempt: claim.attempt, leaseEnds: claim.leaseEnds)
                }
                if !state.handedOut.insert(claim.reference).inserted {
                    return "was handed out twice in attempt \(claim.attempt)"
                }
                if state.ended.contains(claim.job) { return "came back after it had ended" }
                if claim.leaseEnds <= now { return "was handed out with a lease that is over" }
                guard let hold = state.holds[claim.job] else {
                    return claim.attempt == 1 ? nil : "began with attempt \(claim.attempt)"
                }
                if !hold.isReleased { state.rescued += 1 }
                if claim.attempt != hold.attempt + 1 {
                    return "went from attempt \(hold.attempt) to \(claim.attempt)"
                }
                if !hold.isReleased, now < hold.leaseEnds {
                    return "was handed out while its lease ran"
                }
                return nil
            }
            if let problem { violated("job \(claim.job) \(problem)") }
        }
    }

    func released(_ jobs: [JobReference]) {
        state.withLock { state in
            for job in jobs where state.holds[job.job]?.attempt == job.attempt {
                state.holds[job.job]?.isReleased = true
            }
        }
    }

    func ended(_ jobs: [JobReference]) {
        state.withLock { state in
            for job in jobs where state.holds[job.job]?.attempt == job.attempt {
                state.ended.insert(job.job)
            }
        }
    }

    func completed(_ batch: [Completion], _ report: CompletionReport, at now: Timestamp) {
        let turned = Dictionary(
            report.turned.map { ($0.check, $0.turn) }, uniquingKeysWith: { first, _ in first })
        // A worker that was slow may hold two attempts of a job in one batch: one of them is stale.
        let candidates = Dictionary(grouping: batch, by: \.claim.job)
        for job in report.accepted.sorted(by: { $0.rawValue < $1.rawValue }) {
            note(2, job.rawValue, now.microseconds)
            let problem = state.withLock { state -> String? in
                let holder = state.holds[job]?.attempt
                guard
                    let completion = candidates[job]?.first(where: {
                        $0.claim.attempt == holder
                    })
                else { return "was completed by an attempt that held it no more" }
                if !state.ended.insert(job).inserted { return "ended twice" }
                state.follow(completion, turned[completion.claim.check])
                return nil
            }
            if let problem { violated("job \(job) \(problem)") }
        }
    }

    /// Jobs whose third lease is over, with their checks.
    func lostHolds(at now: Timestamp) -> [(job: JobReference, check: CheckID)] {
        state.withLock { state in
            state.holds.filter { job, hold in
                hold.attempt >= 3 && hold.leaseEnds <= now && !hold.isReleased
                    && !state.ended.contains(job)
            }.map { (JobReference(job: $0, attempt: $1.attempt), $1.check) }
        }
    }

    func expected(of check: CheckID) -> Expected? { state.withLock { $0.expected[check] } }

    func hasEnded(_ job: JobID) -> Bool { state.withLock { $0.ended.contains(job) } }
}

extension Journal.State {
    fileprivate mutating func follow(_ completion: Completion, _ turn: HealthTurn?) {
        let (check, epoch) = (completion.claim.check, completion.epoch)
        var expected = expected[check] ?? Journal.Expected(epoch: epoch)
        // Older ones are recorded and not counted.
        guard epoch >= expected.epoch, completion.claim.base.epoch == epoch else { return }
        if epoch > expected.epoch { expected = Journal.Expected(epoch: epoch) }
        defer { self.expected[check] = expected }
        if let turn {
            expected = Journal.Expected(epoch: epoch, health: turn.to)
            return
        }
        switch completion.report.outcome {
        case .inconclusive: break
        case .success: expected.inARow = expected.health == .unhealthy ? expected.inARow + 1 : 0
        case .failure: expected.inARow = expected.health == .unhealthy ? 0 : expected.inARow + 1
        }
    }
}
