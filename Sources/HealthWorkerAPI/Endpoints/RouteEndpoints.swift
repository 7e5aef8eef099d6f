import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird
import ServiceLifecycle

/// `/v1/routes`
struct RouteEndpoints {
    let backend: Backend

    static let policy = Endpoint.Parameter.path("policy", .name, "The policy's name.")

    var all: [Endpoint] { [list, get, changes, deliveries] }

    private var list: Endpoint {
        Endpoint(
            .get, "/v1/routes", "listRoutes", tag: .routes, role: .read,
            summary: "List routes by policy",
            description: "Policies that wait for their first answer have none.",
            parameters: [ObjectFilter.selectorParameter] + Listing.parameters,
            answers: [Listing.page(of: "RoutePage", "Routes.")]
        ) { [backend] call in
            let after = try Listing.after(call, in: "routes")
            let limit = Listing.limit(call) + 1
            let found: [StoredRoute]
            if let selector = try call.selector {
                let policies = try await backend.storage.policies(
                    matching: ObjectFilter(selector: selector), after: after, limit: limit)
                let routes = try await backend.routes(of: policies, isWhole: false, after: after)
                found = policies.compactMap { routes[$0.id] }
            } else {
                found = try await backend.storage.routes(after: after, limit: limit)
            }
            return Listing.answer(
                call, "routes", found, position: \.policyName, node: RouteAnswer.node)
        }
    }

    private var get: Endpoint {
        Endpoint(
            .get, "/v1/routes/{policy}", "getRoute", tag: .routes, role: .read,
            summary: "Get the members published now",
            description: "With `wait` and the `If-None-Match` of the route that the caller has, it "
                + "answers as soon as there is another one, or 304 when the time is over.",
            parameters: [
                Self.policy,
                .query(
                    "wait", .timeSpan(.milliseconds(1)...(.minutes(1))),
                    "How long to wait for another route than the one in If-None-Match."),
                .header("If-None-Match", "The `ETag` of the route that the caller has."),
            ],
            answers: [
                Endpoint.Answer(
                    .ok, "The route.", .reference("Route"),
                    headers: [("ETag", "Its generation.")]),
                Endpoint.Answer(.notModified, "The caller has it already.", types: []),
            ], problems: [.notFound]
        ) { [backend] call in
            let name = call.name("policy")
            let known = call.request.headers[.ifNoneMatch]
            let wait = call.text("wait").flatMap(TimeSpan.init)?.duration ?? .zero
            let end = ContinuousClock.now + wait
            let pause = max(backend.settings.longPollInterval, .milliseconds(100))
            while true {
                guard let route = try await backend.watch.route(ofPolicy: name) else {
                    throw ProblemDetails.missing(.policy, name)
                }
                if let answer = route.answer, !Preconditions.matches(answer.tag, header: known) {
                    return Response(
                        status: .ok,
                        headers: [
                            .contentType: MediaType.json.rawValue, .eTag: answer.tag,
                            .cacheControl: "no-cache",
                        ], body: ResponseBody(byteBuffer: answer.body))
                }
                let left = end - ContinuousClock.now
                // A process that ends does not keep it waiting: the caller asks another one.
                guard left > .zero, !Task.isShuttingDownGracefully else {
                    guard let tag = route.answer?.tag else {
                        throw ProblemDetails(
                            .notFound,
                            "The policy has no route yet: it waits for its members' first outcomes."
                        )
                    }
                    return Response(status: .notModified, headers: [.eTag: tag])
                }
                try await Task.sleep(for: min(left, pause))
            }
        }
    }

    private var changes: Endpoint {
        Endpoint(
            .get, "/v1/routes/{policy}/changes", "listRouteChanges", tag: .routes, role: .read,
            summary: "List a policy's routes, newest first",
            parameters: [Self.policy] + Listing.parameters,
            answers: [Listing.page(of: "RouteChangePage", "Routes with their members.")],
            problems: [.notFound]
        ) { [backend] call in
            let policy = try await backend.policy(call.name("policy"))
            let found = try await backend.storage.routeChanges(
                of: policy.id, before: Listing.before(call, in: "route-changes"),
                limit: Listing.limit(call) + 1)
            return Listing.answer(
                call, "route-changes", found, position: \.generation.description,
                node: RouteAnswer.change)
        }
    }

    private var deliveries: Endpoint {
        Endpoint(
            .get, "/v1/routes/{policy}/deliveries", "getDeliveries", tag: .routes, role: .read,
            summary: "Get what has not reached its sink yet", parameters: [Self.policy],
            answers: [Endpoint.Answer(.ok, "What waits.", .reference("Deliveries"))],
            problems: [.notFound]
        ) { [backend] call in
            let policy = try await backend.policy(call.name("policy"))
            let pending = try await backend.storage.pendingDeliveries(of: policy.id)
            return .json(
                .object([
                    .init("in_sync", .flag(pending.isEmpty)),
                    .init("items", .list(pending.map(node))),
                ]))
        }
    }

    private func node(of delivery: PendingDelivery) -> Node {
        .object([
            .init("id", .number(delivery.id.rawValue)), .init("sink", .text(delivery.sink)),
            .init("name", .text(delivery.name)),
            .init("generation", .number(delivery.generation)),
            .init("attempt", .number(delivery.attempt)), .init("since", .time(delivery.since)),
            .init("next_try_at", .time(delivery.visibleAt)),
            entry("last_error", delivery.lastError.map(Node.text)),
        ])
    }
}
