/// A route by which members left because of their health, and how long that took.
package struct Failover: Hashable, Sendable {
    /// Until when its time is measured.
    package enum End: String, Hashable, Sendable, CaseIterable {
        /// Until the last of its places was seen to answer with it.
        case observed
        /// Until its last place took it; none was seen.
        case applied
        /// Until it was decided; it has no place, or reached none.
        case decided
    }

    /// From when what turned a member was noticed. Nil where no turn is known.
    package var time: Duration?
    package var end: End

    package init(time: Duration?, end: End) {
        self.time = time
        self.end = end
    }
}

extension Route {
    /// The members that `previous` published and this route does not because they are unhealthy: by
    /// themselves, and not by an operator's word or edit.
    package func lost(from previous: Route) -> [String] {
        switch cause {
        case .failover, .detached, .allUnhealthy: break
        case .first, .edited, .failback, .reattached, .recovered, .override, .maintenance, .health:
            return []
        }
        let published = Set(answer.records.map(\.name))
        let unhealthy = Set(members.filter(\.isOutByItsHealth).map(\.name))
        return previous.answer.records.map(\.name).filter {
            unhealthy.contains($0) && !published.contains($0)
        }
    }
}

extension MemberVerdict {
    fileprivate var isOutByItsHealth: Bool {
        switch reason {
        case .disabled, .overriddenDown, .drained, .maintenance: false
        default: measured == .unhealthy && !isPublished
        }
    }
}
