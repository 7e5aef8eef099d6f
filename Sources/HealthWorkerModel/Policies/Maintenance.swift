/// A window in which the members that a selector means are drained, and nobody is woken for it. Their
/// health is measured all the same.
///
/// It is asked of the policies as they stand: a member that comes to match during the window is meant,
/// too.
package struct Maintenance: Hashable, Sendable {
    package var id: MaintenanceID
    /// Of members by their labels; those of their policy count for each of them.
    package var selector: LabelSelector
    /// The sets whose policies are meant: those that whoever ordered it may write; nil: all.
    package var sets: [String]?
    package var startsAt: Timestamp
    package var endsAt: Timestamp
    package var reason: String
    package var actor: String
    package var createdAt: Timestamp
    /// Whether it may leave a family without a healthy published member.
    package var breakGlass: Bool

    package init(
        id: MaintenanceID, selector: LabelSelector, sets: [String]? = nil, startsAt: Timestamp,
        endsAt: Timestamp, reason: String, actor: String, createdAt: Timestamp,
        breakGlass: Bool = false
    ) {
        self.id = id
        self.selector = selector
        self.sets = sets
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.reason = reason
        self.actor = actor
        self.createdAt = createdAt
        self.breakGlass = breakGlass
    }

    /// One that is longer is no maintenance: the members should leave the policy.
    package static let longest: Duration = .hours(24 * 30)
    /// So many that are not over there may be: each evaluation of a policy reads all of them.
    package static let most = 500

    package func state(at moment: Timestamp) -> MaintenanceState {
        if moment < startsAt { return .upcoming }
        return moment < endsAt ? .active : .past
    }

    package func isActive(at moment: Timestamp) -> Bool { state(at: moment) == .active }

    /// Whether both take place at some moment.
    package func overlaps(_ other: Maintenance) -> Bool {
        startsAt < other.endsAt && other.startsAt < endsAt
    }

    package func means(_ member: Member, of policy: Policy) -> Bool {
        isAbout(policy) && selector.admits(policy.spec.labels(of: member))
    }

    /// Whether any member of the policy is meant.
    package func concerns(_ policy: Policy) -> Bool {
        isAbout(policy)
            && policy.spec.members.contains { selector.admits(policy.spec.labels(of: $0)) }
    }

    private func isAbout(_ policy: Policy) -> Bool {
        guard let sets else { return true }
        return policy.set.map(sets.contains) ?? false
    }
}

package enum MaintenanceState: String, Hashable, Sendable, Codable, CaseIterable {
    case active
    case upcoming
    case past
}

/// The maintenance that a member is in, as its policy's route tells it.
package struct MemberMaintenance: Hashable, Sendable, Codable {
    package var id: MaintenanceID
    package var until: Timestamp
    package var reason: String

    package init(_ maintenance: Maintenance) {
        id = maintenance.id
        until = maintenance.endsAt
        reason = maintenance.reason
    }
}
