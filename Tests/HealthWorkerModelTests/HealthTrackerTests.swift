import HealthWorkerModel
import Testing

@Suite struct HealthTrackerTests {
    let ada: ProcessID = 1
    let bob: ProcessID = 2

    @Test func `one success makes an unknown check healthy`() {
        var tracked = Tracked(check: .sample())

        let decision = tracked.see(.success, by: ada)

        #expect(decision.state.health == .healthy)
        #expect(decision.state.since == tracked.now)
        #expect(
            decision.turn
                == HealthTurn(
                    from: .unknown, to: .healthy, cause: .firstSuccess, noticedAt: tracked.now))
        #expect(decision.recheck == nil)
    }

    @Test func `fall failures in a row make a healthy check unhealthy`() {
        var tracked = Tracked(check: .sample(fall: 3), health: .healthy)

        let first = tracked.see(.failure(.connectRefused), by: ada)
        let second = tracked.see(.failure(.connectRefused), by: bob)
        let third = tracked.see(.failure(.statusMismatch), by: ada)

        #expect(first.turn == nil && second.turn == nil)
        #expect(first.state.inARow == 1 && second.state.inARow == 2)
        #expect(
            third.turn
                == HealthTurn(
                    from: .healthy, to: .unhealthy, cause: .fall, reason: .statusMismatch,
                    noticedAt: first.state.runSince))
        #expect(first.state.runSince != nil)
        #expect(third.state.inARow == 0 && third.state.runWorker == nil)
        #expect(third.recheck == nil)
    }

    @Test func `fall failures in a row make an unknown check unhealthy`() {
        var tracked = Tracked(check: .sample(fall: 2))

        let first = tracked.see(.failure(.connectRefused), by: ada)
        let second = tracked.see(.failure(.connectRefused), by: bob)

        #expect(first.state.health == .unknown && first.recheck != nil)
        #expect(second.turn?.from == .unknown && second.turn?.to == .unhealthy)
    }

    @Test func `a success starts the count of a healthy check again`() {
        var tracked = Tracked(check: .sample(fall: 2), health: .healthy)
        let untouched = tracked.state

        tracked.see(.failure(.connectRefused), by: ada)
        let success = tracked.see(.success, by: bob)

        #expect(success.state == untouched)
        #expect(success.recheck == nil)
    }

    @Test func `a failure starts the count of an unhealthy check again`() {
        var tracked = Tracked(check: .sample(rise: 3), health: .unhealthy)

        tracked.see(.success, by: ada)
        let second = tracked.see(.success, by: ada)
        let failure = tracked.see(.failure(.connectRefused), by: ada)

        #expect(second.state.inARow == 2 && second.recheck != nil)
        #expect(failure.state.inARow == 0 && failure.state.runSince == nil)
        #expect(failure.recheck == nil)
    }

    @Test func `rise successes in a row need no second worker`() {
        var tracked = Tracked(check: .sample(rise: 2), health: .unhealthy)

        let first = tracked.see(.success, by: ada)
        let second = tracked.see(.success, by: ada)

        #expect(
            second.turn
                == HealthTurn(
                    from: .unhealthy, to: .healthy, cause: .rise, noticedAt: first.state.runSince))
    }

    @Test func `a healthy check that stays healthy is not written`() {
        var tracked = Tracked(check: .sample(), health: .healthy)
        let base = tracked.state

        let decision = tracked.see(.success, by: ada)

        #expect(decision == HealthTracker.Decision(state: base))
    }

    @Test func `one worker's failures turn nothing while another one is alive`() {
        var tracked = Tracked(check: .sample(fall: 3), health: .healthy)

        for expected in 1...4 {
            let decision = tracked.see(.failure(.connectTimeout), by: ada)
            #expect(decision.turn == nil)
            #expect(decision.state.inARow == expected)
            #expect(!decision.state.isCorroborated)
            #expect(decision.recheck?.avoiding == ada)
        }
        let fifth = tracked.see(.failure(.connectTimeout), by: ada)

        #expect(fifth.turn?.cause == .uncorroborated)
        #expect(fifth.state.health == .unhealthy)
    }

    @Test func `a second worker's failure corroborates the row`() {
        var tracked = Tracked(check: .sample(fall: 3), health: .healthy)

        tracked.see(.failure(.connectTimeout), by: ada)
        let second = tracked.see(.failure(.connectTimeout), by: bob)
        let third = tracked.see(.failure(.connectTimeout), by: ada)

        #expect(second.state.isCorroborated && second.state.runWorker == ada)
        #expect(third.turn?.cause == .fall)
    }

    @Test func `a worker that is alone needs nobody's word`() {
        var tracked = Tracked(check: .sample(fall: 2), health: .healthy)

        let first = tracked.see(.failure(.connectTimeout), by: ada, othersAlive: false)
        let second = tracked.see(.failure(.connectTimeout), by: ada, othersAlive: false)

        #expect(first.recheck?.avoiding == nil)
        #expect(second.turn?.cause == .fall)
    }

    @Test func `without confirmation one worker is enough and nobody is avoided`() {
        var tracked = Tracked(check: .sample(fall: 2, confirm: .none), health: .healthy)

        let first = tracked.see(.failure(.connectTimeout), by: ada)
        let second = tracked.see(.failure(.connectTimeout), by: ada)

        #expect(first.recheck == HealthTracker.Recheck(afterProbeStart: .seconds(2)))
        #expect(second.turn?.cause == .fall)
    }

    @Test func `a check whose fall is 1 still asks a second worker`() {
        var tracked = Tracked(check: .sample(fall: 1), health: .healthy)

        let first = tracked.see(.failure(.connectRefused), by: ada)
        let second = tracked.see(.failure(.connectRefused), by: bob)

        #expect(first.turn == nil && first.recheck?.avoiding == ada)
        #expect(second.turn?.cause == .fall)
    }

    @Test func `the row remembers when it began and who began it`() {
        var tracked = Tracked(check: .sample(fall: 5), health: .healthy)

        let first = tracked.see(.failure(.connectRefused), by: bob)
        let began = tracked.now
        let second = tracked.see(.failure(.connectRefused), by: ada)

        #expect(first.state.runSince == began && first.state.runWorker == bob)
        #expect(second.state.runSince == began && second.state.runWorker == bob)
        #expect(second.recheck?.avoiding == bob)
    }

    @Test func `an inconclusive outcome is asked again once and moves no count`() {
        var tracked = Tracked(check: .sample(fall: 3), health: .healthy)
        tracked.see(.failure(.connectRefused), by: ada)
        let counted = tracked.state

        let first = tracked.see(.inconclusive(.noSocket), by: bob)
        let began = tracked.now
        let second = tracked.see(.inconclusive(.noSocket), by: bob)

        var expected = counted
        expected.inconclusiveSince = began
        #expect(first.state == expected && first.recheck != nil)
        #expect(second == HealthTracker.Decision(state: expected))
    }

    @Test func `an inconclusive outcome of a quiet healthy check waits for the interval`() {
        var tracked = Tracked(check: .sample(), health: .healthy)

        let decision = tracked.see(.inconclusive(.dnsTimeout), by: ada)

        #expect(decision.state.inconclusiveSince == tracked.now)
        #expect(decision.recheck == nil)
    }

    @Test func `a conclusive outcome ends an inconclusive time`() {
        var tracked = Tracked(check: .sample(), health: .healthy)
        let quiet = tracked.state

        tracked.see(.inconclusive(.dnsTimeout), by: ada)
        let decision = tracked.see(.success, by: ada)

        #expect(decision.state == quiet)
    }

    @Test func `an edit makes the health unknown in a new epoch`() {
        var tracked = Tracked(check: .sample(fall: 3), health: .healthy)
        tracked.see(.failure(.connectRefused), by: ada)
        tracked.state.change = 7

        let moment = tracked.now + .seconds(1)
        let decision = HealthTracker.restart(tracked.state, cause: .edited, at: moment)

        #expect(
            decision.state
                == HealthState(epoch: tracked.state.epoch + 1, since: moment, change: 7))
        #expect(decision.turn == HealthTurn(from: .healthy, to: .unknown, cause: .edited))
        #expect(!decision.state.counts(outcomeOf: tracked.state.epoch))
    }

    @Test func `enabling a check that was unknown turns nothing`() {
        let base = HealthState(epoch: 4, since: .noon)

        let decision = HealthTracker.restart(base, cause: .enabled, at: .noon + .seconds(9))

        #expect(decision.turn == nil)
        #expect(decision.state.epoch == 5)
    }

    // MARK: Against a model

    /// Health recomputed from all outcomes at once: nothing is carried from one to the next but the
    /// turns themselves.
    private func modelled(_ history: [Seen], check: CheckSpec) -> (health: Health, inARow: Int) {
        var health = Health.unknown
        var lastTurn = -1
        for index in history.indices {
            guard history[index].outcome.isConclusive else { continue }
            let away = health == .unhealthy ? OutcomeKind.success : .failure
            let row = history[(lastTurn + 1)...index]
                .filter(\.outcome.isConclusive)
                .reversed().prefix { $0.outcome.kind == away }
            let confirmed =
                check.confirm == .none || Set(row.map(\.worker)).count > 1
                || !history[index].othersAlive
            let turned: Health? =
                switch health {
                case .unknown where history[index].outcome == .success: .healthy
                case .unhealthy: row.count >= check.rise ? .healthy : nil
                default:
                    row.count >= check.fall + 2 || (row.count >= check.fall && confirmed)
                        ? .unhealthy : nil
                }
            if let turned {
                health = turned
                lastTurn = index
            }
        }
        let away = health == .unhealthy ? OutcomeKind.success : .failure
        let row = history[(lastTurn + 1)...]
            .filter(\.outcome.isConclusive)
            .reversed().prefix { $0.outcome.kind == away }
        return (health, row.count)
    }

    @Test func `any history of two workers gives what the whole history says`() {
        for seed in 0..<1500 {
            var generator = Generator(seed: seed)
            let check = CheckSpec.sample(
                fall: generator.number(1...5), rise: generator.number(1...4),
                confirm: generator.chance(1, in: 4) ? .none : .otherWorker)
            var tracked = Tracked(check: check)
            var history: [Seen] = []
            let mood = generator.number(1...9)

            for _ in 0..<40 {
                let before = tracked.state
                let outcome: Outcome =
                    generator.chance(1, in: 8)
                    ? .inconclusive(.noSocket)
                    : generator.chance(mood, in: 10) ? .failure(.connectRefused) : .success
                let seen = Seen(
                    outcome: outcome, worker: generator.chance(2, in: 3) ? ada : bob,
                    othersAlive: generator.chance(5, in: 6))
                history.append(seen)

                // Redis counts without an end; what it says may differ from the base only on the
                // side that is not counted.
                let run = signedRun(of: history)
                let decision = tracked.see(
                    seen.outcome, by: seen.worker, othersAlive: seen.othersAlive, run: run)

                let expected = modelled(history, check: check)
                #expect(decision.state.health == expected.health, "seed \(seed)")
                #expect(decision.state.inARow == expected.inARow, "seed \(seed)")
                checkInvariants(of: decision, after: before, seen: seen, check: check, seed: seed)
            }
        }
    }

    private func checkInvariants(
        of decision: HealthTracker.Decision, after before: HealthState, seen: Seen,
        check: CheckSpec, seed: Int
    ) {
        let state = decision.state
        #expect((decision.turn != nil) == (state.health != before.health), "seed \(seed)")
        #expect((state.inARow > 0) == (state.runWorker != nil), "seed \(seed)")
        #expect((state.inARow > 0) == (state.runSince != nil), "seed \(seed)")
        #expect(state.inARow > 0 || !state.isCorroborated, "seed \(seed)")
        if seen.outcome.isConclusive {
            #expect(state.inconclusiveSince == nil, "seed \(seed)")
            #expect(
                (decision.recheck != nil) == (state.inARow > 0 || state.health == .unknown),
                "seed \(seed)")
            let fails = seen.outcome != .success && decision.recheck != nil
            if fails, check.confirm == .otherWorker, seen.othersAlive {
                #expect(decision.recheck?.avoiding == state.runWorker, "seed \(seed)")
            }
        } else {
            var same = before
            same.inconclusiveSince = before.inconclusiveSince ?? state.inconclusiveSince
            #expect(state == same && state.inconclusiveSince != nil, "seed \(seed)")
        }
    }

    private func signedRun(of history: [Seen]) -> Int {
        let conclusive = history.filter(\.outcome.isConclusive)
        guard let last = conclusive.last else { return 0 }
        let run = conclusive.reversed().prefix { $0.outcome.kind == last.outcome.kind }.count
        return last.outcome == .success ? run : -run
    }

    @Test func `a count from the base alone decides the same as an unbounded run`() {
        for seed in 0..<1000 {
            var generator = Generator(seed: seed)
            let check = CheckSpec.sample(
                fall: generator.number(1...4), rise: generator.number(1...4))
            var counted = Tracked(check: check)
            var seeded = Tracked(check: check)
            var history: [Seen] = []

            for _ in 0..<30 {
                let seen = Seen(
                    outcome: generator.chance(1, in: 2) ? .failure(.connectRefused) : .success,
                    worker: generator.chance(1, in: 2) ? ada : bob, othersAlive: true)
                history.append(seen)

                let first = counted.see(
                    seen.outcome, by: seen.worker, run: signedRun(of: history))
                let second = seeded.see(seen.outcome, by: seen.worker)

                #expect(first == second, "seed \(seed)")
            }
        }
    }
}

private struct Seen {
    var outcome: Outcome
    var worker: ProcessID
    var othersAlive = true
}

/// A check and its health, one outcome after the other, a second apart.
private struct Tracked {
    var check: CheckSpec
    var state: HealthState
    var now = Timestamp.noon

    init(check: CheckSpec, health: Health = .unknown) {
        self.check = check
        state = HealthState(epoch: 1, health: health, since: .noon)
    }

    @discardableResult
    mutating func see(
        _ outcome: Outcome, by worker: ProcessID, othersAlive: Bool = true, run: Int? = nil
    ) -> HealthTracker.Decision {
        now = now + .seconds(1)
        let request = CountRequest(
            check: 1, job: 1, attempt: 1, base: state, isSuccess: outcome == .success,
            interval: check.interval.duration)
        let decision = HealthTracker.next(
            base: state,
            observation: HealthTracker.Observation(
                outcome: outcome, run: run ?? request.runFromBase, worker: worker,
                othersAlive: othersAlive, at: now),
            check: check)
        state = decision.state
        return decision
    }
}

extension CheckSpec {
    /// An HTTP check every 10 s, re-checked after 2 s.
    static func sample(
        name: String = "web", fall: Int = 3, rise: Int = 2,
        confirm: HealthWorkerModel.Confirmation = .otherWorker,
        interval: TimeSpan = .seconds(10), locations: [String] = [], isEnabled: Bool = true
    ) -> CheckSpec {
        CheckSpec(
            name: name, isEnabled: isEnabled, type: .http, target: Target(host: "192.0.2.1"),
            locations: locations, interval: interval, confirm: confirm, fall: fall, rise: rise)
    }
}

extension Timestamp {
    /// 2026-11-22T12:00:00Z
    static let noon = Timestamp(seconds: 1_795_348_800)
}
