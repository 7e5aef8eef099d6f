import HealthWorkerAPI
import HealthWorkerModel
import HealthWorkerStorage
import Logging
import NIOCore
import Testing

@Suite struct AgentTests {
    private static func route(
        _ members: [MemberVerdict], weights: [String: Int] = [:]
    ) -> StoredRoute {
        let records = members.filter { weights[$0.name] != nil }.map {
            PublishedMember(
                name: $0.name, value: $0.value, weight: weights[$0.name] ?? 0, family: $0.family)
        }
        return StoredRoute(
            policy: 1, policyName: "www", mode: .live, evaluation: 1, members: members,
            lookAgainAt: nil, unprotected: [], freeze: nil,
            route: Route(
                generation: 1, cause: .first, decidedAt: Timestamp(seconds: 1),
                answer: Answer(records: records, ttl: 30), memory: RouteMemory(),
                members: members))
    }

    @Test(arguments: [
        (member(.healthy, .healthy, isPublished: true), "up ready 100%\n"),
        (member(.allUnhealthy, .unhealthy, isPublished: true), "up ready 100%\n"),
        (member(.simple, .unhealthy, isPublished: true), "up ready 100%\n"),
        (member(.unhealthy, .unhealthy), "down #unhealthy\n"),
        (member(.overriddenDown, .unhealthy), "down #overridden_down\n"),
        (member(.unknown, .unknown), "down #unknown\n"),
        (member(.drained, .unhealthy), "up drain\n"), (member(.standby, .healthy), "up drain\n"),
        (member(.maintenance, .unhealthy), "up drain\n"),
        (member(.reattachDelay, .healthy), "up drain\n"),
        (member(.failbackByHand, .healthy), "up drain\n"),
        (member(.disabled, .unhealthy), "maint\n"), (member(.waiting, .unknown), "\n"),
    ])
    func `HAProxy is told to use what is published, and why not what is not`(
        member: MemberVerdict, line: String
    ) {
        let answer = AgentAnswer(member: "a", of: Self.route([member]))

        #expect(answer?.line == line)
    }

    @Test(arguments: [
        (["a": 1, "b": 1], 100), (["a": 1, "b": 4], 25), (["a": 4, "b": 1], 100),
        (["a": 1, "b": 255], 1), (["a": 0, "b": 5], 0), (["a": 0, "b": 0], 100), (["b": 7], 100),
    ])
    func `the heaviest has all its weight, and the others their share of that`(
        weights: [String: Int], percent: Int
    ) {
        let members = ["a", "b"].map {
            member(.healthy, .healthy, isPublished: true, name: $0)
        }

        let answer = AgentAnswer(member: "a", of: Self.route(members, weights: weights))

        #expect(answer == .serve(percent: percent))
    }

    @Test func `there is no word for a member that does not exist`() {
        #expect(AgentAnswer(member: "b", of: Self.route([])) == nil)
    }

    // MARK: - Over a connection

    private func listening(
        _ routes: RouteWatch, networks: [String] = ["127.0.0.0/8"],
        _ body: @escaping @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        let list = NetworkList(try networks.map { try Network($0) })
        try await RoutesHeld.serving(
            routes,
            { onListening in
                AgentListener(
                    host: "127.0.0.1", port: 0, networks: list, routes: routes,
                    // Not to be asked for when the machine is slow.
                    patience: .minutes(10), logger: Logger(label: "test"),
                    onListening: { onListening($0) })
            }, body)
    }

    @Test(arguments: [
        ("www/fra1\n", "up ready 100%\n"), ("www/ams1\r\n", "up ready 50%\n"),
        ("www/old\n", "maint\n"), ("www/nobody\n", "\n"), ("nobody/fra1\n", "\n"),
        ("www\n", "\n"), ("\n", "\n"), ("www/fra1/x\n", "\n"),
        ("www/fra1\nwww/old\n", "up ready 100%\n"),
        (String(repeating: "x", count: 100_000), ""),
    ])
    func `each line is answered by one, and the connection ends`(
        question: String, answer: String
    ) async throws {
        let held = RoutesHeld()
        try await held.publish(
            "www", Member(name: "fra1", value: "192.0.2.1", weight: 20),
            Member(name: "ams1", value: "192.0.2.2", weight: 10),
            Member(name: "old", value: "192.0.2.3", isEnabled: false))

        try await listening(held.routes) { port in
            let told = try await TestConnection.answer(to: question, port: port)

            #expect(told == answer)
        }
    }

    @Test func `who is not listed hears nothing`() async throws {
        let held = RoutesHeld()
        try await held.publish("www", Member(name: "a", value: "192.0.2.1"))

        try await listening(held.routes, networks: ["127.0.0.1/32"]) { port in
            let listed = try await TestConnection.answer(
                to: "www/a\n", port: port, from: "127.0.0.1")
            let other = try await TestConnection.answer(
                to: "www/a\n", port: port, from: "127.0.0.2")

            #expect(listed == "up ready 100%\n")
            #expect(other == "")
        }
    }

    @Test func `what nothing is known of changes nothing`() async throws {
        try await listening(RouteWatch()) { port in
            let told = try await TestConnection.answer(to: "www/a\n", port: port)

            #expect(told == "\n")
        }
    }
}

private func member(
    _ reason: VerdictReason, _ effective: Health, isPublished: Bool = false,
    name: String = "a"
) -> MemberVerdict {
    MemberVerdict(
        name: name, value: "192.0.2.1", family: .a, isPublished: isPublished, reason: reason,
        measured: effective, effective: effective, since: nil)
}
