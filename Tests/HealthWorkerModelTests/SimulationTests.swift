import HealthWorkerModel
import Testing

@Suite struct SimulationTests {
    private func twoTiers() -> Scenario {
        var scenario = Scenario(.failover, [.a("fra", 1, last: 1), .a("ams", 2, last: 2)])
        scenario.change { $0.failbackDelay = .minutes(5) }
        scenario.decide()
        return scenario
    }

    @Test func `a supposed death is decided as a real one would be`() {
        let scenario = twoTiers()
        var real = scenario
        real.turn("fra", .unhealthy)
        let wanted = real.decide()

        let simulation = PolicyEvaluation.simulate(
            scenario.inputs(), supposing: ["fra": .unhealthy])

        #expect(simulation.verdict.answer == wanted.answer)
        #expect(simulation.verdict.members == wanted.members)
        #expect(simulation.changes.map(\.cause) == [.failover])
        #expect(simulation.changes.first?.answer == wanted.answer)
        #expect(simulation.unnoticed.isEmpty)
    }

    @Test func `nothing supposed is nothing changed`() {
        let simulation = PolicyEvaluation.simulate(twoTiers().inputs(), supposing: [:])

        #expect(simulation.changes.isEmpty)
        #expect(simulation.verdict.names == ["fra"])
    }

    @Test func `what delays bring within the span is decided at its moment`() {
        var scenario = twoTiers()
        scenario.turn("fra", .unhealthy)
        scenario.decide()

        let soon = PolicyEvaluation.simulate(
            scenario.inputs(), supposing: ["fra": .healthy], for: .minutes(4))
        let later = PolicyEvaluation.simulate(
            scenario.inputs(), supposing: ["fra": .healthy], for: .minutes(6))

        #expect(soon.changes.isEmpty)
        #expect(soon.verdict.lookAgainAt == scenario.now + .minutes(5))
        #expect(later.changes.map(\.cause) == [.failback])
        #expect(later.changes.map(\.decidedAt) == [scenario.now + .minutes(5)])
        #expect(later.verdict.names == ["fra"])
    }

    @Test func `the end of an override within the span is decided, too`() {
        var scenario = twoTiers()
        scenario.override("fra", .down, for: .hours(1))
        scenario.decide()

        let simulation = PolicyEvaluation.simulate(
            scenario.inputs(), supposing: ["ams": .unhealthy], for: .hours(2))

        #expect(simulation.changes.last?.answer.records.map(\.name) == ["fra"])
    }

    @Test func `what no running check would find out is named and changes nothing`() {
        var scenario = Scenario(
            .detach, [.a("a", last: 1), .a("b", last: 2), .a("c", last: 3)])
        scenario.health["a"] = nil
        scenario.health["b"]?.isEnabled = false
        scenario.decide()

        let simulation = PolicyEvaluation.simulate(
            scenario.inputs(),
            supposing: ["a": .unhealthy, "b": .unhealthy, "c": .unhealthy, "z": .unhealthy])

        #expect(simulation.unnoticed == ["a", "b"])
        #expect(simulation.verdict.names == ["a", "b"])
    }

    @Test func `a frozen policy stays as it is`() {
        var scenario = twoTiers()
        scenario.freeze(for: .minutes(10))
        scenario.decide()

        let frozen = PolicyEvaluation.simulate(
            scenario.inputs(), supposing: ["fra": .unhealthy], for: .minutes(5))
        let thawed = PolicyEvaluation.simulate(
            scenario.inputs(), supposing: ["fra": .unhealthy], for: .minutes(15))

        #expect(frozen.verdict.names == ["fra"])
        #expect(thawed.verdict.names == ["ams"])
        #expect(thawed.changes.map(\.decidedAt) == [scenario.now + .minutes(10)])
    }
}
