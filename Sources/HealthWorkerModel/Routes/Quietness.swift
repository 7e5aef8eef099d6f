/// Why an `event` sink is not told that a member came or went. Nothing else is affected by it: neither
/// health, nor the route, nor sinks that hold a state.
package enum QuietReason: String, Hashable, Sendable, Codable, CaseIterable {
    /// The member is in maintenance, or comes back from it.
    case maintenance
    /// It takes over for members in maintenance, or gives way to them again.
    case standIn = "stand_in"
    /// Its check turned unhealthy while one that it depends on is.
    case explained
}

/// Why nothing of a step from one route to the next is told.
package struct Quietness: Hashable, Sendable {
    /// By member: all that came, went or changed.
    package var reasons: [String: QuietReason]

    /// Nil: something in the step is to be told, and then all of it is.
    ///
    /// What speaks for silence was found when `route` was decided, and is in its lines.
    package init?(of route: Route, after before: Route?) {
        guard let before else { return nil }
        let changed = route.answer.namesOfOthers(than: before.answer)
        let lines = Dictionary(
            route.members.compactMap { line in line.quiet.map { (line.name, $0) } },
            uniquingKeysWith: { first, _ in first })
        let reasons = lines.filter { changed.contains($0.key) }
        // A step without members is one of the TTL, or the same route once more.
        guard !changed.isEmpty, reasons.count == changed.count else { return nil }
        self.reasons = reasons
    }
}

extension Quietness: CustomStringConvertible {
    package var description: String {
        reasons.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.rawValue)" }
            .joined(separator: ", ")
    }
}

extension Answer {
    /// The members that are in only one of both, or another record in one than in the other.
    func namesOfOthers(than other: Answer) -> Set<String> {
        Set(Set(records).symmetricDifference(other.records).map(\.name))
    }
}

extension PolicyEvaluation {
    /// The lines, with what speaks against telling of those that come or go with this answer.
    ///
    /// A check that depends on an unhealthy one explains why its member leaves, and never why one comes
    /// back. Who stands in is explained by maintenance alone: that is planned, an outage is not.
    static func quieted(
        _ members: [MemberVerdict], answer: Answer, memory: RouteMemory, inputs: Inputs
    ) -> [MemberVerdict] {
        guard let previous = inputs.previous else { return members }
        let before = Dictionary(
            previous.members.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var members = members
        for index in members.indices
        where isBackLater(members[index], before[members[index].name], memory, inputs) {
            members[index].flags.append(.afterMaintenance)
        }

        let changed = answer.namesOfOthers(than: previous.answer)
        guard !changed.isEmpty else { return members }
        let old = Set(previous.answer.records.map(\.name))
        let new = Set(answer.records.map(\.name))
        var families: Set<RecordFamily> = []
        for index in members.indices where changed.contains(members[index].name) {
            let line = members[index]
            let isIn = new.contains(line.name) && !old.contains(line.name)
            if line.maintenance != nil || (isIn && before[line.name]?.isOfMaintenance == true) {
                members[index].quiet = .maintenance
                families.insert(line.family)
            } else if !new.contains(line.name), line.reason == .unhealthy, line.explainedBy != nil {
                members[index].quiet = .explained
            }
        }
        for index in members.indices
        where changed.contains(members[index].name) && members[index].quiet == nil
            && families.contains(members[index].family)
        {
            let line = members[index]
            let stoodBy = before[line.name].map { $0.reason == .standby || $0.reason == .notChosen }
            let takesOver = new.contains(line.name) && stoodBy == true
            let givesWay = !new.contains(line.name) && line.reason == .standby
            if takesOver || givesWay { members[index].quiet = .standIn }
        }
        return members
    }

    /// Whether a member is healthy after its maintenance and only waits for its tier's failback. One whose
    /// tier left because of its health comes back like any other.
    private static func isBackLater(
        _ line: MemberVerdict, _ before: MemberVerdict?, _ memory: RouteMemory, _ inputs: Inputs
    ) -> Bool {
        guard line.reason == .failbackDelay, line.maintenance == nil,
            before?.isOfMaintenance == true,
            let member = inputs.policy.spec.members.first(where: { $0.name == line.name })
        else { return false }
        let tier = memoryKey(ofTier: member.priority ?? 0, in: line.family)
        return memory.leftAt[tier] == nil
    }
}

extension MemberVerdict {
    /// Whether it is in maintenance, or out since.
    fileprivate var isOfMaintenance: Bool {
        maintenance != nil || flags.contains(.afterMaintenance)
    }
}
