import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird
import ServiceLifecycle

/// `/v1/routes/{policy}` and `/v1/routes/{policy}/members/{member}/health`: what programs ask that
/// send traffic by the answer, with a key or as listed consumers without one.
struct RouteQuestions {
    let source: RouteSource
    /// Nil: no key is needed.
    let role: KeyRole?

    static let policy = Endpoint.Parameter.path("policy", .name, "The policy's name.")

    private enum Question: String, CaseIterable {
        case published
        case healthy
    }

    var route: Endpoint {
        Endpoint(
            .get, "/v1/routes/{policy}", "getRoute", tag: .routes, role: role,
            summary: "Get the members published now, or listen to them",
            description: "With `wait` and the `If-None-Match` of the route that the caller has, it "
                + "answers as soon as there is another one, or 304 when the time is over.\n\nWith "
                + "`Accept: text/event-stream` it goes on for as long as the caller listens: an "
                + "event `route` with the route now (unless its generation is the `Last-Event-ID` "
                + "that was sent) and with each later one, its generation as the `id`; an event "
                + "`gone` when the policy is deleted. A comment every 15 s says that the "
                + "connection lives.",
            parameters: [
                Self.policy,
                .query(
                    "wait", .timeSpan(.milliseconds(1)...(.minutes(1))),
                    "How long to wait for another route than the one in If-None-Match."),
                .header("If-None-Match", "The `ETag` of the route that the caller has."),
                .header("Last-Event-ID", "The generation that the listener has."),
            ],
            answers: [
                Endpoint.Answer(
                    .ok, "The route.", .reference("Route"), types: [.json, .eventStream],
                    headers: [("ETag", "Its generation.")]),
                Endpoint.Answer(.notModified, "The caller has it already.", types: []),
            ], problems: [.notFound, .unavailable]
        ) { [source] call in
            if call.wantedType == .eventStream {
                return try await RouteStream(source: source, policy: call.name("policy"))
                    .response(to: call)
            }
            return try await answer(call)
        }
    }

    private func answer(_ call: Call) async throws -> Response {
        let name = call.name("policy")
        let known = call.request.headers[.ifNoneMatch]
        let wait = call.text("wait").flatMap(TimeSpan.init)?.duration ?? .zero
        let end = ContinuousClock.now + wait
        while true {
            let seen = try await source.look(name)
            guard let route = seen.known else { throw Self.missing(name, seen) }
            if let answer = route.answer, !Preconditions.matches(answer.tag, header: known) {
                return answer.response(marked: seen.staleness, of: route.route)
            }
            let left = end - ContinuousClock.now
            // A process that ends does not keep it waiting: the caller asks another one.
            guard left > .zero, !Task.isShuttingDownGracefully else {
                guard let tag = route.answer?.tag else {
                    throw ProblemDetails(
                        .notFound,
                        "The policy has no route yet: it waits for its members' first outcomes.",
                        headers: seen.staleness.headers)
                }
                return Response(status: .notModified, headers: [.eTag: tag])
                    .marked(seen.staleness)
            }
            try await source.pause(seen, left)
        }
    }

    /// Yes or no by the status alone, for programs that read nothing else, such as the `ifurlextup` of
    /// PowerDNS and the health checks of load balancers.
    var memberHealth: Endpoint {
        Endpoint(
            .get, "/v1/routes/{policy}/members/{member}/health", "getMemberHealth", tag: .routes,
            role: role, summary: "Ask whether a member is to be used, by the status alone",
            description: "Overrides and rules count, and not only what is measured. 503 with "
                + "`application/problem+json` is another one: that nothing is known.",
            parameters: [
                Self.policy, .path("member", .name, "The member's name."),
                .query(
                    "if",
                    .choice(of: Question.self).standing(at: .string(Question.published.rawValue)),
                    "`published`: 200 for a member that the route publishes now, also for want of a "
                        + "healthy one. `healthy`: 200 for one that counts as healthy, published or "
                        + "not."),
            ],
            answers: [
                Endpoint.Answer(.ok, "Yes.", .reference("MemberVerdict")),
                Endpoint.Answer(.serviceUnavailable, "No.", .reference("MemberVerdict")),
            ], problems: [.notFound]
        ) { [source] call in
            let policy = call.name("policy")
            let seen = try await source.look(policy)
            guard let known = seen.known else { throw Self.missing(policy, seen) }
            let name = call.name("member")
            guard let member = known.route.members.first(where: { $0.name == name }) else {
                throw ProblemDetails([.noSuchMember(policy: policy, member: name)])
            }
            let isYes =
                switch call.text("if").flatMap(Question.init) ?? .published {
                case .published: member.isPublished
                case .healthy: member.effective == .healthy
                }
            return .json(
                Node.encoding(member).with(seen.staleness.entries),
                status: isYes ? .ok : .serviceUnavailable, headers: [.cacheControl: "no-store"]
            ).marked(seen.staleness)
        }
    }

    private static func missing(_ policy: String, _ seen: RouteSource.Seen) -> ProblemDetails {
        var problem = ProblemDetails.missing(.policy, policy)
        problem.headers.append(contentsOf: seen.staleness.headers)
        return problem
    }
}

extension RouteSnapshot.Answer {
    /// - Parameter route: what it was written from.
    func response(marked staleness: RouteSource.Staleness, of route: StoredRoute) -> Response {
        let headers: HTTPFields = [
            .contentType: MediaType.json.rawValue, .eTag: tag, .cacheControl: "no-cache",
        ]
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody(byteBuffer: body(marked: staleness, of: route))
        ).marked(staleness)
    }

    func body(marked staleness: RouteSource.Staleness, of route: StoredRoute) -> ByteBuffer {
        guard staleness.age != nil, let node = RouteAnswer.node(of: route) else { return body }
        return ByteBuffer(bytes: JSONText.bytes(node.with(staleness.entries)))
    }
}
