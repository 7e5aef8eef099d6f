import HealthWorkerModel

extension CountsPromise {
    static let simulated: [CountsPromise] = (1...4).map { seed in
        CountsPromise(
            "through losses, old copies, replays and rescues health is as if nothing were ever lost "
                + "(seed \(seed))"
        ) { fixture in
            var simulation = Simulation(fixture, seed: seed)
            for _ in 0..<400 { try await simulation.step() }
        }
    }
}

/// Some checks as a database would hold them, beside the plainest count of the same outcomes.
private struct Simulation {
    /// The rules of fall and rise in the plainest words, with a memory that loses nothing.
    private struct Plain: Equatable {
        var health = Health.unknown
        var inARow = 0

        mutating func see(isSuccess: Bool, fall: Int, rise: Int) {
            switch (health, isSuccess) {
            case (.unknown, true):
                (health, inARow) = (.healthy, 0)
            case (.unknown, false), (.healthy, false):
                inARow += 1
                if inARow >= fall { (health, inARow) = (.unhealthy, 0) }
            case (.healthy, true), (.unhealthy, false):
                inARow = 0
            case (.unhealthy, true):
                inARow += 1
                if inARow >= rise { (health, inARow) = (.healthy, 0) }
            }
        }
    }

    private struct Row {
        var state = HealthState(epoch: 1, since: Timestamp(seconds: 0))
        var nextJob: Int64 = 1
        var plain = Plain()
    }

    private let fixture: any CountsFixture
    private let spec = CheckSpec(
        name: "web", type: .tcp, target: Target(host: "192.0.2.1", port: 80), confirm: .none,
        fall: 3, rise: 2)
    private var generator: Generator
    private var rows = Array(repeating: Row(), count: 12)
    private var copyOfRows: [Row] = []
    private var workers: [any Counts] = []
    private var seen: [CountRequest] = []
    private var isMostlyUp = true

    init(_ fixture: any CountsFixture, seed: Int) {
        self.fixture = fixture
        generator = Generator(seed: seed)
    }

    mutating func step() async throws {
        if workers.isEmpty {
            workers = [try await fixture.counts(), try await fixture.counts()]
        }
        if generator.chance(1, in: 15) { isMostlyUp.toggle() }
        try await trouble()

        var batch: [CountRequest] = []
        for index in rows.indices where generator.chance(3, in: 4) {
            batch.append(claim(index, attempt: generator.number(1...2)))
        }
        if generator.chance(1, in: 4) {
            // A worker that counted and was killed: the same jobs are probed and counted again.
            _ = await worker().count(batch)
            batch = batch.map { request in
                var rescued = request
                rescued.attempt += 1
                rescued.isSuccess = outcome()
                return rescued
            }
        }
        if generator.chance(1, in: 4) {
            // An answer that was lost on its way.
            _ = await worker().count(batch)
        }
        let counts = worker()
        let runs = await counts.count(batch)
        try expectEqual(runs.count, batch.count, "runs")
        for (request, run) in zip(batch, runs) {
            try complete(request, run)
        }
        // Not every worker lives to say so: then what is kept stays ahead of a restored database.
        if generator.chance(1, in: 2) { await counts.force(batch) }
        seen = Array((seen + batch).suffix(40))
    }

    private mutating func trouble() async throws {
        switch generator.number(0...39) {
        case 0: try await fixture.lose()
        case 1, 2: try await fixture.takeCopy()
        case 3, 4: try await fixture.restoreCopy()
        case 5: copyOfRows = rows
        case 6 where !copyOfRows.isEmpty: rows = copyOfRows
        case 7:
            let index = generator.number(0...rows.count - 1)
            rows[index].state =
                HealthTracker.restart(
                    rows[index].state, cause: .edited, at: Timestamp(seconds: 0)
                ).state
            rows[index].plain = Plain()
        case 8...11 where !seen.isEmpty:
            // A worker that comes too late: counted, and then refused by the storage.
            _ = await worker().count([generator.one(of: seen)])
        default: break
        }
    }

    private mutating func worker() -> any Counts {
        generator.one(of: workers)
    }

    private mutating func outcome() -> Bool {
        generator.chance(isMostlyUp ? 4 : 1, in: 5)
    }

    private mutating func claim(_ index: Int, attempt: Int) -> CountRequest {
        defer { rows[index].nextJob += 1 }
        return CountRequest(
            check: CheckID(Int64(index + 1)), job: JobID(rows[index].nextJob), attempt: attempt,
            base: rows[index].state, isSuccess: outcome(), interval: .seconds(10))
    }

    private mutating func complete(_ request: CountRequest, _ run: Int) throws {
        let index = Int(request.check.rawValue) - 1
        let observation = HealthTracker.Observation(
            outcome: request.isSuccess ? .success : .failure(.connectTimeout), run: run, worker: 1,
            othersAlive: false, at: Timestamp(seconds: 0))
        rows[index].state =
            HealthTracker.next(base: request.base, observation: observation, check: spec).state
        rows[index].plain.see(isSuccess: request.isSuccess, fall: spec.fall, rise: spec.rise)

        let state = rows[index].state
        try expectEqual(
            Plain(health: state.health, inARow: state.inARow), rows[index].plain,
            "check \(request.check) after job \(request.job)")
    }
}
