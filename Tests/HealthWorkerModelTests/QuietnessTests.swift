import HealthWorkerModel
import Testing

@Suite struct QuietnessTests {
    private func three(_ type: PolicyType = .detach) -> Scenario {
        Scenario(
            type,
            [
                .a("a", 1, last: 1).at("fra1"), .a("b", 2, last: 2).at("ams1"),
                .a("c", 2, last: 3).at("lon1"),
            ])
    }

    /// Decides, and says why the step is not told; nil: it is, or there was none.
    private func step(_ scenario: inout Scenario) -> [String: QuietReason]? {
        let before = scenario.route
        scenario.decide()
        guard let route = scenario.route, route.generation != before?.generation else { return nil }
        return Quietness(of: route, after: before)?.reasons
    }

    @Test func `a maintenance is quiet at its beginning and at its end`() {
        var scenario = three()
        scenario.decide()
        scenario.maintain("site=fra1", for: .hours(1))

        let begins = step(&scenario)
        scenario.pass(.hours(1))
        let ends = step(&scenario)

        #expect(begins == ["a": .maintenance])
        #expect(ends == ["a": .maintenance])
    }

    @Test func `another member that leaves meanwhile is told`() {
        var scenario = three()
        scenario.decide()
        scenario.maintain("site=fra1", for: .hours(1))
        scenario.decide()

        scenario.turn("b", .unhealthy)
        let before = scenario.route
        scenario.decide()

        #expect(scenario.route?.generation != before?.generation)
        #expect(scenario.route.map { Quietness(of: $0, after: before) } == .some(nil))
    }

    @Test func `with another member that leaves at the same moment all is told`() {
        var scenario = three()
        scenario.decide()
        scenario.maintain("site=fra1", for: .hours(1))
        scenario.turn("b", .unhealthy)

        #expect(step(&scenario) == nil)
        #expect(scenario.route?.answer.records.map(\.name) == ["c"])
    }

    @Test func `a tier that takes over for one in maintenance, and gives way again, is quiet`() {
        var scenario = three(.failover)
        scenario.decide()
        scenario.maintain("site=fra1", for: .hours(1))

        let over = step(&scenario)
        scenario.pass(.hours(1))
        let back = step(&scenario)

        #expect(over == ["a": .maintenance, "b": .standIn, "c": .standIn])
        #expect(back == ["a": .maintenance, "b": .standIn, "c": .standIn])
    }

    @Test func `also where the tier comes back later because of its failback delay`() {
        var scenario = three(.failover)
        scenario.change { $0.failbackDelay = .minutes(5) }
        scenario.decide()
        scenario.maintain("site=fra1", for: .hours(1))
        scenario.decide()
        scenario.pass(.minutes(58))
        scenario.turn("a", .unhealthy)
        scenario.decide()
        scenario.pass(.minutes(1))
        scenario.turn("a", .healthy)
        scenario.decide()

        scenario.pass(.minutes(1))
        let ended = scenario.decide()
        scenario.pass(.minutes(4))
        let back = step(&scenario)

        #expect(ended.names == ["b", "c"])
        #expect(ended.flags(of: "a") == [.afterMaintenance])
        #expect(back == ["a": .maintenance, "b": .standIn, "c": .standIn])
    }

    @Test func `a tier that left for its health before is told when it comes back`() {
        var scenario = three(.failover)
        scenario.change { $0.failbackDelay = .minutes(5) }
        scenario.decide()
        scenario.turn("a", .unhealthy)
        scenario.decide()
        scenario.maintain("site=fra1", for: .hours(1))
        scenario.decide()
        scenario.pass(.minutes(59))
        scenario.turn("a", .healthy)
        scenario.decide()
        scenario.pass(.minutes(1))
        let ended = scenario.decide()
        scenario.pass(.minutes(4))

        #expect(ended.flags(of: "a").isEmpty)
        #expect(step(&scenario) == nil)
        #expect(scenario.route?.answer.records.map(\.name) == ["a"])
    }

    @Test func `who is still unhealthy at the end is told when it comes back`() {
        var scenario = three()
        scenario.change { $0.reattachDelay = .seconds(30) }
        scenario.decide()
        scenario.maintain("site=fra1", for: .hours(1))
        scenario.decide()
        scenario.turn("a", .unhealthy)
        scenario.pass(.hours(1))
        scenario.decide()
        scenario.turn("a", .healthy)
        scenario.decide()

        scenario.pass(.minutes(1))

        #expect(step(&scenario) == nil)
        #expect(scenario.route?.answer.records.map(\.name) == ["a", "b", "c"])
    }

    @Test
    func `who leaves while a check that it depends on is unhealthy is not told, coming back is`() {
        var scenario = three()
        scenario.change { $0.reattachDelay = .seconds(0) }
        scenario.decide()
        scenario.health["a"]?.explainedBy = ["router"]

        scenario.turn("a", .unhealthy)
        let leaves = step(&scenario)
        let line = scenario.route?.members[0]
        scenario.turn("a", .healthy)
        let comes = step(&scenario)

        #expect(leaves == ["a": .explained])
        #expect(line?.explainedBy == ["router"])
        #expect(comes == nil)
        #expect(scenario.route?.answer.records.map(\.name) == ["a", "b", "c"])
        #expect(scenario.route?.members[0].explainedBy == nil)
    }

    @Test func `an explained one that leaves with another one is told, both of them`() {
        var scenario = three()
        scenario.decide()
        scenario.health["a"]?.explainedBy = ["router"]
        scenario.turn("a", .unhealthy)
        scenario.turn("b", .unhealthy)

        #expect(step(&scenario) == nil)
        #expect(scenario.route?.answer.records.map(\.name) == ["c"])
    }

    @Test func `that others take over after an outage is told, however it is explained`() {
        var scenario = three(.failover)
        scenario.decide()
        scenario.health["a"]?.explainedBy = ["router"]
        scenario.turn("a", .unhealthy)

        #expect(step(&scenario) == nil)
        #expect(scenario.route?.answer.records.map(\.name) == ["b", "c"])
    }

    @Test func `one in maintenance and one that is explained are quiet together`() {
        var scenario = three()
        scenario.decide()
        scenario.maintain("site=fra1", for: .hours(1))
        scenario.health["b"]?.explainedBy = ["router"]
        scenario.turn("b", .unhealthy)

        #expect(step(&scenario) == ["a": .maintenance, "b": .explained])
    }

    @Test func `an operator's word is told, whatever explains the member`() {
        var scenario = three()
        scenario.decide()
        scenario.health["a"]?.explainedBy = ["router"]
        scenario.override("a", .down)

        #expect(step(&scenario) == nil)
        #expect(scenario.route?.answer.records.map(\.name) == ["b", "c"])
    }

    @Test func `the first route and a change of the TTL are told`() {
        var scenario = three()
        scenario.maintain("site=fra1", for: .hours(1))
        let first = step(&scenario)

        scenario.change { $0.ttl = 5 }
        let ttl = step(&scenario)

        #expect(first == nil && ttl == nil)
        #expect(scenario.route?.answer.ttl == 5)
    }

    @Test func `a quiet step says so once`() {
        var scenario = three()
        scenario.decide()
        scenario.maintain("site=fra1", for: .hours(1))
        let begins = scenario.decide()
        let later = scenario.decide()

        #expect(begins.members.map(\.quiet) == [.maintenance, nil, nil])
        #expect(later.members.allSatisfy { $0.quiet == nil })
    }
}
