import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/overrides`
struct OverrideEndpoints {
    let backend: Backend

    private static let request = Schema.object(
        [
            Answers.optional(
                "policy", .name.described("Left out: with a selector only, members of any policy.")),
            Answers.optional("member", .name),
            Answers.optional(
                "members",
                .list(of: .name, count: 1...10_000, isUnique: true).described(
                    "Several members at once: all or none.")),
            Answers.optional(
                "selector",
                .selector.described(
                    "Members with these labels, all or none; those of the policy count for each "
                        + "of its members.")),
            Answers.required(
                "word",
                .choice(of: OverrideWord.self).described(
                    "`up`: healthy, whatever is measured. `down`: out at once. `drain`: not "
                        + "published any more.")),
            Answers.required(
                "reason", .text(length: 1...1024).shown(as: .string("Kernel update, ticket 4711"))),
            Answers.optional(
                "break_glass",
                .boolean.described(
                    "Carry it out even if it leaves a family without a healthy published member.")),
        ] + OrderEnd.properties)

    private static let filters: [Endpoint.Parameter] = [
        .query("policy", .name, "Only of this policy."),
        .query(
            "selector", .selector,
            "Only of members with these labels; those of the policy count for each of its members."),
    ]

    private static let member = Endpoint.Parameter.query(
        "member", .name, "Only of members of these names.", repeats: true)

    var all: [Endpoint] { [list, set, clear, clearSome] }

    // MARK: - The operations

    private var list: Endpoint {
        Endpoint(
            .get, "/v1/overrides", "listOverrides", tag: .overrides, role: .read,
            summary: "List the overrides that hold",
            parameters: Self.filters + [
                Self.member,
                .query("word", .choice(of: OverrideWord.self), "Only of this word."),
            ] + Listing.parameters,
            answers: Listing.answers("OverridePage", "Overrides."), problems: [.notFound]
        ) { call in
            let after = try Listing.before(call, in: "overrides") ?? 0
            let found = try await found(by: call).filter { $0.override.id.rawValue > after }
            return Listing.answer(
                call, "overrides", Array(found.prefix(Listing.limit(call) + 1)),
                position: \.override.id.description, node: Self.node)
        }
    }

    private var set: Endpoint {
        Endpoint(
            .post, "/v1/overrides", "setOverride", tag: .overrides, role: .operate,
            summary: "Say what counts for members, whatever is measured",
            description: "Members are named with their policy, or chosen by their labels from one "
                + "policy or from all; either way it is carried out for all of them or for none. "
                + "Replaces what was said of the same member. One that would leave a family "
                + "without a healthy published member is refused. Exactly one of `for`, `until` and "
                + "`permanent` says when it ends.",
            parameters: [ObjectWriting.message],
            body: Endpoint.Body(
                Self.request,
                example: .object([
                    .init("policy", .text("acme-www")), .init("member", .text("fra1")),
                    .init("word", .text("drain")),
                    .init("reason", .text("Kernel update, ticket 4711")),
                    .init("for", .text("2h")),
                ])),
            answers: [
                Endpoint.Answer(.created, "The overrides.", .reference("OverridePage"))
            ], problems: [.notFound, .conflict]
        ) { [backend] call in
            let document = try call.document
            let until = try OrderEnd.end(of: document, now: await backend.storage.now())
            let chosen = try await chosen(by: document)
            for policy in chosen.policies {
                try backend.mayWrite(call, .policy, policy.spec.name, set: policy.set)
            }
            let orders = chosen.members.mapValues { members in
                members.map { member in
                    PolicyEvaluator.OverrideOrder(
                        member: member,
                        // The schema lets no other word through.
                        word: document["word"]?.text.flatMap(OverrideWord.init) ?? .drain,
                        reason: document["reason"]?.text ?? "", until: until,
                        breakGlass: document["break_glass"]?.bool ?? false)
                }
            }
            try await backend.set(orders, pointers: chosen.pointers, call)
            var stored: [FoundOverride] = []
            for policy in chosen.policies {
                let members = Set(chosen.members[policy.id] ?? [])
                stored += try await backend.storage.overrides(of: policy.id)
                    .filter { members.contains($0.member) }
                    .map { FoundOverride(override: $0, policy: policy) }
            }
            return .json(Self.list(of: stored), status: .created)
        }
    }

    private var clear: Endpoint {
        Endpoint(
            .delete, "/v1/overrides/{id}", "clearOverride", tag: .overrides, role: .operate,
            summary: "Clear an override",
            parameters: [
                .path("id", .integer(1...Int64.max), "The override's id."), ObjectWriting.message,
            ],
            answers: [Endpoint.Answer(.noContent, "It is gone.", types: [])],
            problems: [.notFound]
        ) { [backend] call in
            let id = OverrideID(Int64(call.name("id")) ?? 0)  // the schema made sure of a number
            guard let override = try await backend.storage.override(id: id),
                let policy = try await backend.storage.policies(ids: [override.policy]).first
            else { throw ProblemDetails([.noSuchOverride(id)]) }
            try backend.mayWrite(call, .policy, policy.spec.name, set: policy.set)
            try await backend.clear(id, call)
            return Response(status: .noContent)
        }
    }

    private var clearSome: Endpoint {
        Endpoint(
            .delete, "/v1/overrides", "clearOverrides", tag: .overrides, role: .operate,
            summary: "Clear the overrides of a policy, or of members with some labels",
            description: "All of them or none. Needs `policy`, `selector` or both.",
            parameters: Self.filters + [Self.member, ObjectWriting.message],
            answers: [
                Endpoint.Answer(.ok, "Those that are gone.", .reference("OverridePage"))
            ], problems: [.notFound, .conflict]
        ) { [backend] call in
            guard call.text("policy") != nil || call.text("selector") != nil else {
                throw ProblemDetails(
                    .invalidParameter, "Name a policy, a selector or both: not all at once.",
                    errors: [
                        .init("is missing, and so is `selector`", at: .parameter("policy"))
                    ])
            }
            let found = try await found(by: call)
            guard !found.isEmpty else {
                throw ProblemDetails([
                    .nothingToDo(
                        "No override holds for such members: GET /v1/overrides (health-worker "
                            + "override list) shows those that do.")
                ])
            }
            for found in found {
                try backend.mayWrite(
                    call, .policy, found.policy.spec.name, set: found.policy.set)
            }
            try await backend.clear(found.map(\.override), call)
            return .json(Self.list(of: found))
        }
    }

    // MARK: - Who is meant

    private struct FoundOverride {
        var override: Override
        var policy: Policy
    }

    /// Those that hold, by id, with their policies.
    private func found(by call: Call) async throws -> [FoundOverride] {
        var policy: Policy?
        if let name = call.text("policy") { policy = try await backend.policy(name) }
        let overrides = try await backend.storage.overrides(of: policy?.id)
        let policies = try await backend.storage.policies(ids: Array(Set(overrides.map(\.policy))))
        let known = Dictionary(uniqueKeysWithValues: policies.map { ($0.id, $0) })
        let selector = try call.selector
        let members = Set(call.texts("member"))
        return overrides.sorted { $0.id < $1.id }.compactMap { override in
            guard let policy = known[override.policy],
                members.isEmpty || members.contains(override.member),
                call.text("word").map({ $0 == override.word.rawValue }) ?? true
            else { return nil }
            if let selector {
                let member = policy.spec.members.first { $0.name == override.member }
                guard let member, selector.admits(policy.spec.labels(of: member)) else {
                    return nil
                }
            }
            return FoundOverride(override: override, policy: policy)
        }
    }

    private struct Choice {
        var policies: [Policy]
        var members: [PolicyID: [String]]
        /// Member → where the request names it.
        var pointers: [String: String] = [:]
    }

    private func chosen(by document: Node) async throws -> Choice {
        let name = document["policy"]?.text
        switch (
            document["member"]?.text, document["members"]?.elements,
            try document["selector"]?.text.map(LabelSelector.init)
        ) {
        case (let member?, nil, nil):
            let policy = try await backend.policy(try named(name))
            return Choice(
                policies: [policy], members: [policy.id: [member]], pointers: [member: "/member"])
        case (nil, let elements?, nil):
            let policy = try await backend.policy(try named(name))
            let members = elements.compactMap(\.text)
            return Choice(
                policies: [policy], members: [policy.id: members],
                pointers: Dictionary(
                    members.enumerated().map { ($0.element, "/members/\($0.offset)") },
                    uniquingKeysWith: { first, _ in first }))
        case (nil, nil, let selector?):
            let candidates =
                if let name {
                    [try await backend.policy(name)]
                } else {
                    try await backend.storage.allPolicies(matching: ObjectFilter())
                }
            return try choice(of: selector, among: candidates)
        default:
            throw ProblemDetails(
                .invalid,
                [Problem("needs exactly one of `member`, `members` and `selector`")])
        }
    }

    private func choice(of selector: LabelSelector, among candidates: [Policy]) throws -> Choice {
        var choice = Choice(policies: [], members: [:])
        for policy in candidates {
            let members = policy.spec.members.filter {
                selector.admits(policy.spec.labels(of: $0))
            }
            guard !members.isEmpty else { continue }
            choice.policies.append(policy)
            choice.members[policy.id] = members.map(\.name)
        }
        guard !choice.policies.isEmpty else {
            throw ProblemDetails(
                .notFound, "No member has these labels.",
                errors: [.init("No member has these labels.", at: .body(pointer: "/selector"))])
        }
        return choice
    }

    private func named(_ policy: String?) throws -> String {
        guard let policy else {
            throw ProblemDetails(
                .invalid, [Problem("needs `policy`: members are named within one")])
        }
        return policy
    }

    // MARK: - The answer

    private static func list(of found: [FoundOverride]) -> Node {
        .object([.init("items", .list(found.map(node)))])
    }

    private static func node(_ found: FoundOverride) -> Node {
        let override = found.override
        return .object([
            .init("id", .number(override.id.rawValue)),
            .init("policy", .text(found.policy.spec.name)),
            .init("member", .text(override.member)), .init("word", .text(override.word.rawValue)),
            .init("reason", .text(override.reason)), .init("actor", .text(override.actor)),
            .init("created_at", .time(override.createdAt)),
            entry("until", override.until.map(Node.time)),
            .init("permanent", .flag(override.until == nil)),
            .init("break_glass", .flag(override.breakGlass)),
        ])
    }
}
