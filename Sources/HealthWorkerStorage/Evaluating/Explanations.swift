package import HealthWorkerModel

extension [String: PolicyEvaluation.MemberHealth] {
    /// The checks whose turn may have an explanation.
    package var unhealthyChecks: [CheckID] {
        values.filter { $0.health == .unhealthy }.map(\.check)
    }

    /// The same with the names of the unhealthy checks that each depends on.
    package func explained(by names: [CheckID: [String]]) -> Self {
        if names.isEmpty { return self }
        return mapValues { health in
            var health = health
            health.explainedBy = names[health.check].map { Array($0.prefix(Self.shown)) }
            return health
        }
    }

    /// One is reason enough; a line of a route need not hold hundreds.
    private static var shown: Int { CheckSpec.mostDependencies }
}
