import HealthWorkerModel
import Testing

@Suite struct RouteTurnTests {
    private func twoTiers() -> Scenario {
        Scenario(.failover, [.a("fra", 10, last: 1), .a("ams", 20, last: 2)])
    }

    @Test func `a failover answers the turn of the member that left`() throws {
        var scenario = twoTiers()
        scenario.decide()
        let first = scenario.route?.turn

        scenario.pass(.seconds(30))
        let noticed = scenario.now
        scenario.pass(.seconds(3))
        scenario.turn("fra", .unhealthy)
        scenario.health["fra"]?.noticedAt = noticed
        let turned = scenario.now
        scenario.pass(.milliseconds(40))
        scenario.decide()

        #expect(first == nil)
        #expect(scenario.route?.cause == .failover)
        #expect(
            scenario.route?.turn
                == Route.Turn(
                    member: "fra", to: .unhealthy, noticedAt: noticed, turnedAt: turned))
    }

    @Test func `of several that are unhealthy the last one moved the route`() {
        var scenario = Scenario(
            .detach, [.a("a", last: 1), .a("b", last: 2), .a("c", last: 3)])
        scenario.decide()
        scenario.turn("c", .unhealthy)
        scenario.decide()
        scenario.pass(.minutes(1))
        scenario.turn("a", .unhealthy)
        scenario.decide()

        #expect(scenario.route?.cause == .detached)
        #expect(scenario.route?.turn?.member == "a")
        #expect(scenario.route?.turn?.turnedAt == scenario.now)
    }

    @Test func `a failback answers the turn of the member that came back`() {
        var scenario = twoTiers()
        scenario.decide()
        scenario.turn("fra", .unhealthy)
        scenario.decide()
        scenario.pass(.minutes(10))
        scenario.turn("fra", .healthy)
        let turned = scenario.now
        scenario.decide()
        scenario.pass(.minutes(5))
        scenario.decide()

        #expect(scenario.route?.cause == .failback)
        #expect(scenario.route?.turn?.member == "fra")
        #expect(scenario.route?.turn?.to == .healthy)
        #expect(scenario.route?.turn?.turnedAt == turned)
    }

    @Test func `what an operator or an edit causes answers no turn`() {
        var scenario = twoTiers()
        scenario.decide()
        scenario.turn("ams", .unhealthy)
        scenario.decide()
        scenario.turn("ams", .healthy)
        scenario.decide()
        scenario.override("fra", .down)
        scenario.decide()
        let overridden = scenario.route

        scenario.change { $0.ttl = 77 }
        scenario.decide()

        #expect(overridden?.cause == .override)
        #expect(overridden?.turn == nil)
        #expect(scenario.route?.cause == .edited)
        #expect(scenario.route?.turn == nil)
    }
}
