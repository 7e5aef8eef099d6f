/// A stored policy: how members are published, and what storage adds to it.
package struct Policy: Hashable, Sendable {
    package var id: PolicyID
    /// Rises with every edit: ETag, and part of what a route was decided from.
    package var revision: Int64
    package var spec: PolicySpec
    package var set: String?
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    package init(
        id: PolicyID, revision: Int64, spec: PolicySpec, set: String? = nil, createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        self.id = id
        self.revision = revision
        self.spec = spec
        self.set = set
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// What an operator writes of a policy.
package struct PolicySpec: Hashable, Sendable {
    package var name: String
    package var description: String
    package var labels: [String: String]
    package var type: PolicyType
    package var mode: PolicyMode
    /// The check of each member that names none, as written: a check without name, whose target's
    /// host is the member's value. The document compiles it to checks named `POLICY.MEMBER`.
    package var memberCheck: JSONValue?
    package var members: [Member]
    package var minHealthy: Int
    package var failback: Return
    package var failbackDelay: TimeSpan
    package var reattach: Return
    package var reattachDelay: TimeSpan
    /// Nil: the type's own default, see ``effectiveOnAllUnhealthy``.
    package var onAllUnhealthy: AllUnhealthy?
    /// Values published by `on_all_unhealthy: fallback`.
    package var fallback: [String]
    package var ttl: Int
    /// The TTL while any member is out; nil: `ttl`.
    package var ttlDegraded: Int?
    package var publish: [Publication]

    package init(
        name: String, description: String = "", labels: [String: String] = [:], type: PolicyType,
        mode: PolicyMode = .live, memberCheck: JSONValue? = nil, members: [Member],
        minHealthy: Int = 1, failback: Return = .auto, failbackDelay: TimeSpan = .minutes(5),
        reattach: Return = .auto, reattachDelay: TimeSpan = .seconds(30),
        onAllUnhealthy: AllUnhealthy? = nil, fallback: [String] = [], ttl: Int = 30,
        ttlDegraded: Int? = nil, publish: [Publication] = []
    ) {
        self.name = name
        self.description = description
        self.labels = labels
        self.type = type
        self.mode = mode
        self.memberCheck = memberCheck
        self.members = members
        self.minHealthy = minHealthy
        self.failback = failback
        self.failbackDelay = failbackDelay
        self.reattach = reattach
        self.reattachDelay = reattachDelay
        self.onAllUnhealthy = onAllUnhealthy
        self.fallback = fallback
        self.ttl = ttl
        self.ttlDegraded = ttlDegraded
        self.publish = publish
    }

    /// As written, else `primary` for failover and `all` for detach. Simple never asks.
    package var effectiveOnAllUnhealthy: AllUnhealthy {
        onAllUnhealthy ?? (type == .failover ? .primary : .all)
    }
}

package enum PolicyType: String, Hashable, Sendable, Codable, CaseIterable {
    /// All enabled members, always.
    case simple
    /// The first tier with enough healthy members.
    case failover
    /// Every healthy member; an unhealthy one leaves alone.
    case detach
}

package enum PolicyMode: String, Hashable, Sendable, Codable, CaseIterable {
    case live
    /// Decide, compare with the sink and report; write nothing there.
    case observe
}

/// Whether members come back by themselves or by an operator's hand.
package enum Return: String, Hashable, Sendable, Codable, CaseIterable {
    case auto
    case manual
}

/// What a family publishes while fewer than `min_healthy` of its members are healthy.
package enum AllUnhealthy: String, Hashable, Sendable, Codable, CaseIterable {
    /// The first tier (failover only).
    case primary
    /// What was published last.
    case last
    case all
    case fallback
    case empty
}

/// One value under a policy.
package struct Member: Hashable, Sendable {
    package var name: String
    /// What is published: an IPv4 address, an IPv6 address, a DNS name, or a text in quotes.
    package var value: String
    /// Its tier: lower is preferred, equal is the same tier. Required by failover.
    package var priority: Int?
    /// Its share among those published together, 1 by default.
    package var weight: Int
    package var labels: [String: String]
    /// The name of the check that says whether it is healthy; nil: the policy's `member_check`, or
    /// none at all.
    package var check: String?
    /// False: never published.
    package var isEnabled: Bool

    package init(
        name: String, value: String, priority: Int? = nil, weight: Int = 1,
        labels: [String: String] = [:], check: String? = nil, isEnabled: Bool = true
    ) {
        self.name = name
        self.value = value
        self.priority = priority
        self.weight = weight
        self.labels = labels
        self.check = check
        self.isEnabled = isEnabled
    }

    package var family: RecordFamily {
        RecordFamily(of: value)
    }
}

extension PolicySpec {
    /// The check of `member`: the one it names, else the one that `member_check` makes for it.
    package func checkName(of member: Member) -> String? {
        member.check ?? (memberCheck == nil ? nil : "\(name).\(member.name)")
    }

    /// What selectors of members go by: its own labels, and those of the policy that it has not.
    package func labels(of member: Member) -> [String: String] {
        labels.merging(member.labels) { _, own in own }
    }
}

/// Members of different families never stand in for each other.
package enum RecordFamily: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    case a = "A"
    case aaaa = "AAAA"
    case cname = "CNAME"
    case txt = "TXT"

    /// - Parameter value: an address, a name, or a text in quotes.
    package init(of value: String) {
        if value.hasPrefix("\"") {
            self = .txt
            return
        }
        switch IPAddress(value) {
        case .v4?: self = .a
        case .v6?: self = .aaaa
        case nil: self = .cname
        }
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// Where a route goes: a name at a sink.
package struct Publication: Hashable, Sendable {
    package var sink: String
    /// In lower case and without the last dot: DNS names are the same either way (RFC 4343).
    package let name: String
    /// Whether values that are not ours may be taken over.
    package var adopt: Bool
    package var drift: Drift
    package var onDelete: OnDelete

    package init(
        sink: String, name: String, adopt: Bool = false, drift: Drift = .mend,
        onDelete: OnDelete = .leave
    ) {
        let lower = name.lowercased()
        self.sink = sink
        self.name = lower.hasSuffix(".") ? String(lower.dropLast()) : lower
        self.adopt = adopt
        self.drift = drift
        self.onDelete = onDelete
    }
}

package enum Drift: String, Hashable, Sendable, Codable, CaseIterable {
    case mend
    case report
}

package enum OnDelete: String, Hashable, Sendable, Codable, CaseIterable {
    case leave
    case remove
    case restore
}
