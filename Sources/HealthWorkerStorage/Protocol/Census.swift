package import HealthWorkerModel

/// How many checks and policies there are, by what an operator asks for first.
package struct Census: Hashable, Sendable {
    /// Groups without a check are not there; each group is there once.
    package var checks: [CheckGroup]
    package var policies: Policies
    /// Those that policies publish at, or that something waits for, by name.
    package var sinks: [Sink]

    package init(
        checks: [CheckGroup] = [], policies: Policies = Policies(), sinks: [Sink] = []
    ) {
        self.checks = checks
        self.policies = policies
        self.sinks = sinks
    }

    /// Checks that are alike in all this.
    package struct CheckGroup: Hashable, Sendable {
        /// Where they may be probed; empty: anywhere.
        package var locations: [String]
        package var health: Health
        package var freshness: Freshness
        package var count: Int

        package init(locations: [String], health: Health, freshness: Freshness, count: Int) {
            self.locations = locations
            self.health = health
            self.freshness = freshness
            self.count = count
        }
    }

    /// Whether health is backed by fresh outcomes, by the rule of ``Staleness``.
    package enum Freshness: String, Hashable, Sendable, CaseIterable {
        case fresh
        /// Disabled: no outcome is expected.
        case paused
        case noWorker = "no_worker"
        case notEnqueued = "not_enqueued"
        case inconclusive

        package var isStale: Bool {
            switch self {
            case .fresh, .paused: false
            case .noWorker, .notEnqueued, .inconclusive: true
            }
        }
    }

    package struct Policies: Hashable, Sendable {
        package var all = 0
        /// Those that have no route yet.
        package var waiting = 0
        /// Those that publish a family without any healthy member.
        package var unprotected = 0
        package var frozen = 0
        /// Those that hold a member which turned unhealthy.
        package var holding = 0

        package init(
            all: Int = 0, waiting: Int = 0, unprotected: Int = 0, frozen: Int = 0, holding: Int = 0
        ) {
            self.all = all
            self.waiting = waiting
            self.unprotected = unprotected
            self.frozen = frozen
            self.holding = holding
        }
    }
}

extension Census {
    /// What has not reached a sink, or is not as it was delivered.
    package struct Sink: Hashable, Sendable {
        package var name: String
        package var waiting: Int
        package var waitingSince: Timestamp?
        /// Publications that were delivered, and that the sink holds otherwise.
        package var differing: Int
        package var deadLetters: Int

        package init(
            name: String, waiting: Int = 0, waitingSince: Timestamp? = nil, differing: Int = 0,
            deadLetters: Int = 0
        ) {
            self.name = name
            self.waiting = waiting
            self.waitingSince = waitingSince
            self.differing = differing
            self.deadLetters = deadLetters
        }
    }
}

extension Census.Freshness {
    package init(_ check: CheckSpec, _ staleness: Staleness?) {
        self =
            switch staleness?.why {
            case nil: check.isEnabled ? .fresh : .paused
            case .noWorker: .noWorker
            case .notEnqueued: .notEnqueued
            case .inconclusive: .inconclusive
            }
    }
}

// For drivers.
extension Census.CheckGroup {
    /// Reads location, health, freshness and count.
    package init(_ row: some StoredRow) throws {
        self.init(
            locations: CheckSpec.locations(ofColumn: row.optionalText(0)),
            health: try row.word(1), freshness: try row.word(2), count: row.int(3))
    }
}

extension Census.Sink {
    /// Reads name, how many wait, since when, how many differ, and the count of dead letters.
    package init(_ row: some StoredRow) {
        self.init(
            name: row.text(0), waiting: row.int(1), waitingSince: row.optionalMoment(2),
            differing: row.int(3), deadLetters: row.int(4))
    }
}

extension Census.Policies {
    package init(_ row: some StoredRow) {
        self.init(
            all: row.int(0), waiting: row.int(1), unprotected: row.int(2), frozen: row.int(3),
            holding: row.int(4))
    }
}
