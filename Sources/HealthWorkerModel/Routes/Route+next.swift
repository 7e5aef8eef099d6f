extension Route {
    /// The route that `verdict` makes of `previous`; nil where the answer is the same, or there is
    /// none: equal answers make no new generation.
    package static func next(
        after previous: Route?, verdict: PolicyEvaluation.Verdict, at now: Timestamp
    ) -> Route? {
        guard let answer = verdict.answer, answer != previous?.answer else { return nil }
        return Route(
            generation: max((previous?.generation ?? 0) + 1, now.seconds), cause: verdict.cause,
            decidedAt: now, answer: answer, memory: verdict.memory, members: verdict.members)
    }

    /// The same route in a generation after one of which nothing else is known; nil where it is one.
    package func outdoing(_ generation: Int64, at now: Timestamp) -> Route? {
        guard self.generation < generation else { return nil }
        var route = self
        route.generation = max(generation + 1, now.seconds)
        route.decidedAt = now
        return route
    }

    /// The same route with what a verdict of the same answer found and remembers. The storage keeps
    /// it: members turn, and delays begin, also while the answer stays.
    package func keeping(_ verdict: PolicyEvaluation.Verdict) -> Route {
        var route = self
        route.memory = verdict.memory
        route.members = verdict.members
        return route
    }
}
