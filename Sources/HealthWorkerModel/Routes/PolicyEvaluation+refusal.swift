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
}
