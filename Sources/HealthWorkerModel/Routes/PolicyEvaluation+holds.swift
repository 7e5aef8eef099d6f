extension PolicyEvaluation {
    /// The members that were in for their health or held, are unhealthy and are not published any more.
    static func leaving(
        _ standings: [Standing], _ choices: [Choice], _ inputs: Inputs
    ) -> [String] {
        guard inputs.policy.spec.type != .simple, let previous = inputs.previous else { return [] }
        let published = choices.reduce(into: Set<String>()) { $0.formUnion($1.published) }
        let inForHealth = Set(previous.members.filter(\.leavesWithItsHealth).map(\.name))
            .union((previous.memory.holds ?? [:]).keys)
        return standings.filter { standing in
            !standing.isBarred && standing.word == nil && standing.effective == .unhealthy
                && standing.before != nil && inForHealth.contains(standing.member.name)
                && !published.contains(standing.member.name)
        }.map(\.member.name)
    }

    /// What keeps each of these published: what has held it, until that is over, or what is to hold it
    /// from now on. What was held once is not held again before it has left.
    static func holds(on leaving: [String], in inputs: Inputs) -> [String: Hold] {
        if inputs.order == .release || leaving.isEmpty { return [:] }
        let known = inputs.previous?.memory.holds ?? [:]
        var holds: [String: Hold] = [:]
        for name in leaving {
            guard let hold = known[name] ?? inputs.holds[name], hold.holds(at: inputs.now) else {
                continue
            }
            holds[name] = hold
        }
        return holds
    }

    /// The holds that are not needed now and go on: a freeze, or the want of a better one, publishes what
    /// they are on. Once that is over it stays as long as it was to.
    static func restingHolds(
        _ standings: [Standing], _ choices: [Choice], _ inputs: Inputs
    ) -> [String: Hold] {
        guard inputs.policy.spec.type != .simple, inputs.order != .release,
            let known = inputs.previous?.memory.holds
        else { return [:] }
        let published = choices.reduce(into: Set<String>()) { $0.formUnion($1.published) }
        let unhealthy = standings.filter { standing in
            !standing.isBarred && standing.word == nil && standing.effective == .unhealthy
                && published.contains(standing.member.name)
        }
        let names = Set(unhealthy.map(\.member.name))
        return known.filter { names.contains($0.key) && $0.value.holds(at: inputs.now) }
    }

    /// Who is out since it left because of its health; nil: nobody.
    static func removedAt(
        _ leaving: [String], _ standings: [Standing], _ choices: [Choice], _ inputs: Inputs
    ) -> [String: Timestamp]? {
        let published = choices.reduce(into: Set<String>()) { $0.formUnion($1.published) }
        let names = Set(standings.map(\.member.name))
        var removed = (inputs.previous?.memory.removedAt ?? [:]).filter {
            names.contains($0.key) && !published.contains($0.key)
        }
        for name in leaving { removed[name] = inputs.now }
        return removed.isEmpty ? nil : removed
    }
}
