import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage

/// Policies and their routes as they are answered.
enum RouteAnswer {
    /// - Parameter protection: nil where it was not asked.
    static func node(
        of policy: Policy, route: StoredRoute?, _ protection: Protection? = nil
    ) -> Node {
        Node.encoding(policy.spec).with([
            .init(
                "observed",
                .object(
                    [
                        .init("id", .number(policy.id.rawValue)),
                        .init("revision", .number(policy.revision)),
                        entry("set", policy.set.map(Node.text)),
                        .init("created_at", .time(policy.createdAt)),
                        .init("updated_at", .time(policy.updatedAt)),
                        entry("route", route.flatMap(node)),
                        .init(
                            "unprotected", .names((route?.unprotected ?? []).map(\.rawValue))),
                        entry("look_again_at", (route?.lookAgainAt).map(Node.time)),
                        entry("freeze", (route?.freeze).map { Node.encoding($0) }),
                        .init("held", .list(route.map(holds) ?? [])),
                    ] + entries(of: protection)))
        ])
    }

    /// The members that are published although they turned unhealthy, by name.
    static func holds(of stored: StoredRoute) -> [Node] {
        (stored.route?.memory.holds ?? [:]).sorted { $0.key < $1.key }.map { name, hold in
            .object([
                .init("member", .text(name)), .init("by", .text(hold.holder)),
                .init("since", .time(hold.since)), entry("until", hold.until.map(Node.time)),
            ])
        }
    }

    private static func entries(of protection: Protection?) -> [Node.Entry?] {
        [
            entry("protected", (protection?.isProtected).map(Node.flag)),
            entry(
                "exposures", protection.map { .list($0.exposures.map { Node.encoding($0) }) }),
        ]
    }

    /// Nil while the policy waits for its first answer.
    static func node(of stored: StoredRoute) -> Node? {
        guard let route = stored.route else { return nil }
        return .object(
            [
                .init("policy", .text(stored.policyName)),
                .init("mode", .text(stored.mode.rawValue)),
            ] + entries(of: route))
    }

    static func change(_ route: Route) -> Node {
        .object(entries(of: route) + [.init("members", members(route.members))])
    }

    static func change(_ route: Route, arrivals: [Arrival]) -> Node {
        let turn = route.turn
        return change(route).with([
            .init(
                "timeline",
                .object([
                    entry("member", (turn?.member).map(Node.text)),
                    entry("noticed_at", (turn?.noticedAt).map(Node.time)),
                    entry("turned_at", (turn?.turnedAt).map(Node.time)),
                    .init("decided_at", .time(route.decidedAt)),
                    .init("arrivals", .list(arrivals.map(node))),
                ]))
        ])
    }

    private static func node(of arrival: Arrival) -> Node {
        var end: Arrival.End?
        if case .ended(let how) = arrival.state { end = how }
        return .object([
            .init("sink", .text(arrival.place.sink)), .init("name", .text(arrival.place.name)),
            .init("applied_at", .time(arrival.appliedAt)),
            .init("state", .text(arrival.state.word.rawValue)),
            entry("observed_at", (end?.observedAt).map(Node.time)),
            entry("found", (end?.found).map(Node.text)),
        ])
    }

    /// - Parameter protection: nil where it was not asked.
    static func evaluation(_ stored: StoredRoute, _ protection: Protection? = nil) -> Node {
        .object(
            [
                .init("policy", .text(stored.policyName)),
                .init("evaluation", .number(stored.evaluation)),
                .init("members", members(stored.members)),
                .init("unprotected", .names(stored.unprotected.map(\.rawValue))),
                entry("look_again_at", stored.lookAgainAt.map(Node.time)),
                entry("freeze", stored.freeze.map { Node.encoding($0) }),
                .init("held", .list(holds(of: stored))),
                entry("route", node(of: stored)),
            ] + entries(of: protection))
    }

    static func simulation(
        _ simulation: PolicyEvaluation.Simulation, of inputs: PolicyEvaluation.Inputs
    ) -> Node {
        let verdict = simulation.verdict
        return .object([
            .init("policy", .text(inputs.policy.spec.name)), .init("now", .time(inputs.now)),
            .init("changes", .list(simulation.changes.map { .object(entries(of: $0)) })),
            entry("ttl", (verdict.answer?.ttl).map { .number($0) }),
            entry("records", (verdict.answer?.records).map(records)),
            .init("members", members(verdict.members)),
            .init("unprotected", .names(verdict.unprotected.map(\.rawValue))),
            entry("look_again_at", verdict.lookAgainAt.map(Node.time)),
            .init("unnoticed", .names(simulation.unnoticed)),
            entry("freeze", inputs.freeze.map { Node.encoding($0) }),
        ])
    }

    private static func entries(of route: Route) -> [Node.Entry] {
        [
            .init("generation", .number(route.generation)),
            .init("cause", .text(route.cause.rawValue)),
            .init("decided_at", .time(route.decidedAt)), .init("ttl", .number(route.answer.ttl)),
            .init("records", records(route.answer.records)),
        ]
    }

    private static func records(_ records: [PublishedMember]) -> Node {
        .list(
            records.map { record in
                .object([
                    .init("name", .text(record.name)), .init("value", .text(record.value)),
                    .init("weight", .number(record.weight)),
                    .init("family", .text(record.family.rawValue)),
                ])
            })
    }

    private static func members(_ members: [MemberVerdict]) -> Node {
        .list(members.map { Node.encoding($0) })
    }
}
