import HealthWorkerModel
import Testing

@Suite struct DetachTests {
    private func three() -> Scenario {
        Scenario(.detach, [.a("a", last: 1), .a("b", last: 2), .a("c", last: 3)])
    }

    @Test func `an unhealthy member leaves alone`() {
        var scenario = three()
        let all = scenario.decide()

        scenario.turn("b", .unhealthy)
        let verdict = scenario.decide()

        #expect(all.names == ["a", "b", "c"])
        #expect(verdict.names == ["a", "c"] && verdict.cause == .detached)
        #expect(verdict.reason(of: "b") == .unhealthy)
    }

    @Test func `it comes back when it has been healthy for the delay`() {
        var scenario = three()
        scenario.decide()
        scenario.turn("b", .unhealthy)
        scenario.decide()

        scenario.pass(.minutes(1))
        scenario.turn("b", .healthy)
        let held = scenario.decide()
        scenario.pass(.seconds(30))
        let back = scenario.decide()

        #expect(held.names == ["a", "c"] && held.reason(of: "b") == .reattachDelay)
        #expect(held.lookAgainAt == scenario.now)
        #expect(back.names == ["a", "b", "c"] && back.cause == .reattached)
        #expect(back.memory.returns == ["b": [scenario.now]])
    }

    @Test func `by hand it comes back when it is named, or all are`() {
        var scenario = three()
        scenario.change { $0.reattach = .manual }
        scenario.decide()
        scenario.turn("a", .unhealthy)
        scenario.turn("b", .unhealthy)
        scenario.decide()
        scenario.turn("a", .healthy)
        scenario.turn("b", .healthy)
        scenario.pass(.hours(2))

        let waits = scenario.decide()
        let one = scenario.decide(order: .reattach(members: ["b"]))
        let stays = scenario.decide()
        let all = scenario.decide(order: .reattach(members: nil))

        #expect(waits.names == ["c"] && waits.reason(of: "a") == .reattachByHand)
        #expect(one.names == ["b", "c"] && one.cause == .reattached)
        #expect(stays.names == ["b", "c"])
        #expect(all.names == ["a", "b", "c"])
    }

    @Test func `no hold keeps a family below min_healthy`() {
        var scenario = three()
        scenario.change { $0.reattach = .manual }
        scenario.decide()
        scenario.turn("a", .unhealthy)
        scenario.decide()
        scenario.turn("a", .healthy)
        scenario.decide()

        scenario.turn("b", .unhealthy)
        scenario.turn("c", .unhealthy)
        let verdict = scenario.decide()

        #expect(verdict.names == ["a"] && verdict.reason(of: "a") == .healthy)
    }

    @Test(
        arguments: [
            (AllUnhealthy?.none, ["a", "b", "c"]), (.all, ["a", "b", "c"]), (.last, ["c"]),
            (.empty, []), (.fallback, [""]),
        ] as [(AllUnhealthy?, [String])])
    func `fewer than min_healthy publishes what on_all_unhealthy says`(
        choice: AllUnhealthy?, names: [String]
    ) {
        var scenario = three()
        scenario.change {
            $0.onAllUnhealthy = choice
            $0.fallback = ["203.0.113.9"]
        }
        scenario.turn("a", .unhealthy)
        scenario.turn("b", .unhealthy)
        scenario.decide()

        scenario.turn("c", .unhealthy)
        let verdict = scenario.decide()

        #expect(verdict.names == names)
        #expect(verdict.unprotected == [.a])
    }

    @Test func `fallback without a value of the family is all`() {
        var scenario = three()
        scenario.change {
            $0.onAllUnhealthy = .fallback
            $0.fallback = ["2001:db8::9"]
        }
        for name in ["a", "b", "c"] { scenario.turn(name, .unhealthy) }

        #expect(scenario.decide().names == ["a", "b", "c"])
    }

    @Test func `one healthy member again, and the unhealthy ones leave`() {
        var scenario = three()
        for name in ["a", "b", "c"] { scenario.turn(name, .unhealthy) }
        scenario.decide()

        scenario.turn("b", .healthy)
        let verdict = scenario.decide()

        #expect(verdict.names == ["b"] && verdict.cause == .recovered)
    }

    @Test func `the delay doubles with each return, and the member is flagged`() {
        var scenario = three()
        scenario.decide()
        var delays: [Duration] = []

        for _ in 0..<9 {
            scenario.turn("b", .unhealthy)
            scenario.decide()
            scenario.turn("b", .healthy)
            let held = scenario.decide()
            guard let end = held.lookAgainAt else { break }
            delays.append(end - scenario.now)
            scenario.now = end
            #expect(scenario.decide().names == ["a", "b", "c"])
        }

        #expect(Array(delays.prefix(6)) == [30, 60, 120, 240, 480, 960].map { .seconds($0) })
        #expect(delays.allSatisfy { $0 <= .hours(1) })
        #expect(scenario.decide().flags(of: "b") == [.flapping])
        #expect(scenario.decide().flags(of: "a").isEmpty)
    }

    @Test func `weights are published, and an edit of one is its own cause`() {
        var scenario = three()
        scenario.decide()

        scenario.change { $0.members[1].weight = 7 }
        let verdict = scenario.decide()

        #expect(verdict.answer?.records.map(\.weight) == [1, 7, 1])
        #expect(verdict.cause == .edited)
    }
}
