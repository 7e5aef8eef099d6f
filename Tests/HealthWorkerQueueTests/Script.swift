import HealthWorkerModel
import HealthWorkerQueue
import HealthWorkerStorage
import Logging
import Synchronization

/// A prober whose answers a test writes, by the target's host.
final class Script: Prober {
    private let outcomes = Mutex<[String: Outcome]>([:])
    private let probed = Mutex<[String]>([])

    func set(_ host: String, _ outcome: Outcome) {
        outcomes.withLock { $0[host] = outcome }
    }

    /// Hosts in the order in which they were probed.
    var hosts: [String] { probed.withLock { $0 } }

    func probe(_ check: CheckSpec) async -> ProbeReport {
        probed.withLock { $0.append(check.target.host) }
        return ProbeReport(outcome: outcomes.withLock { $0[check.target.host] } ?? .success)
    }
}

/// One process of a queue, driven step by step by a test that also moves the clock.
struct Bench {
    let storage: MemoryStorage
    let evaluator: PolicyEvaluator
    let register: Register
    let worker: Worker
    let fleet: Fleet
    let script: Script
    let isolation: Isolation

    init(
        process: ProcessID = 1, shared: MemoryStorage.Shared = MemoryStorage.Shared(),
        script: Script = Script(), isolation: Isolation? = nil,
        limits: Worker.Limits = Worker.Limits(),
        time: ProcessTime = .continuous
    ) {
        storage = MemoryStorage(process: process, shared: shared)
        evaluator = PolicyEvaluator(storage: storage)
        fleet = Fleet(me: process)
        self.script = script
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        register = Register(storage: storage, evaluator: evaluator, time: time, logger: logger)
        self.isolation = isolation ?? Isolation(asking: nil, logger: logger)
        worker = Worker(
            storage: storage, counts: Base(), evaluator: evaluator, prober: { _ in script },
            fleet: fleet, isolation: self.isolation, limits: limits, time: time, logger: logger)
    }

    var clock: StorageClock { storage.shared.clock }

    /// Everything that is claimable is claimed, probed and completed, and what turned is evaluated.
    @discardableResult
    func work() async throws -> [Claim] {
        let jobs = Mutex<[ClaimedJob]>([])
        try await worker.claim { job in jobs.withLock { $0.append(job) } }
        let taken = jobs.withLock { $0 }
        for job in taken { await worker.probe(job) }
        for policy in Set(await worker.complete().flatMap(\.policies)) {
            _ = try await evaluator.evaluate(policy)
        }
        return taken.map(\.claim)
    }

    func write(_ changes: [ObjectChange]) async throws {
        _ = try await storage.write(WriteBatch(changes, actor: "test"))
    }

    func health(of name: String) async throws -> HealthState? {
        guard let check = try await storage.checks(named: [name]).first else { return nil }
        return try await storage.observations(of: [check.id])[check.id]?.state
    }

    func route(of name: String) async throws -> Route? {
        guard let policy = try await storage.policies(named: [name]).first else { return nil }
        return try await storage.route(of: policy.id)?.route
    }
}

/// Counts from the base.
struct Base: Counts {
    func count(_ batch: [CountRequest]) async -> [Int] { batch.map(\.runFromBase) }
}

extension CheckSpec {
    static func test(
        _ name: String, host: String = "192.0.2.1", locations: [String] = []
    ) -> CheckSpec {
        CheckSpec(
            name: name, type: .tcp, target: Target(host: host, port: 80), locations: locations,
            interval: .seconds(10), fastInterval: .seconds(2), timeout: .seconds(1), fall: 2,
            rise: 2)
    }
}
