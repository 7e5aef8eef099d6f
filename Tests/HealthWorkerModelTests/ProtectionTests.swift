import HealthWorkerModel
import Testing

@Suite struct ProtectionTests {
    private func exposures(of scenario: Scenario) -> [Protection.Exposure] {
        Protection(of: scenario.inputs()).exposures
    }

    private static let pair = [Member.a("fra1", 10, last: 1), .a("ams1", 20, last: 2)]

    @Test(arguments: [PolicyType.failover, .detach])
    func `a policy with a healthy spare is protected`(type: PolicyType) {
        var scenario = Scenario(type, Self.pair)
        scenario.decide()

        #expect(exposures(of: scenario) == [])
    }

    @Test(arguments: [PolicyType.failover, .detach])
    func `a policy whose spare is unhealthy would not get over the loss of the last one`(
        type: PolicyType
    ) {
        var scenario = Scenario(type, Self.pair)
        scenario.decide()
        scenario.turn("ams1", .unhealthy)
        scenario.decide()

        #expect(exposures(of: scenario) == [.init(.noSpare, ["fra1"])])
    }

    @Test func `a spare that a person took out is none`() {
        var scenario = Scenario(.failover, Self.pair)
        scenario.decide()
        scenario.override("ams1", .drain)
        scenario.decide()

        #expect(exposures(of: scenario) == [.init(.noSpare, ["fra1"])])
    }

    @Test func `each family needs a spare of its own`() {
        var scenario = Scenario(
            .detach,
            [
                .a("a", last: 1), .a("b", last: 2),
                Member(name: "c", value: "2001:db8::1"),
            ])
        scenario.decide()

        #expect(exposures(of: scenario) == [.init(.noSpare, ["c"])])
    }

    @Test func `what already publishes nothing healthy is told once`() {
        var scenario = Scenario(.detach, Self.pair)
        scenario.decide()
        scenario.turn("fra1", .unhealthy)
        scenario.turn("ams1", .unhealthy)
        scenario.decide()

        #expect(exposures(of: scenario) == [.init(.unprotected)])
    }

    @Test func `a failure that nobody would find out is told`() {
        var scenario = Scenario(.detach, Self.pair)
        scenario.decide()
        scenario.health["ams1"] = nil
        scenario.health["fra1"]?.isEnabled = false
        scenario.decide()

        #expect(exposures(of: scenario) == [.init(.unwatched, ["fra1", "ams1"])])
    }

    @Test func `who is kept by a person's word is told, and what stops all changes`() {
        var scenario = Scenario(.failover, Self.pair)
        scenario.decide()
        scenario.override("fra1", .up, for: .hours(1))
        scenario.freeze(for: .hours(2))
        scenario.change { $0.mode = .observe }
        scenario.decide()

        #expect(
            exposures(of: scenario) == [
                .init(.observed), .init(.frozen), .init(.forced, ["fra1"]),
            ])

        scenario.pass(.hours(3))
        scenario.change { $0.mode = .live }
        scenario.overrides = []
        scenario.decide()
        #expect(exposures(of: scenario) == [])
    }

    @Test func `a simple policy is never protected, and neither is one that waits`() {
        var simple = Scenario(.simple, Self.pair)
        simple.decide()
        let waiting = Scenario(.detach, Self.pair, health: .unknown)
        var young = waiting
        young.policy.createdAt = young.now

        #expect(exposures(of: simple) == [.init(.simple)])
        #expect(exposures(of: young) == [.init(.waiting)])
    }
}
