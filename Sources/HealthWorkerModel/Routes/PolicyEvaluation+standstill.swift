extension PolicyEvaluation {
    /// Why an order to bring something back would change nothing, and what would; a sentence or two
    /// for whoever gave it.
    package static func standstill(of order: Order, in inputs: Inputs) -> String {
        let spec = inputs.policy.spec
        let verdicts = evaluate(inputs).members
        switch order {
        case .failback:
            guard spec.type == .failover else {
                return
                    "The policy \(spec.name) is of the type \(spec.type.rawValue): only failover "
                    + "has tiers that come back."
            }
            return failbackStandstill(spec, verdicts)
        case .release:
            return "The policy \(spec.name) holds no member."
        case .reattach(let members):
            guard spec.type == .detach else {
                return "The policy \(spec.name) is of the type \(spec.type.rawValue): only detach "
                    + "takes single members back."
            }
            let asked = verdicts.filter { members?.contains($0.name) ?? true }
            let out = asked.filter { !$0.isPublished }
            guard !out.isEmpty else {
                return "In policy \(spec.name) every member that is asked for is published already."
            }
            return "In policy \(spec.name) no such member waits to come back: \(list(out)). "
                + remedy
        }
    }

    private static func failbackStandstill(
        _ spec: PolicySpec, _ verdicts: [MemberVerdict]
    ) -> String {
        let priorities = Dictionary(
            spec.members.map { ($0.name, $0.priority ?? 0) },
            uniquingKeysWith: { first, _ in first })
        let published = verdicts.filter(\.isPublished).compactMap { priorities[$0.name] }
        guard let best = published.min() else {
            return "The policy \(spec.name) publishes none of its members: \(list(verdicts)). "
                + remedy
        }
        let better = verdicts.filter { priorities[$0.name].map { $0 < best } ?? false }
        guard !better.isEmpty else {
            return "The policy \(spec.name) publishes its first tier already."
        }
        return
            "In policy \(spec.name) no better tier waits to come back: \(list(better)). \(remedy)"
    }

    private static func list(_ verdicts: [MemberVerdict]) -> String {
        let few = verdicts.prefix(10).map { "\($0.name) is out (\($0.reason.rawValue))" }
        let rest = verdicts.count - few.count
        return few.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }

    private static let remedy =
        "An override `up` publishes a member whatever is measured; to clear its override ends "
        + "`down` and `drain`."
}
