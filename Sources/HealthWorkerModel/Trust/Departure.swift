/// A member that left by itself because of its health, or is about to.
package struct Departure: Hashable, Sendable {
    package var policy: PolicyID
    package var member: String
    /// The turn that it leaves for. Turns are numbered as they are stored.
    package var change: HealthChangeID
    /// Whether the turn was confirmed from a second location.
    package var isConfirmed: Bool
    /// False: it is published, and about to leave or held.
    package var hasLeft: Bool
    /// Whether another one, a standby, is published in its place.
    package var isReplaced: Bool

    package init(
        policy: PolicyID, member: String, change: HealthChangeID, isConfirmed: Bool, hasLeft: Bool,
        isReplaced: Bool = false
    ) {
        self.policy = policy
        self.member = member
        self.change = change
        self.isConfirmed = isConfirmed
        self.hasLeft = hasLeft
        self.isReplaced = isReplaced
    }
}

extension [Departure] {
    /// How many members were published before these left, where `published` are now.
    package func publishedBefore(_ published: Int) -> Int {
        published + count { $0.hasLeft && !$0.isReplaced }
    }
}

extension MemberVerdict {
    /// Whether a member that has turned unhealthy since this line was written is about to leave, or is
    /// held. One that is published for another reason than its health, or for want of a better one,
    /// leaves for no turn.
    package var leavesWithItsHealth: Bool {
        guard isPublished else { return false }
        return switch reason {
        case .healthy, .carriedOver, .coldStart, .previousStays, .held: true
        default: false
        }
    }
}
