import HealthWorkerModel
import HealthWorkerQueue
import HealthWorkerStorage
import Logging
import StorageConformance
import Synchronization

/// Registers and workers as they are, on one storage, driven step by step in an order that chance
/// decides: they are killed between and within calls, stopped beyond their leases, drained and
/// started again, answers get lost, and operators edit meanwhile. Nothing runs by itself and every
/// clock is the simulation's, so that a seed is all it takes to see the same run again.
struct Simulation {
    private let seed: UInt64
    private let shared = MemoryStorage.Shared()
    private let journal = Journal()
    private let oracle: Oracle
    private let make: @Sendable (MemoryStorage) -> any Storage
    private var chance: SeededGenerator
    private var processes: [SimulatedProcess] = []
    private var started: Int64 = 0
    private var specs: [String: CheckSpec] = [:]

    /// - Parameter make: A storage that breaks a promise, around one that keeps them all.
    init(seed: UInt64, storage make: @escaping @Sendable (MemoryStorage) -> any Storage = { $0 }) {
        self.seed = seed
        self.make = make
        chance = SeededGenerator(seed: seed)
        oracle = Oracle(seed: seed ^ 0x5EED)
    }

    /// - Returns: a digest of all that happened, and how many leases ended before their jobs did.
    /// - Throws: ``SimulationFailure`` at the first promise that is broken.
    @discardableResult
    mutating func run(steps: Int = 150) async throws -> (digest: UInt64, rescued: Int) {
        for index in 0..<6 { try await edit("web\(index)") }
        for _ in 0..<3 { await start() }
        for step in 0..<steps {
            try await act()
            try await judge("step \(step)")
        }
        try await settle()
        try await judge("the end")
        return (journal.digest, journal.rescued)
    }

    // MARK: - What happens

    private mutating func act() async throws {
        let index = Int.random(in: 0..<processes.count, using: &chance)
        let process = processes[index]
        switch Int.random(in: 0..<100, using: &chance) {
        case 0..<22:
            let isLong = Int.random(in: 0..<12, using: &chance) == 0
            shared.clock.advance(
                by: .milliseconds(
                    Int64.random(in: isLong ? 3000...15_000 : 10...1500, using: &chance)))
        case 22..<36: await failing(process) { _ = try? await process.register.enqueue() }
        case 36..<40: await failing(process) { _ = try? await process.register.sweep() }
        case 40..<60: await failing(process) { await process.claim() }
        case 60..<80: await failing(process) { await process.probe(atMost: 4) }
        case 80..<91: await failing(process) { await process.complete() }
        case 91..<94: await kill(index)
        case 94: await process.heartbeat.step()
        case 95..<97: try await drain(index)
        default:
            try await edit("web\(Int.random(in: 0..<8, using: &chance))")
        }
    }

    /// Some of the calls fail, and now and then the process is killed before it hears of them.
    private mutating func failing(
        _ process: SimulatedProcess, _ action: @escaping @Sendable () async -> Void
    ) async {
        let kind: Faults.Kind = Bool.random(using: &chance) ? .notDone : .answerLost
        switch Int.random(in: 0..<20, using: &chance) {
        case 0, 1:
            process.faults.plan(
                Bool.random(using: &chance) ? [kind] : [nil, kind])
            await action()
        case 2:
            process.faults.plan([kind])
            // Whatever failed is not tried again.
            await Task {
                withUnsafeCurrentTask { $0?.cancel() }
                await action()
            }.value
            if let index = processes.firstIndex(where: { $0 === process }) { await kill(index) }
        default: await action()
        }
        process.faults.plan([])
    }

    private mutating func kill(_ index: Int) async {
        processes.remove(at: index)
        await start()
    }

    /// What SIGTERM does: what is in flight ends and is flushed, and nothing stays claimed.
    private mutating func drain(_ index: Int) async throws {
        let process = processes.remove(at: index)
        process.worker.drain()
        await process.probe(atMost: .max)
        await process.complete()
        for (check, seen) in try await observations() {
            guard let job = seen.job, job.worker == process.id,
                job.visibleAt > shared.clock.now
            else { continue }
            // A claim of which the answer was lost is not known to anybody. A job that came too late
            // for its probe was given back at once; where that call failed it is not made again, as
            // less is left of the lease than a time-out.
            let reference = JobReference(job: job.id, attempt: job.attempt)
            if process.received(reference), !process.faults.unreleased.contains(reference) {
                journal.violated("a drained worker still holds job \(job.id) of check \(check)")
            }
        }
        if process.worker.activity.claimed != 0 {
            journal.violated("a drained worker says that it holds jobs")
        }
        await start()
    }

    private mutating func start() async {
        started += 1
        let process = SimulatedProcess(
            storage: make(MemoryStorage(process: ProcessID(started), shared: shared)),
            journal: journal, clock: shared.clock, oracle: oracle,
            skew: .seconds(Int64.random(in: 0...100_000, using: &chance)),
            location: Bool.random(using: &chance) ? "fra1" : "ams1")
        processes.append(process)
        await process.heartbeat.step()
    }

    private mutating func edit(_ name: String) async throws {
        let storage = MemoryStorage(process: 1, shared: shared)
        if specs[name] != nil, Int.random(in: 0..<5, using: &chance) == 0 {
            specs[name] = nil
            _ = try await storage.write(WriteBatch([.deleteCheck(name)], actor: "ann"))
            return
        }
        var spec =
            specs[name]
            ?? .test(name, locations: Bool.random(using: &chance) ? [] : ["fra1", "ams1"])
        switch Int.random(in: 0..<4, using: &chance) {
        case 0: spec.target.host = "192.0.2.\(Int.random(in: 1...200, using: &chance))"
        case 1: spec.isEnabled.toggle()
        case 2: spec.interval = .seconds(Int64.random(in: 2...12, using: &chance))
        default: spec.fall = Int.random(in: 1...4, using: &chance)
        }
        specs[name] = spec
        _ = try await storage.write(WriteBatch([.putCheck(spec, set: nil)], actor: "ann"))
    }

    // MARK: - What must hold

    private func observations() async throws -> [CheckID: Observation] {
        let storage = MemoryStorage(process: 1, shared: shared)
        let checks = try await storage.checks(matching: ObjectFilter(), after: nil, limit: 100)
        return try await storage.observations(of: checks.map(\.id))
    }

    private func judge(_ moment: String) async throws {
        let storage = MemoryStorage(process: 1, shared: shared)
        let status = try await storage.queueStatus()
        let seen = try await observations()
        let tally = status.tally
        let accounted = tally.completed + Int64(status.live) + tally.lost + tally.void
        if tally.enqueued != accounted {
            journal.violated("\(tally.enqueued) jobs were enqueued, \(accounted) accounted for")
        }
        let live = seen.values.compactMap(\.job?.id)
        if live.count != status.live || Set(live).count != live.count {
            journal.violated("\(status.live) jobs are live, for \(live.count) checks")
        }
        for (check, observation) in seen {
            if let job = observation.job?.id, journal.hasEnded(job) {
                journal.violated("job \(job) is live and has ended")
            }
            let state = observation.state
            var expected = Journal.Expected(epoch: state.epoch)
            if let told = journal.expected(of: check), told.epoch == state.epoch { expected = told }
            if state.health != expected.health || state.inARow != expected.inARow {
                journal.violated(
                    "check \(check) is \(state.health) with \(state.inARow) in a row, where its "
                        + "outcomes make \(expected.health) with \(expected.inARow)")
            }
        }
        if let violation = journal.violation {
            throw SimulationFailure(seed: seed, moment: moment, violation: violation)
        }
    }

    /// All processes die at once, and one that is left in peace makes up for everything.
    private mutating func settle() async throws {
        processes = []
        await start()
        await start()
        let begin = shared.clock.now
        for _ in 0..<60 {
            shared.clock.advance(by: .seconds(1))
            for process in processes {
                await process.heartbeat.step()
                while try await process.register.enqueue() == .zero {}
                _ = try await process.register.sweep()
                await process.claim()
                await process.probe(atMost: .max)
                await process.complete()
            }
        }
        let storage = MemoryStorage(process: 1, shared: shared)
        let seen = try await observations()
        for check in try await storage.checks(matching: ObjectFilter(), after: nil, limit: 100) {
            if let job = seen[check.id]?.job, job.worker != nil {
                journal.violated("job \(job.id) is still held, by \(job.worker ?? 0)")
            }
            let outcomes = try await storage.outcomes(of: check.id, before: nil, limit: 10_000)
            if Set(outcomes.map(\.job)).count != outcomes.count {
                journal.violated("a job of check \(check.spec.name) has two outcomes")
            }
            if let outcome = outcomes.first(where: { !journal.hasEnded($0.job) }) {
                journal.violated("job \(outcome.job) has an outcome and has not ended")
            }
            if check.spec.isEnabled, (outcomes.first?.startedAt ?? begin) < begin + .seconds(30) {
                journal.violated("check \(check.spec.name) was not probed any more")
            }
        }
    }
}

/// One process: all of its parts but the loops.
final class SimulatedProcess: Sendable {
    let id: ProcessID
    let faults = Faults()
    let register: Register
    let worker: Worker
    let heartbeat: Heartbeat
    private let pending = Mutex<[ClaimedJob]>([])
    private let handed = Mutex<Set<JobReference>>([])

    init(
        storage: any Storage, journal: Journal, clock: StorageClock, oracle: Oracle,
        skew: Duration, location: String
    ) {
        let id = storage.process
        self.id = id
        let storage = Self.wrap(storage, journal, faults)
        let start = clock.now
        let time = ProcessTime(
            now: { skew + (clock.now - start) }, sleep: { clock.advance(by: $0) }, spread: { 1 })
        let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        let evaluator = PolicyEvaluator(storage: storage)
        let fleet = Fleet(me: id)
        register = Register(
            storage: storage, evaluator: evaluator, limits: Register.Limits(slotsAtOnce: 2),
            time: time, logger: logger)
        worker = Worker(
            storage: storage, counts: Base(), evaluator: evaluator, prober: { _ in oracle },
            fleet: fleet,
            limits: Worker.Limits(
                location: location, concurrency: 8, batchSize: 3, leaseMargin: .seconds(2)),
            time: time, logger: logger)
        let presence = Presence(
            name: "\(id)", roles: [.register, .worker], location: location, version: "0")
        heartbeat = Heartbeat(
            storage: storage, fleet: fleet, presence: { presence }, time: time, logger: logger)
    }

    private static func wrap(
        _ storage: some Storage, _ journal: Journal, _ faults: Faults
    ) -> any Storage {
        FaultyStorage(base: WitnessedStorage(base: storage, journal: journal), faults: faults)
    }

    func claim() async {
        // A claim that failed leaves its jobs, if it got any, to the ends of their leases.
        _ = try? await worker.claim { job in
            pending.withLock { $0.append(job) }
            handed.withLock { _ = $0.insert(job.claim.reference) }
        }
    }

    func received(_ job: JobReference) -> Bool {
        handed.withLock { $0.contains(job) }
    }

    func probe(atMost limit: Int) async {
        for job in pending.withLock({ pending in
            defer { pending.removeFirst(min(limit, pending.count)) }
            return Array(pending.prefix(limit))
        }) {
            await worker.probe(job)
        }
    }

    func complete() async {
        _ = await worker.complete()
    }
}

/// Answers as chance decides, mostly well, and now and then badly for a while.
final class Oracle: Prober {
    private let chance: Mutex<SeededGenerator>

    init(seed: UInt64) {
        chance = Mutex(SeededGenerator(seed: seed))
    }

    func probe(_ check: CheckSpec) async -> ProbeReport {
        chance.withLock { chance in
            switch Int.random(in: 0..<10, using: &chance) {
            case 0..<5: ProbeReport(outcome: .success)
            case 5..<9: ProbeReport(outcome: .failure(.connectRefused))
            default: ProbeReport(outcome: .inconclusive(.dnsTimeout))
            }
        }
    }
}

struct SimulationFailure: Error, CustomStringConvertible {
    var seed: UInt64
    var moment: String
    var violation: String

    var description: String {
        "seed \(seed), \(moment): \(violation). To see it again: "
            + "HEALTH_WORKER_SIMULATION_SEED=\(seed) swift test --filter Simulation"
    }
}
