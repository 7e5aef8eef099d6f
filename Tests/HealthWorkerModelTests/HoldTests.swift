import Foundation
import HealthWorkerModel
import Testing

/// What the guard holds, and for how long.
@Suite struct GuardTests {
    private func departure(
        _ member: String, policy: PolicyID = 1, isConfirmed: Bool = false, hasLeft: Bool = false
    ) -> Departure {
        Departure(
            policy: policy, member: member, change: 1, isConfirmed: isConfirmed, hasLeft: hasLeft)
    }

    @Test(arguments: [
        // published, gone, leaving, of them confirmed, is held
        (10, 0, 6, 0, true), (10, 0, 5, 0, false), (9, 0, 9, 0, false), (9, 1, 6, 0, true),
        (5, 5, 1, 0, true), (12, 0, 6, 0, false), (12, 0, 7, 0, true), (12, 0, 9, 3, false),
        (12, 0, 12, 5, true), (100_000, 0, 50_000, 0, false), (100_000, 0, 50_001, 0, true),
    ])
    func `more than half of at least ten, unconfirmed, is too much`(
        published: Int, gone: Int, leaving: Int, confirmed: Int, isTooMuch: Bool
    ) {
        let departures =
            (0..<gone).map { departure("gone\($0)", hasLeft: true) }
            + (0..<leaving).map { departure("m\($0)", isConfirmed: $0 < confirmed) }

        #expect(Guard.trips(departures, published: published) == isTooMuch)
        let doubtful = departures.count { !$0.isConfirmed }
        #expect(!isTooMuch || !Guard.isBelowNotice(doubtful))
        #expect(!isTooMuch || !Guard.isBelowNotice(doubtful, of: published))
    }

    @Test func `held are the leaving ones of this policy whose turn nobody confirmed`() {
        let departures =
            (0..<8).map { departure("m\($0)") }
            + [departure("sure", isConfirmed: true), departure("other", policy: 2)]

        let holds = Guard.holds(
            on: ["m0", "m1", "sure", "other", "old"], of: 1, among: departures, published: 12,
            at: .noon)

        let hold = Hold(since: .noon, until: .noon + .minutes(2))
        #expect(holds == ["m0": hold, "m1": hold])
    }

    @Test func `what leaves alone is not held`() {
        let holds = Guard.holds(
            on: ["m0"], of: 1, among: [departure("m0")], published: 12, at: .noon)

        #expect(holds.isEmpty)
    }
}

/// What a safety budget pays for.
@Suite struct SafetyBudgetTests {
    private func budget(_ limit: SafetyBudget.Limit) -> SafetyBudget {
        SafetyBudget(name: "b", selector: LabelSelector(), limit: limit, window: .hours(1))
    }

    private func departure(
        _ change: HealthChangeID, _ member: String, policy: PolicyID = 1, hasLeft: Bool = false
    ) -> Departure {
        Departure(
            policy: policy, member: member, change: change, isConfirmed: true, hasLeft: hasLeft)
    }

    private func held(
        _ limit: SafetyBudget.Limit, _ leaving: [String], _ departures: [Departure],
        published: Int = 0
    ) -> [String] {
        let holds = budget(limit).holds(
            on: leaving, of: 1, among: departures, published: published, at: .noon)
        #expect(holds.values.allSatisfy { $0 == Hold(since: .noon, until: nil, budget: "b") })
        return holds.keys.sorted()
    }

    @Test func `members leave in the order of their turns until it is spent`() {
        let departures = [
            departure(4, "d"), departure(1, "a"), departure(3, "c"), departure(2, "b", policy: 2),
        ]

        #expect(held(.members(0), ["a", "c", "d"], departures) == ["a", "c", "d"])
        #expect(held(.members(2), ["a", "c", "d"], departures) == ["c", "d"])
        #expect(held(.members(3), ["a", "c", "d"], departures) == ["d"])
        #expect(held(.members(4), ["a", "c", "d"], departures).isEmpty)
    }

    @Test func `what has left has been paid for`() {
        let departures = [
            departure(1, "x", policy: 2, hasLeft: true), departure(2, "a"), departure(3, "c"),
        ]

        #expect(held(.members(1), ["a", "c"], departures) == ["a", "c"])
        #expect(held(.members(2), ["a", "c"], departures) == ["c"])
    }

    @Test func `what has left comes first, also where its turn was stored later`() {
        let departures = [departure(1, "a"), departure(2, "x", policy: 2, hasLeft: true)]

        #expect(held(.members(1), ["a"], departures) == ["a"])
        #expect(held(.members(2), ["a"], departures).isEmpty)
    }

    @Test(arguments: [(25, 3, 0), (25, 4, 1), (50, 4, 2), (50, 5, 2), (100, 5, 5)])
    func `a percentage is one of what is and what was published, rounded down`(
        percent: Int, published: Int, free: Int
    ) {
        let names = (0..<published).map { "m\($0)" }
        let departures = names.enumerated().map { departure(HealthChangeID(Int64($0)), $1) }

        #expect(
            held(.percent(percent), names, departures, published: published).count
                == published - free)
        // Those that left are no less a part of it.
        let gone = departure(-1, "gone", policy: 2, hasLeft: true)
        #expect(
            held(.percent(percent), names, [gone] + departures, published: published - 1).count
                == published - max(0, free - 1))
    }

    @Test func `one that turned long ago and leaves only now comes last`() {
        let departures = [departure(2, "a")]

        #expect(held(.members(1), ["old", "a"], departures) == ["old"])
        #expect(held(.members(2), ["old", "a"], departures).isEmpty)
        #expect(held(.members(0), ["old"], []) == ["old"])
    }

    @Test(arguments: [SafetyBudget.Limit.members(3), .percent(20)])
    func `it is written as operators write it`(limit: SafetyBudget.Limit) throws {
        var budget = budget(limit)
        budget.selector = try LabelSelector("site in (fra1,ams1),!test")

        let text = try JSONEncoder().encode(budget)

        #expect(try JSONDecoder().decode(SafetyBudget.self, from: text) == budget)
    }
}

/// What a hold does to a policy.
@Suite struct HoldTests {
    private static let tiers: [Member] = [.a("fra", 10, last: 1), .a("ams", 20, last: 2)]

    /// A policy whose `fra` turned unhealthy and is held.
    private func held(
        _ type: PolicyType = .failover, until end: Timestamp? = .noon + .minutes(2)
    ) -> Scenario {
        var scenario = Scenario(type, Self.tiers)
        scenario.decide()
        scenario.turn("fra", .unhealthy)
        scenario.decide(holding: ["fra": Hold(since: .noon, until: end)])
        return scenario
    }

    @Test(arguments: [PolicyType.failover, .detach])
    func `a member that is held stays published, and protects nothing`(type: PolicyType) {
        let before = Scenario(type, Self.tiers)
        var scenario = before
        scenario.decide()
        let names = scenario.route?.answer.records.map(\.name)
        scenario.turn("fra", .unhealthy)

        let free = PolicyEvaluation.evaluate(scenario.inputs())
        let verdict = scenario.decide(
            holding: ["fra": Hold(since: .noon, until: .noon + .minutes(2))])

        #expect(free.leaving == ["fra"])
        #expect(free.names == ["ams"])
        #expect(verdict.names == names)
        #expect(verdict.leaving.isEmpty)
        #expect(verdict.reason(of: "fra") == .held)
        #expect(verdict.members[0].effective == .unhealthy)
        #expect(verdict.unprotected == (type == .failover ? [.a] : []))
        #expect(verdict.lookAgainAt == .noon + .minutes(2))
        #expect(verdict.memory.removedAt == nil)
        #expect(scenario.route?.cause == .first)
    }

    @Test(arguments: [PolicyType.failover, .detach])
    func `when the hold is over the member leaves, and is not held again`(type: PolicyType) {
        var scenario = held(type)
        scenario.pass(.minutes(2) - .milliseconds(1))
        let last = scenario.decide()
        scenario.pass(.milliseconds(1))

        let verdict = scenario.decide(
            holding: ["fra": Hold(since: scenario.now, until: scenario.now + .minutes(2))])

        #expect(last.reason(of: "fra") == .held)
        #expect(verdict.names == ["ams"])
        #expect(verdict.cause == (type == .failover ? .failover : .detached))
        #expect(verdict.memory.holds == nil)
        #expect(verdict.memory.removedAt == ["fra": scenario.now])
    }

    @Test func `released, it leaves at once`() {
        var scenario = held(until: nil)

        let verdict = scenario.decide(
            order: .release, holding: ["fra": Hold(since: .noon, until: nil)])

        #expect(verdict.names == ["ams"])
        #expect(verdict.memory.holds == nil)
    }

    @Test func `a hold outlasts that nothing better is there`() {
        var scenario = held(.detach, until: nil)
        scenario.turn("ams", .unhealthy)
        let none = scenario.decide()
        scenario.turn("ams", .healthy)
        let recovered = scenario.decide()

        #expect(none.names == ["fra", "ams"])
        #expect(none.reason(of: "fra") == .allUnhealthy)
        #expect(none.memory.holds?.keys.sorted() == ["fra"])
        #expect(recovered.names == ["fra", "ams"])
        #expect(recovered.reason(of: "fra") == .held)
    }

    @Test func `a hold outlasts a freeze`() {
        var scenario = held(.detach, until: nil)
        scenario.freeze(for: .minutes(1))
        let frozen = scenario.decide()
        scenario.pass(.minutes(1))
        let thawed = scenario.decide()

        #expect(frozen.reason(of: "fra") == .frozen)
        #expect(frozen.memory.holds?.keys.sorted() == ["fra"])
        #expect(thawed.names == ["fra", "ams"])
        #expect(thawed.reason(of: "fra") == .held)
    }

    @Test func `what is released or over while nothing better is there does not stay afterwards`() {
        var released = held(.detach, until: nil)
        released.turn("ams", .unhealthy)
        released.decide()
        released.decide(order: .release)
        released.turn("ams", .healthy)
        let without = released.decide()
        var over = held(.detach)
        over.turn("ams", .unhealthy)
        let none = over.decide()
        over.pass(.minutes(2))
        over.turn("ams", .healthy)
        let later = over.decide()

        #expect(without.names == ["ams"])
        #expect(none.lookAgainAt == .noon + .minutes(2))
        #expect(later.names == ["ams"])
    }

    @Test func `healthy again, it was never out`() {
        var scenario = held(.detach)
        scenario.pass(.seconds(10))
        scenario.turn("fra", .healthy)

        let verdict = scenario.decide()

        #expect(verdict.names == ["fra", "ams"])
        #expect(verdict.reason(of: "fra") == .healthy)
        #expect(verdict.memory.holds == nil)
        #expect(verdict.memory.leftAt.isEmpty)
    }

    @Test func `an operator's word is stronger than a hold`() {
        var scenario = held()
        scenario.override("fra", .down)

        let verdict = scenario.decide()

        #expect(verdict.names == ["ams"])
        #expect(verdict.memory.holds == nil)
        #expect(verdict.cause == .override)
    }

    @Test func `members that left are remembered until they are back`() {
        var scenario = Scenario(.detach, Self.tiers)
        scenario.change { $0.reattachDelay = .seconds(30) }
        scenario.decide()
        scenario.turn("fra", .unhealthy)
        let left = scenario.decide()
        scenario.pass(.seconds(5))
        scenario.turn("fra", .healthy)
        let waiting = scenario.decide()
        scenario.pass(.seconds(30))
        let back = scenario.decide()

        #expect(left.leaving == ["fra"])
        #expect(left.memory.removedAt == ["fra": .noon])
        #expect(waiting.memory.removedAt == ["fra": .noon])
        #expect(back.names == ["fra", "ams"])
        #expect(back.memory.removedAt == nil)
    }

    @Test func `what is published for want of a better one does not leave`() {
        var scenario = Scenario(.failover, Self.tiers)
        scenario.decide()
        scenario.turn("fra", .unhealthy)
        scenario.turn("ams", .unhealthy)
        let none = scenario.decide()
        scenario.turn("ams", .healthy)
        let recovered = scenario.decide()

        #expect(none.names == ["fra"])
        #expect(none.leaving.isEmpty)
        #expect(recovered.names == ["ams"])
        #expect(recovered.leaving.isEmpty)
    }

    @Test func `a simple policy holds nothing`() {
        var scenario = Scenario(.simple, [.a("fra", last: 1)])
        scenario.decide()
        scenario.turn("fra", .unhealthy)

        let verdict = scenario.decide(holding: ["fra": Hold(since: .noon, until: nil)])

        #expect(verdict.memory.holds == nil)
        #expect(verdict.reason(of: "fra") == .simple)
    }
}
