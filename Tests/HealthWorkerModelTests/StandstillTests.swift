import HealthWorkerModel
import Testing

/// What an operator is told whose order to bring something back changes nothing.
@Suite struct StandstillTests {
    @Test func `a failback that has nothing better says who is out, why, and what would help`() {
        var scenario = Scenario(.failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)])
        scenario.decide()
        scenario.turn("fra", .unhealthy)
        scenario.decide()

        let why = PolicyEvaluation.standstill(of: .failback, in: scenario.inputs())

        #expect(why.contains("fra is out (unhealthy)"))
        #expect(why.contains("override `up`"))
        #expect(!why.contains("ams"))
    }

    @Test func `a drained tier is said to be drained`() {
        var scenario = Scenario(.failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)])
        scenario.decide()
        scenario.override("fra", .drain)
        scenario.decide()

        let why = PolicyEvaluation.standstill(of: .failback, in: scenario.inputs())

        #expect(why.contains("fra is out (drained)"))
    }

    @Test func `a first tier that is published has nothing to come back to`() {
        var scenario = Scenario(.failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)])
        scenario.decide()

        let why = PolicyEvaluation.standstill(of: .failback, in: scenario.inputs())

        #expect(why == "The policy www publishes its first tier already.")
    }

    @Test func `an order that the type of the policy does not know names the type that does`() {
        let detach = Scenario(.detach, [.a("a", last: 1)])
        let simple = Scenario(.simple, [.a("a", last: 1)])

        #expect(
            PolicyEvaluation.standstill(of: .failback, in: detach.inputs())
                .contains("only failover"))
        #expect(
            PolicyEvaluation.standstill(of: .reattach(members: nil), in: simple.inputs())
                .contains("only detach"))
    }

    @Test func `a reattachment tells of those that were asked for only`() {
        var scenario = Scenario(
            .detach, [.a("a", last: 1), .a("b", last: 2), .a("c", last: 3)])
        scenario.decide()
        scenario.turn("a", .unhealthy)
        scenario.turn("b", .unhealthy)
        scenario.decide()

        let some = PolicyEvaluation.standstill(
            of: .reattach(members: ["a"]), in: scenario.inputs())
        let published = PolicyEvaluation.standstill(
            of: .reattach(members: ["c"]), in: scenario.inputs())

        #expect(some.contains("a is out (unhealthy)"))
        #expect(!some.contains("b is out"))
        #expect(published.contains("published already"))
    }
}
