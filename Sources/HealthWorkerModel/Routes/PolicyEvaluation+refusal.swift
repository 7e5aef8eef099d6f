extension PolicyEvaluation {
    /// The families that `proposed` would leave without a healthy published member; empty: nothing
    /// speaks against it.
    ///
    /// Each proposed word takes the place of what is said of the same member. Asked are only the
    /// families of members that a proposed `down` or `drain` without `break_glass` takes out: a word
    /// for one family is not refused for the trouble of another, and `up` is never refused.
    package static func refusal(of proposed: [Override], in inputs: Inputs) -> [RecordFamily] {
        let replaced = Set(proposed.map(\.member))
        var asked = inputs
        asked.overrides = inputs.overrides.filter { !replaced.contains($0.member) } + proposed

        let taken = Set(
            proposed.filter { $0.word != .up && !$0.breakGlass && $0.holds(at: inputs.now) }
                .map(\.member))
        let records = inputs.previous?.answer.records ?? []
        let families = Set(
            inputs.policy.spec.members.filter { taken.contains($0.name) }.map(\.family)
                + records.filter { taken.contains($0.name) }.map(\.family))
        return evaluate(asked).unprotected.filter(families.contains)
    }

    /// The families that `proposed` would leave without a healthy published member, if it began now, and
    /// with it all that overlap it; empty: nothing speaks against it.
    ///
    /// Asked are only the families of members that it takes out.
    package static func refusal(of proposed: Maintenance, in inputs: Inputs) -> [RecordFamily] {
        if proposed.breakGlass { return [] }
        var asked = inputs
        asked.maintenances =
            inputs.maintenances.filter { $0.id != proposed.id && $0.overlaps(proposed) } + [
                proposed
            ]
        for index in asked.maintenances.indices {
            asked.maintenances[index].startsAt = inputs.now
            asked.maintenances[index].endsAt = inputs.now + Maintenance.longest
        }
        let taken = standings(of: asked).filter {
            $0.member.isEnabled && $0.isInMaintenance
                && proposed.means($0.member, of: inputs.policy)
        }
        let families = Set(taken.map(\.member.family) + taken.compactMap(\.before?.family))
        return evaluate(asked).unprotected.filter(families.contains)
    }
}
