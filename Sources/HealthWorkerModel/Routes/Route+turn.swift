extension Route {
    /// The turn of a member's health that a route answers.
    package struct Turn: Hashable, Sendable {
        package var member: String
        package var to: Health
        /// When the first of the outcomes in a row came that turned it.
        package var noticedAt: Timestamp?
        package var turnedAt: Timestamp

        package init(member: String, to: Health, noticedAt: Timestamp?, turnedAt: Timestamp) {
            self.member = member
            self.to = to
            self.noticedAt = noticedAt
            self.turnedAt = turnedAt
        }
    }

    /// The last turn before the decision that its cause speaks of; nil where no health caused it.
    package var turn: Turn? {
        let to: Health
        switch cause {
        case .failover, .detached, .allUnhealthy: to = .unhealthy
        case .failback, .reattached, .recovered: to = .healthy
        case .first, .edited, .override, .maintenance, .health: return nil
        }
        var last: Turn?
        for member in members where member.measured == to {
            // Who came back is in; a healthy one that is out waits or stands by.
            guard let since = member.since, to == .unhealthy || member.isPublished,
                since <= decidedAt, last.map({ $0.turnedAt < since }) ?? true
            else { continue }
            last = Turn(member: member.name, to: to, noticedAt: member.noticedAt, turnedAt: since)
        }
        return last
    }
}
