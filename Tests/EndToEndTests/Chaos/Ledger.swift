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
    var longestSilence: Double {
        Dictionary(grouping: outcomes, by: \.check).values.map { outcomes in
            let starts = outcomes.map(\.startedAt).sorted()
            return zip(starts, starts.dropFirst()).map { $1 - $0 }.max() ?? 0
        }.max().map { Double($0) / 1_000_000 } ?? 0
    }
}
