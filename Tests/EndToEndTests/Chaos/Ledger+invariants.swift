/// What holds whatever is killed, stopped or cut, with the numbers under which the design lists it.
enum Invariant: String, CaseIterable, Sendable {
    case oneLiveJob = "I1 at most one live job for each check"
    case oneHand = "I2 each attempt of a job is handed out once"
    case oneOutcome = "I3 at most one outcome for each job, and no job comes back"
    case fence = "I4 only the last attempt of a job is accepted"
    case risingAttempts = "I5 attempts rise by one, and a lease ends after it began"
    case conservation = "I6 enqueued = completed + live + lost + void, and the tallies are true"
    case boundedProbes = "I7 no target sees more probes than its jobs were handed out"
    case wheel = "I8 a slot only moves ahead, by whole intervals"
    case punctual = "I9 no check goes unprobed while somebody is there to probe it"
    case history = "I10 health and its count are what the outcomes say"
    case redis = "I10 Redis and the rows count the same"
    case ownClocks = "I11 no process's wall clock is in what is written"
    case drained = "I12 a drained fleet holds no job"
    case inPlace = "I14 updates of the busy tables touch no index"
    case truth = "no target that answered turned unhealthy"
    case generations = "each route change has a generation of its own, and they rise"
    case routes = "no route publishes an unhealthy member beside a healthy one"
    case answered = "every evaluation was answered, and the last routes are right"
}

struct Violation: CustomStringConvertible, Sendable {
    var invariant: Invariant
    var what: String

    var description: String { "\(invariant.rawValue): \(what)" }
}

extension Ledger {
    /// How many outcomes in a row turn a check of these runs, either way.
    static let fall = 2
    static let rise = 2

    /// Everything that does not hold, the first few of each kind.
    func violations() -> [Violation] {
        var found: [Violation] = []
        for invariant in Invariant.allCases {
            found += breaches(of: invariant).prefix(5).map {
                Violation(invariant: invariant, what: $0)
            }
        }
        return found
    }

    private func breaches(of invariant: Invariant) -> [String] {
        switch invariant {
        case .oneLiveJob: doubles(live.map(\.check)).map { "check \($0) has two" }
        case .oneHand:
            doubles(claimed.map { "\($0.job), attempt \($0.attempt)" }).map { "job \($0)" }
        case .oneOutcome: breachesOfOneOutcome()
        case .fence: breachesOfTheFence()
        case .risingAttempts: breachesOfAttempts()
        case .conservation: breachesOfConservation()
        case .boundedProbes: breachesOfProbes()
        case .wheel: breachesOfTheWheel()
        case .punctual: breachesOfPunctuality()
        case .history: held.compactMap { breachOfHistory($0) }
        case .redis: breachesOfRedis()
        case .ownClocks: breachesOfClocks()
        case .inPlace: breachesOfUpdates()
        case .drained: live.filter(\.isHeld).map { "job \($0.job)" }
        case .truth: breachesOfTruth()
        case .generations: breachesOfGenerations()
        case .routes: breachesOfRoutes()
        case .answered: breachesOfAnswers()
        }
    }

    // MARK: - The queue

    private func breachesOfOneOutcome() -> [String] {
        let live = Set(live.map(\.job))
        return doubles(outcomes.map(\.job)).map { "job \($0) has two outcomes" }
            + doubles(inserted.map(\.job)).map { "job \($0) was inserted twice" }
            + doubles(ended.map(\.job)).map { "job \($0) ended twice" }
            + outcomes.filter { live.contains($0.job) }.map { "job \($0.job) has one and is live" }
    }

    private func breachesOfTheFence() -> [String] {
        let last = Dictionary(claimed.map { ($0.job, $0.attempt) }, uniquingKeysWith: max)
        return ended.compactMap { end in
            end.attempt == last[end.job, default: 0]
                ? nil : "job \(end.job) ended as attempt \(end.attempt)"
        }
            + outcomes.compactMap { outcome in
                outcome.attempt == last[outcome.job]
                    ? nil : "job \(outcome.job) has the outcome of attempt \(outcome.attempt)"
            }
    }

    private func breachesOfAttempts() -> [String] {
        claimed.compactMap { claim in
            if claim.attempt != claim.attemptBefore + 1 {
                return "job \(claim.job) from \(claim.attemptBefore) to \(claim.attempt)"
            }
            return claim.until > claim.at ? nil : "the lease of job \(claim.job) was over"
        }
    }

    private func breachesOfConservation() -> [String] {
        var breaches: [String] = []
        func expect(_ one: Int64, _ other: Int, _ what: String) {
            if one != Int64(other) { breaches.append("\(what): \(one) and \(other)") }
        }
        expect(
            tally.enqueued, Int(tally.completed + tally.lost + tally.void) + live.count,
            "enqueued, and what became of it")
        expect(tally.enqueued, inserted.count, "the tally of enqueued, and jobs inserted")
        expect(
            tally.completed + tally.lost + tally.void, ended.count,
            "the tallies of what ended, and jobs deleted")
        expect(
            tally.completed + tally.lost, outcomes.count, "completed and lost, and outcomes")
        return breaches
    }

    private func breachesOfProbes() -> [String] {
        let claims = Dictionary(grouping: claimed, by: \.check).mapValues(\.count)
        return probes.compactMap { check, seen in
            seen <= claims[check, default: 0]
                ? nil : "check \(check): \(seen) probes of \(claims[check, default: 0]) claims"
        }
    }

    private func breachesOfTheWheel() -> [String] {
        ticks.compactMap { tick in
            let step = tick.after - tick.before
            return step > 0 && step % tick.interval == 0
                ? nil : "slot \(tick.slot) of \(tick.interval) µs by \(step) µs"
        }
    }

    private func breachesOfPunctuality() -> [String] {
        // An interval, and what a machine with more to do than it can takes.
        silences.filter { unexplained(part: $0) > 30_000_000 }.map { silence in
            "check \(silence.check): none for \((silence.until - silence.since) / 1000) ms, of which "
                + "\(unexplained(part: silence) / 1000) ms are unexplained"
        }
    }

    /// A probe begins after its claim, by the database's clock, and is written down within a minute.
    private func breachesOfClocks() -> [String] {
        let claims = Dictionary(
            claimed.map { ("\($0.job), attempt \($0.attempt)", $0.at) }, uniquingKeysWith: { $1 })
        return outcomes.compactMap { outcome in
            guard outcome.kind != "inconclusive",
                let at = claims["\(outcome.job), attempt \(outcome.attempt)"]
            else { return nil }
            let late = outcome.startedAt - at
            return (-1_000_000...60_000_000).contains(late)
                ? nil : "job \(outcome.job) began \(late / 1000) ms after its claim"
        }
    }

    private func breachesOfUpdates() -> [String] {
        // What an old snapshot can see stays, so there may be no place beside it.
        if faults.contains(where: { $0.fault == .pinSnapshot }) { return [] }
        return updates.compactMap { updates in
            updates.all < 1000 || Double(updates.inPlace) >= 0.95 * Double(updates.all)
                ? nil : "\(updates.table): \(updates.inPlace) of \(updates.all)"
        }
    }

    // MARK: - Health

    private func breachOfHistory(_ held: Held) -> String? {
        var health = "unknown"
        var row = 0
        let changes = Dictionary(
            changes.filter { $0.check == held.check }.map { ($0.job, $0) },
            uniquingKeysWith: { $1 })
        for outcome in outcomes where outcome.check == held.check && outcome.kind != "inconclusive"
        {
            let counts = health == "unhealthy" ? "success" : "failure"
            row = outcome.kind == counts ? row + 1 : 0
            guard let change = changes[outcome.job] else { continue }
            let needed =
                change.to == "unhealthy" ? Self.fall : health == "unknown" ? 0 : Self.rise
            if change.to == health || row < needed {
                return "\(held.name) turned \(change.to) after \(row), job \(outcome.job)"
            }
            health = change.to
            row = 0
        }
        return health == held.health && row == held.inARow
            ? nil
            : "\(held.name) is \(held.health) with \(held.inARow); its outcomes say \(health) with "
                + "\(row)"
    }

    private func breachesOfRedis() -> [String] {
        let last = Dictionary(
            outcomes.filter { $0.kind != "inconclusive" }.map { ($0.check, $0.job) },
            uniquingKeysWith: max)
        let held = Dictionary(held.map { ($0.check, $0) }, uniquingKeysWith: { $1 })
        return counted.compactMap { counted in
            // A success of a healthy check is not told to Redis, nor was anything while it was away.
            guard let row = held[counted.check], last[counted.check] == counted.job, row.inARow > 0
            else { return nil }
            let run = row.health == "unhealthy" ? counted.run : -counted.run
            return run == row.inARow
                ? nil : "\(row.name): Redis \(counted.run), the row \(row.inARow)"
        }
    }

    private func breachesOfTruth() -> [String] {
        changes.filter { $0.to == "unhealthy" }.compactMap { change in
            // What was seen while the target was down may be written down late: a lease and the
            // time-out of a statement.
            let window = (change.at - 20_000_000)...change.at
            let wasDown = downs[change.check, default: []].contains { $0.overlaps(window) }
            return wasDown ? nil : "check \(change.check), job \(change.job)"
        }
    }

    // MARK: - Routes

    private func breachesOfGenerations() -> [String] {
        Dictionary(grouping: routeChanges, by: \.policy).flatMap { policy, changes in
            zip(changes, changes.dropFirst()).compactMap { earlier, later in
                later.generation > earlier.generation && later.decidedAt >= earlier.decidedAt
                    ? nil : "policy \(policy): \(earlier.generation), then \(later.generation)"
            }
        }
    }

    private func breachesOfRoutes() -> [String] {
        routeChanges.compactMap { change in
            let published = change.members.filter(\.published)
            if published.isEmpty { return "policy \(change.policy) \(change.generation): empty" }
            let isWrong =
                published.contains { $0.measured == "unhealthy" }
                && change.members.contains { $0.measured == "healthy" }
            return isWrong ? "policy \(change.policy), generation \(change.generation)" : nil
        }
    }

    private func breachesOfAnswers() -> [String] {
        var breaches = unanswered == 0 ? [] : ["\(unanswered) are due"]
        for (policy, members) in routes {
            let names = members.filter(\.published).map(\.name)
            // Delays are zero and all targets answer: the first tier of a failover, all of a detach.
            let wanted = members.map(\.name).filter { !$0.hasPrefix("second") }
            if names != wanted { breaches.append("policy \(policy) publishes \(names)") }
        }
        return breaches
    }

    private func doubles<Value: Hashable & Comparable>(_ values: [Value]) -> [Value] {
        Dictionary(grouping: values, by: { $0 }).filter { $0.value.count > 1 }.keys.sorted()
    }
}
