/// What we hold a check's target to be.
package enum Health: String, Hashable, Sendable, Codable, CaseIterable {
    case unknown
    case healthy
    case unhealthy
}

/// The row of what is held of a check, as a claim hands it out.
///
/// It is exact while the claimed job lives: there is one live job per check, and a row only moves in
/// the completion that ends a job, or with a new epoch.
package struct HealthState: Hashable, Sendable {
    package var epoch: Int64
    package var health: Health
    /// When `health` last turned.
    package var since: Timestamp
    /// What is counted towards the other health: failures in a row while healthy or unknown,
    /// successes in a row while unhealthy. Never negative.
    package var inARow: Int
    /// When the row that is being counted began.
    package var runSince: Timestamp?
    /// The worker whose outcome began the row that is being counted.
    package var runWorker: ProcessID?
    /// Whether a second worker contributed to the row that is being counted.
    package var isCorroborated: Bool
    /// Since when probes have said nothing about the target; nil after a conclusive outcome.
    package var inconclusiveSince: Timestamp?
    /// The last turn; nil for a check that never turned.
    package var change: HealthChangeID?

    package init(
        epoch: Int64, health: Health = .unknown, since: Timestamp, inARow: Int = 0,
        runSince: Timestamp? = nil, runWorker: ProcessID? = nil, isCorroborated: Bool = false,
        inconclusiveSince: Timestamp? = nil, change: HealthChangeID? = nil
    ) {
        self.epoch = epoch
        self.health = health
        self.since = since
        self.inARow = inARow
        self.runSince = runSince
        self.runWorker = runWorker
        self.isCorroborated = isCorroborated
        self.inconclusiveSince = inconclusiveSince
        self.change = change
    }
}

extension HealthState {
    /// What is counted, signed, continued by one more conclusive outcome or begun anew by it.
    package func run(endingInSuccess isSuccess: Bool) -> Int {
        let before = health == .unhealthy ? inARow : -inARow
        return isSuccess ? max(before, 0) + 1 : min(before, 0) - 1
    }
}

/// The moment health turned, and why.
package struct HealthTurn: Hashable, Sendable {
    package var from: Health
    package var to: Health
    package var cause: TurnCause
    /// Why the outcome that turned it was no success; nil where it was one.
    package var reason: Reason?
    /// Whether the outcome that turned it came from another location than the one that began the row.
    package var isConfirmedElsewhere: Bool
    /// When the first of the outcomes in a row came that turned it; nil where none did.
    package var noticedAt: Timestamp?

    package init(
        from: Health, to: Health, cause: TurnCause, reason: Reason? = nil,
        isConfirmedElsewhere: Bool = false, noticedAt: Timestamp? = nil
    ) {
        self.from = from
        self.to = to
        self.cause = cause
        self.reason = reason
        self.isConfirmedElsewhere = isConfirmedElsewhere
        self.noticedAt = noticedAt
    }
}

package enum TurnCause: String, Hashable, Sendable, Codable, CaseIterable {
    /// The first conclusive success of an unknown check.
    case firstSuccess = "first_success"
    case fall
    case rise
    /// `fall` + 2 failures although no second worker saw one.
    case uncorroborated
    /// Target, type or request edited: nothing is known of the new one.
    case edited
    /// Enabled again after a pause.
    case enabled
}
