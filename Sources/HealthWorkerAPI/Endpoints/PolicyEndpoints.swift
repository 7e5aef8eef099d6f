import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/policies`
struct PolicyEndpoints {
    let backend: Backend

    static let name = Endpoint.Parameter.path("name", .name, "The policy's name.")
    static let example = Node.object([
        .init("name", .text("acme-www")), .init("type", .text("failover")),
        .init(
            "member_check",
            .object([
                .init("type", .text("https")),
                .init("http", .object([.init("host", .text("www.example.com"))])),
            ])),
        .init(
            "members",
            .list([
                .object([
                    .init("name", .text("fra1")), .init("value", .text("192.0.2.10")),
                    .init("priority", .number(10)),
                ]),
                .object([
                    .init("name", .text("ams1")), .init("value", .text("198.51.100.10")),
                    .init("priority", .number(20)),
                ]),
            ])),
    ])

    var all: [Endpoint] {
        [list, create, get, put, patch, delete, evaluation, failback, reattach]
    }

    // MARK: - The objects

    private var list: Endpoint {
        Endpoint(
            .get, "/v1/policies", "listPolicies", tag: .policies, role: .read,
            summary: "List policies by name",
            parameters: [
                ObjectFilter.setParameter,
                .query("type", .choice(of: PolicyType.self), "Only policies of this type."),
                ObjectFilter.selectorParameter,
            ] + Listing.parameters,
            answers: Listing.answers("PolicyPage", "Policies.")
        ) { [backend] call in
            let filter = try ObjectFilter(call)
            let after = try Listing.after(call, in: "policies")
            let found = try await backend.storage.policies(
                matching: filter, after: after, limit: Listing.limit(call) + 1)
            let routes = try await backend.routes(
                of: found, isWhole: filter == ObjectFilter(), after: after)
            let protections = try await backend.protections(of: found, routes)
            return Listing.answer(call, "policies", found, position: \.spec.name) { policy in
                RouteAnswer.node(
                    of: policy, route: routes[policy.id], protections[policy.id])
            }
        }
    }

    private var create: Endpoint {
        Endpoint(
            .post, "/v1/policies", "createPolicy", tag: .policies, role: .write,
            summary: "Create a policy", parameters: [ObjectWriting.set, ObjectWriting.message],
            body: Endpoint.Body(
                .reference("Policy"), example: Self.example, validation: .compiler),
            answers: [
                Endpoint.Answer(
                    .created, "The policy.", .reference("PolicyObject"),
                    headers: [("Location", "Where it is."), ("ETag", "Its revision.")])
            ], problems: [.conflict]
        ) { [backend] call in
            let compiled = try backend.compiler.compile(policy: call.document)
            let spec = compiled.spec
            let set = try backend.set(forNew: call)
            _ = try await backend.write(
                [.putPolicy(spec, makes: compiled.checks.map(\.spec), set: set, .absent)], call,
                isConditional: false)
            return try await answer(
                spec.name, status: .created, location: "/v1/policies/\(spec.name)")
        }
    }

    private var get: Endpoint {
        Endpoint(
            .get, "/v1/policies/{name}", "getPolicy", tag: .policies, role: .read,
            summary: "Get a policy with its route", parameters: [Self.name],
            answers: [
                Endpoint.Answer(
                    .ok, "The policy.", .reference("PolicyObject"),
                    headers: [("ETag", "Its revision.")])
            ], problems: [.notFound]
        ) { call in
            try await answer(call.name())
        }
    }

    private var put: Endpoint {
        Endpoint(
            .put, "/v1/policies/{name}", "putPolicy", tag: .policies, role: .write,
            summary: "Create or replace a policy",
            description: "Putting back what was read changes nothing.",
            parameters: [Self.name, ObjectWriting.set, ObjectWriting.message]
                + Preconditions.parameters,
            body: Endpoint.Body(
                .reference("Policy"), example: Self.example, validation: .compiler),
            answers: [
                Endpoint.Answer(
                    .ok, "The policy, replaced or as it was.", .reference("PolicyObject"),
                    headers: [("ETag", "Its revision.")]),
                Endpoint.Answer(
                    .created, "The policy, created.", .reference("PolicyObject"),
                    headers: [("Location", "Where it is."), ("ETag", "Its revision.")]),
            ], problems: [.conflict, .preconditionFailed]
        ) { [backend] call in
            let compiled = try backend.compiler.compile(
                policy: call.document, named: call.name())
            let spec = compiled.spec
            let precondition = try Preconditions.precondition(of: call.request)
            let names = [spec.name, compiled.renamedFrom].compactMap(\.self)
            let known = try await backend.storage.policies(named: names)
            let stored = known.first { $0.spec.name == spec.name }
            // The old name means something until the object has the new one.
            let renamed = stored == nil && precondition == .none ? known.first : nil
            let owned = (stored ?? renamed).map {
                Backend.Owned(name: $0.spec.name, set: $0.set)
            }
            let set = try backend.set(forNew: call, stored: owned)
            let rename = renamed.map { ObjectChange.renamePolicy($0.spec.name, to: spec.name) }
            let put = ObjectChange.putPolicy(
                spec, makes: compiled.checks.map(\.spec), set: set, precondition)
            let results = try await backend.write(
                [rename, put].compactMap(\.self), call, isConditional: precondition != .none)
            if case .created? = results.last {
                return try await answer(
                    spec.name, status: .created, location: "/v1/policies/\(spec.name)")
            }
            return try await answer(spec.name)
        }
    }

    private var patch: Endpoint {
        Endpoint(
            .patch, "/v1/policies/{name}", "patchPolicy", tag: .policies, role: .write,
            summary: "Change parts of a policy",
            description: "A merge-patch (RFC 7396): `null` takes away what is written, and a list "
                + "of members replaces the list of members.",
            parameters: [Self.name, ObjectWriting.message] + Preconditions.ifMatch,
            body: Endpoint.Body([
                .init(
                    type: .mergePatch,
                    schema: Schema.policy.mergePatch(in: Schema.components),
                    example: .object([.init("ttl", .number(60))]))
            ]),
            answers: [
                Endpoint.Answer(
                    .ok, "The policy.", .reference("PolicyObject"),
                    headers: [("ETag", "Its revision.")])
            ], problems: [.notFound, .conflict, .preconditionFailed]
        ) { [backend] call in
            let patch = try call.document.json()
            let asked = try Preconditions.precondition(of: call.request)
            return try await backend.retryingRaces(unless: asked) {
                let stored = try await backend.policy(call.name())
                try backend.mayWrite(call, .policy, call.name(), set: stored.set)
                let merged = Node.encoding(stored.spec).json().merging(patch)
                let compiled = try backend.compiler.compile(
                    policy: Node(json: merged), named: call.name())
                let spec = compiled.spec
                _ = try await backend.write(
                    [
                        .putPolicy(
                            spec, makes: compiled.checks.map(\.spec), set: stored.set,
                            asked == .none ? .revision(stored.revision) : asked)
                    ], call, isConditional: asked != .none)
                return try await answer(spec.name)
            }
        }
    }

    private var delete: Endpoint {
        Endpoint(
            .delete, "/v1/policies/{name}", "deletePolicy", tag: .policies, role: .write,
            summary: "Delete a policy and the checks that it made",
            description: "Sinks keep what they hold, as `on_delete` says.",
            parameters: [Self.name, ObjectWriting.message] + Preconditions.ifMatch,
            answers: [Endpoint.Answer(.noContent, "It is gone.", types: [])],
            problems: [.notFound, .conflict, .preconditionFailed]
        ) { [backend] call in
            let precondition = try Preconditions.precondition(of: call.request)
            let stored = try await backend.policy(call.name())
            try backend.mayWrite(call, .policy, call.name(), set: stored.set)
            _ = try await backend.write(
                [.deletePolicy(call.name(), precondition)], call, isConditional: false)
            return Response(status: .noContent)
        }
    }

    // MARK: - What is decided

    private var evaluation: Endpoint {
        Endpoint(
            .get, "/v1/policies/{name}/evaluation", "getEvaluation", tag: .policies, role: .read,
            summary: "Get who is published, who is not, and why",
            description: "And whether the policy would get over the loss of any one member by "
                + "itself: `protected`, and where it would not, what is in the way.",
            parameters: [Self.name],
            answers: [Endpoint.Answer(.ok, "The last evaluation.", .reference("Evaluation"))],
            problems: [.notFound]
        ) { [backend] call in
            let policy = try await backend.policy(call.name())
            let inputs = try await backend.storage.evaluationInputs(of: policy.id)?.inputs
            return .json(
                RouteAnswer.evaluation(
                    try await backend.route(of: policy), inputs.map { Protection(of: $0) }))
        }
    }

    private var failback: Endpoint {
        Endpoint(
            .post, "/v1/policies/{name}/failback", "failBack", tag: .policies, role: .operate,
            summary: "Return to the best healthy tier now",
            description: "Ends the wait for `failback_delay` and for `failback: manual`.",
            parameters: [Self.name, ObjectWriting.message],
            answers: [Endpoint.Answer(.ok, "What was decided.", .reference("Evaluation"))],
            problems: [.notFound, .conflict]
        ) { [backend] call in
            let policy = try await backend.policy(call.name())
            try backend.mayWrite(call, .policy, call.name(), set: policy.set)
            try await backend.failBack(policy, call)
            return .json(RouteAnswer.evaluation(try await backend.route(of: policy)))
        }
    }

    private var reattach: Endpoint {
        Endpoint(
            .post, "/v1/policies/{name}/reattach", "reattach", tag: .policies, role: .operate,
            summary: "Take healthy members back now",
            description: "Ends the wait for `reattach_delay` and for `reattach: manual`.",
            parameters: [Self.name, ObjectWriting.message],
            body: Endpoint.Body(
                .object([
                    .init(
                        "members",
                        .list(of: .name, count: 1...10_000, isUnique: true).described(
                            "Only these; without it every member that waits."))
                ]), example: .object([.init("members", .names(["fra1"]))]), isRequired: false),
            answers: [Endpoint.Answer(.ok, "What was decided.", .reference("Evaluation"))],
            problems: [.notFound, .conflict]
        ) { [backend] call in
            let policy = try await backend.policy(call.name())
            try backend.mayWrite(call, .policy, call.name(), set: policy.set)
            let members = call.body?["members"]?.elements?.compactMap(\.text)
            try await backend.reattach(members, of: policy, call)
            return .json(RouteAnswer.evaluation(try await backend.route(of: policy)))
        }
    }

    func answer(
        _ name: String, status: HTTPResponse.Status = .ok, location: String? = nil
    ) async throws -> Response {
        let policy = try await backend.policy(name)
        let route = try await backend.storage.route(of: policy.id)
        var headers: HTTPFields = [.eTag: Preconditions.tag(policy.revision)]
        headers[.location] = location
        let routes = Dictionary(
            [route].compactMap(\.self).map { ($0.policy, $0) }, uniquingKeysWith: { $1 })
        let protection = try await backend.protections(of: [policy], routes)[policy.id]
        return .json(
            RouteAnswer.node(of: policy, route: route, protection), status: status,
            headers: headers)
    }
}

extension Backend {
    /// Whether each would get over the loss of any one member, by what its last evaluation saw.
    func protections(
        of policies: [Policy], _ routes: [PolicyID: StoredRoute]
    ) async throws(StorageError) -> [PolicyID: Protection] {
        if policies.isEmpty { return [:] }
        let only = policies.count == 1 ? policies.first?.id : nil
        let overrides = Dictionary(
            grouping: try await storage.overrides(of: only), by: \.policy)
        let maintenances = try await storage.standingMaintenances()
        let now = try await storage.now()
        var protections: [PolicyID: Protection] = [:]
        for policy in policies {
            guard let route = routes[policy.id] else { continue }
            protections[policy.id] = Protection(
                of: PolicyEvaluation.Inputs(
                    of: policy, as: route, overrides: overrides[policy.id] ?? [],
                    maintenances: maintenances, now: now))
        }
        return protections
    }

    /// The routes of a page of policies: in one call where the page leaves none out.
    func routes(
        of policies: [Policy], isWhole: Bool, after: String?
    ) async throws -> [PolicyID: StoredRoute] {
        var routes: [PolicyID: StoredRoute] = [:]
        if isWhole, !policies.isEmpty {
            for route in try await storage.routes(after: after, limit: policies.count) {
                routes[route.policy] = route
            }
        } else {
            for policy in policies { routes[policy.id] = try await storage.route(of: policy.id) }
        }
        return routes
    }
}
