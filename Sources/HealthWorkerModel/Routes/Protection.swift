/// Whether a policy would get over the loss of any one of its members by itself, and what is in the way.
///
/// It is asked of the rules themselves: each published member is supposed to be unhealthy, alone.
package struct Protection: Hashable, Sendable {
    /// Empty: it is protected.
    package var exposures: [Exposure]

    package var isProtected: Bool { exposures.isEmpty }

    package struct Exposure: Hashable, Sendable, Codable {
        package var reason: Reason
        /// Those whose loss it is about, in the policy's order; empty: the whole policy.
        package var members: [String]

        package init(_ reason: Reason, _ members: [String] = []) {
            self.reason = reason
            self.members = members
        }
    }

    package enum Reason: String, Hashable, Sendable, Codable, CaseIterable {
        /// Nothing is published yet.
        case waiting
        /// A family has no healthy published member as it is.
        case unprotected
        /// Without this member, a family would have no healthy published one.
        case noSpare = "no_spare"
        /// It is published, and nobody would find out that it is unhealthy: it has no check, or its
        /// check is paused.
        case unwatched
        /// An operator's word keeps it published, whatever is measured.
        case forced
        /// A simple policy publishes whatever is enabled.
        case simple
        /// An operator has stopped all changes.
        case frozen
        /// What is decided is written nowhere.
        case observed
    }

    package init(of inputs: PolicyEvaluation.Inputs) {
        let spec = inputs.policy.spec
        let verdict = PolicyEvaluation.evaluate(inputs)
        exposures = []
        if verdict.answer == nil { exposures.append(Exposure(.waiting)) }
        if verdict.answer != nil, !verdict.unprotected.isEmpty {
            exposures.append(Exposure(.unprotected))
        }
        if spec.mode == .observe { exposures.append(Exposure(.observed)) }
        if spec.type == .simple {
            exposures.append(Exposure(.simple))
            return
        }
        if inputs.freeze?.holds(at: inputs.now) == true { exposures.append(Exposure(.frozen)) }

        let published = verdict.members.filter(\.isPublished).map(\.name)
        let forced = published.filter { name in
            inputs.overrides.contains {
                $0.member == name && $0.word == .up && $0.holds(at: inputs.now)
            }
        }
        let unwatched = published.filter { name in
            inputs.health[name]?.isEnabled != true && !forced.contains(name)
        }
        let lone =
            verdict.unprotected.isEmpty
            // Each costs an evaluation. Of so many, one is like the other.
            ? published.prefix(100).filter { name in
                !forced.contains(name) && !unwatched.contains(name)
                    && !Self.getsOver(the: name, inputs)
            } : []
        for (reason, members) in [
            (Reason.noSpare, lone), (.unwatched, unwatched), (.forced, forced),
        ] where !members.isEmpty {
            exposures.append(Exposure(reason, members))
        }
    }

    /// Whether every family keeps a healthy published member without this one.
    private static func getsOver(the name: String, _ inputs: PolicyEvaluation.Inputs) -> Bool {
        var inputs = inputs
        // Frozen, nothing would move: that is told apart.
        inputs.freeze = nil
        return PolicyEvaluation.simulate(inputs, supposing: [name: .unhealthy])
            .verdict.unprotected.isEmpty
    }
}
