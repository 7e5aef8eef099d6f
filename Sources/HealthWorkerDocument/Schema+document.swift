import HealthWorkerModel

extension Schema {
    /// Where the API serves the schema of a whole file, for editors.
    package static let documentPath = "/schema/document.json"

    /// All schemas that have a name, for `$ref`.
    package static let components: [String: Schema] = [
        "Check": check,
        "Target": target,
        "HTTPRequest": httpRequest,
        "TLSOptions": tlsOptions,
        "TCPExchange": tcpExchange,
        "Expectation": expectation,
        "Labels": labels,
        "Policy": policy,
        "Member": member,
        "Publication": publication,
        "MemberCheck": memberCheck,
        "MemberTarget": target.removing(["host"]).described(
            "How a member is connected to; the host is its value."),
        "Document": document,
        "Defaults": defaults,
        "DocumentCheck": check.requiring(only: ["name"]).with(partialTarget),
        "DocumentPolicy": policy.requiring(only: ["name"]).with(partialMemberCheck),
        "CheckDefaults": checkDefaults,
        "PolicyDefaults": policyDefaults,
        "PartialTarget": target.requiring(),
        "PartialMemberCheck": memberCheck.requiring(),
    ]

    /// A whole file.
    ///
    /// `defaults.checks` is laid under each check and each `member_check`, `defaults.policies` under
    /// each policy of the same file: maps merge, lists replace, null takes away. So nothing but the
    /// name is required of an object in a document until the defaults are under it.
    package static let document = Schema.object([
        Property(
            "format", .constant(.integer(1)).shown(as: .integer(1)), isRequired: true),
        Property(
            "set",
            .name.nullable.described(
                "The owner of these objects: pruning deletes what is in the set and not in the "
                    + "document."
            ).shown(as: .string("shop"))),
        Property("defaults", .reference("Defaults").nullable),
        Property("checks", .list(of: .reference("DocumentCheck"), count: 0...1_000_000)),
        Property("policies", .list(of: .reference("DocumentPolicy"), count: 0...1_000_000)),
    ]).described("Checks and policies as a file.").shown(
        as: .object([
            "format": .integer(1), "set": .string("shop"),
            "checks": .array([
                .object([
                    "name": .string("shop-login"), "type": .string("https"),
                    "target": .object(["host": .string("192.0.2.10")]),
                ])
            ]),
        ]))

    static let defaults = Schema.object([
        Property("checks", .reference("CheckDefaults").nullable),
        Property("policies", .reference("PolicyDefaults").nullable),
    ]).described(
        "Laid under each object of the file: maps merge, lists replace, null takes away. What does "
            + "not fit a check's type (`tls` under an http check) is left out of it."
    ).shown(as: .object(["checks": .object(["interval": .string("30s")])]))

    static let checkDefaults = check.requiring()
        .removing(["name", "renamed_from", "observed"]).with(partialTarget)
        .described("Laid under each check and each `member_check`.")
        .shown(as: .object(["interval": .string("30s"), "timeout": .string("2s")]))

    static let policyDefaults = policy.requiring()
        .removing(["name", "renamed_from", "members", "observed"]).with(partialMemberCheck)
        .described("Laid under each policy.")
        .shown(as: .object(["ttl": .integer(60)]))

    private static let partialTarget = Property("target", .reference("PartialTarget"))
    private static let partialMemberCheck = Property(
        "member_check", .reference("PartialMemberCheck").nullable)
}
