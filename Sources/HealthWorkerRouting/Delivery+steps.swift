import HealthWorkerModel
import HealthWorkerStorage

extension Delivery {
    /// One step of a policy from one route to the next.
    struct Step {
        /// Nil: the first route.
        var before: Route?
        var route: Route
        /// Why nobody is told of it; nil: it is told.
        var quietness: Quietness?
    }

    /// What it carries, in order; of a withdrawal nothing. Whether a step is quiet is
    /// found in the routes themselves, so that it is the same however often it is asked.
    var steps: [Step] {
        guard case .publish(let first, var before) = order else { return [] }
        return ([first] + later).map { route in
            defer { before = route }
            return Step(
                before: before, route: route, quietness: Quietness(of: route, after: before))
        }
    }

    /// Whether it is for an `event` sink, there are steps, and nobody is told of any of them.
    var isQuiet: Bool {
        guard kind == .event else { return false }
        let steps = steps
        return !steps.isEmpty && steps.allSatisfy { $0.quietness != nil }
    }
}
