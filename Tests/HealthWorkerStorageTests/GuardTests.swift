import HealthWorkerModel
import HealthWorkerStorage
import StorageConformance
import Synchronization
import Testing

/// What the guard does to evaluations, with the reference storage and its clock.
@Suite struct GuardTests {
    /// Policies of two tiers, `p0` …, each with a healthy primary that is published and a standby.
    private struct Pair {
        let clock = StorageClock()
        let storage: MemoryStorage
        let evaluator: PolicyEvaluator

        init(policies: Int) async throws {
            storage = MemoryStorage(clock: clock)
            evaluator = PolicyEvaluator(storage: storage)
            for number in 0..<policies {
                let checks = ["a", "b"].map { Self.check("\($0)\(number)") }
                let spec = PolicySpec(
                    name: "p\(number)", labels: ["half": number % 2 == 0 ? "even" : "odd"],
                    type: .failover,
                    members: [
                        Member(name: "a", value: "192.0.2.1", priority: 10, check: "a\(number)"),
                        Member(name: "b", value: "192.0.2.2", priority: 20, check: "b\(number)"),
                    ])
                _ = try await storage.write(
                    WriteBatch(
                        checks.map { .putCheck($0, set: nil) }
                            + [.putPolicy(spec, makes: [], set: nil)], actor: "ann"))
            }
            try await turn(
                (0..<policies).flatMap { ["a\($0)", "b\($0)"] }, .success)
            _ = try await evaluator.evaluateDue(limit: 999)
        }

        /// One policy, `p0`, whose first tier has so many members, `a0` …, and the second one `spare`.
        init(tier members: Int) async throws {
            storage = MemoryStorage(clock: clock)
            evaluator = PolicyEvaluator(storage: storage)
            let names = (0..<members).map { "a\($0)" } + ["spare"]
            let spec = PolicySpec(
                name: "p0", type: .failover,
                members: names.enumerated().map { index, name in
                    Member(
                        name: name, value: "192.0.2.\(index + 1)",
                        priority: name == "spare" ? 20 : 10, check: name)
                })
            _ = try await storage.write(
                WriteBatch(
                    names.map { .putCheck(Self.check($0), set: nil) }
                        + [.putPolicy(spec, makes: [], set: nil)], actor: "ann"))
            try await turn(names, .success)
            _ = try await evaluator.evaluateDue(limit: 999)
        }

        private static func check(_ name: String) -> CheckSpec {
            CheckSpec(
                name: name, type: .tcp, target: Target(host: "192.0.2.1", port: 80),
                confirm: .none, fall: 1, rise: 1)
        }

        /// One batch in which all of these turn.
        func turn(
            _ names: [String], _ outcome: Outcome, isConfirmed: Bool = false
        ) async throws {
            let checks = try await storage.checks(named: names)
            for check in checks { try await storage.enqueueNow(check.id) }
            clock.advance(by: .seconds(1))
            let wanted = Set(checks.map(\.id))
            let claims = try await storage.claim(ClaimRequest(limit: 9999))
            _ = try await storage.release(
                claims.filter { !wanted.contains($0.check) }.map(\.reference))
            var batch: [Completion] = []
            for claim in claims where wanted.contains(claim.check) {
                let check = try #require(checks.first { $0.id == claim.check })
                var decision = HealthTracker.next(
                    base: claim.base,
                    observation: HealthTracker.Observation(
                        outcome: outcome, run: outcome == .success ? 1 : -1,
                        worker: storage.process, othersAlive: false, at: claim.claimedAt),
                    check: check.spec)
                decision.turn?.isConfirmedElsewhere = isConfirmed
                batch.append(
                    Completion(
                        claim: claim, epoch: claim.base.epoch,
                        report: ProbeReport(outcome: outcome), decision: decision, age: .zero))
            }
            #expect(try await storage.complete(batch).turned.count == names.count)
        }

        /// The members that each policy publishes.
        func published(_ numbers: Range<Int>) async throws -> [String] {
            var published: [String] = []
            for number in numbers {
                let policy = try #require(try await storage.policies(named: ["p\(number)"]).first)
                let route = try await storage.route(of: policy.id)?.route
                published.append((route?.answer.records ?? []).map(\.name).joined())
            }
            return published
        }
    }

    private static let dead = Outcome.failure(.connectRefused)

    @Test func `when more than half leave at once all of them stay, each for two minutes`()
        async throws
    {
        let pair = try await Pair(policies: 12)

        try await pair.turn((0..<7).map { "a\($0)" }, Self.dead)
        let sweep = try await pair.evaluator.evaluateDue(limit: 999)
        let held = try await pair.published(0..<12)
        pair.clock.advance(by: .seconds(119))
        _ = try await pair.evaluator.evaluateDue(limit: 999)
        let last = try await pair.published(0..<12)
        pair.clock.advance(by: .seconds(1))
        _ = try await pair.evaluator.evaluateDue(limit: 999)
        let left = try await pair.published(0..<12)

        #expect(held == Array(repeating: "a", count: 12))
        #expect(last == held)
        #expect(
            left == Array(repeating: "b", count: 7) + Array(repeating: "a", count: 5))
        let warnings = sweep.results.values.compactMap { result -> String? in
            if case .decided(let decision) = result { decision.warning } else { nil }
        }
        #expect(warnings.count == 7)
        #expect(
            warnings.contains(
                "guard holds unhealthy members of p3 published: a; to let them leave: "
                    + "health-worker guard release p3"))
        let deeds = try await pair.storage.audit(before: nil, limit: 99)
        #expect(deeds.count { $0.actor == "guard" && $0.action == "policy.held" } == 7)
        #expect(deeds.count { $0.actor == "guard" && $0.action == "policy.hold_ended" } == 7)
    }

    @Test func `evaluations at the same moment all see all that leaves`() async throws {
        let pair = try await Pair(policies: 40)
        try await pair.turn((0..<30).map { "a\($0)" }, Self.dead)
        let due = try await pair.storage.dueEvaluations(limit: 99).map(\.policy)

        try await withThrowingTaskGroup(of: Void.self) { group in
            for policy in due {
                group.addTask { _ = try await pair.evaluator.evaluate(policy) }
            }
            try await group.waitForAll()
        }

        #expect(due.count == 30)
        #expect(try await pair.published(0..<40) == Array(repeating: "a", count: 40))
    }

    @Test func `what leaves bit by bit is held from the half on`() async throws {
        let pair = try await Pair(policies: 10)

        for number in 0..<8 {
            try await pair.turn(["a\(number)"], Self.dead)
            _ = try await pair.evaluator.evaluateDue(limit: 99)
        }

        // Five of ten may go.
        #expect(
            try await pair.published(0..<10)
                == Array(repeating: "b", count: 5) + Array(repeating: "a", count: 5))
        #expect(try await pair.storage.holdingPolicies().count == 3)
    }

    @Test func `of one large tier, too, half may leave and no more`() async throws {
        let pair = try await Pair(tier: 12)

        for number in 0..<9 {
            try await pair.turn(["a\(number)"], Self.dead)
            _ = try await pair.evaluator.evaluateDue(limit: 99)
        }

        #expect(try await pair.published(0..<1) == [(6..<12).map { "a\($0)" }.joined()])
        #expect(try await pair.storage.holdingPolicies().count == 1)
    }

    @Test func `what a second location confirms leaves at once`() async throws {
        let pair = try await Pair(policies: 12)

        try await pair.turn((0..<12).map { "a\($0)" }, Self.dead, isConfirmed: true)
        _ = try await pair.evaluator.evaluateDue(limit: 999)

        #expect(try await pair.published(0..<12) == Array(repeating: "b", count: 12))
    }

    @Test func `a minute later turns do not count together any more`() async throws {
        let pair = try await Pair(policies: 10)

        try await pair.turn((0..<5).map { "a\($0)" }, Self.dead)
        _ = try await pair.evaluator.evaluateDue(limit: 99)
        pair.clock.advance(by: .seconds(60))
        try await pair.turn((5..<10).map { "a\($0)" }, Self.dead)
        _ = try await pair.evaluator.evaluateDue(limit: 99)

        #expect(try await pair.published(0..<10) == Array(repeating: "b", count: 10))
    }

    @Test func `standbys that fail do not count, and nothing is held below ten members`()
        async throws
    {
        let few = try await Pair(policies: 9)
        let many = try await Pair(policies: 12)

        try await few.turn((0..<9).map { "a\($0)" }, Self.dead)
        _ = try await few.evaluator.evaluateDue(limit: 99)
        try await many.turn((6..<12).map { "b\($0)" } + ["a0"], Self.dead)
        _ = try await many.evaluator.evaluateDue(limit: 99)

        #expect(try await few.published(0..<9) == Array(repeating: "b", count: 9))
        #expect(try await many.published(0..<1) == ["b"])
        #expect(try await many.storage.holdingPolicies().isEmpty)
    }

    @Test func `a person releases one policy, who is named, and the others stay held`()
        async throws
    {
        let pair = try await Pair(policies: 12)
        try await pair.turn((0..<12).map { "a\($0)" }, Self.dead)
        _ = try await pair.evaluator.evaluateDue(limit: 999)
        let policy = try #require(try await pair.storage.policies(named: ["p4"]).first).id

        let decision = try await pair.evaluator.release(
            policy, by: .init("ann", message: "the site is dark"))

        #expect(decision.route?.answer.records.map(\.name) == ["b"])
        #expect(decision.isNewGeneration)
        #expect(try await pair.storage.holdingPolicies().count == 11)
        let deed = try #require(try await pair.storage.audit(before: nil, limit: 1).first)
        #expect(deed.actor == "ann")
        #expect(deed.action == "policy.released")
        #expect(deed.message == "the site is dark")
        await #expect(
            throws: StorageError.refused([.nothingToDo("The policy p4 holds no member.")])
        ) {
            _ = try await pair.evaluator.release(policy, by: .init("ann"))
        }
    }

    @Test func `an order for one member does not open the door for the others`() async throws {
        let pair = try await Pair(policies: 12)
        try await pair.turn((0..<12).map { "a\($0)" }, Self.dead)
        let policy = try #require(try await pair.storage.policies(named: ["p0"]).first).id

        _ = try await pair.evaluator.setOverrides(
            [.init(member: "b", word: .up, reason: "it is well")], of: policy, by: .init("ann"))

        #expect(try await pair.published(0..<1) == ["a"])
        #expect(try await pair.storage.holdingPolicies() == [policy])
    }

    @Test func `those that are healthy again were never out`() async throws {
        let pair = try await Pair(policies: 12)
        try await pair.turn((0..<12).map { "a\($0)" }, Self.dead)
        _ = try await pair.evaluator.evaluateDue(limit: 999)
        let generations = try await pair.storage.routes(after: nil, limit: 99).map {
            $0.route?.generation
        }

        try await pair.turn((0..<12).map { "a\($0)" }, .success)
        _ = try await pair.evaluator.evaluateDue(limit: 999)

        #expect(try await pair.storage.holdingPolicies().isEmpty)
        let after = try await pair.storage.routes(after: nil, limit: 99).map {
            $0.route?.generation
        }
        #expect(after == generations)
    }

    @Test(arguments: [SafetyBudget.Limit.members(2), .percent(34)])
    func `beyond a safety budget members stay until a person releases them`(
        limit: SafetyBudget.Limit
    ) async throws {
        let pair = try await Pair(policies: 12)
        let budget = SafetyBudget(
            name: "even", selector: LabelSelector(["half": "even"]), limit: limit,
            window: .hours(1))
        try await pair.storage.change(BudgetChange("even", budget, actor: "ann"))

        // One after the other, and confirmed: nothing for the guard.
        for number in 0..<8 {
            try await pair.turn(["a\(number)"], Self.dead, isConfirmed: true)
            _ = try await pair.evaluator.evaluateDue(limit: 99)
        }
        let spent = try await pair.published(0..<12)
        pair.clock.advance(by: .hours(2))
        _ = try await pair.evaluator.evaluateDue(limit: 99)
        let later = try await pair.published(0..<12)
        let held = try await pair.storage.policies(ids: pair.storage.holdingPolicies())
        _ = try await pair.evaluator.release(try #require(held.first).id, by: .init("ann"))

        #expect(spent.joined() == "bbbbababaaaa")
        #expect(later == spent)
        #expect(held.map(\.spec.name) == ["p4", "p6"])
        #expect(try await pair.published(4..<7) == ["b", "b", "a"])
        let deeds = try await pair.storage.audit(before: nil, limit: 9)
        #expect(deeds.first?.action == "policy.released")
        #expect(deeds.contains { $0.actor == "budget even" && $0.action == "policy.held" })
    }

    @Test func `evaluations at the same moment spend a budget once`() async throws {
        let pair = try await Pair(policies: 12)
        let budget = SafetyBudget(
            name: "all", selector: LabelSelector(), limit: .members(3), window: .hours(1))
        try await pair.storage.change(BudgetChange("all", budget, actor: "ann"))
        try await pair.turn((0..<12).map { "a\($0)" }, Self.dead, isConfirmed: true)
        let due = try await pair.storage.dueEvaluations(limit: 99).map(\.policy)

        try await withThrowingTaskGroup(of: Void.self) { group in
            for policy in due.reversed() {
                group.addTask { _ = try await pair.evaluator.evaluate(policy) }
            }
            try await group.waitForAll()
        }

        #expect(try await pair.published(0..<12).count { $0 == "b" } == 3)
        #expect(try await pair.storage.holdingPolicies().count == 9)
    }

    @Test func `while nothing much turns no route is counted`() async throws {
        let pair = try await Pair(policies: 12)
        try await pair.turn(["a0", "a1"], Self.dead)
        let counted = Counted(base: pair.storage)
        let evaluator = PolicyEvaluator(storage: counted)

        _ = try await evaluator.evaluateDue(limit: 99)

        #expect(try await pair.published(0..<3) == ["b", "b", "a"])
        #expect(counted.walks.withLock { $0 } == 0)
    }

    @Test func `while far fewer than half turn, their routes are not read`() async throws {
        let pair = try await Pair(policies: 30)
        try await pair.turn((0..<8).map { "a\($0)" }, Self.dead)
        let counted = Counted(base: pair.storage)
        let evaluator = PolicyEvaluator(storage: counted)

        _ = try await evaluator.evaluateDue(limit: 99)

        #expect(
            try await pair.published(0..<9) == Array(repeating: "b", count: 8) + ["a"])
        #expect(counted.readings.withLock { $0 } == 0)
    }
}

/// Counts the walks through all routes, and the readings of some.
private final class Counted: ForwardingStorage {
    let base: MemoryStorage
    let walks = Mutex(0)
    let readings = Mutex(0)

    init(base: MemoryStorage) { self.base = base }

    func publishedMembers() async throws(StorageError) -> Int {
        walks.withLock { $0 += 1 }
        return try await base.publishedMembers()
    }

    func routes(of policies: [PolicyID]) async throws(StorageError) -> [StoredRoute] {
        readings.withLock { $0 += 1 }
        return try await base.routes(of: policies)
    }
}
