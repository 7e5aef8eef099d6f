import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/keys`
struct KeyEndpoints {
    let backend: Backend

    private static let ends = [
        Answers.optional("expires_at", Answers.time),
        Answers.optional(
            "expires_in", .timeSpan(KeyMint.lives).shown(as: .string("90d"))),
    ]

    private static let request = Schema.object(
        [
            Answers.required("name", .name.described("Whose it is, as the audit log shows it.")),
            Answers.required("role", .choice(of: KeyRole.self)),
            Answers.optional(
                "sets",
                .list(of: .name, count: 0...1000, isUnique: true).described(
                    "Sets whose objects it may write; empty means all. It may read everything.")),
        ] + ends)

    private static let rotation = Schema.object(
        [
            Answers.optional(
                "overlap",
                .timeSpan(KeyMint.overlaps).standing(
                    at: .string(KeyMint.usualOverlap.description)
                ).described(
                    "How long the old key still holds."))
        ] + ends)

    private static let id = Endpoint.Parameter.path(
        "id", .text(length: 1...64), "The key's public part.")

    var all: [Endpoint] { [list, create, get, rotate, revoke] }

    private var list: Endpoint {
        Endpoint(
            .get, "/v1/keys", "listKeys", tag: .keys, role: .admin,
            summary: "List keys, never their secrets",
            parameters: Listing.parameters,
            answers: Listing.answers("KeyPage", "Keys, those that ended included.")
        ) { [backend] call in
            let after = try Listing.after(call, in: "keys") ?? ""
            let found = try await backend.storage.keys().filter { $0.id > after }
                .sorted { $0.id < $1.id }
                .prefix(Listing.limit(call) + 1)
            return Listing.answer(call, "keys", Array(found), position: \.id, node: node)
        }
    }

    private var get: Endpoint {
        Endpoint(
            .get, "/v1/keys/{id}", "getKey", tag: .keys, role: .admin,
            summary: "Get a key, never its secret", parameters: [Self.id],
            answers: [Endpoint.Answer(.ok, "The key.", .reference("Key"))],
            problems: [.notFound]
        ) { call in
            .json(node(of: try await stored(call)))
        }
    }

    private var create: Endpoint {
        Endpoint(
            .post, "/v1/keys", "createKey", tag: .keys, role: .admin, summary: "Make a key",
            description: "The answer is the only place where the key ever stands.",
            parameters: [ObjectWriting.message],
            body: Endpoint.Body(
                Self.request,
                example: .object([
                    .init("name", .text("deploy")), .init("role", .text("write")),
                    .init("expires_in", .text("90d")),
                ])),
            answers: [
                Endpoint.Answer(
                    .created, "The key.", .reference("NewKey"),
                    headers: [("Location", "Where it is.")])
            ]
        ) { [backend] call in
            let document = try call.document
            let sets = document["sets"]?.elements?.compactMap(\.text) ?? []
            try Self.mayManage(keysOf: sets, try call.caller)
            let now = try await backend.storage.now()
            let (key, text) = KeyMint.mint(
                // The schema lets no other role through.
                role: document["role"]?.text.flatMap(KeyRole.init) ?? .read,
                name: document["name"]?.text ?? "",
                sets: sets, now: now,
                expiresAt: try end(of: document, now: now))
            try await change(.make(key), call)
            return answer(key, text)
        }
    }

    private var rotate: Endpoint {
        Endpoint(
            .post, "/v1/keys/{id}/rotate", "rotateKey", tag: .keys, role: .admin,
            summary: "Make a key's successor",
            description: "The new key has the old one's name, role and sets, and as long a life. "
                + "The old one holds until the overlap is over, so that clients can change over "
                + "meanwhile; other processes learn of its end within 5 s.",
            parameters: [Self.id, ObjectWriting.message],
            body: Endpoint.Body(
                Self.rotation, example: .object([.init("overlap", .text("2h"))]),
                isRequired: false),
            answers: [
                Endpoint.Answer(
                    .created, "The new key: the only place where it ever stands.",
                    .reference("NewKey"), headers: [("Location", "Where it is.")])
            ],
            problems: [.notFound, .conflict]
        ) { [backend] call in
            let old = try await stored(call)
            try Self.mayManage(keysOf: old.sets, try call.caller)
            let now = try await backend.storage.now()
            let document = call.body ?? .object([])
            let overlap =
                document["overlap"]?.text.flatMap(TimeSpan.init) ?? KeyMint.usualOverlap
            let (key, text) = KeyMint.successor(
                of: old, now: now, expiresAt: try end(of: document, now: now))
            try await change(.rotate(id: old.id, to: key, end: now + overlap.duration), call)
            backend.keys.forget(old.id)
            return answer(key, text)
        }
    }

    private var revoke: Endpoint {
        Endpoint(
            .delete, "/v1/keys/{id}", "revokeKey", tag: .keys, role: .admin,
            summary: "Revoke a key",
            description: "Other processes refuse it 5 s later at the latest.",
            parameters: [Self.id, ObjectWriting.message],
            answers: [Endpoint.Answer(.noContent, "It is revoked.", types: [])],
            problems: [.notFound]
        ) { [backend] call in
            let key = try await stored(call)
            try Self.mayManage(keysOf: key.sets, try call.caller)
            try await change(.revoke(id: key.id), call)
            backend.keys.forget(key.id)
            return Response(status: .noContent)
        }
    }

    // MARK: - Parts

    private func stored(_ call: Call) async throws -> APIKey {
        guard let key = try await backend.storage.key(id: call.name("id")) else {
            // What was sent may be a whole key: it is not repeated.
            throw ProblemDetails(.notFound, "There is no such key.")
        }
        return key
    }

    /// Whoever may write some sets only makes, rotates and revokes no key that may write others.
    private static func mayManage(keysOf sets: [String], _ caller: Caller) throws {
        guard caller.sets.isEmpty || (!sets.isEmpty && sets.allSatisfy(caller.sets.contains))
        else {
            throw ProblemDetails(
                .forbidden,
                "This key may write the sets \(caller.sets.joined(separator: ", ")) only, and "
                    + "can make or end no key that may write more.")
        }
    }

    private func change(_ order: KeyChange.Order, _ call: Call) async throws {
        try await backend.storage.change(
            KeyChange(
                order, actor: try call.caller.actor, message: call.text("message"),
                requestID: call.context.requestID))
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

    private func answer(_ key: APIKey, _ text: String) -> Response {
        .json(
            node(of: key).with([.init("key", .text(text))]), status: .created,
            headers: [.location: "/v1/keys/\(key.id)", .cacheControl: "no-store"])
    }

    private func node(of key: APIKey) -> Node {
        .object([
            .init("id", .text(key.id)), .init("name", .text(key.name)),
            .init("role", .text(key.role.rawValue)), .init("sets", .names(key.sets)),
            .init("created_at", .time(key.createdAt)),
            entry("expires_at", key.expiresAt.map(Node.time)),
            entry("last_used_at", key.lastUsedAt.map(Node.time)),
            entry("revoked_at", key.revokedAt.map(Node.time)),
            entry("replaced_by", key.replacedBy.map(Node.text)),
        ])
    }
}
