import HealthWorkerModel
import Testing

@Suite struct MaintenanceTests {
    private func two(_ type: PolicyType = .detach) -> Scenario {
        Scenario(type, [.a("a", 1, last: 1).at("fra1"), .a("b", 2, last: 2).at("ams1")])
    }

    @Test func `members drain from the beginning to the end, at each of which it is looked again`()
    {
        var scenario = two()
        scenario.decide()
        scenario.maintain("site=fra1", after: .hours(1), for: .hours(2))

        let before = scenario.decide()
        scenario.pass(.hours(1))
        let during = scenario.decide()
        let line = during.members[0]
        scenario.pass(.hours(2))
        let after = scenario.decide()

        #expect(before.names == ["a", "b"])
        #expect(before.lookAgainAt == .noon + .hours(1))
        #expect(during.names == ["b"] && during.cause == .maintenance)
        #expect(during.lookAgainAt == .noon + .hours(3))
        #expect(line.reason == .maintenance)
        #expect(line.measured == .healthy && line.effective == .unhealthy)
        #expect(line.maintenance?.until == .noon + .hours(3))
        #expect(line.maintenance?.reason == "switches")
        #expect(after.names == ["a", "b"] && after.cause == .maintenance)
        #expect(after.members[0].maintenance == nil)
    }

    @Test(arguments: [PolicyType.simple, .failover])
    func `a policy of any type drains them`(type: PolicyType) {
        var scenario = two(type)
        scenario.decide()
        scenario.maintain("site=fra1", for: .hours(1))

        let during = scenario.decide()
        scenario.pass(.hours(1))

        #expect(during.names == ["b"])
        #expect(scenario.decide().names == (type == .simple ? ["a", "b"] : ["a"]))
    }

    @Test func `the labels of the policy count for each of its members`() {
        var scenario = two()
        scenario.change { $0.labels = ["customer": "acme", "site": "lon1"] }
        scenario.change { $0.members.append(.a("c", last: 3)) }
        scenario.watch("c", .healthy)
        scenario.decide()

        scenario.maintain("site=lon1", for: .hours(1))

        #expect(scenario.decide().names == ["a", "b"])
    }

    @Test func `a member that comes to match is meant from then on`() {
        var scenario = two()
        scenario.decide()
        scenario.maintain("site=lon1", for: .hours(1))
        let before = scenario.decide()

        scenario.change { $0.members[1].labels = ["site": "lon1"] }

        #expect(before.names == ["a", "b"])
        #expect(scenario.decide().names == ["a"])
    }

    @Test func `of some sets only members of policies of these are meant`() {
        var scenario = two()
        scenario.decide()
        scenario.maintain("site=fra1", for: .hours(1), sets: ["shop"])
        let none = scenario.decide()

        scenario.policy.set = "other"
        let other = scenario.decide()
        scenario.policy.set = "shop"
        let shop = scenario.decide()

        #expect(none.names == ["a", "b"] && other.names == ["a", "b"])
        #expect(none.lookAgainAt == nil)
        #expect(shop.names == ["b"])
    }

    @Test func `an override holds more, and a disabled member is told to be disabled`() {
        var scenario = two()
        scenario.decide()
        scenario.maintain("site=fra1", for: .hours(1))

        scenario.override("a", .up)
        let up = scenario.decide()
        scenario.override("a", .down)
        let down = scenario.decide()
        scenario.overrides = []
        scenario.change { $0.members[0].isEnabled = false }
        let disabled = scenario.decide()

        #expect(up.names == ["a", "b"] && up.reason(of: "a") == .overriddenUp)
        #expect(down.reason(of: "a") == .overriddenDown)
        #expect(disabled.reason(of: "a") == .disabled)
    }

    @Test func `it acts during a freeze`() {
        var scenario = two()
        scenario.decide()
        scenario.freeze()
        scenario.maintain("site=fra1", for: .hours(1))

        #expect(scenario.decide().names == ["b"])
    }

    @Test func `no on_all_unhealthy publishes a member in maintenance`() {
        for choice in AllUnhealthy.allCases {
            var scenario = two()
            scenario.change {
                $0.onAllUnhealthy = choice
                $0.fallback = ["203.0.113.9"]
            }
            scenario.decide()
            scenario.maintain("site=fra1", for: .hours(1))
            scenario.decide()

            scenario.turn("b", .unhealthy)

            #expect(!scenario.decide().names.contains("a"), "\(choice)")
        }
    }

    @Test func `the last one stays unless the glass is broken`() {
        var scenario = Scenario(.detach, [.a("a", last: 1).at("fra1")])
        scenario.decide()
        scenario.maintain("site=fra1", for: .hours(1))
        let stays = scenario.decide()

        scenario.maintain("site=fra1", for: .minutes(1), breakGlass: true)
        let gone = scenario.decide()

        #expect(stays.names == ["a"] && stays.reason(of: "a") == .allUnhealthy)
        #expect(stays.unprotected == [.a])
        #expect(gone.answer?.records.isEmpty == true)
    }

    @Test func `of several the one that ends last is told`() {
        var scenario = two()
        scenario.decide()
        scenario.maintain("site=fra1", for: .hours(3))
        scenario.maintain("site=fra1", for: .hours(1))

        let verdict = scenario.decide()

        #expect(verdict.members[0].maintenance?.until == .noon + .hours(3))
        #expect(verdict.lookAgainAt == .noon + .hours(1))
    }

    @Test func `a member that was out for its health comes back at the end, if it is healthy`() {
        var scenario = two()
        scenario.decide()
        scenario.maintain("site=fra1", for: .hours(1))
        scenario.decide()
        scenario.pass(.minutes(10))
        scenario.turn("a", .unhealthy)
        let down = scenario.decide()
        scenario.pass(.minutes(50))
        let ended = scenario.decide()

        scenario.turn("a", .healthy)
        let back = scenario.decide()

        #expect(down.names == ["b"] && down.reason(of: "a") == .maintenance)
        #expect(down.leaving.isEmpty)
        #expect(ended.names == ["b"] && ended.reason(of: "a") == .unhealthy)
        #expect(back.reason(of: "a") == .reattachDelay)
    }

    // MARK: Refusal

    @Test func `one that leaves another healthy member is not refused`() {
        var scenario = two()
        scenario.decide()
        let proposed = scenario.maintain("site=fra1", after: .hours(9), for: .hours(1))
        scenario.maintenances = []

        #expect(PolicyEvaluation.refusal(of: proposed, in: scenario.inputs()).isEmpty)
    }

    @Test func `one that would leave no healthy member is refused, unless the glass is broken`() {
        var scenario = two()
        scenario.decide()
        scenario.turn("b", .unhealthy)
        scenario.decide()
        var proposed = scenario.maintain("site=fra1", after: .hours(9), for: .hours(1))
        scenario.maintenances = []

        let refused = PolicyEvaluation.refusal(of: proposed, in: scenario.inputs())
        proposed.breakGlass = true
        let broken = PolicyEvaluation.refusal(of: proposed, in: scenario.inputs())

        #expect(refused == [.a] && broken.isEmpty)
    }

    @Test func `those that overlap are judged together, and no others`() {
        var scenario = two()
        scenario.decide()
        scenario.maintain("site=ams1", after: .hours(2), for: .hours(1))
        var later = scenario.maintain("site=fra1", after: .hours(3), for: .hours(1))
        scenario.maintenances.removeLast()

        let apart = PolicyEvaluation.refusal(of: later, in: scenario.inputs())
        later.startsAt = later.startsAt - .seconds(1)
        let together = PolicyEvaluation.refusal(of: later, in: scenario.inputs())

        #expect(apart.isEmpty && together == [.a])
    }

    @Test func `a changed one is not judged together with itself`() {
        var scenario = two()
        scenario.decide()
        var changed = scenario.maintain("site=fra1", for: .hours(1))
        scenario.decide()
        changed.endsAt = changed.endsAt + .hours(1)

        #expect(PolicyEvaluation.refusal(of: changed, in: scenario.inputs()).isEmpty)
    }

    @Test func `it is not refused for members that an override keeps in`() {
        var scenario = two()
        scenario.turn("b", .unhealthy)
        scenario.decide()
        scenario.override("a", .up)
        let proposed = scenario.maintain("site=fra1", for: .hours(1))
        scenario.maintenances = []

        #expect(PolicyEvaluation.refusal(of: proposed, in: scenario.inputs()).isEmpty)
    }
}
