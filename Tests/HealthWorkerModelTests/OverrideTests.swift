import HealthWorkerModel
import Testing

@Suite struct OverrideTests {
    private func two() -> Scenario {
        Scenario(.detach, [.a("a", last: 1), .a("b", last: 2)])
    }

    private func twoTiers() -> Scenario {
        Scenario(.failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)])
    }

    @Test func `down takes a healthy member out at once, and drain does too`() {
        var scenario = two()
        scenario.decide()

        scenario.override("a", .down)
        let down = scenario.decide()
        scenario.override("a", .drain)
        let drained = scenario.decide()

        #expect(down.names == ["b"] && down.cause == .override)
        #expect(down.reason(of: "a") == .overriddenDown)
        #expect(drained.reason(of: "a") == .drained)
    }

    @Test func `up publishes an unhealthy member, without any delay`() {
        var scenario = two()
        scenario.change { $0.reattach = .manual }
        scenario.decide()
        scenario.turn("a", .unhealthy)
        scenario.decide()

        scenario.override("a", .up)
        let verdict = scenario.decide()

        #expect(verdict.names == ["a", "b"] && verdict.cause == .override)
        #expect(verdict.reason(of: "a") == .overriddenUp)
        #expect(verdict.members[0].measured == .unhealthy)
        #expect(verdict.members[0].effective == .healthy)
    }

    @Test func `an override ends by itself`() {
        var scenario = two()
        scenario.decide()
        scenario.override("a", .down, for: .hours(2))
        let down = scenario.decide()

        scenario.pass(.hours(2))
        let ended = scenario.decide()

        #expect(down.lookAgainAt == scenario.now)
        #expect(ended.names == ["a", "b"] && ended.cause == .override)
    }

    @Test func `down on the tier in use makes the next one take over`() {
        var scenario = twoTiers()
        scenario.decide()

        scenario.override("fra", .down)
        let verdict = scenario.decide()

        #expect(verdict.names == ["ams"] && verdict.cause == .override)
        #expect(verdict.memory.leftAt.isEmpty)
    }

    @Test func `no on_all_unhealthy publishes a member that is overridden down`() {
        for choice in AllUnhealthy.allCases {
            var scenario = twoTiers()
            scenario.change {
                $0.onAllUnhealthy = choice
                $0.fallback = ["203.0.113.9"]
            }
            scenario.decide()
            scenario.override("fra", .down)
            scenario.decide()

            scenario.turn("ams", .unhealthy)
            let verdict = scenario.decide()

            #expect(!verdict.names.contains("fra"), "\(choice)")
        }
    }

    @Test func `a disabled member is out even when it is overridden up`() {
        var scenario = two()
        scenario.change { $0.members[0].isEnabled = false }
        scenario.override("a", .up)

        let verdict = scenario.decide()

        #expect(verdict.names == ["b"] && verdict.reason(of: "a") == .disabled)
    }

    @Test func `of two words about one member the later holds`() {
        var scenario = two()
        let first = scenario.word(.down, "a")
        scenario.pass(.seconds(1))
        scenario.overrides = [scenario.word(.up, "a"), first]

        #expect(scenario.decide().names == ["a", "b"])
    }

    // MARK: Nothing is left

    @Test func `when nothing is left, the previous answer stays without the member`() {
        var scenario = two()
        scenario.decide()
        scenario.override("a", .down)
        scenario.decide()

        scenario.change { $0.members.removeLast() }
        let verdict = scenario.decide()

        #expect(verdict.names == ["b"] && verdict.unprotected == [.a])
    }

    @Test func `a disabled member stays before one that is overridden down`() {
        var scenario = two()
        scenario.decide()

        scenario.override("a", .down)
        scenario.change { $0.members[1].isEnabled = false }
        let verdict = scenario.decide()

        #expect(verdict.names == ["b"])
    }

    @Test func `the last one stays unless the glass is broken`() {
        var scenario = Scenario(.detach, [.a("a", last: 1)])
        scenario.decide()

        scenario.override("a", .down)
        let stays = scenario.decide()
        scenario.override("a", .down, breakGlass: true)
        let gone = scenario.decide()

        #expect(stays.names == ["a"] && stays.reason(of: "a") == .allUnhealthy)
        #expect(gone.answer?.records.isEmpty == true && gone.cause == .override)
    }

    @Test func `with fallback the last one need not stay`() {
        var scenario = Scenario(.detach, [.a("a", last: 1)])
        scenario.change {
            $0.onAllUnhealthy = .fallback
            $0.fallback = ["203.0.113.9"]
        }
        scenario.decide()

        scenario.override("a", .drain)

        #expect(scenario.decide().values == ["203.0.113.9"])
    }

    // MARK: Refusal

    @Test func `a word that leaves another healthy member is not refused`() {
        var scenario = twoTiers()
        scenario.decide()

        let refusal = PolicyEvaluation.refusal(
            of: [scenario.word(.down, "fra")], in: scenario.inputs())

        #expect(refusal.isEmpty)
    }

    @Test func `a word that leaves no healthy member is refused, unless the glass is broken`() {
        var scenario = twoTiers()
        scenario.decide()
        scenario.turn("ams", .unhealthy)
        scenario.decide()

        let refused = PolicyEvaluation.refusal(
            of: [scenario.word(.down, "fra")], in: scenario.inputs())
        let broken = PolicyEvaluation.refusal(
            of: [scenario.word(.down, "fra", breakGlass: true)], in: scenario.inputs())

        #expect(refused == [.a] && broken.isEmpty)
    }

    @Test func `several words are judged together`() {
        var scenario = two()
        scenario.decide()

        let refused = PolicyEvaluation.refusal(
            of: [scenario.word(.down, "a"), scenario.word(.drain, "b")], in: scenario.inputs())

        #expect(refused == [.a])
    }

    @Test func `a word for one family is not refused for the trouble of another`() {
        var scenario = two()
        scenario.change { $0.members.append(Member(name: "a6", value: "2001:db8::1")) }
        scenario.watch("a6", .unhealthy)
        scenario.decide()

        let refusal = PolicyEvaluation.refusal(
            of: [scenario.word(.down, "a")], in: scenario.inputs())

        #expect(refusal.isEmpty)
    }

    @Test func `a member held by a delay counts as the healthy one that takes over`() {
        var scenario = two()
        scenario.change { $0.reattach = .manual }
        scenario.decide()
        scenario.turn("b", .unhealthy)
        scenario.decide()
        scenario.turn("b", .healthy)
        scenario.decide()

        let refusal = PolicyEvaluation.refusal(
            of: [scenario.word(.down, "a")], in: scenario.inputs())

        #expect(refusal.isEmpty)
    }
}

@Suite struct FreezeTests {
    @Test func `a freeze stops failover and failback until it ends`() {
        var scenario = Scenario(.failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)])
        scenario.decide()
        scenario.freeze(for: .hours(1))

        scenario.turn("fra", .unhealthy)
        let frozen = scenario.decide()
        scenario.pass(.hours(1))
        let thawed = scenario.decide()

        #expect(frozen.names == ["fra"] && frozen.reason(of: "fra") == .frozen)
        #expect(frozen.reason(of: "ams") == .frozenOut)
        #expect(frozen.unprotected == [.a])
        #expect(frozen.lookAgainAt == scenario.now)
        #expect(thawed.names == ["ams"] && thawed.cause == .failover)
    }

    @Test func `an override acts during a freeze`() {
        var scenario = Scenario(.detach, [.a("a", last: 1), .a("b", last: 2), .a("c", last: 3)])
        scenario.turn("c", .unhealthy)
        scenario.decide()
        scenario.freeze()

        scenario.override("a", .down)
        scenario.override("c", .up)
        scenario.turn("b", .unhealthy)
        let verdict = scenario.decide()

        #expect(verdict.names == ["b", "c"])
    }

    @Test func `down on the only published tier during a freeze makes the next one take over`() {
        var scenario = Scenario(.failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)])
        scenario.decide()
        scenario.freeze()

        scenario.override("fra", .down)
        let over = scenario.decide()
        scenario.override("fra", .up)
        let stays = scenario.decide()

        #expect(over.names == ["ams"])
        #expect(stays.names == ["ams"])
    }

    @Test func `orders act during a freeze`() {
        var failover = Scenario(.failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)])
        failover.turn("fra", .unhealthy)
        failover.decide()
        failover.freeze()
        failover.turn("fra", .healthy)
        var detach = Scenario(.detach, [.a("a", last: 1), .a("b", last: 2)])
        detach.turn("a", .unhealthy)
        detach.decide()
        detach.freeze()
        detach.turn("a", .healthy)

        let before = failover.decide()
        let after = failover.decide(order: .failback)
        let reattached = detach.decide(order: .reattach(members: ["a"]))

        #expect(before.names == ["ams"] && after.names == ["fra"])
        #expect(failover.decide().names == ["fra"])
        #expect(reattached.names == ["a", "b"])
    }

    @Test func `a frozen route keeps its TTL`() {
        var scenario = Scenario(.detach, [.a("a", last: 1), .a("b", last: 2)])
        scenario.change { $0.ttlDegraded = 10 }
        scenario.turn("a", .unhealthy)
        scenario.decide()
        scenario.freeze()

        scenario.turn("a", .healthy)

        #expect(scenario.decide().answer?.ttl == 10)
    }

    @Test func `a member that is removed leaves also a frozen route`() {
        var scenario = Scenario(.detach, [.a("a", last: 1), .a("b", last: 2)])
        scenario.decide()
        scenario.freeze()

        scenario.change { $0.members.removeFirst() }
        let verdict = scenario.decide()

        #expect(verdict.names == ["b"] && verdict.cause == .edited)
    }
}

@Suite struct RouteTests {
    @Test func `an equal answer makes no new generation, and what was found is kept`() {
        var scenario = Scenario(.failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)])
        scenario.decide()
        let first = scenario.route

        scenario.pass(.seconds(5))
        scenario.turn("ams", .unhealthy)
        let verdict = scenario.decide()

        #expect(Route.next(after: first, verdict: verdict, at: scenario.now) == nil)
        #expect(scenario.route?.generation == first?.generation)
        #expect(scenario.route?.decidedAt == first?.decidedAt)
        #expect(scenario.route?.members[1].reason == .unhealthy)
    }

    @Test func `a generation is the storage's Unix second, or one more than the last`() {
        var scenario = Scenario(.detach, [.a("a", last: 1), .a("b", last: 2)])
        scenario.decide()
        let first = scenario.route?.generation

        scenario.turn("a", .unhealthy)
        scenario.decide()
        let sameSecond = scenario.route?.generation
        scenario.turn("a", .healthy)
        scenario.pass(.minutes(1))
        scenario.decide()
        let later = scenario.route?.generation

        #expect(first == Timestamp.noon.seconds)
        #expect(sameSecond == Timestamp.noon.seconds + 1)
        #expect(later == Timestamp.noon.seconds + 60)
    }

    @Test func `there is no route while a policy waits`() {
        var scenario = Scenario(.detach, [.a("a", last: 1)], health: .unknown)
        scenario.policy.createdAt = .noon

        scenario.decide()

        #expect(scenario.route == nil)
    }

    @Test func `records are sorted by family, then in the policy's order`() {
        var scenario = Scenario(
            .detach,
            [
                Member(name: "v6", value: "2001:db8::1"), .a("z", last: 2),
                Member(name: "cname", value: "web.example.com"), .a("a", last: 1),
            ])

        #expect(scenario.decide().names == ["z", "a", "v6", "cname"])
    }
}
