import HealthWorkerModel
import HealthWorkerStorage
import StorageConformance
import Synchronization
import Testing

struct PolicyEvaluatorTests {
    @Test func `a decision that was overtaken is taken again from what is stored now`()
        async throws
    {
        let storage = Overtaken(base: MemoryStorage(), times: 2)
        let policy = try await storage.base.policyWithoutChecks()
        let pauses = Mutex<[Int]>([])

        let result = try await PolicyEvaluator(storage: storage) { attempt in
            pauses.withLock { $0.append(attempt) }
        }.evaluate(policy)

        guard case .decided(let decision) = result else {
            Issue.record("not decided: \(result)")
            return
        }
        #expect(decision.route?.answer.records.map(\.value) == ["192.0.2.1"])
        #expect(pauses.withLock { $0 } == [0, 1])
        #expect(try await storage.base.dueEvaluations(limit: 9).isEmpty)
    }

    @Test func `what is overtaken five times is left to the sweep, still due`() async throws {
        let storage = Overtaken(base: MemoryStorage(), times: 99)
        let policy = try await storage.base.policyWithoutChecks()

        let result = try await PolicyEvaluator(storage: storage) { _ in }.evaluate(policy)

        #expect(result == .leftToSweep)
        #expect(storage.commits.now == 5)
        #expect(try await storage.base.dueEvaluations(limit: 9).map(\.policy) == [policy])
    }

    @Test func `policies that cannot be evaluated hold up none of the others`() async throws {
        let storage = Damaged(base: MemoryStorage())
        for name in ["a", "b", "c", "d"] { _ = try await storage.base.policyWithoutChecks(name) }
        let due = try await storage.base.dueEvaluations(limit: 9).map(\.policy)
        storage.damaged.withLock { $0 = Set(due.prefix(2)) }

        let sweep = try await PolicyEvaluator(storage: storage).evaluateDue(limit: 2)

        #expect(Set(sweep.failures.keys) == Set(due.prefix(2)))
        #expect(Set(sweep.results.keys) == Set(due.suffix(2)))
        let left = try await storage.base.dueEvaluations(limit: 9).map(\.policy)
        #expect(left == Array(due.prefix(2)))
    }

    @Test func `a storage that is away ends the sweep`() async throws {
        let storage = Damaged(base: MemoryStorage(), error: .unavailable("away"))
        let policy = try await storage.base.policyWithoutChecks()
        storage.damaged.withLock { $0 = [policy] }

        await #expect(throws: StorageError.unavailable("away")) {
            try await PolicyEvaluator(storage: storage).evaluateDue(limit: 2)
        }
    }

    @Test func `an operator whose order is always overtaken is told to try again`() async throws {
        let storage = Overtaken(base: MemoryStorage(), times: 99)
        let policy = try await storage.base.policyWithoutChecks()

        await #expect(throws: StorageError.self) {
            _ = try await PolicyEvaluator(storage: storage) { _ in }
                .freeze(policy, reason: "sale", until: nil, by: .init("ann"))
        }

        #expect(try await storage.base.route(of: policy)?.freeze == nil)
    }

    @Test func `an order for a policy that is not there is refused`() async throws {
        let evaluator = PolicyEvaluator(storage: MemoryStorage())

        await #expect(throws: StorageError.refused([.missing(.policy, "7")])) {
            _ = try await evaluator.failback(7, by: .init("ann"))
        }
    }

    @Test func `the better tier comes back by an operator's order, and only when it waits`()
        async throws
    {
        let clock = StorageClock()
        let storage = MemoryStorage(clock: clock)
        let policy = try await storage.failoverPolicy()
        let evaluator = PolicyEvaluator(storage: storage)
        try await storage.turn("a", .success)
        try await storage.turn("b", .success)
        _ = try await evaluator.evaluateDue(limit: 9)
        await #expect(
            throws: StorageError.refused(
                [.nothingToDo("The policy www publishes its first tier already.")])
        ) {
            _ = try await evaluator.failback(policy, by: .init("ann"))
        }
        try await storage.turn("a", .failure(.connectRefused))
        _ = try await evaluator.evaluateDue(limit: 9)
        let failedOver = try await storage.route(of: policy)?.route
        try await storage.turn("a", .success)
        _ = try await evaluator.evaluateDue(limit: 9)
        let waiting = try await storage.route(of: policy)?.route

        let decision = try await evaluator.failback(policy, by: .init("ann"))

        #expect(failedOver?.answer.records.map(\.name) == ["b"])
        #expect(failedOver?.cause == .failover)
        #expect(waiting?.answer == failedOver?.answer)
        #expect(decision.route?.answer.records.map(\.name) == ["a"])
        #expect(try await storage.audit(before: nil, limit: 1).map(\.action) == ["policy.failback"])
    }

    @Test func `the inputs' fingerprint tells what a route was decided from`() async throws {
        let storage = MemoryStorage()
        let policy = try await storage.failoverPolicy()
        let before = try #require(try await storage.evaluationInputs(of: policy)).inputs
        try await storage.turn("a", .success)
        let after = try #require(try await storage.evaluationInputs(of: policy)).inputs

        #expect(before.fingerprint == "r1 a=1.1.- b=2.1.-")
        #expect(after.fingerprint == "r1 a=1.1.1 b=2.1.-")
    }
}

/// A storage on which somebody else is faster for the first few commits.
private struct Overtaken: ForwardingStorage {
    final class Count: Sendable {
        private let value = Mutex(0)

        var now: Int { value.withLock { $0 } }

        func up() -> Int {
            value.withLock { value in
                value += 1
                return value
            }
        }
    }

    let base: MemoryStorage
    let times: Int
    let commits = Count()

    func commit(_ commit: EvaluationCommit) async throws(StorageError) -> CommitOutcome {
        commits.up() <= times ? .superseded : try await base.commit(commit)
    }

    func commit(all commits: [EvaluationCommit]) async throws(StorageError) -> [CommitOutcome]? {
        self.commits.up() <= times ? nil : try await base.commit(all: commits)
    }
}

/// A storage in which the rows of some policies cannot be read.
private final class Damaged: ForwardingStorage {
    let base: MemoryStorage
    let damaged = Mutex<Set<PolicyID>>([])
    private let error: StorageError

    init(base: MemoryStorage, error: StorageError = .failed("\"{\" is no document.")) {
        self.base = base
        self.error = error
    }

    func evaluationInputs(of policy: PolicyID) async throws(StorageError) -> EvaluationInputs? {
        if damaged.withLock({ $0.contains(policy) }) { throw error }
        return try await base.evaluationInputs(of: policy)
    }
}

extension MemoryStorage {
    fileprivate func policyWithoutChecks(_ name: String = "www") async throws -> PolicyID {
        let spec = PolicySpec(
            name: name, type: .simple, members: [Member(name: "a", value: "192.0.2.1")])
        _ = try await write(
            WriteBatch([.putPolicy(spec, makes: [], set: nil)], actor: "ann"))
        return try #require(try await policies(named: [name]).first).id
    }

    fileprivate func failoverPolicy() async throws -> PolicyID {
        let checks = ["a", "b"].map { name in
            CheckSpec(
                name: name, type: .tcp, target: Target(host: "192.0.2.1", port: 80),
                confirm: .none, fall: 1, rise: 1)
        }
        let spec = PolicySpec(
            name: "www", type: .failover,
            members: [
                Member(name: "a", value: "192.0.2.1", priority: 10, check: "a"),
                Member(name: "b", value: "192.0.2.2", priority: 20, check: "b"),
            ])
        _ = try await write(
            WriteBatch(
                checks.map { .putCheck($0, set: nil) } + [.putPolicy(spec, makes: [], set: nil)],
                actor: "ann"))
        return try #require(try await policies(named: ["www"]).first).id
    }

    /// One probe whose outcome turns the check's health.
    fileprivate func turn(_ name: String, _ outcome: Outcome) async throws {
        let check = try #require(try await checks(named: [name]).first)
        try await enqueueNow(check.id)
        shared.clock.advance(by: .seconds(10))
        let claims = try await claim(ClaimRequest(limit: 99))
        _ = try await release(claims.filter { $0.check != check.id }.map(\.reference))
        let claim = try #require(claims.first { $0.check == check.id })
        let decision = HealthTracker.next(
            base: claim.base,
            observation: HealthTracker.Observation(
                outcome: outcome, run: outcome == .success ? 1 : -1, worker: process,
                othersAlive: false, at: claim.claimedAt), check: check.spec)
        let report = try await complete([
            Completion(
                claim: claim, epoch: claim.base.epoch, report: ProbeReport(outcome: outcome),
                decision: decision, age: .zero)
        ])
        #expect(report.turned.count == 1)
    }
}
