extension PolicyEvaluation {
    /// How long a policy without a route waits for the health of its members.
    package static let longestWait = Duration.seconds(30)

    /// What the policy publishes now, and why. Equal inputs give equal verdicts.
    ///
    /// Each family is decided apart. An **unknown** member that is published stays (an edited one
    /// with its old value) and counts as healthy; another one stays out while enough of its family
    /// count as healthy, and is preferred to what `on_all_unhealthy` would publish. A family all of
    /// whose members are new waits for their health, at most 30 s after the edit that brought them.
    ///
    /// A member that is disabled, overridden `down` or `drain`, or in maintenance is **barred**: neither
    /// health nor `on_all_unhealthy` publishes it. Where every member of a family is barred, the previous
    /// answer stays unless what bars it breaks the glass or `empty` is chosen; of that answer a
    /// barred member stays only where nothing else would remain.
    ///
    /// A member that would leave because of its health and is **held** stays and counts as healthy,
    /// although its family is not protected by it. The hold outlasts a freeze, and that for a while
    /// nothing better was there.
    ///
    /// Until `lookAgainAt` the answer stays the same while nothing else than the time changes.
    package static func evaluate(_ inputs: Inputs) -> Verdict {
        let verdict = decide(inputs, holding: [:])
        let holds = holds(on: verdict.leaving, in: inputs)
        return holds.isEmpty ? verdict : decide(inputs, holding: holds)
    }

    private static func decide(_ inputs: Inputs, holding holds: [String: Hold]) -> Verdict {
        let spec = inputs.policy.spec
        var standings = standings(of: inputs)
        for index in standings.indices where holds[standings[index].member.name] != nil {
            standings[index].isHeld = true
            standings[index].counts = true
        }
        let waitEnd = inputs.policy.createdAt + longestWait
        if inputs.previous == nil, spec.type != .simple, inputs.now < waitEnd,
            standings.contains(where: { !$0.isBarred && $0.isUnproven })
        {
            return waiting(inputs, standings, until: waitEnd)
        }

        var choices = Self.choices(inputs, &standings, mayWait: true)
        var answer = Self.answer(inputs, choices)
        if answer.records.isEmpty, inputs.previous?.answer.records.isEmpty == false {
            // Waiting is for what would come beside, or instead of, what still serves.
            choices = Self.choices(inputs, &standings, mayWait: false)
            answer = Self.answer(inputs, choices)
        }
        let leaving = leaving(standings, choices, inputs)
        // A held one leaves all the same where a better tier takes over.
        let holds = holds.filter { !leaving.contains($0.key) }
            .merging(restingHolds(standings, choices, inputs)) { own, _ in own }
        var memory = memory(of: inputs, standings: standings, choices: choices)
        memory.holds = holds.isEmpty ? nil : holds
        memory.removedAt = removedAt(leaving, standings, choices, inputs)
        let members = quieted(
            standings.map { standing in
                verdict(on: standing, choices: choices, inputs: inputs, memory: memory)
            }, answer: answer, memory: memory, inputs: inputs)
        return Verdict(
            answer: answer,
            cause: cause(of: answer, members: members, choices: choices, inputs: inputs),
            members: members, memory: memory,
            lookAgainAt: lookAgain(inputs, choices.map(\.lookAgainAt) + holds.values.map(\.until)),
            unprotected: unprotected(standings, choices, answer), leaving: leaving)
    }

    /// The choice of each family that has members.
    ///
    /// A member whose old value is of another family acts there while it is published there, and in
    /// its new family from then on.
    private static func choices(
        _ inputs: Inputs, _ standings: inout [Standing], mayWait: Bool
    ) -> [Choice] {
        let records = inputs.previous?.answer.records ?? []
        let names = Set(standings.map(\.member.name))
        while true {
            let choices = RecordFamily.allCases.sorted().compactMap { family -> Choice? in
                let members = standings.filter { $0.record.family == family }
                guard !members.isEmpty else { return nil }
                return Family(
                    inputs: inputs, family: family, members: members,
                    before: records.filter { $0.family == family }, names: names,
                    mayWait: mayWait
                ).choice()
            }
            // Each turn moves at least one member for good, so that there are few.
            let published = choices.reduce(into: Set<String>()) { $0.formUnion($1.published) }
            let moved = standings.indices.filter {
                standings[$0].isMoving && !published.contains(standings[$0].member.name)
            }
            if moved.isEmpty { return choices }
            for index in moved { standings[index].leaveOldFamily() }
        }
    }

    private static func waiting(
        _ inputs: Inputs, _ standings: [Standing], until end: Timestamp
    ) -> Verdict {
        let memory = RouteMemory(waitingSince: inputs.policy.createdAt)
        let members = standings.map { standing in
            MemberVerdict(
                name: standing.member.name, value: standing.member.value,
                family: standing.member.family, isPublished: false,
                reason: standing.isBarred ? standing.reasonBarred : .waiting,
                measured: standing.measured?.health, effective: standing.effective,
                since: standing.measured?.since, noticedAt: standing.measured?.noticedAt,
                flags: standing.flags,
                maintenance: standing.maintenance.map(MemberMaintenance.init),
                explainedBy: standing.explainedBy)
        }
        return Verdict(
            answer: nil, cause: .first, members: members, memory: memory,
            lookAgainAt: lookAgain(inputs, [end]), unprotected: unprotected(standings, [], nil))
    }

    private static func answer(_ inputs: Inputs, _ choices: [Choice]) -> Answer {
        let spec = inputs.policy.spec
        var records = choices.flatMap(\.records)
        // Make before break: while a family waits, one that lost its members still serves.
        if let previous = inputs.previous, choices.contains(where: { $0.mode == .waiting }) {
            let decided = Set(choices.map(\.family))
            let names = Set(spec.members.map(\.name))
            records += previous.answer.records.filter {
                !decided.contains($0.family) && !names.contains($0.name)
            }
        }
        // A sink holds each value once.
        var seen: Set<String> = []
        records = RecordFamily.allCases.sorted().flatMap { family in
            records.filter { $0.family == family && seen.insert($0.value).inserted }
        }

        let degraded = spec.ttlDegraded ?? spec.ttl
        var ttl = choices.contains(where: \.isDegraded) ? degraded : spec.ttl
        if spec.type != .simple, let freeze = inputs.freeze, freeze.holds(at: inputs.now),
            let before = inputs.previous?.answer.ttl, [spec.ttl, degraded].contains(before)
        {
            ttl = before
        }
        return Answer(records: records, ttl: ttl)
    }

    private static func verdict(
        on standing: Standing, choices: [Choice], inputs: Inputs, memory: RouteMemory
    ) -> MemberVerdict {
        let name = standing.member.name
        let choice = choices.first { $0.family == standing.record.family }
        var flags = standing.flags
        let key =
            inputs.policy.spec.type == .failover
            ? memoryKey(ofTier: standing.member.priority ?? 0, in: standing.record.family) : name
        if isFlapping(key, in: memory, at: inputs.now) { flags.append(.flapping) }
        return MemberVerdict(
            name: name, value: standing.member.value, family: standing.member.family,
            isPublished: choice?.published.contains(name) ?? false,
            reason: choice?.reasons[name] ?? standing.reasonBarred,
            measured: standing.measured?.health, effective: standing.effective,
            since: standing.measured?.since, noticedAt: standing.measured?.noticedAt,
            flags: flags, maintenance: standing.maintenance.map(MemberMaintenance.init),
            explainedBy: standing.explainedBy)
    }

    /// The families in which something should be published and nothing healthy is.
    private static func unprotected(
        _ standings: [Standing], _ choices: [Choice], _ answer: Answer?
    ) -> [RecordFamily] {
        let published = choices.reduce(into: Set<String>()) { $0.formUnion($1.published) }
        let asked = Set(standings.filter(\.member.isEnabled).map(\.record.family))
            .union(answer?.records.map(\.family) ?? [])
        let protected = standings.filter {
            !$0.isBarred && $0.effective == .healthy && published.contains($0.member.name)
        }
        return asked.subtracting(protected.map(\.record.family)).sorted()
    }

    /// The first moment after now at which time alone may change the answer.
    private static func lookAgain(_ inputs: Inputs, _ moments: [Timestamp?]) -> Timestamp? {
        let names = Set(inputs.policy.spec.members.map(\.name))
        let ends = inputs.overrides.filter { names.contains($0.member) }.map(\.until)
        let windows: [Timestamp?] = inputs.maintenances.filter { $0.concerns(inputs.policy) }
            .flatMap { [$0.startsAt, $0.endsAt] }
        return (moments + ends + windows + [inputs.freeze?.until])
            .compactMap { $0 }
            .filter { $0 > inputs.now }
            .min()
    }
}
