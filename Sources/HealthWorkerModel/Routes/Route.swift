/// The members published now for a policy. Of two routes the one with the higher generation holds.
package struct Route: Hashable, Sendable, Codable {
    /// max(previous + 1, the storage's Unix seconds), so that it also rises past a restored backup.
    package var generation: Int64
    package var cause: RouteCause
    package var decidedAt: Timestamp
    package var answer: Answer
    /// What later decisions need to know of this one and the answer does not say.
    package var memory: RouteMemory
    /// A line for every member of the policy, in the policy's order.
    package var members: [MemberVerdict]

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case generation, cause
        case decidedAt = "decided_at"
        case answer, memory, members
    }

    package init(
        generation: Int64, cause: RouteCause, decidedAt: Timestamp, answer: Answer,
        memory: RouteMemory, members: [MemberVerdict]
    ) {
        self.generation = generation
        self.cause = cause
        self.decidedAt = decidedAt
        self.answer = answer
        self.memory = memory
        self.members = members
    }
}

/// What sinks receive: equal answers make no new generation.
package struct Answer: Hashable, Sendable, Codable {
    /// Sorted by family, then in the policy's order.
    package var records: [PublishedMember]
    /// Seconds.
    package var ttl: Int

    package init(records: [PublishedMember], ttl: Int) {
        self.records = records
        self.ttl = ttl
    }

    package func records(of family: RecordFamily) -> [PublishedMember] {
        records.filter { $0.family == family }
    }
}

package struct PublishedMember: Hashable, Sendable, Codable {
    /// The member's name; `fallback` values carry an empty one.
    package var name: String
    package var value: String
    package var weight: Int
    package var family: RecordFamily

    package init(name: String, value: String, weight: Int, family: RecordFamily) {
        self.name = name
        self.value = value
        self.weight = weight
        self.family = family
    }
}

/// Why a route is what it is, told by the most important thing that changed.
package enum RouteCause: String, Hashable, Sendable, Codable, CaseIterable {
    /// The policy's first answer.
    case first
    case edited
    /// A member turned unhealthy and left, or its tier gave way.
    case failover
    /// The better tier came back.
    case failback
    case detached
    case reattached
    /// Too few healthy members: `on_all_unhealthy` decides.
    case allUnhealthy = "all_unhealthy"
    /// Enough healthy members again.
    case recovered
    case override
    /// A maintenance began or ended.
    case maintenance
    /// A change of health, weight or TTL that none of the others names.
    case health
}

/// What is in or out, and the one reason that decided it.
package struct MemberVerdict: Hashable, Sendable, Codable {
    package var name: String
    package var value: String
    package var family: RecordFamily
    package var isPublished: Bool
    package var reason: VerdictReason
    /// What was measured; nil for a member without a check.
    package var measured: Health?
    /// What counted, after overrides and rules.
    package var effective: Health
    /// Since when the measured health holds.
    package var since: Timestamp?
    /// When the first of the outcomes in a row came that turned it so; nil where none did.
    package var noticedAt: Timestamp?
    /// What else a person should know.
    package var flags: [VerdictFlag]
    /// The one that it is in; nil: none.
    package var maintenance: MemberMaintenance?
    /// The unhealthy checks that its own unhealthy check depends on, by name; nil: none.
    package var explainedBy: [String]?
    /// Why `event` sinks are not told that it came or went with this very decision; nil: it did not, or
    /// they are. See ``Quietness``.
    package var quiet: QuietReason?

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case name, value, family
        case isPublished = "published"
        case reason, measured, effective, since
        case noticedAt = "noticed_at"
        case flags, maintenance
        case explainedBy = "explained_by"
        case quiet
    }

    package init(
        name: String, value: String, family: RecordFamily, isPublished: Bool, reason: VerdictReason,
        measured: Health?, effective: Health, since: Timestamp?, noticedAt: Timestamp? = nil,
        flags: [VerdictFlag] = [], maintenance: MemberMaintenance? = nil,
        explainedBy: [String]? = nil, quiet: QuietReason? = nil
    ) {
        self.name = name
        self.value = value
        self.family = family
        self.isPublished = isPublished
        self.reason = reason
        self.measured = measured
        self.effective = effective
        self.since = since
        self.noticedAt = noticedAt
        self.flags = flags
        self.maintenance = maintenance
        self.explainedBy = explainedBy
        self.quiet = quiet
    }
}

package enum VerdictReason: String, Hashable, Sendable, Codable, CaseIterable {
    // In.
    case healthy
    /// A simple policy publishes whatever is enabled.
    case simple
    case overriddenUp = "overridden_up"
    /// Unknown, and in the previous route.
    case carriedOver = "carried_over"
    /// Unknown, and too few are known to be healthy: a cold start must answer.
    case coldStart = "cold_start"
    /// Published by `on_all_unhealthy`, or because nothing else is left.
    case allUnhealthy = "all_unhealthy"
    /// Frozen: in as it was.
    case frozen
    /// An edited member's old value stays until its first conclusive outcome.
    case previousStays = "previous_stays"
    /// Unhealthy, and in as it was: too many turned at once, see ``Hold``.
    case held

    // Out.
    case unhealthy
    case disabled
    case overriddenDown = "overridden_down"
    case drained
    /// In maintenance, see ``MemberVerdict/maintenance``.
    case maintenance
    /// Healthy, and another tier is published.
    case standby
    /// A better tier's member, healthy, whose failback delay is not over.
    case failbackDelay = "failback_delay"
    /// A better tier's member, healthy, that waits for an operator.
    case failbackByHand = "failback_by_hand"
    case reattachDelay = "reattach_delay"
    case reattachByHand = "reattach_by_hand"
    /// Not probed yet, and others can serve.
    case unknown
    /// A policy, or a family, without a route waits until every member has a health, at most 30 s.
    case waiting
    /// Healthy, but with too few others: another tier, or `on_all_unhealthy`, decides.
    case notChosen = "not_chosen"
    /// Frozen: out as it was.
    case frozenOut = "frozen_out"
}

package enum VerdictFlag: String, Hashable, Sendable, Codable, CaseIterable {
    /// No check watches it.
    case unwatched
    /// Its check is paused: its health is the last one.
    case paused
    /// Its delays are doubled because it came back often.
    case flapping
    /// Its value, target or request was edited and nothing is known of the new one.
    case edited
    /// Its maintenance is over, and only its tier's delay keeps it out.
    case afterMaintenance = "after_maintenance"
}

/// What later decisions need to know of this one.
package struct RouteMemory: Hashable, Sendable, Codable {
    /// Members (detach) or tiers (failover, `tier:FAMILY:PRIORITY`) that left because of their
    /// health, with the moment they left.
    package var leftAt: [String: Timestamp]
    /// The moments at which each of these came back, within the last two hours: those of the hour
    /// before a member or tier turned healthy double its delay.
    package var returns: [String: [Timestamp]]
    /// When the policy began to wait for its first answer.
    package var waitingSince: Timestamp?
    /// Members that are published although they turned unhealthy, by name; nil: none.
    package var holds: [String: Hold]?
    /// Members that left by themselves because of their health and are out since, by name, with the
    /// moment; nil: none.
    package var removedAt: [String: Timestamp]?

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case leftAt = "left_at"
        case returns
        case waitingSince = "waiting_since"
        case holds
        case removedAt = "removed_at"
    }

    package init(
        leftAt: [String: Timestamp] = [:], returns: [String: [Timestamp]] = [:],
        waitingSince: Timestamp? = nil, holds: [String: Hold]? = nil,
        removedAt: [String: Timestamp]? = nil
    ) {
        self.leftAt = leftAt
        self.returns = returns
        self.waitingSince = waitingSince
        self.holds = holds
        self.removedAt = removedAt
    }
}
