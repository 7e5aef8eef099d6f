import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/keys`
struct KeyEndpoints {
    let backend: Backend

    private static let request = Schema.object([
        Answers.required("name", .name.described("Whose it is, as the audit log shows it.")),
        Answers.required("role", .choice(of: KeyRole.self)),
        Answers.optional(
            "sets",
            .list(of: .name, count: 0...1000, isUnique: true).described(
                "Sets whose objects it may write; empty means all.")),
        Answers.optional("expires_at", Answers.time),
        Answers.optional(
            "expires_in",
            .timeSpan(.minutes(1)...(.hours(24 * 3660))).shown(as: .string("90d"))),
    ])

    var all: [Endpoint] { [list, create, revoke] }

    private var list: Endpoint {
        Endpoint(
            .get, "/v1/keys", "listKeys", tag: .keys, role: .admin,
            summary: "List keys, never their secrets",
            parameters: Listing.parameters,
            answers: [Listing.page(of: "KeyPage", "Keys, the revoked ones included.")]
        ) { [backend] call in
            let after = try Listing.after(call, in: "keys") ?? ""
            let found = try await backend.storage.keys().filter { $0.id > after }
                .sorted { $0.id < $1.id }
                .prefix(Listing.limit(call) + 1)
            return Listing.answer(call, "keys", Array(found), position: \.id, node: node)
        }
    }

    private var create: Endpoint {
        Endpoint(
            .post, "/v1/keys", "createKey", tag: .keys, role: .admin, summary: "Make a key",
            description: "The answer is the only place where the key ever stands. To rotate a key, "
                + "make another one, use it, and revoke the first.",
            body: Endpoint.Body(
                Self.request,
                example: .object([
                    .init("name", .text("deploy")), .init("role", .text("write")),
                    .init("expires_in", .text("90d")),
                ])),
            answers: [
                Endpoint.Answer(
                    .created, "The key.", .reference("NewKey"),
                    headers: [("Location", "Where it is revoked.")])
            ]
        ) { [backend] call in
            let document = try call.document
            let sets = document["sets"]?.elements?.compactMap(\.text) ?? []
            let caller = try call.caller
            guard caller.sets.isEmpty || (!sets.isEmpty && sets.allSatisfy(caller.sets.contains))
            else {
                throw ProblemDetails(
                    .forbidden,
                    "This key may write the sets \(caller.sets.joined(separator: ", ")) only, and "
                        + "can make no key that may write more.")
            }
            let now = try await backend.storage.now()
            let (key, text) = KeyMint.mint(
                // The schema lets no other role through.
                role: document["role"]?.text.flatMap(KeyRole.init) ?? .read,
                name: document["name"]?.text ?? "",
                sets: sets, now: now,
                expiresAt: try end(of: document, now: now))
            try await backend.storage.insertKey(key)
            try await audit(call, "key.created", key, at: now)
            return .json(
                node(of: key).with([.init("key", .text(text))]), status: .created,
                headers: [.location: "/v1/keys/\(key.id)", .cacheControl: "no-store"])
        }
    }

    private var revoke: Endpoint {
        Endpoint(
            .delete, "/v1/keys/{id}", "revokeKey", tag: .keys, role: .admin,
            summary: "Revoke a key",
            description: "Other processes refuse it 5 s later at the latest.",
            parameters: [.path("id", .text(.storable, length: 1...64), "The key's public part.")],
            answers: [Endpoint.Answer(.noContent, "It is revoked.", types: [])],
            problems: [.notFound]
        ) { [backend] call in
            guard let key = try await backend.storage.key(id: call.name("id")) else {
                throw ProblemDetails(.notFound, "There is no such key.")
            }
            try await backend.storage.revokeKey(id: key.id)
            backend.keys.forget(key.id)
            try await audit(call, "key.revoked", key, at: backend.storage.now())
            return Response(status: .noContent)
        }
    }

    private func end(of document: Node, now: Timestamp) throws -> Timestamp? {
        let moment = document["expires_at"]?.text.flatMap(Timestamp.init)
        let span = document["expires_in"]?.text.flatMap(TimeSpan.init)
        if moment != nil, span != nil {
            throw ProblemDetails(
                .invalid, [Problem("takes either `expires_at` or `expires_in`")])
        }
        if let moment, moment <= now {
            throw ProblemDetails(
                .invalid, [Problem("is over already", at: .root.appending("expires_at"))])
        }
        return moment ?? span.map { now + $0.duration }
    }

    private func audit(
        _ call: Call, _ action: String, _ key: APIKey, at moment: Timestamp
    ) async throws {
        try await backend.storage.appendAudit([
            AuditEntry(
                at: moment, actor: call.caller.actor, action: action, object: key.name,
                after: JSONText.string(node(of: key)))
        ])
    }

    private func node(of key: APIKey) -> Node {
        .object([
            .init("id", .text(key.id)), .init("name", .text(key.name)),
            .init("role", .text(key.role.rawValue)), .init("sets", .names(key.sets)),
            .init("created_at", .time(key.createdAt)),
            entry("expires_at", key.expiresAt.map(Node.time)),
            entry("last_used_at", key.lastUsedAt.map(Node.time)),
            entry("revoked_at", key.revokedAt.map(Node.time)),
        ])
    }
}
