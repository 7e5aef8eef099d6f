/// An operator's word over measured health, for one member of one policy.
package struct Override: Hashable, Sendable {
    package var id: OverrideID
    package var policy: PolicyID
    package var member: String
    package var word: OverrideWord
    package var reason: String
    /// Who said it.
    package var actor: String
    package var createdAt: Timestamp
    /// When it ends by itself; nil: permanent.
    package var until: Timestamp?
    /// Whether it may leave a family without a healthy published member.
    package var breakGlass: Bool

    package init(
        id: OverrideID, policy: PolicyID, member: String, word: OverrideWord, reason: String,
        actor: String, createdAt: Timestamp, until: Timestamp?, breakGlass: Bool = false
    ) {
        self.id = id
        self.policy = policy
        self.member = member
        self.word = word
        self.reason = reason
        self.actor = actor
        self.createdAt = createdAt
        self.until = until
        self.breakGlass = breakGlass
    }

    package func holds(at moment: Timestamp) -> Bool {
        until.map { moment < $0 } ?? true
    }
}

package enum OverrideWord: String, Hashable, Sendable, Codable, CaseIterable {
    /// Healthy, whatever is measured.
    case up
    /// Out at once, and never published.
    case down
    /// Never published; consumers that can tell let sessions end.
    case drain
}

/// An operator's stop of automatic changes of one policy.
package struct Freeze: Hashable, Sendable, Codable {
    package var reason: String
    package var actor: String
    package var since: Timestamp
    package var until: Timestamp?

    package init(reason: String, actor: String, since: Timestamp, until: Timestamp?) {
        self.reason = reason
        self.actor = actor
        self.since = since
        self.until = until
    }

    package func holds(at moment: Timestamp) -> Bool {
        until.map { moment < $0 } ?? true
    }
}
