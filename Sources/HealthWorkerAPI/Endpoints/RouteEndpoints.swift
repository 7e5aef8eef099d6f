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
            description:
                "Each with its timeline: when what it answers was noticed, when health turned, "
                + "when it was decided, and when it was applied at each of its places and seen there.",
            parameters: [RouteQuestions.policy] + Listing.parameters,
            answers: Listing.answers("RouteChangePage", "Routes with their members."),
            problems: [.notFound]
        ) { [backend] call in
            let policy = try await backend.policy(call.name("policy"))
            let found = try await backend.storage.routeChanges(
                of: policy.id, before: Listing.before(call, in: "route-changes"),
                limit: Listing.limit(call) + 1)
            var arrivals: [Int64: [Arrival]] = [:]
            if let newest = found.first, let oldest = found.last {
                arrivals = Dictionary(
                    grouping: try await backend.storage.arrivals(
                        of: policy.id, from: oldest.generation, through: newest.generation),
                    by: \.place.generation)
            }
            return Listing.answer(
                call, "route-changes", found, position: \.generation.description
            ) { RouteAnswer.change($0, arrivals: arrivals[$0.generation] ?? []) }
        }
    }

    private var deliveries: Endpoint {
        Endpoint(
            .get, "/v1/routes/{policy}/deliveries", "getDeliveries", tag: .routes, role: .read,
            summary: "Get what sinks took of a policy's routes, and what has not reached them yet",
            parameters: [RouteQuestions.policy],
            answers: [Endpoint.Answer(.ok, "What waits.", .reference("Deliveries"))],
            problems: [.notFound]
        ) { [backend] call in
            let policy = try await backend.policy(call.name("policy"))
            // What is delivered meanwhile must not look as if it were lost: what waits is read first.
            let pending = try await backend.storage.pendingDeliveries(of: policy.id)
            let letters = try await backend.storage.deadLetters(of: policy.id)
            let holdings = try await backend.storage.holdings(of: policy.id)
            let route = try await backend.route(of: policy).route
            let publications = policy.spec.publish.map { publication in
                DeliveredPublication(
                    publication, mode: policy.spec.mode, route,
                    holdings.first {
                        $0.sink == publication.sink && $0.name == publication.name
                    },
                    isPending: pending.contains {
                        $0.sink == publication.sink && $0.name == publication.name
                    })
            }
            return .json(
                .object([
                    .init(
                        "in_sync",
                        .flag(pending.isEmpty && publications.allSatisfy(\.isInSync))),
                    .init("items", .list(pending.map(node))),
                    .init("publications", .list(publications.map(\.node))),
                    .init("dead_letters", .list(letters.map(node))),
                ]))
        }
    }

    private func node(of delivery: PendingDelivery) -> Node {
        .object([
            .init("id", .number(delivery.id.rawValue)), .init("sink", .text(delivery.sink)),
            .init("name", .text(delivery.name)),
            .init("generation", .number(delivery.generation)),
            .init("attempt", .number(delivery.attempt)),
            .init("failures", .number(delivery.failures)), .init("since", .time(delivery.since)),
            .init("next_try_at", .time(delivery.visibleAt)),
            entry("last_error", delivery.lastError.map(Node.text)),
            entry(
                "withdrawn",
                delivery.generation == Withdrawal.generation ? Node.flag(true) : nil),
        ])
    }

    private func node(of letter: DeadLetter) -> Node {
        .object([
            .init("sink", .text(letter.sink)), .init("name", .text(letter.name)),
            .init("generation", .number(letter.generation)), .init("since", .time(letter.since)),
            .init("given_up_at", .time(letter.givenUpAt)),
            .init("failures", .number(letter.failures)),
            .init("last_error", .text(letter.lastError)),
        ])
    }
}

/// What a sink holds of a publication, beside what it should.
private struct DeliveredPublication {
    let publication: Publication
    let holding: Holding?
    let isInSync: Bool

    init(
        _ publication: Publication, mode: PolicyMode, _ route: Route?, _ holding: Holding?,
        isPending: Bool
    ) {
        self.publication = publication
        self.holding = holding
        // Who only observes has delivered nothing, and nothing is expected of a policy without a route.
        let isDelivered =
            mode == .observe || route == nil || holding?.generation == route?.generation
        isInSync = isDelivered && !isPending && holding?.difference == nil
    }

    var node: Node {
        .object([
            .init("sink", .text(publication.sink)), .init("name", .text(publication.name)),
            .init("in_sync", .flag(isInSync)),
            entry("generation", (holding?.generation).map { .number($0) }),
            entry("delivered_at", (holding?.deliveredAt).map(Node.time)),
            entry("difference", (holding?.difference).map(Node.text)),
        ])
    }
}
