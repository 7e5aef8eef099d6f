/// Which workers are contradicted by their peers on so many checks that it is they who are in trouble.
/// Pure.
///
/// A worker whose failures nobody else sees, on at least ``leastChecks`` checks and on more than half of
/// those that it probed within ``Contradictions/window``, is to claim nothing more. Three things are no
/// such word against it:
/// * the word of a worker that was itself contradicted on that check: its target changes too quickly for
///   anybody to be wrong;
/// * failures within less than ``leastSpan``: they are those of a short breakdown that only one worker
///   happened to see;
/// * what would leave less than half of the workers: then the workers disagree, and who is right a
///   person has to say.
package enum Quarantine {
    package static let leastChecks = 10
    package static let leastSpan: Duration = .seconds(15)

    /// What is known of one worker that is alive.
    package struct Worker: Hashable, Sendable {
        package var id: ProcessID
        /// What it says; nil: it is of a version that does not say such things, and nobody judges it.
        package var testimony: Testimony?
        /// What it says of its own quarantine.
        package var term: QuarantineTerm?
        /// Whether it claims nothing, whatever the cause.
        package var isPaused: Bool

        package init(
            id: ProcessID, testimony: Testimony? = nil, term: QuarantineTerm? = nil,
            isPaused: Bool = false
        ) {
            self.id = id
            self.testimony = testimony
            self.term = term
            self.isPaused = isPaused
        }

        /// Whether it claims nothing because it is quarantined.
        fileprivate var isServing: Bool { term?.isServing ?? false }
        fileprivate var claims: Bool { !isPaused && !isServing }
    }

    /// Where a worker stands.
    package struct Standing: Hashable, Sendable {
        package var state: State
        /// On how many checks it is contradicted, or was when it was quarantined, of how many.
        package var contradicted: Int
        package var probed: Int
        /// Nil where the worker itself says nothing of it.
        package var term: QuarantineTerm?

        package init(
            state: State, contradicted: Int, probed: Int, term: QuarantineTerm? = nil
        ) {
            self.state = state
            self.contradicted = contradicted
            self.probed = probed
            self.term = term
        }
    }

    package enum State: String, Hashable, Sendable, CaseIterable {
        /// Its peers say so, and it has not said yet that it knows: it still claims.
        case named
        /// It claims nothing.
        case quarantined
        /// The time is over, and it probes few at a time until it has been right for a while.
        case onTrial = "on_trial"
        /// It is contradicted, as are too many others: nobody more is quarantined.
        case disputed
    }

    /// Those of whom there is something to say. Whoever has the same words comes to the same answer.
    package static func standings(of workers: [Worker]) -> [ProcessID: Standing] {
        var standings: [ProcessID: Standing] = [:]
        for worker in workers {
            guard let term = worker.term else { continue }
            standings[worker.id] = Standing(
                state: term.isServing ? .quarantined : .onTrial, contradicted: term.contradicted,
                probed: term.probed, term: term)
        }
        let accused = accused(among: workers)
        let serving = workers.count(where: \.isServing)
        let all = serving + workers.count(where: \.claims)
        let state: State = serving + accused.count > all / 2 ? .disputed : .named
        for (worker, checks, probed) in accused {
            standings[worker.id] = Standing(
                state: state, contradicted: checks, probed: probed, term: worker.term)
        }
        return standings
    }

    private static func accused(
        among workers: [Worker]
    ) -> [(worker: Worker, checks: Int, probed: Int)] {
        var doubtful: [ProcessID: CheckSample] = [:]
        for word in workers.compactMap(\.testimony?.contradicted).joined() {
            doubtful[word.worker, default: CheckSample()].formUnion(word.checks)
        }
        return workers.compactMap { worker in
            guard worker.claims, doubtful[worker.id] != nil, let testimony = worker.testimony
            else { return nil }
            var checks = CheckSample()
            var from: Timestamp?
            var to: Timestamp?
            for witness in workers where witness.id != worker.id {
                let words = witness.testimony?.contradicted ?? []
                guard let word = words.first(where: { $0.worker == worker.id }) else { continue }
                var sound = word.checks
                if let own = doubtful[witness.id] { sound.subtract(own) }
                guard sound.count > 0 else { continue }
                checks.formUnion(sound)
                from = min(from ?? word.from, word.from)
                to = max(to ?? word.to, word.to)
            }
            guard let first = from, let last = to, last - first >= leastSpan,
                checks.count >= leastChecks, checks.count * 2 > testimony.probed
            else { return nil }
            // What it says of itself is up to a heartbeat older than what others say of it.
            return (worker, checks.count, max(checks.count, testimony.probed))
        }
    }
}

/// A worker's quarantine as the worker itself tells it.
package struct QuarantineTerm: Hashable, Sendable, Codable {
    package var since: Timestamp
    /// When it claims again, a few jobs at a time.
    package var until: Timestamp
    /// Whether that is still to come.
    package var isServing: Bool
    /// How often it was quarantined without having been released in between.
    package var times: Int
    package var contradicted: Int
    package var probed: Int

    package init(
        since: Timestamp, until: Timestamp, isServing: Bool = true, times: Int = 1,
        contradicted: Int, probed: Int
    ) {
        self.since = since
        self.until = until
        self.isServing = isServing
        self.times = times
        self.contradicted = contradicted
        self.probed = probed
    }

    private enum CodingKeys: String, CodingKey {
        case since, until
        case isServing = "serving"
        case times, contradicted, probed
    }
}

extension QuarantineTerm: CustomStringConvertible {
    package var description: String {
        "contradicted by peers on \(contradicted) of \(probed) checks"
    }
}
