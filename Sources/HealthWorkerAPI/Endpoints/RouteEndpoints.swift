import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/routes`
struct RouteEndpoints {
    let backend: Backend

    var all: [Endpoint] {
        let questions = RouteQuestions(source: .storage(backend), role: .read)
        return [list, questions.route, questions.memberHealth, changes, deliveries]
    }

    private var list: Endpoint {
        Endpoint(
            .get, "/v1/routes", "listRoutes", tag: .routes, role: .read,
            summary: "List routes by policy",
            description: "Policies that wait for their first answer have none.",
            parameters: [ObjectFilter.selectorParameter] + Listing.parameters,
            answers: Listing.answers("RoutePage", "Routes.")
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

    private var changes: Endpoint {
        Endpoint(
            .get, "/v1/routes/{policy}/changes", "listRouteChanges", tag: .routes, role: .read,
            summary: "List a policy's routes, newest first",
            parameters: [RouteQuestions.policy] + Listing.parameters,
            answers: Listing.answers("RouteChangePage", "Routes with their members."),
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
            summary: "Get what has not reached its sink yet", parameters: [RouteQuestions.policy],
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
