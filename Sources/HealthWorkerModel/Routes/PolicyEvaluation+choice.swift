extension PolicyEvaluation {
    /// What one family publishes.
    struct Choice {
        enum Mode {
            /// Enough healthy members.
            case chosen
            /// Too few: `on_all_unhealthy` decided.
            case allUnhealthy
            /// No member may be published.
            case barred
            /// Nothing of this family is published yet, or only what the policy no longer has.
            case waiting
            case frozen
        }

        var family: RecordFamily
        var mode: Mode
        var records: [PublishedMember]
        /// By member name.
        var reasons: [String: VerdictReason]
        /// The names of the members that are in.
        var published: Set<String>
        /// Whether a member is out because of its health.
        var isDegraded = false
        var lookAgainAt: Timestamp?

        /// Whether what is in is in for its health, and not for want of something better.
        var isOfHealthyOnes: Bool { mode == .chosen || mode == .frozen }
    }

    /// The members that failover publishes together.
    struct Tier {
        var priority: Int
        var members: [Standing]
    }

    /// The tiers, best first, each in the policy's order.
    static func tiers(of members: [Standing]) -> [Tier] {
        Dictionary(grouping: members) { $0.member.priority ?? 0 }
            .map { Tier(priority: $0.key, members: $0.value) }
            .sorted { $0.priority < $1.priority }
    }

    /// One family of one policy, to be decided apart from the others.
    struct Family {
        var inputs: Inputs
        var family: RecordFamily
        /// Those that act in this family, in the policy's order.
        var members: [Standing]
        /// What the previous route publishes of this family.
        var before: [PublishedMember]
        /// All members of the policy, those of other families too.
        var names: Set<String>
        var mayWait: Bool

        private var spec: PolicySpec { inputs.policy.spec }
        private var enough: Int { max(1, spec.minHealthy) }
        private var open: [Standing] { members.filter { !$0.isBarred } }

        func choice() -> Choice {
            if spec.type == .simple {
                return open.isEmpty
                    ? nothingMayBePublished()
                    : choice(of: open) { $0.word == .up ? .overriddenUp : .simple }
            }
            if mayWait, let waiting { return waiting }
            if let frozen { return frozen }
            if open.isEmpty { return tooFew() }
            return spec.type == .failover ? failover() : detach()
        }

        // MARK: Failover

        private func failover() -> Choice {
            let tiers = tiers(of: open)
            let qualifying = tiers.filter { $0.members.count(where: \.counts) >= enough }
            guard let best = qualifying.first else {
                let hopeful = tiers.first {
                    $0.members.count { $0.counts || $0.isUnproven } >= enough
                }
                guard let hopeful else { return tooFew() }
                return choice(
                    of: hopeful, among: tiers, qualifying: [],
                    published: hopeful.members.filter { $0.counts || $0.isUnproven })
            }

            var chosen = best
            var lookAgainAt: Timestamp?
            if let current = currentTier(among: qualifying), best.priority < current.priority {
                chosen = current
                for tier in qualifying where tier.priority < current.priority {
                    let end = holdEnd(of: tier)
                    if inputs.order == .failback
                        || (spec.failback == .auto && end.map { $0 <= inputs.now } ?? true)
                    {
                        chosen = tier
                        break
                    }
                    if spec.failback == .auto { lookAgainAt = earliest(lookAgainAt, end) }
                }
            }
            var choice = choice(
                of: chosen, among: tiers, qualifying: qualifying.map(\.priority),
                published: chosen.members.filter(\.counts))
            choice.lookAgainAt = lookAgainAt
            return choice
        }

        /// The one tier that is published and known to be healthy. Only such a one makes a better one
        /// wait: a tier that is dying, or of which nothing is known, is left at once.
        private func currentTier(among qualifying: [Tier]) -> Tier? {
            let names = Set(before.map(\.name))
            guard !names.contains("") else { return nil }
            let priorities = Set(
                members.filter { $0.before != nil }.map { $0.member.priority ?? 0 })
            guard priorities.count == 1, let priority = priorities.first else { return nil }
            return qualifying.first {
                $0.priority == priority
                    && $0.members.count { $0.counts && $0.effective == .healthy } >= enough
            }
        }

        /// The `min_healthy`-th earliest moment since when a member of the tier is healthy decides.
        private func holdEnd(of tier: Tier) -> Timestamp? {
            let healthy = tier.members.filter(\.counts)
            // Those that always were come first.
            let known = healthy.compactMap(\.healthySince).sorted()
            let always = healthy.count - known.count
            guard enough > always else { return nil }
            let key = memoryKey(ofTier: tier.priority, in: family)
            return PolicyEvaluation.holdEnd(
                since: known[enough - always - 1], delay: spec.failbackDelay,
                returns: inputs.previous?.memory.returns[key] ?? [])
        }

        private func choice(
            of chosen: Tier, among tiers: [Tier], qualifying: [Int], published: [Standing]
        ) -> Choice {
            var choice = choice(of: published, reason: \.reasonIn)
            for tier in tiers {
                for standing in tier.members where !choice.published.contains(standing.member.name)
                {
                    choice.reasons[standing.member.name] =
                        if standing.isUnproven {
                            .unknown
                        } else if !standing.counts || standing.isHeld {
                            .unhealthy
                        } else if tier.priority > chosen.priority {
                            .standby
                        } else if !qualifying.contains(tier.priority) {
                            .notChosen
                        } else {
                            spec.failback == .auto ? .failbackDelay : .failbackByHand
                        }
                    if tier.priority <= chosen.priority, !standing.isUnknown {
                        choice.isDegraded = true
                    }
                }
            }
            return choice
        }

        // MARK: Detach

        private func detach() -> Choice {
            let counted = open.filter(\.counts)
            let held = Dictionary(
                counted.compactMap { standing in
                    hold(on: standing).map { (standing.member.name, $0) }
                }
            ) { first, _ in first }
            let ready = counted.filter { held[$0.member.name] == nil }

            var published = ready
            // No hold keeps a family short of healthy members.
            if ready.count < enough { published = counted }
            if counted.count < enough {
                published = open.filter { $0.counts || $0.isUnproven }
                if published.count < enough { return tooFew() }
            }

            var choice = choice(of: published, reason: \.reasonIn)
            for standing in open where !choice.published.contains(standing.member.name) {
                choice.reasons[standing.member.name] =
                    if standing.isUnproven {
                        .unknown
                    } else if !standing.counts {
                        .unhealthy
                    } else {
                        spec.reattach == .auto ? .reattachDelay : .reattachByHand
                    }
                if !standing.isUnknown { choice.isDegraded = true }
            }
            if counted.count >= enough {
                for case .until(let end) in held.values {
                    choice.lookAgainAt = earliest(choice.lookAgainAt, end)
                }
            }
            return choice
        }

        private enum Hold {
            case until(Timestamp)
            case byHand
        }

        /// What keeps a healthy member that left because of its health from coming back. An operator's
        /// `up` is as good as a reattachment by hand.
        private func hold(on standing: Standing) -> Hold? {
            let name = standing.member.name
            guard standing.before == nil, standing.word != .up, !isOrdered(name),
                let memory = inputs.previous?.memory, memory.leftAt[name] != nil
            else { return nil }
            if spec.reattach == .manual { return .byHand }
            let end = PolicyEvaluation.holdEnd(
                since: standing.healthySince, delay: spec.reattachDelay,
                returns: memory.returns[name] ?? [])
            guard let end, end > inputs.now else { return nil }
            return .until(end)
        }

        private func isOrdered(_ name: String) -> Bool {
            guard case .reattach(let members) = inputs.order else { return false }
            return members?.contains(name) ?? true
        }

        // MARK: Too few

        private func tooFew() -> Choice {
            let first = tiers(of: open).first?.members ?? []
            let unasked = spec.type == .failover ? first : open
            var records: [PublishedMember]?
            var published: [Standing] = []
            switch spec.effectiveOnAllUnhealthy {
            case .empty:
                records = []
            case .fallback:
                let values = spec.fallback.filter { RecordFamily(of: $0) == family }
                if values.isEmpty {
                    published = unasked
                } else {
                    records = values.map {
                        PublishedMember(name: "", value: $0, weight: 1, family: family)
                    }
                }
            case .last:
                published = open.filter { $0.before?.family == family }
                for index in published.indices {
                    published[index].record.value =
                        published[index].before?.value ?? published[index].record.value
                }
                if published.isEmpty { published = unasked }
            case .primary:
                published = first
            case .all:
                published = open
            }
            if records == nil, published.isEmpty { return nothingMayBePublished() }

            var choice = choice(of: published) { standing in
                // What is carried over stays so: that it was in has not been doubted.
                standing.effective == .unknown && standing.counts
                    ? standing.reasonIn : .allUnhealthy
            }
            if let records { choice.records = records }
            choice.mode = .allUnhealthy
            choice.isDegraded = true
            for standing in open where !choice.published.contains(standing.member.name) {
                choice.reasons[standing.member.name] =
                    if standing.isUnproven {
                        .unknown
                    } else {
                        standing.counts ? .notChosen : .unhealthy
                    }
            }
            return choice
        }

        /// Every member is disabled, overridden down or in maintenance. The previous answer stays, first without any
        /// of them; else with those that are only disabled; and whole where that is all there is:
        /// whoever wants the last one gone says so by `break_glass`.
        private func nothingMayBePublished() -> Choice {
            var choice = choice(of: [], reason: \.reasonIn)
            choice.mode = .barred
            if members.contains(where: \.breaksGlass) || spec.onAllUnhealthy == .empty {
                return choice
            }
            let barred = Dictionary(members.map { ($0.member.name, $0) }) { first, _ in first }
            let gone = before.filter { !names.contains($0.name) }
            let disabled = before.filter {
                barred[$0.name].map { !$0.isTakenOut } ?? false
            }
            let all = before.filter { barred[$0.name] != nil }
            choice.records = [gone, disabled, all].first { !$0.isEmpty } ?? []
            for record in choice.records where barred[record.name] != nil {
                choice.published.insert(record.name)
                choice.reasons[record.name] = .allUnhealthy
            }
            return choice
        }

        // MARK: Waiting

        /// A family all of whose members are new waits like a policy without a route, so that an edit
        /// which brings a family, or replaces all its members, does not publish what nobody has
        /// probed. What is published of members that the policy no longer has stays meanwhile.
        private var waiting: Choice? {
            let end = inputs.policy.updatedAt + PolicyEvaluation.longestWait
            guard inputs.now < end, open.contains(where: \.isUnproven),
                open.allSatisfy({ $0.isNewcomer && $0.before == nil })
            else { return nil }
            let barred = Set(members.filter(\.isBarred).map(\.member.name))
            let staying = before.filter { !barred.contains($0.name) }
            if staying.isEmpty, !before.isEmpty { return nil }

            var choice = choice(of: [], reason: \.reasonIn)
            choice.mode = .waiting
            choice.records = staying
            for standing in open { choice.reasons[standing.member.name] = .waiting }
            choice.lookAgainAt = end
            return choice
        }

        // MARK: Frozen

        /// Frozen, what is published stays, but for what operators change: members that they bar or
        /// remove leave, those that they order back or override up come. Nil where that leaves
        /// nothing: then the rules choose.
        private var frozen: Choice? {
            guard let freeze = inputs.freeze, freeze.holds(at: inputs.now),
                inputs.previous != nil
            else { return nil }
            let staying = open.filter { $0.before != nil }
            let fallback = before.filter { $0.name.isEmpty && spec.fallback.contains($0.value) }
            guard !(staying.isEmpty && fallback.isEmpty) else { return nil }

            var published = open.filter { $0.before != nil || isBroughtBack($0, by: staying) }
            if spec.type == .failover, inputs.order == .failback,
                let current = staying.map({ $0.member.priority ?? 0 }).min(),
                let better = tiers(of: open).first(where: {
                    $0.priority < current && $0.members.count(where: \.counts) >= enough
                })
            {
                published = better.members.filter(\.counts)
            }
            for index in published.indices {
                let standing = published[index]
                if let before = standing.before, before.family == family,
                    standing.effective != .healthy
                {
                    published[index].record.value = before.value
                }
            }

            var choice = choice(of: published) { $0.word == .up ? .overriddenUp : .frozen }
            choice.mode = .frozen
            if published.isEmpty { choice.records = fallback }
            for standing in open where !choice.published.contains(standing.member.name) {
                choice.reasons[standing.member.name] = .frozenOut
            }
            return choice
        }

        private func isBroughtBack(_ standing: Standing, by staying: [Standing]) -> Bool {
            switch spec.type {
            case .simple:
                return false
            case .detach:
                return standing.word == .up
                    || (standing.effective == .healthy && isOrdered(standing.member.name))
            case .failover:
                // A word about a member of another tier does not say that the tier should change.
                return standing.word == .up
                    && staying.contains { $0.member.priority == standing.member.priority }
            }
        }

        // MARK: All

        /// A choice of these members; the barred ones have their reason, the others none yet.
        private func choice(
            of published: [Standing], reason: (Standing) -> VerdictReason
        ) -> Choice {
            var choice = Choice(
                family: family, mode: .chosen, records: published.map(\.record), reasons: [:],
                published: Set(published.map(\.member.name)))
            for standing in members where standing.isBarred {
                choice.reasons[standing.member.name] = standing.reasonBarred
            }
            for standing in published {
                choice.reasons[standing.member.name] = reason(standing)
            }
            return choice
        }
    }

    /// The earlier of two moments, of which nil never comes.
    static func earliest(_ one: Timestamp?, _ other: Timestamp?) -> Timestamp? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }
}
