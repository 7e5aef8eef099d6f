import HealthWorkerModel
import Testing

@Suite struct MemberHealthTests {
    @Test func `a simple policy publishes every enabled member, whatever its health`() {
        var scenario = Scenario(.simple, [.a("a", last: 1), .a("b", last: 2)])
        scenario.change { $0.members.append(.a("c", last: 3, isEnabled: false)) }
        scenario.turn("a", .unhealthy)
        scenario.turn("b", .unknown)

        let verdict = scenario.decide()

        #expect(verdict.names == ["a", "b"])
        #expect(verdict.reason(of: "a") == .simple && verdict.reason(of: "c") == .disabled)
        #expect(verdict.unprotected == [.a])
    }

    @Test func `a simple policy does not wait and takes an edited value at once`() {
        var scenario = Scenario(.simple, [.a("a", last: 1)], health: .unknown)
        scenario.policy.createdAt = .noon
        let first = scenario.decide()

        scenario.edit("a", value: "192.0.2.99")
        let edited = scenario.decide()

        #expect(first.values == ["192.0.2.1"])
        #expect(edited.values == ["192.0.2.99"] && edited.cause == .edited)
    }

    @Test func `a member without a check is healthy and flagged`() {
        var scenario = Scenario(.detach, [.a("a", last: 1), .a("b", last: 2)])
        scenario.health["b"] = nil

        let verdict = scenario.decide()

        #expect(verdict.names == ["a", "b"])
        #expect(verdict.flags(of: "b") == [.unwatched])
    }

    @Test func `a paused check keeps its last health`() {
        var scenario = Scenario(.detach, [.a("a", last: 1), .a("b", last: 2), .a("c", last: 3)])
        scenario.turn("a", .unhealthy)
        scenario.turn("b", .unknown)
        for name in ["a", "b"] { scenario.health[name]?.isEnabled = false }

        let verdict = scenario.decide()

        #expect(verdict.names == ["b", "c"])
        #expect(verdict.reason(of: "a") == .unhealthy)
        #expect(verdict.flags(of: "a") == [.paused] && verdict.flags(of: "b") == [.paused])
    }

    @Test func `a new policy waits until every member has a health`() {
        var scenario = Scenario(
            .failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)], health: .unknown)
        scenario.policy.createdAt = .noon
        let nothing = scenario.decide()

        scenario.pass(.seconds(2))
        scenario.turn("ams", .healthy)
        let stillNothing = scenario.decide()
        scenario.pass(.seconds(1))
        scenario.turn("fra", .healthy)
        let answer = scenario.decide()

        #expect(nothing.answer == nil && nothing.reason(of: "fra") == .waiting)
        #expect(nothing.lookAgainAt == .noon + .seconds(30))
        #expect(nothing.memory.waitingSince == .noon)
        #expect(stillNothing.answer == nil)
        #expect(answer.names == ["fra"] && answer.cause == .first)
        #expect(answer.memory.waitingSince == nil)
    }

    @Test func `after 30 s a cold start answers with what is there`() {
        var scenario = Scenario(
            .failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)], health: .unknown)
        scenario.policy.createdAt = .noon
        scenario.decide()

        scenario.pass(.seconds(30))
        let cold = scenario.decide()
        let after = scenario.decide()

        #expect(cold.names == ["fra"] && cold.reason(of: "fra") == .coldStart)
        #expect(cold.unprotected == [.a])
        #expect(after.names == ["fra"] && after.reason(of: "fra") == .carriedOver)
    }

    @Test func `after 30 s a cold start prefers what is known to be healthy`() {
        var scenario = Scenario(
            .failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)], health: .unknown)
        scenario.policy.createdAt = .noon
        scenario.turn("ams", .healthy)

        scenario.pass(.seconds(30))
        let verdict = scenario.decide()

        #expect(verdict.names == ["ams"])
        #expect(verdict.reason(of: "fra") == .unknown)
    }

    @Test func `a new member stays out until its first success, then comes without delay`() {
        var scenario = Scenario(.detach, [.a("a", last: 1)])
        scenario.decide()

        scenario.change { $0.members.append(.a("b", last: 2)) }
        scenario.watch("b", .unknown)
        let out = scenario.decide()
        scenario.pass(.seconds(2))
        scenario.turn("b", .healthy)
        let inside = scenario.decide()

        #expect(out.names == ["a"] && out.reason(of: "b") == .unknown)
        #expect(inside.names == ["a", "b"])
    }

    @Test func `an unknown member is preferred to one that is known to be unhealthy`() {
        var scenario = Scenario(.failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)])
        scenario.decide()
        scenario.edit("ams")
        let standby = scenario.decide()

        scenario.turn("fra", .unhealthy)
        let verdict = scenario.decide()

        #expect(standby.names == ["fra"] && standby.reason(of: "ams") == .unknown)
        #expect(verdict.names == ["ams"] && verdict.reason(of: "ams") == .coldStart)
    }

    @Test func `a tier of which nothing is known makes no healthy one wait`() {
        var scenario = Scenario(.failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)])
        scenario.change { $0.failback = .manual }
        scenario.decide()
        scenario.edit("ams")
        scenario.decide()
        scenario.turn("fra", .unhealthy)
        scenario.decide()

        scenario.turn("fra", .healthy)

        #expect(scenario.decide().names == ["fra"])
    }

    @Test func `an edited member stays with its old value until its first success`() {
        var scenario = Scenario(.failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)])
        scenario.decide()

        scenario.edit("fra", value: "192.0.2.77")
        let edited = scenario.decide()
        scenario.pass(.hours(3))
        let later = scenario.decide()
        scenario.turn("fra", .healthy)
        let live = scenario.decide()

        #expect(edited.values == ["192.0.2.1"])
        #expect(edited.reason(of: "fra") == .previousStays)
        #expect(edited.flags(of: "fra") == [.edited])
        #expect(later.values == ["192.0.2.1"] && later.flags(of: "fra") == [.edited])
        #expect(live.values == ["192.0.2.77"] && live.cause == .edited)
        #expect(live.flags(of: "fra").isEmpty)
    }

    @Test func `an edited member that turns out unhealthy never goes live`() {
        var scenario = Scenario(.failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)])
        scenario.decide()
        scenario.edit("fra", value: "192.0.2.77")
        scenario.decide()

        scenario.turn("fra", .unhealthy)
        let verdict = scenario.decide()

        #expect(verdict.names == ["ams"])
    }

    @Test func `while an edited member waits, the others are decided as ever`() {
        var scenario = Scenario(.detach, [.a("a", last: 1), .a("b", last: 2), .a("c", last: 3)])
        scenario.decide()
        scenario.edit("a", value: "192.0.2.77")
        scenario.decide()

        scenario.turn("b", .unhealthy)
        let verdict = scenario.decide()

        #expect(verdict.values == ["192.0.2.1", "192.0.2.3"])
    }

    @Test func `a member whose value moves to another family keeps the old one until then`() {
        var scenario = Scenario(.detach, [.a("a", last: 1)])
        scenario.decide()

        scenario.edit("a", value: "2001:db8::1")
        let edited = scenario.decide()
        scenario.turn("a", .healthy)
        let live = scenario.decide()

        #expect(edited.values == ["192.0.2.1"])
        #expect(live.values == ["2001:db8::1"])
    }

    @Test func `a check enabled again leaves its member as it was`() {
        var scenario = Scenario(.detach, [.a("a", last: 1), .a("b", last: 2)])
        scenario.decide()
        scenario.health["a"]?.isEnabled = false
        scenario.decide()

        scenario.turn("a", .unknown)
        scenario.health["a"]?.isEnabled = true
        let verdict = scenario.decide()

        #expect(verdict.names == ["a", "b"])
        #expect(verdict.reason(of: "a") == .carriedOver && verdict.flags(of: "a").isEmpty)
    }

    @Test func `a member renamed with its value is still what is published`() {
        var scenario = Scenario(.detach, [.a("a", last: 1), .a("b", last: 2)])
        scenario.decide()

        scenario.change { $0.members[0].name = "alpha" }
        scenario.health["a"] = nil
        scenario.watch("alpha", .unknown)
        let verdict = scenario.decide()

        #expect(verdict.values == ["192.0.2.1", "192.0.2.2"])
    }

    @Test func `a family that an edit brings waits for its health, and then joins`() {
        var scenario = Scenario(.detach, [.a("a", last: 1)])
        scenario.decide()

        scenario.change { $0.members.append(Member(name: "a6", value: "2001:db8::1")) }
        scenario.watch("a6", .unknown)
        let waits = scenario.decide()
        scenario.turn("a6", .healthy)
        let joined = scenario.decide()

        #expect(waits.names == ["a"] && waits.reason(of: "a6") == .waiting)
        #expect(waits.lookAgainAt == .noon + .seconds(30))
        #expect(joined.names == ["a", "a6"])
    }

    @Test func `members replaced all at once stay until one of the new has a health`() {
        var scenario = Scenario(.detach, [.a("a", last: 1)])
        scenario.decide()

        scenario.change { $0.members = [Member(name: "x", value: "2001:db8::1")] }
        scenario.health = [:]
        scenario.watch("x", .unknown)
        let waits = scenario.decide()
        scenario.pass(.seconds(30))
        let cold = scenario.decide()

        #expect(waits.values == ["192.0.2.1"])
        #expect(cold.values == ["2001:db8::1"])
    }
}
