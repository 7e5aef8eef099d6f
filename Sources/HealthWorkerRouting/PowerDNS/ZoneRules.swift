import HealthWorkerModel

/// What is written to a zone, and what is refused: from what the zone holds and what is wanted, without
/// asking anybody.
struct ZoneRules: Hashable, Sendable {
    /// What this installation calls itself.
    var installation: String
    var policy: PolicyID
    var policyName: String
    /// Ends with a dot.
    var name: String
    var adopts: Bool
    /// What is remembered of earlier deliveries; nil: there were none.
    var memory: PowerDNSMemory?

    struct Writing: Hashable, Sendable {
        /// Empty: the zone holds it already.
        var changes: [RecordSetChange] = []
        /// What is to be remembered once they are made.
        var memory: PowerDNSMemory
        /// What is to be remembered before they are made: what they take over is gone afterwards.
        var memoryBefore: PowerDNSMemory?
        /// Whether a type is written of which nothing is known here. What answers no question, as a
        /// disabled record, would be lost.
        var isFirst = false
    }

    static let types = RecordFamily.allCases.map(\.rawValue)
}

/// What the sink remembers of a publication.
struct PowerDNSMemory: Hashable, Sendable, Codable {
    /// The types of the record sets that were written.
    var types: [String] = []
    /// What was there before and was taken over, for `on_delete: restore`: one of each type.
    var before: [RecordSet] = []

    fileprivate mutating func take(_ set: RecordSet) {
        before.removeAll { $0.type == set.type }
        before.append(set)
    }
}

// Publishing.
extension ZoneRules {
    /// What makes the zone hold a route.
    ///
    /// - Parameter marksAgain: whether what is held already gets the mark of this generation, too, so
    ///   that an earlier attempt which is still on its way is told from what came after it.
    /// - Throws: ``SinkError/superseded(by:)`` where a later generation of this policy is there.
    func writing(
        _ route: Route, to zone: Zone, marksAgain: Bool = false
    ) throws(SinkError) -> Writing {
        try refuseZone(zone)
        let wanted = try wanted(route)
        let here = recordSets(in: zone)
        let later = here.compactMap { owner(of: $0).generation }.max() ?? route.generation
        if later > route.generation { throw .superseded(by: later) }
        try refuse(here, for: wanted, in: zone)

        let known = memory ?? PowerDNSMemory()
        var writing = Writing(memory: known)
        for var set in wanted {
            guard let present = here.first(where: { $0.type == set.type }) else {
                writing.isFirst = writing.isFirst || !known.types.contains(set.type)
                writing.changes.append(.replace(with: set))
                continue
            }
            switch owner(of: present) {
            case .thisPolicy(let generation?):
                if present.values == set.values, present.ttl == set.ttl,
                    !marksAgain || generation == route.generation
                {
                    continue
                }
            case .nobody:
                if present.values != set.values || present.hasDisabled, !adopts {
                    throw refusalOfForeign(present, in: zone)
                }
                writing.isFirst = true
                writing.memory.take(present)
            case .thisPolicy(nil), .anotherPolicy, .otherInstallation:
                break  // The last were refused above.
            }
            set.comments = present.commentsOfOthers + (set.comments ?? [])
            writing.changes.append(.replace(with: set))
        }
        // In this order: PowerDNS carries them out one after the other, and refuses an address beside
        // an alias that is still there.
        writing.changes =
            try clearing(the: here, for: wanted, in: zone, &writing.memory) + writing.changes
        if writing.memory.before != known.before {
            writing.memoryBefore = PowerDNSMemory(
                types: known.types, before: writing.memory.before)
        }
        writing.memory.types = wanted.map(\.type)
        return writing
    }

    /// Takes away what is ours and not wanted any more, and what cannot stand beside a CNAME.
    private func clearing(
        the here: [RecordSet], for wanted: [RecordSet], in zone: Zone,
        _ memory: inout PowerDNSMemory
    ) throws(SinkError) -> [RecordSetChange] {
        var changes: [RecordSetChange] = []
        let wantsCNAME = wanted.contains { $0.type == "CNAME" }
        for set in here where !wanted.contains(where: { $0.type == set.type }) {
            let owner = owner(of: set)
            if owner.isThisPolicy {
                changes.append(.delete(set))
                continue
            }
            let isInTheWay = !wanted.isEmpty && (wantsCNAME || set.type == "CNAME")
            guard isInTheWay else { continue }
            switch owner {
            case .anotherPolicy:
                // It was left by one that published the name before: no two may, where one of them
                // has a CNAME.
                break
            case .nobody where adopts && Self.types.contains(set.type):
                memory.take(set)
            default:
                throw refusalOfConflict(set, in: zone, wantsCNAME: wantsCNAME)
            }
            changes.append(.delete(set))
        }
        return changes
    }

    /// The record sets that a route makes.
    private func wanted(_ route: Route) throws(SinkError) -> [RecordSet] {
        let mark = OwnerMark(
            installation: installation, policy: policy, policyName: policyName,
            generation: route.generation)
        var sets: [RecordSet] = []
        for family in RecordFamily.allCases {
            let records = route.answer.records(of: family)
            if records.isEmpty { continue }
            let contents = records.map { RecordSet.canonical($0.value, family.rawValue) }
            sets.append(
                RecordSet(
                    name: name, type: family.rawValue, ttl: route.answer.ttl,
                    records: Set(contents).sorted().map {
                        RecordSet.Record(content: $0, disabled: false)
                    }, comments: [mark.comment]))
        }
        if let alias = sets.first(where: { $0.type == "CNAME" }) {
            guard alias.records.count == 1 else {
                throw .refused(
                    "A name has one CNAME at most, and policy \(policyName) publishes "
                        + "\(alias.values.joined(separator: " and ")) at once.",
                    mend: "Make it a failover policy with one member in each tier.")
            }
            guard sets.count == 1 else {
                throw .refused(
                    "A name that is a CNAME has no addresses, and policy \(policyName) publishes "
                        + "both.",
                    mend: "Make two policies of it, with a name each.")
            }
        }
        return sets
    }
}

// Taking back.
extension ZoneRules {
    /// What `on_delete` asks for of what is still ours.
    ///
    /// - Parameter taken: the types that other policies publish at the name by now.
    func withdrawal(
        _ onDelete: OnDelete, taken: Set<RecordFamily> = [], from zone: Zone
    ) -> [RecordSetChange] {
        if onDelete == .leave { return [] }
        let here = recordSets(in: zone)
        func isOurs(_ set: RecordSet) -> Bool {
            // What the other policies put in its place they do in one change, so that the name is
            // never without anything.
            let isTaken = taken.contains {
                $0.rawValue == set.type || $0 == .cname || set.type == "CNAME"
            }
            return owner(of: set).isThisPolicy && !isTaken
        }
        let stays = here.filter { !isOurs($0) }.map(\.type) + taken.map(\.rawValue)
        let before = onDelete == .restore ? memory?.before ?? [] : []
        // What came in its place stays, and so does what cannot stand beside it.
        let restored = before.filter { set in
            set.type == "CNAME"
                ? stays.isEmpty : !stays.contains(set.type) && !stays.contains("CNAME")
        }
        return here.filter { set in
            isOurs(set) && !restored.contains { $0.type == set.type }
        }.map(RecordSetChange.delete) + restored.map(RecordSetChange.replace(with:))
    }
}

// Comparing.
extension ZoneRules {
    /// How what the zone answers differs from a route; nil: not at all.
    func difference(from route: Route, in zone: Zone) throws(SinkError) -> SinkDifference? {
        let wanted = try wanted(route)
        let here = recordSets(in: zone)
        var sentences: [String] = []
        var isOurs = false
        for set in wanted {
            let present = here.first { $0.type == set.type }
            if let present, present.values == set.values, present.ttl == set.ttl { continue }
            sentences.append(
                "\(name) is \(present?.text ?? "without \(set.type)") instead of \(set.text)")
            switch present.map(owner) {
            case .thisPolicy(let generation?): isOurs = isOurs || generation != route.generation
            case .anotherPolicy: isOurs = true
            default: break
            }
        }
        for set in here where !wanted.contains(where: { $0.type == set.type }) {
            let owner = owner(of: set)
            guard owner.isThisPolicy else { continue }
            sentences.append("\(name) is \(set.text), which is not published any more")
            isOurs = isOurs || owner.generation != nil
        }
        if sentences.isEmpty { return nil }
        return SinkDifference(sentences.joined(separator: "; ") + ".", isOurs: isOurs)
    }
}

// Whose it is.
extension ZoneRules {
    private enum Owner: Hashable {
        /// With the generation that its comment says; nil: known from what is remembered.
        case thisPolicy(Int64?)
        /// Another one of this installation.
        case anotherPolicy
        case otherInstallation
        case nobody

        var isThisPolicy: Bool {
            if case .thisPolicy = self { true } else { false }
        }

        var generation: Int64? {
            if case .thisPolicy(let generation) = self { generation } else { nil }
        }
    }

    private func owner(of set: RecordSet) -> Owner {
        if let mark = OwnerMark(of: set) {
            if mark.installation != installation { return .otherInstallation }
            return mark.policy == policy ? .thisPolicy(mark.generation) : .anotherPolicy
        }
        return memory?.types.contains(set.type) == true ? .thisPolicy(nil) : .nobody
    }

    private func recordSets(in zone: Zone) -> [RecordSet] {
        (zone.recordSets ?? []).filter { $0.name.lowercased() == name }
            .sorted { $0.type < $1.type }
    }
}

// What is refused.
extension ZoneRules {
    /// What would go wrong with any change of this zone.
    func refuseZone(_ zone: Zone) throws(SinkError) {
        if zone.isSecondary {
            let primaries = (zone.masters ?? []).joined(separator: ", ")
            throw .refused(
                "The zone \(zone.name) is a secondary here: it is a copy of "
                    + "\(primaries.isEmpty ? "its primary" : primaries), and what is written to it "
                    + "is lost.",
                mend: "Let the sink's url be its primary's API.")
        }
        guard ["Native", "Master", "Primary", "Producer"].contains(zone.kind) else {
            throw .refused(
                "The zone \(zone.name) is of the kind \(zone.kind), not Native or Master.")
        }
        if zone.hasSecondaries, zone.soaEditAPI?.isEmpty ?? true {
            throw .refused(
                "The serial of the zone \(zone.name) does not rise when it is changed through the "
                    + "API, so that its secondaries would never follow.",
                mend: "pdnsutil set-meta \(zone.name) SOA-EDIT-API DEFAULT")
        }
    }

    /// What another installation wrote stays, and the name of a zone itself cannot be an alias.
    private func refuse(
        _ here: [RecordSet], for wanted: [RecordSet], in zone: Zone
    ) throws(SinkError) {
        for set in here where owner(of: set) == .otherInstallation {
            if wanted.contains(where: { $0.type == set.type || $0.type == "CNAME" })
                || set.type == "CNAME"
            {
                throw refusalOfOther(set, in: zone)
            }
        }
        if name == zone.name.lowercased(), wanted.contains(where: { $0.type == "CNAME" }) {
            throw .refused(
                "\(name) is the zone itself, whose SOA and NS records no CNAME can stand beside.",
                mend: "Let policy \(policyName) publish addresses there, or another name.")
        }
    }

    private func refusalOfOther(_ set: RecordSet, in zone: Zone) -> SinkError {
        let mark = OwnerMark(of: set)
        return .refused(
            "\(name) \(set.type) belongs to the policy \(mark?.policyName ?? "") of another "
                + "installation, \(mark?.installation ?? ""), as its comment says.",
            mend: "Take it out of there; where that installation is no more: "
                + removal(of: set, in: zone))
    }

    private func refusalOfForeign(_ set: RecordSet, in zone: Zone) -> SinkError {
        .refused(
            "\(name) is \(set.text) already, which Health Worker did not write.",
            mend: "Write adopt: true where the policy publishes it to take it over, or "
                + removal(of: set, in: zone))
    }

    private func refusalOfConflict(
        _ set: RecordSet, in zone: Zone, wantsCNAME: Bool
    ) -> SinkError {
        let canAdopt = Self.types.contains(set.type)
        return .refused(
            wantsCNAME
                ? "\(name) is \(set.text), beside which there can be no CNAME."
                : "\(name) is \(set.text), beside which there can be no address.",
            mend: (canAdopt
                ? "Write adopt: true where the policy publishes it to replace that, or " : "")
                + removal(of: set, in: zone))
    }

    /// The command that takes a record set away; it takes the name without that of the zone.
    private func removal(of set: RecordSet, in zone: Zone) -> String {
        let suffix = "." + zone.name
        let label = name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : "@"
        return "pdnsutil delete-rrset \(zone.name) \(label) \(set.type)"
    }
}

extension RecordSet {
    /// One spelling for values that are the same.
    static func canonical(_ content: String, _ type: String) -> String {
        switch type {
        case "A", "AAAA": IPAddress(content)?.description ?? content
        case "CNAME":
            content.lowercased().hasSuffix(".") ? content.lowercased() : content.lowercased() + "."
        default: content
        }
    }
}
