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
        var changes: [RecordSetChange]
        var memory: PowerDNSMemory
    }

    static let types = ["A", "AAAA", "CNAME"]
}

/// What the sink remembers of a publication.
struct PowerDNSMemory: Hashable, Sendable, Codable {
    /// The types of the record sets that were written.
    var types: [String] = []
    /// What was there before and was taken over, for `on_delete: restore`.
    var before: [RecordSet] = []
}

// Publishing.
extension ZoneRules {
    /// What makes the zone hold a route.
    ///
    /// A later generation that is there already stays: this delivery is late.
    func writing(_ route: Route, to zone: Zone) throws(SinkError) -> Writing {
        try refuseZone(zone)
        let wanted = try wanted(route)
        let here = recordSets(in: zone)
        var memory = memory ?? PowerDNSMemory()
        var changes: [RecordSetChange] = []

        for set in here where owner(of: set) == .otherInstallation {
            if wanted.contains(where: { $0.type == set.type || $0.type == "CNAME" })
                || set.type == "CNAME"
            {
                throw refusalOfOther(set, in: zone)
            }
        }
        for set in wanted {
            guard let present = here.first(where: { $0.type == set.type }) else {
                changes.append(.replace(with: set))
                continue
            }
            switch owner(of: present) {
            case .us(let generation):
                if let generation, generation > route.generation {
                    return Writing(changes: [], memory: memory)
                }
                if present.values == set.values, present.ttl == set.ttl, generation != nil {
                    continue
                }
            case .nobody:
                if present.values != set.values {
                    guard adopts else { throw refusalOfForeign(present, in: zone) }
                    memory.before.append(present)
                }
            case .otherInstallation:
                break  // Refused above.
            }
            changes.append(.replace(with: set))
        }
        // In this order: PowerDNS carries them out one after the other, and refuses an address beside
        // an alias that is still there.
        changes = try clearing(the: here, for: wanted, in: zone, &memory) + changes
        memory.types = wanted.map(\.type)
        return Writing(changes: changes, memory: memory)
    }

    /// Takes away what is ours and not wanted any more, and what cannot stand beside a CNAME.
    private func clearing(
        the here: [RecordSet], for wanted: [RecordSet], in zone: Zone,
        _ memory: inout PowerDNSMemory
    ) throws(SinkError) -> [RecordSetChange] {
        var changes: [RecordSetChange] = []
        let wantsCNAME = wanted.contains { $0.type == "CNAME" }
        for set in here where !wanted.contains(where: { $0.type == set.type }) {
            if isOfThisPolicy(set) {
                changes.append(.delete(set))
                continue
            }
            let isInTheWay = !wanted.isEmpty && (wantsCNAME || set.type == "CNAME")
            guard isInTheWay else { continue }
            guard adopts, Self.types.contains(set.type), owner(of: set) == .nobody else {
                throw refusalOfConflict(set, in: zone, wantsCNAME: wantsCNAME)
            }
            memory.before.append(set)
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
    func withdrawal(_ onDelete: OnDelete, from zone: Zone) -> [RecordSetChange] {
        if onDelete == .leave { return [] }
        let here = recordSets(in: zone)
        let ours = here.filter { isOfThisPolicy($0) }
        let before = onDelete == .restore ? memory?.before ?? [] : []
        let restored = before.filter { set in
            !here.contains { $0.type == set.type && !isOfThisPolicy($0) }
        }
        return ours.filter { set in !restored.contains { $0.type == set.type } }
            .map(RecordSetChange.delete) + restored.map(RecordSetChange.replace(with:))
    }
}

// Comparing.
extension ZoneRules {
    /// How what the zone answers differs from a route; nil: not at all.
    func difference(from route: Route, in zone: Zone) throws(SinkError) -> String? {
        let wanted = try wanted(route)
        let here = recordSets(in: zone)
        var differences: [String] = []
        for set in wanted {
            let present = here.first { $0.type == set.type }
            if let present, present.values == set.values, present.ttl == set.ttl { continue }
            differences.append(
                "\(name) is \(present?.text ?? "without \(set.type)") instead of \(set.text)")
        }
        for set in here
        where !wanted.contains(where: { $0.type == set.type }) && isOfThisPolicy(set) {
            differences.append("\(name) is \(set.text), which is not published any more")
        }
        return differences.isEmpty ? nil : differences.joined(separator: "; ") + "."
    }
}

// Whose it is.
extension ZoneRules {
    private enum Owner: Hashable {
        /// With the generation that its comment says.
        case us(Int64?)
        case otherInstallation
        case nobody
    }

    private func owner(of set: RecordSet) -> Owner {
        if let mark = OwnerMark(of: set) {
            return mark.installation == installation ? .us(mark.generation) : .otherInstallation
        }
        return memory?.types.contains(set.type) == true ? .us(nil) : .nobody
    }

    private func isOfThisPolicy(_ set: RecordSet) -> Bool {
        if let mark = OwnerMark(of: set) {
            return mark.installation == installation && mark.policy == policy
        }
        return memory?.types.contains(set.type) == true
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
