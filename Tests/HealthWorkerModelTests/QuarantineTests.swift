import HealthWorkerModel
import Testing

/// Whose word does not agree with that of its peers.
@Suite struct QuarantineTests {
    private typealias Standing = Quarantine.Standing

    /// A worker that probed so many checks and contradicts others on these.
    private func worker(
        _ id: ProcessID, probed: Int = 20, _ words: [Testimony.Contradicted] = [],
        term: QuarantineTerm? = nil, isPaused: Bool = false
    ) -> Quarantine.Worker {
        Quarantine.Worker(
            id: id, testimony: Testimony(probed: probed, contradicted: words), term: term,
            isPaused: isPaused)
    }

    private func word(
        against worker: ProcessID, on checks: ClosedRange<Int>, over span: Duration = .seconds(60)
    ) -> Testimony.Contradicted {
        Testimony.Contradicted(
            worker: worker, checks: CheckSample(checks.map { CheckID(Int64($0)) }), from: .noon,
            to: .noon + span)
    }

    private func serving() -> QuarantineTerm {
        QuarantineTerm(since: .noon, until: .noon + .minutes(5), contradicted: 12, probed: 12)
    }

    private func states(_ workers: Quarantine.Worker...) -> [ProcessID: Quarantine.State] {
        Quarantine.standings(of: workers).mapValues(\.state)
    }

    // MARK: - What is evidence

    @Test(arguments: [
        // contradicted, probed, is named
        (10, 19, true), (10, 20, false), (9, 9, false), (9, 12, false), (11, 20, true),
        (10, 10, true), (10, 4, true), (10, 1000, false), (800, 1000, true), (300, 1000, false),
        (25_000, 30_000, true), (6000, 30_000, false),
    ])
    func `a worker is named that is contradicted on most checks, and on ten at least`(
        contradicted: Int, probed: Int, isNamed: Bool
    ) {
        let states = states(
            worker(1, probed: probed),
            worker(2, [word(against: 1, on: 1...contradicted)]))

        #expect(states == (isNamed ? [1: .named] : [:]))
    }

    @Test func `what several peers say counts once for each check`() {
        let overlapping = states(
            worker(1, probed: 12), worker(2, [word(against: 1, on: 1...6)]),
            worker(3, [word(against: 1, on: 4...9)]))
        let together = Quarantine.standings(of: [
            worker(1, probed: 14), worker(2, [word(against: 1, on: 1...6)]),
            worker(3, [word(against: 1, on: 5...12)]),
        ])

        #expect(overlapping.isEmpty)
        #expect(together == [1: Standing(state: .named, contradicted: 12, probed: 14)])
    }

    @Test func `targets that come and go make nobody wrong`() {
        let eachOther = states(
            worker(1, probed: 12, [word(against: 2, on: 1...12)]),
            worker(2, probed: 12, [word(against: 1, on: 1...12)]), worker(3), worker(4))
        // The second is a sound witness on two checks alone.
        let mostly = states(
            worker(1, probed: 12), worker(2, probed: 12, [word(against: 1, on: 1...12)]),
            worker(3, [word(against: 2, on: 3...12)]), worker(4))

        #expect(eachOther.isEmpty)
        #expect(mostly[1] == nil)
    }

    @Test func `two that are wrong do not excuse each other`() {
        let states = states(
            worker(1, probed: 12), worker(2, probed: 12),
            worker(3, [word(against: 1, on: 1...12), word(against: 2, on: 1...12)]), worker(4))

        #expect(states == [1: .named, 2: .named])
    }

    @Test func `failures of a short breakdown that only one saw are no evidence`() {
        func after(_ span: Duration) -> [ProcessID: Quarantine.State] {
            states(
                worker(1, probed: 12),
                worker(2, [word(against: 1, on: 1...12, over: span)]))
        }

        #expect(after(.seconds(14)).isEmpty)
        #expect(after(.seconds(15)) == [1: .named])
    }

    @Test func `nobody judges who is paused, or does not say what it probed`() {
        let accuser = worker(3, [word(against: 1, on: 1...12), word(against: 2, on: 1...12)])

        let states = states(
            worker(1, probed: 12, isPaused: true), Quarantine.Worker(id: 2), accuser, worker(4))

        #expect(states.isEmpty)
    }

    // MARK: - How many

    @Test(arguments: [
        // workers, contradicted, already quarantined, is disputed
        (1, 1, 0, true), (2, 1, 0, false), (2, 2, 0, true), (3, 1, 0, false), (3, 2, 0, true),
        (4, 2, 0, false), (5, 2, 0, false), (5, 3, 0, true), (3, 1, 1, true), (4, 1, 1, false),
        (2, 1, 1, true),
    ])
    func `at most half of those that claim are quarantined`(
        all: Int, contradicted: Int, serving: Int, isDisputed: Bool
    ) {
        let accused = (1...contradicted).map { ProcessID(Int64($0)) }
        let served = (contradicted + 1..<contradicted + 1 + serving).map {
            ProcessID(Int64($0))
        }
        let witness: ProcessID = 100
        let rest = (contradicted + 1 + serving..<all + 1).map { ProcessID(Int64($0)) }
        var workers =
            accused.map { worker($0, probed: 12) }
            + served.map { worker($0, term: self.serving(), isPaused: true) }
            + rest.map { worker($0) }
        // One that claims nothing itself tells what it saw before it was paused.
        workers.append(
            worker(witness, accused.map { word(against: $0, on: 1...12) }, isPaused: true))

        let states = Quarantine.standings(of: workers).mapValues(\.state)

        for id in accused { #expect(states[id] == (isDisputed ? .disputed : .named)) }
        for id in served { #expect(states[id] == .quarantined) }
        #expect(states.count == accused.count + served.count)
    }

    @Test func `one that is quarantined stays so, whatever becomes of the others`() {
        #expect(states(worker(1, term: serving(), isPaused: true)) == [1: .quarantined])
    }

    @Test func `one on trial is named again when it is contradicted again`() {
        var term = serving()
        term.isServing = false

        let well = Quarantine.standings(of: [worker(1, term: term), worker(2)])
        let again = Quarantine.standings(of: [
            worker(1, probed: 15, term: term), worker(2, [word(against: 1, on: 1...10)]),
        ])

        #expect(
            well == [1: Standing(state: .onTrial, contradicted: 12, probed: 12, term: term)])
        #expect(again == [1: Standing(state: .named, contradicted: 10, probed: 15, term: term)])
    }
}

/// How many different checks there were.
@Suite struct CheckSampleTests {
    @Test func `few are counted exactly, however often they come`() {
        var sample = CheckSample((1...128).map { CheckID($0) })
        for check in 1...128 { sample.insert(CheckID(Int64(check))) }

        #expect(sample.count == 128)
        #expect(sample.level == 0)
    }

    @Test(arguments: [1, 2, 8, 1000] as [Int64])
    func `many are counted about, whatever their numbers have in common`(step: Int64) {
        for size in [500, 5000, 50_000] as [Int64] {
            let sample = CheckSample((1...size).map { CheckID($0 * step) })

            #expect(sample.checks.count <= CheckSample.capacity)
            // Five standard errors.
            #expect(abs(Double(sample.count) / Double(size) - 1) < 0.55, "\(sample.count)")
        }
    }

    @Test func `samples of different sizes are united and compared by the same checks`() {
        let all = CheckSample((1...10_000).map { CheckID($0) })
        let few = CheckSample((1...100).map { CheckID($0) })
        let many = CheckSample((101...10_000).map { CheckID($0) })

        var united = few
        united.formUnion(many)
        var without = all
        without.subtract(many)
        var nothing = few
        nothing.subtract(all)

        #expect(united == all)
        #expect(without.checks.isSubset(of: few.checks))
        #expect(nothing.count == 0)
    }
}

/// What a worker remembers to say of its peers.
@Suite struct ContradictionsTests {
    @Test func `what is older than five minutes is forgotten, and what is newer than half is not`()
    {
        var contradictions = Contradictions()
        contradictions.probed(1, at: .zero)
        contradictions.contradict(7, on: 1, failed: .noon, at: .zero)
        contradictions.probed(2, at: .seconds(149))
        contradictions.contradict(7, on: 2, failed: .noon + .seconds(149), at: .seconds(149))

        let soon = contradictions.testimony(at: .seconds(299))
        contradictions.probed(3, at: .seconds(299))
        let later = contradictions.testimony(at: .seconds(300))
        let last = contradictions.testimony(at: .seconds(1000))

        #expect(
            soon
                == Testimony(
                    probed: 2,
                    contradicted: [
                        .init(
                            worker: 7, checks: CheckSample([1, 2]), from: .noon,
                            to: .noon + .seconds(149))
                    ]))
        #expect(later == Testimony(probed: 1))
        #expect(last == Testimony(probed: 0))
    }

    @Test func `those that are contradicted most are told, and nobody who was forgotten`() {
        var contradictions = Contradictions()
        for peer in 1...20 as ClosedRange<Int64> {
            for check in 1...peer {
                contradictions.contradict(
                    ProcessID(peer), on: CheckID(check), failed: .noon, at: .zero)
            }
        }
        contradictions.forget(19)

        let told = contradictions.testimony(at: .zero).contradicted.map(\.worker)

        #expect(told == [20, 18, 17, 16, 15, 14, 13, 12])
    }
}

/// Whom a success contradicts.
@Suite struct ContradictedTests {
    private func base(
        _ health: Health = .healthy, inARow: Int = 1, by worker: ProcessID? = 1,
        isCorroborated: Bool = false
    ) -> HealthState {
        HealthState(
            epoch: 1, health: health, since: .noon - .hours(1), inARow: inARow, runSince: .noon,
            runWorker: worker, isCorroborated: isCorroborated)
    }

    private func contradicted(
        _ base: HealthState, after time: Duration = .seconds(3), check: CheckSpec = .sample()
    ) -> ProcessID? {
        base.contradicted(by: 2, at: .noon + time, check: check)
    }

    @Test func `who alone saw the failures that are being counted`() {
        #expect(contradicted(base()) == 1)
        #expect(contradicted(base(.unknown, inARow: 3)) == 1)
        #expect(contradicted(base(inARow: 0, by: nil)) == nil)
        #expect(contradicted(base(by: 2)) == nil, "a worker does not contradict itself")
        #expect(contradicted(base(inARow: 2, isCorroborated: true)) == nil)
        // What is counted there are successes.
        #expect(contradicted(base(.unhealthy)) == nil)
    }

    @Test func `nobody, where the target had time to come back`() {
        // 2 s to the re-check, 5 s of time-out and 1 s for the worker that is avoided; twice that.
        #expect(contradicted(base(), after: .seconds(16)) == 1)
        #expect(contradicted(base(), after: .seconds(17)) == nil)
        #expect(contradicted(base(inARow: 2), after: .seconds(32)) == 1)
        let rare = CheckSpec.sample(interval: .hours(1))
        #expect(contradicted(base(), after: .seconds(60), check: rare) == 1)
        #expect(contradicted(base(), after: .seconds(61), check: rare) == nil)
    }

    @Test func `the same, whether the check wants others to confirm or not`() {
        #expect(contradicted(base(), check: .sample(confirm: .none)) == 1)
    }
}
