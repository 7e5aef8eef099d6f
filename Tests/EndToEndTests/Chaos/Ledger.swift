import Foundation

/// What a run left behind, read when every process had ended: the rows that the program keeps, and a
/// record of every change to its queue that the database itself made.
struct Ledger: Sendable {
    struct Inserted: Sendable {
        var job: Int64
        var check: Int64
    }

    struct Claimed: Sendable {
        var job: Int64
        var check: Int64
        var attempt: Int
        var attemptBefore: Int
        /// When the lease ends, and when it began, in µs by the database's clock.
        var until: Int64
        var at: Int64
    }

    struct Ended: Sendable {
        var job: Int64
        var check: Int64
        var attempt: Int
    }

    struct Tick: Sendable {
        var interval: Int64
        var slot: Int
        var before: Int64
        var after: Int64
    }

    struct Outcome: Sendable {
        var job: Int64
        var check: Int64
        var attempt: Int
        var startedAt: Int64
        var kind: String
    }

    struct Change: Sendable {
        var check: Int64
        var at: Int64
        var to: String
        var job: Int64
    }

    struct Held: Sendable {
        var check: Int64
        var name: String
        var health: String
        var inARow: Int
    }

    struct Live: Sendable {
        var job: Int64
        var check: Int64
        var isHeld: Bool
    }

    struct Tally: Sendable {
        var enqueued: Int64 = 0
        var completed: Int64 = 0
        var lost: Int64 = 0
        var void: Int64 = 0
        var rescued: Int64 = 0
        var stale: Int64 = 0
    }

    struct Member: Sendable, Decodable {
        var name: String
        var published: Bool
        var measured: String?
    }

    struct RouteChange: Sendable {
        var policy: Int64
        var generation: Int64
        var cause: String
        var decidedAt: Int64
        var members: [Member]
    }

    /// What Redis holds of a check whose last counted job it knows.
    struct Counted: Sendable {
        var check: Int64
        var job: Int64
        /// Signed: > 0 successes, < 0 failures.
        var run: Int
    }

    /// What was done to the fleet, and when it was, in µs since 1970.
    struct Faulted: Sendable {
        var fault: Fault
        var window: ClosedRange<Int64>
    }

    /// Of a table, since its server last crashed.
    struct Updates: Sendable {
        var table: String
        var all: Int
        /// Those that touched no index.
        var inPlace: Int
    }

    var inserted: [Inserted] = []
    var claimed: [Claimed] = []
    var ended: [Ended] = []
    var ticks: [Tick] = []
    var outcomes: [Outcome] = []
    var changes: [Change] = []
    var held: [Held] = []
    var live: [Live] = []
    var tally = Tally()
    var routeChanges: [RouteChange] = []
    /// What is published at the end, by policy.
    var routes: [Int64: [Member]] = [:]
    var unanswered = 0
    var counted: [Counted] = []
    /// Probes that each check's target saw.
    var probes: [Int64: Int] = [:]
    /// When a check's target did not answer as it should, in µs.
    var downs: [Int64: [ClosedRange<Int64>]] = [:]
    var faults: [Faulted] = []
    /// The names of all that ran.
    var roles: [String] = []
    var updates: [Updates] = []
}

// How often jobs were handed out beyond once.
extension Ledger {
    /// Claims of jobs that somebody had claimed before: the most probes that can have been made twice.
    var repeatedClaims: Int { claimed.count - Set(claimed.map(\.job)).count }

    /// Probes that targets saw beyond one for each job that was claimed.
    var repeatedProbes: Int {
        let jobs = Dictionary(grouping: claimed, by: \.check).mapValues { Set($0.map(\.job)).count }
        return probes.map { max(0, $0.value - jobs[$0.key, default: 0]) }.reduce(0, +)
    }

    /// The longest time between two probes of one check, in seconds.
    var longestSilence: Double { seconds(silences.map { $0.until - $0.since }.max()) }

    /// The longest part of such a time that nothing explains which was done to the fleet, in seconds.
    var longestUnexplainedSilence: Double { seconds(silences.map(unexplained(part:)).max()) }

    private func seconds(_ microseconds: Int64?) -> Double {
        Double(microseconds ?? 0) / 1_000_000
    }

    struct Silence {
        var check: Int64
        var since: Int64
        var until: Int64
    }

    /// The times between two probes of one check.
    var silences: [Silence] {
        Dictionary(grouping: outcomes, by: \.check).flatMap { check, outcomes in
            let starts = outcomes.map(\.startedAt).sorted()
            return zip(starts, starts.dropFirst()).map {
                Silence(check: check, since: $0, until: $1)
            }
        }
    }

    /// How long of a silence, in µs, there was a database, a register and a worker, and nobody held a
    /// job of the check whom it was waited for.
    func unexplained(part silence: Silence) -> Int64 {
        // Nearly all are an interval long.
        guard silence.until - silence.since > 3_000_000 else { return 0 }
        let step: Int64 = 100_000
        let nobody = stride(from: silence.since, to: silence.until, by: Int(step))
            .count { !isExplained(at: $0) }
        // Whoever was killed or stopped kept what it had claimed for a lease, 3 s; a claim that finds
        // it follows within 2 s.
        let held = claimed.count {
            $0.check == silence.check && silence.since < $0.at && $0.at < silence.until
        }
        return max(0, Int64(nobody) * step - Int64(held) * 5_000_000)
    }

    private func isExplained(at moment: Int64) -> Bool {
        var away: Set<String> = []
        for faulted in faults {
            switch faulted.fault {
            case .kill(let role), .stop(let role):
                // It starts, or finds that its connections are gone.
                if Self.after(faulted.window, 5).contains(moment) { away.insert(role) }
            case .terminateSessions, .killSession, .restartServer, .crashServer, .lockFile:
                // Whoever lost its connections tries again after a while.
                if Self.after(faulted.window, 10).contains(moment) { return true }
            case .killRedis, .flushRedis, .pinSnapshot, .target: break
            }
        }
        return ["register", "worker"].contains { kind in
            roles.filter { $0.hasPrefix(kind) || $0 == "standalone" }.allSatisfy(away.contains)
        }
    }

    private static func after(_ window: ClosedRange<Int64>, _ seconds: Int64) -> ClosedRange<Int64>
    {
        window.lowerBound...window.upperBound + seconds * 1_000_000
    }
}
