/// What keeps a member published although it turned unhealthy: so many turned at once that whoever says
/// so may be what is broken.
package struct Hold: Hashable, Sendable, Codable {
    package var since: Timestamp
    /// When the member leaves after all; nil: when a person says so.
    package var until: Timestamp?
    /// The safety budget that is spent; nil: the guard holds.
    package var budget: String?

    package init(since: Timestamp, until: Timestamp?, budget: String? = nil) {
        self.since = since
        self.until = until
        self.budget = budget
    }

    package func holds(at moment: Timestamp) -> Bool {
        until.map { moment < $0 } ?? true
    }
}
