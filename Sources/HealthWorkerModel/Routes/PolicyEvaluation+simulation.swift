// What would be decided, if. Nothing is stored, and the rules are those of every evaluation.
extension PolicyEvaluation {
    /// What would follow from health that is only supposed.
    package struct Simulation: Hashable, Sendable {
        /// The routes that would be decided, in order; none where the answer would stay.
        package var changes: [Route]
        /// What would hold at the end.
        package var verdict: Verdict
        /// Members of whom something was supposed that no running check would ever find out: they
        /// have no check, or it is paused.
        package var unnoticed: [String]
    }

    /// What would follow if checks of members were, from now on, of these healths.
    ///
    /// - Parameters:
    ///   - health: By member name; names of no member are passed over.
    ///   - span: How far to look: what delays, overrides and freezes bring by their end is decided
    ///     on the way, each at its moment.
    package static func simulate(
        _ inputs: Inputs, supposing health: [String: Health], for span: Duration = .zero
    ) -> Simulation {
        var inputs = inputs
        var unnoticed: [String] = []
        for member in inputs.policy.spec.members {
            guard let supposed = health[member.name] else { continue }
            guard let measured = inputs.health[member.name], measured.isEnabled else {
                unnoticed.append(member.name)
                continue
            }
            if measured.health == supposed { continue }
            inputs.health[member.name]?.health = supposed
            inputs.health[member.name]?.since = inputs.now
        }

        let end = inputs.now + span
        var changes: [Route] = []
        var verdict = evaluate(inputs)
        // Each moment lies after the one before; that they are few is the rules' doing, not a promise.
        for _ in 0..<1000 {
            let next = Route.next(after: inputs.previous, verdict: verdict, at: inputs.now)
            if let next { changes.append(next) }
            inputs.previous = next ?? inputs.previous?.keeping(verdict)
            guard let moment = verdict.lookAgainAt, moment <= end else { break }
            inputs.now = moment
            verdict = evaluate(inputs)
        }
        return Simulation(changes: changes, verdict: verdict, unnoticed: unnoticed)
    }
}
