/// Which checks depend on which, by name or id.
package enum Dependencies<Key: Hashable & Comparable & Sendable> {
    /// The circles in which checks depend on each other, none of which shares a check with another one;
    /// each begins with its least. Empty: there is none.
    ///
    /// - Parameter graph: Each check with those that it depends on. Who is no key depends on nothing.
    package static func circles(in graph: [Key: [Key]]) -> [[Key]] {
        var circles: [[Key]] = []
        var open = pruned(graph)
        while let start = open.keys.min() {
            let circle = circle(from: start, in: open)
            circles.append(circle)
            for member in circle { open[member] = nil }
            open = pruned(open)
        }
        return circles
    }

    /// Without those from which only an end is reached.
    private static func pruned(_ graph: [Key: [Key]]) -> [Key: [Key]] {
        var dependents: [Key: [Key]] = [:]
        var waiting: [Key: Int] = [:]
        for (key, parents) in graph {
            let known = Set(parents).filter { graph[$0] != nil }
            waiting[key] = known.count
            for parent in known { dependents[parent, default: []].append(key) }
        }
        var open = graph
        var ends = waiting.filter { $0.value == 0 }.map(\.key)
        while let end = ends.popLast() {
            open[end] = nil
            for dependent in dependents[end] ?? [] {
                waiting[dependent, default: 0] -= 1
                if waiting[dependent] == 0 { ends.append(dependent) }
            }
        }
        return open
    }

    /// In a pruned graph everybody depends on somebody in it, so that who walks on comes round.
    private static func circle(from start: Key, in graph: [Key: [Key]]) -> [Key] {
        var walk: [Key] = []
        var places: [Key: Int] = [:]
        var next: Key? = start
        while let key = next, places[key] == nil {
            places[key] = walk.count
            walk.append(key)
            next = graph[key]?.filter { graph[$0] != nil }.min()
        }
        let circle = Array(walk[(next.flatMap { places[$0] } ?? 0)...])
        let first = circle.min().flatMap { circle.firstIndex(of: $0) } ?? 0
        return Array(circle[first...] + circle[..<first])
    }
}
