extension PolicyEvaluation {
    /// One member as the rules see it, before they choose.
    struct Standing {
        var member: Member
        var word: OverrideWord?
        /// The one that it is in, and that ends last.
        var maintenance: Maintenance?
        var breaksGlass: Bool
        var measured: MemberHealth?
        var effective: Health
        /// Whether it serves as a healthy one: it is, or it is unknown and carried over.
        var counts: Bool
        /// Since when it is healthy; nil: always, as far as delays are concerned.
        var healthySince: Timestamp?
        /// Its record in the previous answer.
        var before: PublishedMember?
        /// What would be published of it: its own value, or the old one.
        var record: PublishedMember
        var flags: [VerdictFlag]
        /// Whether no route has decided about it in its family yet.
        var isNewcomer: Bool
        /// Whether it stays although it turned unhealthy, and is not to leave yet.
        var isHeld = false

        /// Whether it is edited into another family than that of its old value, which stays.
        var isMoving: Bool { record.family != member.family }

        /// Lets go of the old value, which is not published any more.
        mutating func leaveOldFamily() {
            before = nil
            record.value = member.value
            record.family = member.family
            if isUnknown {
                effective = .unknown
                counts = false
            }
        }

        /// Whether it is in maintenance, and no operator says otherwise.
        var isInMaintenance: Bool { word == nil && maintenance != nil }

        /// Whether an operator takes it out, now or for a time.
        var isTakenOut: Bool { word == .down || word == .drain || isInMaintenance }

        /// Whether nothing but the lack of anything else may publish it.
        var isBarred: Bool { !member.isEnabled || isTakenOut }

        /// The unhealthy checks that its own depends on, where that is unhealthy, too.
        var explainedBy: [String]? {
            measured?.health == .unhealthy ? measured?.explainedBy : nil
        }

        /// Whether nothing is measured or said of it.
        var isUnknown: Bool {
            measured?.health == .unknown && measured?.isEnabled == true && word == nil
                && maintenance == nil
        }

        /// Unknown, and nothing speaks for it.
        var isUnproven: Bool { effective == .unknown && !counts }

        /// Why it is in, when it is in for what it is.
        var reasonIn: VerdictReason {
            if word == .up { return .overriddenUp }
            if isHeld { return .held }
            guard isUnknown else { return .healthy }
            guard counts else { return .coldStart }
            return flags.contains(.edited) ? .previousStays : .carriedOver
        }

        /// Why it is out although it may count as healthy.
        var reasonBarred: VerdictReason {
            if !member.isEnabled { return .disabled }
            if isInMaintenance { return .maintenance }
            return word == .drain ? .drained : .overriddenDown
        }
    }

    /// The members in the policy's order.
    ///
    /// Health in this order: override → maintenance: drained → no check: healthy → paused: the last one,
    /// or healthy → measured → unknown. A disabled member is judged like any other, and barred.
    static func standings(of inputs: Inputs) -> [Standing] {
        let members = inputs.policy.spec.members
        let names = Set(members.map(\.name))
        let records = inputs.previous?.answer.records ?? []
        let recordOfName = Dictionary(records.map { ($0.name, $0) }) { first, _ in first }
        // A member renamed with its value is still what is published.
        let recordOfValue = Dictionary(
            records.filter { !$0.name.isEmpty && !names.contains($0.name) }.map { ($0.value, $0) }
        ) { first, _ in first }
        let verdictOfName = Dictionary(
            (inputs.previous?.members ?? []).map { ($0.name, $0) }
        ) { first, _ in first }
        let words = words(in: inputs)
        let maintenances = maintenances(in: inputs)

        return members.map { member in
            let before = recordOfName[member.name] ?? recordOfValue[member.value]
            return standing(
                of: member, word: words[member.name], maintenance: maintenances[member.name],
                measured: inputs.health[member.name], before: before,
                verdict: verdictOfName[before?.name ?? member.name],
                type: inputs.policy.spec.type)
        }
    }

    /// The last word of each member that holds now.
    private static func words(in inputs: Inputs) -> [String: Override] {
        var words: [String: Override] = [:]
        for override in inputs.overrides where override.holds(at: inputs.now) {
            if let other = words[override.member],
                (other.createdAt, other.id) > (override.createdAt, override.id)
            {
                continue
            }
            words[override.member] = override
        }
        return words
    }

    /// By member: of those that are active the one that ends last, which may break the glass if one of
    /// them may.
    private static func maintenances(in inputs: Inputs) -> [String: Maintenance] {
        let active = inputs.maintenances.filter { $0.isActive(at: inputs.now) }
        if active.isEmpty { return [:] }
        var found: [String: Maintenance] = [:]
        for member in inputs.policy.spec.members {
            let meant = active.filter { $0.means(member, of: inputs.policy) }
            var last = meant.max { ($0.endsAt, $0.id) < ($1.endsAt, $1.id) }
            last?.breakGlass = meant.contains(where: \.breakGlass)
            found[member.name] = last
        }
        return found
    }

    private static func standing(
        of member: Member, word: Override?, maintenance: Maintenance?, measured: MemberHealth?,
        before: PublishedMember?, verdict: MemberVerdict?, type: PolicyType
    ) -> Standing {
        var standing = Standing(
            member: member, word: word?.word, maintenance: maintenance,
            breaksGlass: word?.breakGlass ?? maintenance?.breakGlass ?? false,
            measured: measured, effective: .healthy, counts: true, healthySince: nil,
            before: before,
            record: PublishedMember(
                name: member.name, value: member.value, weight: member.weight,
                family: member.family),
            flags: [],
            isNewcomer: verdict.map { $0.reason == .waiting || $0.family != member.family } ?? true)
        if measured == nil { standing.flags.append(.unwatched) }
        if measured?.isEnabled == false { standing.flags.append(.paused) }
        let isUnknown = measured?.health == .unknown && measured?.isEnabled == true
        if isUnknown, let verdict, isEdited(member, before: before, verdict: verdict) {
            standing.flags.append(.edited)
        }

        switch word?.word {
        case .up:
            break
        case .down, .drain:
            standing.effective = .unhealthy
            standing.counts = false
        case nil where maintenance != nil:
            standing.effective = .unhealthy
            standing.counts = false
        case nil:
            guard let measured else { break }
            switch measured.health {
            case .healthy:
                standing.healthySince = measured.since
            case .unhealthy:
                standing.effective = .unhealthy
                standing.counts = false
            case .unknown where isUnknown:
                // As in the previous route: in, where it was in and not for want of a better one.
                standing.counts = before != nil && verdict?.effective != .unhealthy
                let wasHealthy = standing.counts && verdict?.effective == .healthy
                standing.effective = wasHealthy ? .healthy : .unknown
                // Until something is known of the new value, the old one stays. A simple policy
                // publishes what is written, whatever is known.
                if let before, type != .simple {
                    standing.record.value = before.value
                    standing.record.family = before.family
                }
            case .unknown:
                break  // Paused before it had a health: healthy.
            }
        }
        return standing
    }

    /// Whether an unknown member was known before as something else, or is edited still.
    private static func isEdited(
        _ member: Member, before: PublishedMember?, verdict: MemberVerdict
    ) -> Bool {
        if let before, before.value != member.value { return true }
        if verdict.flags.contains(.edited) || verdict.value != member.value { return true }
        // What was measured is forgotten with an edit, or when a paused check is enabled again.
        let wasMeasured = verdict.measured == .healthy || verdict.measured == .unhealthy
        return wasMeasured && !verdict.flags.contains(.paused)
    }
}
