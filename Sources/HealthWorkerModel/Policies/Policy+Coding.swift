// The wire form of a policy is the document's: snake_case, times as strings, TTLs as seconds.

extension PolicySpec: Codable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case name, description, labels, type, mode
        case memberCheck = "member_check"
        case members
        case minHealthy = "min_healthy"
        case failback
        case failbackDelay = "failback_delay"
        case reattach
        case reattachDelay = "reattach_delay"
        case onAllUnhealthy = "on_all_unhealthy"
        case fallback, ttl
        case ttlDegraded = "ttl_degraded"
        case publish
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try container.decode(String.self, forKey: .name),
            description: try container.decodeIfPresent(String.self, forKey: .description) ?? "",
            labels: try container.decodeIfPresent([String: String].self, forKey: .labels) ?? [:],
            type: try container.decode(PolicyType.self, forKey: .type),
            mode: try container.decodeIfPresent(PolicyMode.self, forKey: .mode) ?? .live,
            memberCheck: try container.decodeIfPresent(JSONValue.self, forKey: .memberCheck),
            members: try container.decode([Member].self, forKey: .members),
            minHealthy: try container.decodeIfPresent(Int.self, forKey: .minHealthy) ?? 1,
            failback: try container.decodeIfPresent(Return.self, forKey: .failback) ?? .auto,
            failbackDelay: try container.decodeIfPresent(TimeSpan.self, forKey: .failbackDelay)
                ?? .minutes(5),
            reattach: try container.decodeIfPresent(Return.self, forKey: .reattach) ?? .auto,
            reattachDelay: try container.decodeIfPresent(TimeSpan.self, forKey: .reattachDelay)
                ?? .seconds(30),
            onAllUnhealthy: try container.decodeIfPresent(
                AllUnhealthy.self, forKey: .onAllUnhealthy),
            fallback: try container.decodeIfPresent([String].self, forKey: .fallback) ?? [],
            ttl: try container.decodeIfPresent(Int.self, forKey: .ttl) ?? 30,
            ttlDegraded: try container.decodeIfPresent(Int.self, forKey: .ttlDegraded),
            publish: try container.decodeIfPresent([Publication].self, forKey: .publish) ?? [])
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        if !description.isEmpty { try container.encode(description, forKey: .description) }
        if !labels.isEmpty { try container.encode(labels, forKey: .labels) }
        try container.encode(type, forKey: .type)
        try container.encode(mode, forKey: .mode)
        try container.encodeIfPresent(memberCheck, forKey: .memberCheck)
        try container.encode(members, forKey: .members)
        try container.encode(minHealthy, forKey: .minHealthy)
        try container.encode(failback, forKey: .failback)
        try container.encode(failbackDelay, forKey: .failbackDelay)
        try container.encode(reattach, forKey: .reattach)
        try container.encode(reattachDelay, forKey: .reattachDelay)
        try container.encodeIfPresent(onAllUnhealthy, forKey: .onAllUnhealthy)
        if !fallback.isEmpty { try container.encode(fallback, forKey: .fallback) }
        try container.encode(ttl, forKey: .ttl)
        try container.encodeIfPresent(ttlDegraded, forKey: .ttlDegraded)
        if !publish.isEmpty { try container.encode(publish, forKey: .publish) }
    }
}

extension Member: Codable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case name, value, priority, weight, labels, check
        case isEnabled = "enabled"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try container.decode(String.self, forKey: .name),
            value: try container.decode(String.self, forKey: .value),
            priority: try container.decodeIfPresent(Int.self, forKey: .priority),
            weight: try container.decodeIfPresent(Int.self, forKey: .weight) ?? 1,
            labels: try container.decodeIfPresent([String: String].self, forKey: .labels) ?? [:],
            check: try container.decodeIfPresent(String.self, forKey: .check),
            isEnabled: try container.decodeIfPresent(Bool.self, forKey: .isEnabled) ?? true)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(value, forKey: .value)
        try container.encodeIfPresent(priority, forKey: .priority)
        try container.encode(weight, forKey: .weight)
        if !labels.isEmpty { try container.encode(labels, forKey: .labels) }
        try container.encodeIfPresent(check, forKey: .check)
        try container.encode(isEnabled, forKey: .isEnabled)
    }
}

extension Publication: Codable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case sink, name, adopt, drift
        case onDelete = "on_delete"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            sink: try container.decode(String.self, forKey: .sink),
            name: try container.decode(String.self, forKey: .name),
            adopt: try container.decodeIfPresent(Bool.self, forKey: .adopt) ?? false,
            drift: try container.decodeIfPresent(Drift.self, forKey: .drift) ?? .mend,
            onDelete: try container.decodeIfPresent(OnDelete.self, forKey: .onDelete) ?? .leave)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(sink, forKey: .sink)
        try container.encode(name, forKey: .name)
        try container.encode(adopt, forKey: .adopt)
        try container.encode(drift, forKey: .drift)
        try container.encode(onDelete, forKey: .onDelete)
    }
}
