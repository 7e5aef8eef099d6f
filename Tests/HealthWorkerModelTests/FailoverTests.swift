import HealthWorkerModel
import Testing

@Suite struct FailoverTests {
    private func twoTiers() -> Scenario {
        Scenario(.failover, [.a("fra", 10, last: 1), .a("ams", 20, last: 2)])
    }

    @Test func `the first tier is published and the second stands by`() {
        var scenario = twoTiers()

        let verdict = scenario.decide()

        #expect(verdict.names == ["fra"] && verdict.cause == .first)
        #expect(verdict.reason(of: "fra") == .healthy)
        #expect(verdict.reason(of: "ams") == .standby)
        #expect(verdict.unprotected.isEmpty && verdict.lookAgainAt == nil)
    }

    @Test func `equal priorities are one tier, and only its healthy members are in`() {
        var scenario = Scenario(
            .failover, [.a("a", 1, last: 1), .a("b", 1, last: 2), .a("c", 2, last: 3)])
        let both = scenario.decide()

        scenario.turn("a", .unhealthy)
        let one = scenario.decide()
        scenario.turn("a", .healthy)
        let again = scenario.decide()

        #expect(both.names == ["a", "b"])
        #expect(one.names == ["b"] && one.reason(of: "a") == .unhealthy)
        #expect(one.cause == .failover)
        #expect(again.names == ["a", "b"] && again.cause == .reattached)
    }

    @Test func `a tier that turns unhealthy gives way at once`() {
        var scenario = twoTiers()
        scenario.decide()

        scenario.turn("fra", .unhealthy)
        let verdict = scenario.decide()

        #expect(verdict.names == ["ams"] && verdict.cause == .failover)
        #expect(verdict.reason(of: "fra") == .unhealthy)
        #expect(verdict.memory.leftAt == ["tier:A:10": scenario.now])
    }

    @Test func `the better tier comes back once it has been healthy for the delay`() {
        var scenario = twoTiers()
        scenario.decide()
        scenario.turn("fra", .unhealthy)
        scenario.decide()

        scenario.pass(.minutes(10))
        scenario.turn("fra", .healthy)
        let since = scenario.now
        let held = scenario.decide()
        scenario.now = since + .minutes(5) - .microseconds(1)
        let stillHeld = scenario.decide()
        scenario.now = since + .minutes(5)
        let back = scenario.decide()

        #expect(held.names == ["ams"] && held.reason(of: "fra") == .failbackDelay)
        #expect(held.lookAgainAt == since + .minutes(5))
        #expect(stillHeld.names == ["ams"])
        #expect(back.names == ["fra"] && back.cause == .failback)
        #expect(back.memory.leftAt.isEmpty)
        #expect(back.memory.returns == ["tier:A:10": [scenario.now]])
    }

    @Test func `with failback by hand it waits for the order`() {
        var scenario = twoTiers()
        scenario.change { $0.failback = .manual }
        scenario.decide()
        scenario.turn("fra", .unhealthy)
        scenario.decide()
        scenario.turn("fra", .healthy)
        scenario.pass(.hours(9))

        let waits = scenario.decide()
        let ordered = scenario.decide(order: .failback)
        let after = scenario.decide()

        #expect(waits.names == ["ams"] && waits.reason(of: "fra") == .failbackByHand)
        #expect(waits.lookAgainAt == nil)
        #expect(ordered.names == ["fra"] && ordered.cause == .failback)
        #expect(after.names == ["fra"])
    }

    @Test func `the order also cuts a delay short`() {
        var scenario = twoTiers()
        scenario.decide()
        scenario.turn("fra", .unhealthy)
        scenario.decide()
        scenario.turn("fra", .healthy)
        scenario.decide()

        let ordered = scenario.decide(order: .failback)

        #expect(ordered.names == ["fra"])
    }

    @Test func `no delay holds when the tier in use turns unhealthy`() {
        var scenario = twoTiers()
        scenario.change { $0.failback = .manual }
        scenario.decide()
        scenario.turn("fra", .unhealthy)
        scenario.decide()
        scenario.turn("fra", .healthy)
        scenario.decide()

        scenario.turn("ams", .unhealthy)
        let verdict = scenario.decide()

        #expect(verdict.names == ["fra"] && verdict.cause == .failover)
    }

    @Test func `of several better tiers the best whose delay is over is taken`() {
        var scenario = Scenario(
            .failover, [.a("a", 1, last: 1), .a("b", 2, last: 2), .a("c", 3, last: 3)])
        scenario.turn("a", .unhealthy)
        scenario.turn("b", .unhealthy)
        scenario.decide()

        scenario.turn("b", .healthy)
        scenario.pass(.minutes(2))
        scenario.turn("a", .healthy)
        let sinceA = scenario.now
        scenario.pass(.minutes(3))
        let second = scenario.decide()
        scenario.pass(.minutes(2))
        let first = scenario.decide()

        #expect(second.names == ["b"] && second.reason(of: "a") == .failbackDelay)
        #expect(second.lookAgainAt == sinceA + .minutes(5))
        #expect(first.names == ["a"])
    }

    @Test func `a tier's since is that of its min_healthy-th healthy member`() {
        var scenario = Scenario(
            .failover,
            [
                .a("a", 1, last: 1), .a("b", 1, last: 2), .a("c", 1, last: 3),
                .a("x", 2, last: 4), .a("y", 2, last: 5),
            ])
        scenario.change { $0.minHealthy = 2 }
        scenario.decide()
        scenario.turn("b", .unhealthy)
        scenario.turn("c", .unhealthy)
        let left = scenario.decide()

        scenario.pass(.minutes(1))
        scenario.turn("b", .healthy)
        let since = scenario.now
        scenario.pass(.minutes(2))
        scenario.turn("c", .healthy)
        let held = scenario.decide()

        #expect(left.names == ["x", "y"] && left.reason(of: "a") == .notChosen)
        #expect(held.lookAgainAt == since + .minutes(5))
    }

    @Test func `each return within the hour doubles the delay, up to an hour`() {
        var scenario = twoTiers()
        scenario.decide()
        var delays: [Duration] = []
        var flagged: [Bool] = []

        for _ in 0..<5 {
            scenario.turn("fra", .unhealthy)
            scenario.decide()
            scenario.pass(.seconds(10))
            scenario.turn("fra", .healthy)
            let held = scenario.decide()
            flagged.append(held.flags(of: "fra").contains(.flapping))
            guard let end = held.lookAgainAt else { break }
            delays.append(end - scenario.now)
            scenario.now = end
            #expect(scenario.decide().names == ["fra"])
        }

        // After the fourth return the first one is more than an hour ago.
        #expect(delays == [.minutes(5), .minutes(10), .minutes(20), .minutes(40), .minutes(20)])
        #expect(flagged == [false, true, true, true, true])
    }

    @Test(
        arguments: [
            (AllUnhealthy?.none, ["a", "b"]), (.primary, ["a", "b"]), (.all, ["a", "b", "c"]),
            (.last, ["c"]), (.empty, []), (.fallback, [""]),
        ] as [(AllUnhealthy?, [String])])
    func `all unhealthy publishes what on_all_unhealthy says`(
        choice: AllUnhealthy?, names: [String]
    ) {
        var scenario = Scenario(
            .failover, [.a("a", 1, last: 1), .a("b", 1, last: 2), .a("c", 2, last: 3)])
        scenario.change {
            $0.onAllUnhealthy = choice
            $0.fallback = ["203.0.113.9", "2001:db8::9"]
        }
        scenario.turn("a", .unhealthy)
        scenario.turn("b", .unhealthy)
        scenario.decide()

        scenario.turn("c", .unhealthy)
        let verdict = scenario.decide()

        #expect(verdict.names == names)
        #expect(verdict.unprotected == [.a])
        #expect(choice == .last || verdict.cause == .allUnhealthy)
        if choice == .fallback { #expect(verdict.values == ["203.0.113.9"]) }
    }

    @Test func `out of all unhealthy the first tier that recovers is taken at once`() {
        var scenario = twoTiers()
        scenario.change { $0.onAllUnhealthy = .all }
        scenario.turn("fra", .unhealthy)
        scenario.turn("ams", .unhealthy)
        scenario.decide()

        scenario.turn("fra", .healthy)
        let verdict = scenario.decide()

        #expect(verdict.names == ["fra"] && verdict.cause == .recovered)
    }

    @Test func `families are decided apart`() {
        var scenario = Scenario(
            .failover,
            [
                .a("fra4", 1, last: 1), .a("ams4", 2, last: 2),
                Member(name: "fra6", value: "2001:db8::1", priority: 1),
                Member(name: "ams6", value: "2001:db8::2", priority: 2),
            ])
        scenario.decide()

        scenario.turn("fra6", .unhealthy)
        let verdict = scenario.decide()

        #expect(verdict.names == ["fra4", "ams6"])
        #expect(verdict.memory.leftAt.keys.sorted() == ["tier:AAAA:1"])
    }

    @Test func `the degraded TTL holds while a member is out because of its health`() {
        var scenario = twoTiers()
        scenario.change { $0.ttlDegraded = 10 }
        let normal = scenario.decide()
        scenario.turn("ams", .unhealthy)
        let standbyIsDown = scenario.decide()
        scenario.turn("ams", .healthy)
        scenario.turn("fra", .unhealthy)
        let over = scenario.decide()
        scenario.turn("fra", .healthy)
        let held = scenario.decide()
        scenario.pass(.minutes(5))
        let back = scenario.decide()

        #expect(normal.answer?.ttl == 30)
        // The standby would not be published anyway: nothing is about to change back.
        #expect(standbyIsDown.answer?.ttl == 30)
        #expect(over.answer?.ttl == 10 && held.answer?.ttl == 10)
        #expect(back.answer?.ttl == 30)
    }
}
