import HealthWorkerModel

extension Schema {
    package static let policy = Schema.object([
        Property("name", .name.described("The handle, unique among policies."), isRequired: true),
        Property("renamed_from", .renamedFrom, role: .written),
        Property(
            "description",
            .text(length: 0...1024).standing(at: .string("")).described("For people.")),
        Property("labels", .reference("Labels")),
        Property(
            "type",
            .choice(of: PolicyType.self).described(
                "simple: all enabled members, always. failover: the first tier with enough healthy "
                    + "members. detach: every healthy member."
            ).shown(as: .string("failover")), isRequired: true),
        Property(
            "mode",
            .choice(of: PolicyMode.self).standing(at: .string("live")).described(
                "observe: decide, compare with the sink, report, and write nothing there.")),
        Property("member_check", .reference("MemberCheck").nullable),
        Property(
            "members",
            .list(of: .reference("Member"), count: 1...1000).shown(
                as: .array([
                    .object([
                        "name": .string("fra1"), "value": .string("192.0.2.10"),
                        "priority": .integer(10),
                    ])
                ])), isRequired: true),
        Property(
            "min_healthy",
            .integer(1...1000).standing(at: .integer(1)).described(
                "How many healthy members a family, and a tier of failover, needs.")),
        Property(
            "failback",
            .choice(of: Return.self).standing(at: .string("auto")).described(
                "How a better tier comes back (failover).")),
        Property(
            "failback_delay",
            .timeSpan(.seconds(0) ... .hours(168)).standing(at: .string("5m")).described(
                "How long the better tier must have been healthy, at most 7d.")),
        Property(
            "reattach",
            .choice(of: Return.self).standing(at: .string("auto")).described(
                "How a member comes back (detach).")),
        Property(
            "reattach_delay",
            .timeSpan(.seconds(0) ... .hours(168)).standing(at: .string("30s")).described(
                "How long the member must have been healthy, at most 7d.")),
        Property(
            "on_all_unhealthy",
            .choice(of: AllUnhealthy.self).nullable.described(
                "What is published while too few are healthy: by default primary for failover, all "
                    + "for detach."
            ).shown(as: .string("last"))),
        Property(
            "fallback",
            .list(of: .text(.recordValue, length: 1...254), count: 0...100, isUnique: true)
                .described("Values for `on_all_unhealthy: fallback`.").shown(
                    as: .array([.string("203.0.113.10")]))),
        Property(
            "ttl",
            .integer(1...86_400).standing(at: .integer(30)).described("Seconds.")),
        Property(
            "ttl_degraded",
            .integer(1...86_400).nullable.described(
                "Seconds while any member is out; by default `ttl`."
            ).shown(as: .integer(10))),
        Property("publish", .list(of: .reference("Publication"), count: 0...32)),
        Property("observed", .observed, role: .observed),
    ]).described("How members are published.").shown(
        as: .object([
            "name": .string("acme-www"), "type": .string("failover"),
            "members": .array([
                .object([
                    "name": .string("fra1"), "value": .string("192.0.2.10"),
                    "priority": .integer(10), "check": .string("acme-fra1"),
                ]),
                .object([
                    "name": .string("ams1"), "value": .string("198.51.100.10"),
                    "priority": .integer(20), "check": .string("acme-ams1"),
                ]),
            ]),
            "publish": .array([
                .object(["sink": .string("dns"), "name": .string("www.example.com")])
            ]),
        ]))

    static let member = Schema.object([
        Property("name", .name.described("Unique within the policy."), isRequired: true),
        Property(
            "value",
            .text(.recordValue, length: 1...254).described(
                "What is published: an IPv4 address, an IPv6 address, a DNS name (CNAME), or a text in "
                    + "double quotes (TXT)."
            ).shown(as: .string("192.0.2.10")), isRequired: true),
        Property(
            "priority",
            .integer(0...65_535).nullable.described(
                "Its tier: lower is preferred, equal is the same tier. Failover needs it."
            ).shown(as: .integer(10))),
        Property(
            "weight",
            .integer(0...65_535).standing(at: .integer(1)).described(
                "Its share among those published together.")),
        Property("labels", .reference("Labels")),
        Property(
            "check",
            .name.nullable.described(
                "The check that says whether it is healthy; by default that of `member_check`.")),
        Property(
            "enabled",
            .boolean.standing(at: .bool(true)).described("False: never published.")),
        Property("observed", .observed, role: .observed),
    ]).described("One value under a policy.").shown(
        as: .object([
            "name": .string("fra1"), "value": .string("192.0.2.10"), "priority": .integer(10),
        ]))

    static let publication = Schema.object([
        Property(
            "sink", .name.described("The name of a sink.").shown(as: .string("dns")),
            isRequired: true),
        Property(
            "name",
            .text(.publishedName, length: 1...254).shown(as: .string("www.example.com")),
            isRequired: true),
        Property(
            "adopt",
            .boolean.standing(at: .bool(false)).described(
                "Whether values that are not ours may be taken over.")),
        Property(
            "drift",
            .choice(of: Drift.self).standing(at: .string("mend")).described(
                "What happens when the sink holds something else.")),
        Property(
            "on_delete",
            .choice(of: OnDelete.self).standing(at: .string("leave")).described(
                "What the sink holds after the policy is deleted.")),
    ]).described("Where a route goes: a name at a sink.").shown(
        as: .object(["sink": .string("dns"), "name": .string("www.example.com")]))

    /// A check whose name and target's host come from each member.
    static let memberCheck = check.removing(["name", "renamed_from", "observed"])
        .with(Property("target", .reference("MemberTarget")))
        .described(
            "The check of each member that names none. It is called POLICY.MEMBER, and its target's "
                + "host is the member's value: what is probed is what is published."
        ).shown(
            as: .object([
                "type": .string("https"),
                "http": .object([
                    "host": .string("www.example.com"), "path": .string("/health"),
                ]),
            ]))
}
