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
            Answers.required("policy", .name),
            Answers.optional("member", .name),
            Answers.optional(
                "members",
                .list(of: .name, count: 1...10_000, isUnique: true).described(
                    "Several members at once: all or none.")),
            Answers.required(
                "word",
                .choice(of: OverrideWord.self).described(
                    "`up`: healthy, whatever is measured. `down`: out at once. `drain`: not published "
                        + "any more.")),
            Answers.required(
                "reason", .text(length: 1...1024).shown(as: .string("Kernel update, ticket 4711"))),
            Answers.optional(
                "break_glass",
                .boolean.described(
                    "Carry it out even if it leaves a family without a healthy published member.")),
        ] + OrderEnd.properties)

    var all: [Endpoint] { [list, set, clear] }

    private var list: Endpoint {
        Endpoint(
            .get, "/v1/overrides", "listOverrides", tag: .overrides, role: .read,
            summary: "List the overrides that hold",
            parameters: [.query("policy", .name, "Only of this policy.")] + Listing.parameters,
            answers: [Listing.page(of: "OverridePage", "Overrides.")], problems: [.notFound]
        ) { [backend] call in
            var policy: Policy?
            if let name = call.text("policy") { policy = try await backend.policy(name) }
            let after = try Listing.before(call, in: "overrides") ?? 0
            let found = try await backend.storage.overrides(of: policy?.id)
                .filter { $0.id.rawValue > after }
                .sorted { $0.id < $1.id }
                .prefix(Listing.limit(call) + 1)
            let names = try await names(of: Set(found.map(\.policy)))
            return Listing.answer(
                call, "overrides", Array(found), position: \.id.description
            ) { override in
                names[override.policy].map { node(of: override, policy: $0) }
            }
        }
    }

    private var set: Endpoint {
        Endpoint(
            .post, "/v1/overrides", "setOverride", tag: .overrides, role: .operate,
            summary: "Say what counts for members, whatever is measured",
            description: "Replaces what was said of the same member. One that would leave a family "
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
            let now = try await backend.storage.now()
            let until = try OrderEnd.end(of: document, now: now)
            let members = try members(of: document)
            let policy = try await backend.policy(document["policy"]?.text ?? "")
            try backend.mayWrite(call, .policy, policy.spec.name, set: policy.set)
            let orders = members.map { member in
                PolicyEvaluator.OverrideOrder(
                    member: member.name,
                    // The schema lets no other word through.
                    word: document["word"]?.text.flatMap(OverrideWord.init) ?? .drain,
                    reason: document["reason"]?.text ?? "", until: until,
                    breakGlass: document["break_glass"]?.bool ?? false)
            }
            try await backend.set(
                orders, of: policy,
                pointers: Dictionary(uniqueKeysWithValues: members.map { ($0.name, $0.pointer) }),
                call)
            let stored = try await backend.storage.overrides(of: policy.id)
                .filter { override in members.contains { $0.name == override.member } }
            return .json(
                .object([
                    .init("items", .list(stored.map { node(of: $0, policy: policy.spec.name) }))
                ]), status: .created)
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

    // MARK: - The request

    private struct NamedMember {
        var name: String
        var pointer: String
    }

    private func members(of document: Node) throws -> [NamedMember] {
        switch (document["member"]?.text, document["members"]?.elements) {
        case (let name?, nil):
            return [NamedMember(name: name, pointer: "/member")]
        case (nil, let elements?):
            return elements.enumerated().compactMap { index, element in
                element.text.map { NamedMember(name: $0, pointer: "/members/\(index)") }
            }
        default:
            throw ProblemDetails(
                .invalid, [Problem("needs either `member` or `members`", position: nil)])
        }
    }

    // MARK: - The answer

    private func names(of policies: Set<PolicyID>) async throws -> [PolicyID: String] {
        let policies = try await backend.storage.policies(ids: Array(policies))
        return Dictionary(uniqueKeysWithValues: policies.map { ($0.id, $0.spec.name) })
    }

    private func node(of override: Override, policy: String) -> Node {
        .object([
            .init("id", .number(override.id.rawValue)), .init("policy", .text(policy)),
            .init("member", .text(override.member)), .init("word", .text(override.word.rawValue)),
            .init("reason", .text(override.reason)), .init("actor", .text(override.actor)),
            .init("created_at", .time(override.createdAt)),
            entry("until", override.until.map(Node.time)),
            .init("permanent", .flag(override.until == nil)),
            .init("break_glass", .flag(override.breakGlass)),
        ])
    }
}
