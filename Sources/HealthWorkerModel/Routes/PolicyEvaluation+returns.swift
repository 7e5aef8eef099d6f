extension PolicyEvaluation {
    /// When something that left because of its health may come back by itself; nil: at once.
    ///
    /// The delay counts from `since`, when it turned healthy, and doubles with each return within the
    /// hour before that, up to an hour. It is fixed by the turn, so that the moment never moves.
    static func holdEnd(
        since: Timestamp?, delay: TimeSpan, returns: [Timestamp]
    ) -> Timestamp? {
        guard let since else { return nil }
        let recent = returns.count { $0 > since - .hours(1) }
        // An hour is reached long before the shift could overflow.
        let doubled = delay.duration * (1 << min(recent, 24))
        return since + min(doubled, max(delay.duration, .hours(1)))
    }

    /// The name under which memory keeps a tier.
    static func memoryKey(ofTier priority: Int, in family: RecordFamily) -> String {
        "tier:\(family.rawValue):\(priority)"
    }

    /// Whether something came back often enough for its delays to be doubled.
    static func isFlapping(_ key: String, in memory: RouteMemory, at now: Timestamp) -> Bool {
        let recent = (memory.returns[key] ?? []).count { $0 > now - .hours(1) }
        return recent >= 2 || (recent == 1 && memory.leftAt[key] != nil)
    }

    /// What is remembered after this decision.
    static func memory(
        of inputs: Inputs, standings: [Standing], choices: [Choice]
    ) -> RouteMemory {
        var memory = inputs.previous?.memory ?? RouteMemory()
        memory.waitingSince = nil
        var known: Set<String> = []
        for choice in choices {
            let members = standings.filter { $0.record.family == choice.family }
            switch inputs.policy.spec.type {
            case .simple: break
            case .detach:
                known.formUnion(members.map(\.member.name))
                remember(members, choice, in: &memory, at: inputs.now)
            case .failover:
                for tier in tiers(of: members) {
                    known.insert(memoryKey(ofTier: tier.priority, in: choice.family))
                    remember(tier, choice, in: &memory, at: inputs.now)
                }
            }
        }
        memory.leftAt = memory.leftAt.filter { known.contains($0.key) }
        memory.returns = memory.returns
            .mapValues { $0.filter { $0 > inputs.now - .hours(2) } }
            .filter { known.contains($0.key) && !$0.value.isEmpty }
        return memory
    }

    private static func remember(
        _ members: [Standing], _ choice: Choice, in memory: inout RouteMemory, at now: Timestamp
    ) {
        for standing in members where !standing.isBarred {
            let name = standing.member.name
            if choice.published.contains(name) {
                if standing.counts, choice.isOfHealthyOnes { comeBack(name, &memory, now) }
            } else if standing.effective == .unhealthy, memory.leftAt[name] == nil {
                memory.leftAt[name] = now
            }
        }
    }

    private static func remember(
        _ tier: Tier, _ choice: Choice, in memory: inout RouteMemory, at now: Timestamp
    ) {
        let key = memoryKey(ofTier: tier.priority, in: choice.family)
        let isPublished = tier.members.contains { choice.published.contains($0.member.name) }
        if isPublished {
            if choice.isOfHealthyOnes { comeBack(key, &memory, now) }
        } else if memory.leftAt[key] == nil,
            tier.members.contains(where: { $0.before != nil }),
            tier.members.contains(where: { !$0.isBarred && $0.effective == .unhealthy })
        {
            memory.leftAt[key] = now
        }
    }

    private static func comeBack(_ key: String, _ memory: inout RouteMemory, _ now: Timestamp) {
        guard memory.leftAt.removeValue(forKey: key) != nil else { return }
        memory.returns[key, default: []].append(now)
    }
}
