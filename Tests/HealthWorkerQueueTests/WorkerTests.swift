import HealthWorkerModel
import HealthWorkerQueue
import HealthWorkerStorage
import Logging
import ServiceLifecycle
import StorageConformance
import Synchronization
import Testing

@Suite struct `A worker` {
    @Test func `probes what is due and turns health with the first success`() async throws {
        let bench = Bench()
        try await bench.write([.putCheck(.test("web"), set: nil)])

        let claims = try await bench.work()

        #expect(claims.count == 1)
        #expect(try await bench.health(of: "web")?.health == .healthy)
        let status = try await bench.storage.queueStatus()
        #expect(status.tally.enqueued == 1)
        #expect(status.tally.completed == 1)
        #expect(status.live == 0)
        #expect(bench.worker.activity.claimed == 0)
        #expect(bench.worker.activity.probing == 0)
    }

    @Test func `moves a failover route after fall failures, and not before`() async throws {
        let bench = Bench()
        try await bench.write([
            .putCheck(.test("fra1", host: "192.0.2.1"), set: nil),
            .putCheck(.test("ams1", host: "192.0.2.2"), set: nil),
            .putPolicy(
                PolicySpec(
                    name: "www", type: .failover,
                    members: [
                        Member(name: "fra1", value: "192.0.2.1", priority: 10, check: "fra1"),
                        Member(name: "ams1", value: "192.0.2.2", priority: 20, check: "ams1"),
                    ]),
                makes: [], set: nil),
        ])
        bench.clock.advance(by: .seconds(2))
        try await bench.work()
        _ = try await bench.register.sweep()
        #expect(try await bench.route(of: "www")?.answer.records.map(\.value) == ["192.0.2.1"])

        bench.script.set("192.0.2.1", .failure(.connectRefused))
        bench.clock.advance(by: .seconds(10))
        _ = try await bench.register.enqueue()
        bench.clock.advance(by: .seconds(10))
        while try await bench.register.enqueue() == .zero {}
        try await bench.work()
        #expect(try await bench.health(of: "fra1")?.inARow == 1)
        #expect(try await bench.route(of: "www")?.answer.records.map(\.value) == ["192.0.2.1"])

        bench.clock.advance(by: .seconds(2))
        try await bench.work()

        #expect(try await bench.health(of: "fra1")?.health == .unhealthy)
        let route = try #require(try await bench.route(of: "www"))
        #expect(route.answer.records.map(\.value) == ["192.0.2.2"])
        #expect(route.cause == .failover)
    }

    @Test func `leaves health alone when it is the worker that cannot probe`() async throws {
        let bench = Bench()
        try await bench.write([.putCheck(.test("web"), set: nil)])
        try await bench.work()
        bench.script.set("192.0.2.1", .inconclusive(.noSocket))

        for _ in 0..<6 {
            bench.clock.advance(by: .seconds(10))
            while try await bench.register.enqueue() == .zero {}
            try await bench.work()
        }

        let state = try #require(try await bench.health(of: "web"))
        #expect(state.health == .healthy)
        #expect(state.inARow == 0)
        #expect(state.inconclusiveSince != nil)
        #expect(bench.worker.activity.paused != nil)
    }

    @Test func `is not the only one to say that a target is unhealthy while another is alive`()
        async throws
    {
        let shared = MemoryStorage.Shared()
        let script = Script()
        let (one, two) = (
            Bench(process: 1, shared: shared, script: script),
            Bench(process: 2, shared: shared, script: script)
        )
        for bench in [one, two] {
            try await bench.storage.announce(
                Presence(name: "w", roles: [.worker], location: "default", version: "0"))
        }
        for bench in [one, two] {
            bench.fleet.update(try await bench.storage.processes(seenWithin: Fleet.window))
        }
        try await one.write([.putCheck(.test("web"), set: nil)])
        try await one.work()
        script.set("192.0.2.1", .failure(.connectTimeout))

        shared.clock.advance(by: .seconds(20))
        while try await one.register.enqueue() == .zero {}
        try await one.work()
        shared.clock.advance(by: .seconds(2))
        #expect(try await one.work().isEmpty)
        #expect(try await two.work().count == 1)

        #expect(try await one.health(of: "web")?.health == .unhealthy)
        let check = try #require(try await one.storage.checks(named: ["web"]).first)
        let change = try await one.storage.healthChanges(of: check.id, before: nil, limit: 1)
        #expect(change.first?.turn.cause == .fall)
    }

    @Test func `gives back what it cannot probe within the lease`() async throws {
        let slow = Mutex(Duration.zero)
        // Each look at the clock costs 4 s: a process that was stopped for that long.
        let time = ProcessTime(
            now: {
                slow.withLock {
                    $0 += .seconds(4)
                    return $0
                }
            }, sleep: { _ in })
        let bench = Bench(time: time)
        try await bench.write([.putCheck(.test("web"), set: nil)])

        let started = Mutex(0)
        let claimed = try await bench.worker.claim { _ in started.withLock { $0 += 1 } }

        #expect(claimed.jobs == 1)
        #expect(started.withLock { $0 } == 1)

        slow.withLock { $0 = .zero }
        let late = Bench(
            shared: bench.storage.shared, limits: Worker.Limits(leaseMargin: .seconds(1)),
            time: time)
        bench.clock.advance(by: .seconds(7))
        let again = try await late.worker.claim { _ in started.withLock { $0 += 1 } }

        #expect(again.jobs == 1)
        #expect(started.withLock { $0 } == 1)
        let status = try await bench.storage.queueStatus()
        #expect(status.leased == 0)
        #expect(status.ready == 1)
    }

    @Test func `probes a job whose lease was too short, once it was given back`() async throws {
        let bench = Bench()
        var spec = CheckSpec.test("web")
        spec.timeout = .seconds(9)
        try await bench.write([.putCheck(spec, set: nil)])
        bench.storage.leaveJobsBehind(timeout: .seconds(1), locations: [])

        let late = try await bench.work()
        let again = try await bench.work()

        #expect(late.isEmpty)
        #expect(again.map(\.attempt) == [2])
        #expect(try await bench.health(of: "web")?.health == .healthy)
    }

    @Test func `records when a probe began, however long the storage was away then`() async throws {
        let storage = AwayForOneBatch(base: MemoryStorage())
        let clock = storage.base.shared.clock
        let elapsed = Mutex(Duration.zero)
        let time = ProcessTime(
            now: { elapsed.withLock { $0 } },
            sleep: { _ in
                elapsed.withLock { $0 += .seconds(60) }
                clock.advance(by: .seconds(60))
            })
        let script = Script()
        let worker = Worker(
            storage: storage, counts: Base(), evaluator: PolicyEvaluator(storage: storage),
            prober: { _ in script }, fleet: Fleet(me: 1), time: time,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        _ = try await storage.write(
            WriteBatch([.putCheck(.test("web"), set: nil)], actor: "test"))
        let began = clock.now
        let jobs = Mutex<[ClaimedJob]>([])
        try await worker.claim { job in jobs.withLock { $0.append(job) } }

        for job in jobs.withLock({ $0 }) { await worker.probe(job) }
        _ = await worker.complete()

        let check = try #require(try await storage.checks(named: ["web"]).first)
        let outcomes = try await storage.outcomes(of: check.id, before: nil, limit: 9)
        #expect(clock.now == began + .seconds(60))
        #expect(outcomes.map(\.startedAt) == [began])
    }

    @Test func `ends jobs whose check was paused meanwhile without an outcome`() async throws {
        let bench = Bench()
        var spec = CheckSpec.test("web")
        try await bench.write([.putCheck(spec, set: nil)])
        spec.isEnabled = false
        try await bench.write([.putCheck(spec, set: nil)])

        try await bench.work()

        let status = try await bench.storage.queueStatus()
        #expect(bench.script.hosts.isEmpty)
        #expect(status.tally.void == 1)
        #expect(status.live == 0)
    }

    @Test func `takes over what a dead worker had claimed, once the lease has ended`() async throws
    {
        let shared = MemoryStorage.Shared()
        let (dead, alive) = (Bench(process: 1, shared: shared), Bench(process: 2, shared: shared))
        try await dead.write([.putCheck(.test("web"), set: nil)])
        try await dead.worker.claim { _ in }

        #expect(try await alive.work().isEmpty)
        shared.clock.advance(by: .seconds(6))
        let rescued = try await alive.work()

        #expect(rescued.map(\.attempt) == [2])
        #expect(try await alive.storage.queueStatus().tally.rescued == 1)
    }

    @Test func `claims nothing while an operator pauses it, and goes on when that is taken back`()
        async throws
    {
        let bench = Bench()
        try await bench.write([.putCheck(.test("web"), set: nil)])
        let configured = bench.worker.activity.settings
        var settings = configured
        settings.isPaused = .init(true, from: .name)
        settings.pausedBecause = "paused by ann for worker w"

        bench.worker.adopt(settings)
        #expect(try await bench.work().isEmpty)
        #expect(bench.worker.activity.paused == "paused by ann for worker w")

        bench.worker.adopt(configured)
        #expect(try await bench.work().count == 1)
        #expect(bench.worker.activity.paused == nil)
    }

    @Test func `ends what is in flight while it is paused`() async throws {
        let bench = Bench()
        try await bench.write([.putCheck(.test("web"), set: nil)])
        let jobs = Mutex<[ClaimedJob]>([])
        try await bench.worker.claim { job in jobs.withLock { $0.append(job) } }
        var settings = bench.worker.activity.settings
        settings.isPaused = .init(true, from: .all)

        bench.worker.adopt(settings)
        for job in jobs.withLock({ $0 }) { await bench.worker.probe(job) }
        _ = await bench.worker.complete()

        let status = try await bench.storage.queueStatus()
        #expect(status.tally.completed == 1)
        #expect(status.leased == 0)
    }

    @Test func `claims no more than its concurrency and its batch size, also when these change`()
        async throws
    {
        let bench = Bench(limits: Worker.Limits(concurrency: 100, batchSize: 50))
        try await bench.write((0..<60).map { .putCheck(.test("web-\($0)"), set: nil) })
        bench.clock.advance(by: .seconds(10))
        var settings = bench.worker.activity.settings

        settings.batchSize.value = 3
        bench.worker.adopt(settings)
        #expect(try await bench.worker.claim { _ in }.jobs == 3)

        // Three are in flight.
        settings.concurrency.value = 5
        bench.worker.adopt(settings)
        #expect(try await bench.worker.claim { _ in }.jobs == 2)

        settings.concurrency.value = 2
        bench.worker.adopt(settings)
        #expect(try await bench.worker.claim { _ in }.jobs == 0)

        settings.concurrency.value = 100
        settings.batchSize.value = 40
        bench.worker.adopt(settings)
        #expect(try await bench.worker.claim { _ in }.jobs == 40)
    }

    @Test func `drains: what is in flight is completed, and nothing is held`() async throws {
        let shared = MemoryStorage.Shared(
            clock: StorageClock(runningFrom: Timestamp(seconds: 1_767_225_600)))
        let bench = Bench(shared: shared)
        try await bench.write((0..<50).map { .putCheck(.test("web-\($0)"), set: nil) })

        let running = Task { try await bench.worker.run() }
        while bench.script.hosts.isEmpty { await Task.yield() }
        bench.worker.drain()
        try await running.value

        let status = try await bench.storage.queueStatus()
        #expect(status.leased == 0)
        #expect(status.tally.completed == Int64(bench.script.hosts.count))
        #expect(
            status.tally.enqueued == status.tally.completed + Int64(status.live))
    }
}

/// A storage that does not answer the first batch of outcomes.
private final class AwayForOneBatch: ForwardingStorage {
    let base: MemoryStorage
    private let isBack = Mutex(false)

    init(base: MemoryStorage) {
        self.base = base
    }

    func complete(_ batch: [Completion]) async throws(StorageError) -> CompletionReport {
        let answers = isBack.withLock { isBack in
            defer { isBack = true }
            return isBack
        }
        guard answers else { throw .unavailable("away") }
        return try await base.complete(batch)
    }
}
