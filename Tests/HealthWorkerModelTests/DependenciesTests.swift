import HealthWorkerModel
import Testing

@Suite struct DependenciesTests {
    @Test func `what ends somewhere is no circle`() {
        let graph = ["a": ["b", "c"], "b": ["c", "d"], "c": ["d", "outside"]]

        #expect(Dependencies.circles(in: graph).isEmpty)
        #expect(Dependencies<String>.circles(in: [:]).isEmpty)
    }

    @Test func `a circle is told once, from its least, without what only leads to it`() {
        let graph = [
            "c": ["a"], "a": ["b"], "b": ["c", "end"], "leads": ["a"], "end": ["after"],
        ]

        #expect(Dependencies.circles(in: graph) == [["a", "b", "c"]])
    }

    @Test func `whoever depends on itself is a circle`() {
        #expect(Dependencies.circles(in: ["a": ["a"]]) == [["a"]])
    }

    @Test func `several circles are all told`() {
        let graph = ["a": ["b"], "b": ["a"], "x": ["y"], "y": ["x"], "between": ["a", "x"]]

        #expect(Dependencies.circles(in: graph) == [["a", "b"], ["x", "y"]])
    }

    @Test func `a long chain is walked without depth`() {
        var graph = Dictionary(uniqueKeysWithValues: (0..<20_000).map { ($0, [$0 + 1]) })
        #expect(Dependencies.circles(in: graph).isEmpty)

        graph[20_000] = [0]
        #expect(Dependencies.circles(in: graph).map(\.count) == [20_001])
    }
}
