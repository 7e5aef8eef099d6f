extension PolicyEvaluation {
    /// Why the answer is not the previous one; the previous cause where it is.
    static func cause(
        of answer: Answer, members: [MemberVerdict], choices: [Choice], inputs: Inputs
    ) -> RouteCause {
        guard let previous = inputs.previous else { return .first }
        guard answer != previous.answer else { return previous.cause }
        let now = Dictionary(members.map { ($0.name, $0) }) { first, _ in first }
        let before = Dictionary(previous.members.map { ($0.name, $0) }) { first, _ in first }

        var causes: Set<RouteCause> = []
        for family in RecordFamily.allCases {
            let old = previous.answer.records(of: family)
            let new = answer.records(of: family)
            guard old != new else { continue }
            let mode = choices.first { $0.family == family }?.mode
            let wasShort =
                old.contains { $0.name.isEmpty }
                || previous.members.contains { $0.family == family && $0.reason == .allUnhealthy }
            if mode == .allUnhealthy, !wasShort { causes.insert(.allUnhealthy) }
            // The unhealthy ones that were in for want of a better one leave with the recovery.
            let hasRecovered = mode == .chosen && wasShort
            if hasRecovered { causes.insert(.recovered) }

            let oldNames = Set(old.map(\.name))
            let newNames = Set(new.map(\.name))
            for name in oldNames.subtracting(newNames) where !name.isEmpty {
                let cause = causeOfLeaving(
                    now[name], before[name], type: inputs.policy.spec.type)
                if let cause, !hasRecovered || orders.contains(cause) {
                    causes.insert(cause)
                }
            }
            for name in newNames.subtracting(oldNames) where !name.isEmpty {
                let cause = causeOfComing(
                    now[name], before[name], oldNames: oldNames, inputs: inputs)
                if let cause { causes.insert(cause) }
            }
            for record in new {
                let same = old.first { $0.name == record.name }
                if let same, same != record { causes.insert(.edited) }
            }
        }
        if causes.isEmpty {
            let spec = inputs.policy.spec
            let isKnown = [spec.ttl, spec.ttlDegraded].contains(previous.answer.ttl)
            causes.insert(isKnown ? .health : .edited)
        }
        return importance.first { causes.contains($0) } ?? .health
    }

    /// What people did, which a recovery does not explain.
    private static let orders: Set<RouteCause> = [.override, .maintenance, .edited]

    private static let importance: [RouteCause] = [
        .allUnhealthy, .failover, .override, .maintenance, .recovered, .failback, .detached,
        .reattached,
        .edited, .health,
    ]

    private static func causeOfLeaving(
        _ now: MemberVerdict?, _ before: MemberVerdict?, type: PolicyType
    ) -> RouteCause? {
        guard let now else { return .edited }
        switch now.reason {
        case .disabled: return .edited
        case .overriddenDown, .drained: return .override
        case .maintenance: return .maintenance
        case .unhealthy:
            if before?.reason == .overriddenUp { return .override }
            return type == .failover ? .failover : .detached
        // A tier gave way to another one: those that came tell why.
        case .standby, .failbackDelay, .failbackByHand, .notChosen: return nil
        default: return .health
        }
    }

    private static func causeOfComing(
        _ now: MemberVerdict?, _ before: MemberVerdict?, oldNames: Set<String>, inputs: Inputs
    ) -> RouteCause? {
        guard let now else { return .health }
        guard let before else { return .edited }
        if now.reason == .overriddenUp { return .override }
        switch before.reason {
        case .overriddenDown, .drained: return .override
        case .maintenance: return .maintenance
        case .disabled: return .edited
        default: break
        }
        if now.reason == .allUnhealthy { return nil }

        switch inputs.policy.spec.type {
        case .simple:
            return .health
        case .detach:
            return inputs.previous?.memory.leftAt[now.name] == nil ? .health : .reattached
        case .failover:
            let members = inputs.policy.spec.members
            let old = members.filter { oldNames.contains($0.name) }.compactMap(\.priority)
            let new = members.first { $0.name == now.name }?.priority
            guard let old = old.max(), let new else { return .health }
            if new < old { return .failback }
            return new == old ? .reattached : nil
        }
    }
}
