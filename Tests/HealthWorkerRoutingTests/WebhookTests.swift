import Foundation
import HealthWorkerModel
import HealthWorkerStorage
import TestServers
import Testing

@testable import HealthWorkerRouting

/// Webhooks, at a receiver that verifies them by implementations of others.
@Suite struct WebhookTests {
    private static let secret = Hook.secret
    private static let other = "whsec_" + Data((9..<33).map { UInt8($0) }).base64EncodedString()

    private func delivery(
        _ generation: Int64, after previous: Int64? = nil, later: [Int64] = [],
        failures: Int = 0, policy: PolicyID = 7, name: String = "www"
    ) -> Delivery {
        func route(_ generation: Int64) -> Route {
            Route(
                generation: generation, cause: .failover,
                decidedAt: Timestamp(seconds: 1_800_000_000 + generation),
                answer: Answer(
                    records: [
                        PublishedMember(
                            name: "m\(generation)", value: "192.0.2.\(generation)", weight: 1,
                            family: .a)
                    ], ttl: 30), memory: RouteMemory(),
                members: [
                    MemberVerdict(
                        name: "m\(generation)", value: "192.0.2.\(generation)", family: .a,
                        isPublished: true, reason: .healthy, measured: .healthy,
                        effective: .healthy, since: nil)
                ])
        }
        return Delivery(
            id: 1, attempt: 1, failures: failures, kind: .event,
            order: .publish(route(generation), after: previous.map(route)),
            later: later.map(route), publication: Publication(sink: "hook", name: name),
            policy: policy, policyName: name, since: Timestamp(seconds: 1),
            leaseEnds: Timestamp(seconds: 2))
    }

    @Test func `a message is signed, and says what was, what is and why`() async throws {
        let receiver = try WebhookReceiver(secrets: [Self.secret])

        _ = try await Hook.sink(receiver).deliver(delivery(12, after: 10))

        let messages = try receiver.messages
        let message = try #require(messages.first)
        #expect(messages.count == 1)
        #expect(message.verified == [true])
        #expect(message.verifiedByGuide == [true])
        #expect(message.path == "/hook")
        #expect(message.headers["content-type"] == "application/json")
        #expect(message.headers["host"] == "hooks.example.com:\(receiver.port)")
        let id = try #require(message.id)
        #expect(id.hasPrefix("msg_"))
        #expect(!id.contains("."))
        let told = try Hook.Told(message)
        #expect(told.type == "route.changed")
        #expect(told.timestamp == "2027-01-15T08:00:12Z")
        let change = try #require(told.data.changes.first)
        #expect(change.id == "7.www.12")
        #expect(change.policy == "www")
        #expect(change.cause == "failover")
        #expect(change.generation == 12)
        #expect(change.before?.values == ["192.0.2.10"])
        #expect(change.after.values == ["192.0.2.12"])
        #expect(change.members.map(\.reason) == ["healthy"])
        #expect(message.news == ["7.www.12"])
    }

    @Test func `while a secret is replaced both of them sign`() async throws {
        let receiver = try WebhookReceiver(secrets: [Self.secret, Self.other])

        for (secret, previous) in [
            (Self.secret, nil), (Self.other, Self.secret), (Self.other, nil),
        ] as [(String, String?)] {
            _ = try await Hook.sink(receiver, secret: secret, previous: previous)
                .deliver(delivery(1))
        }

        let messages = try receiver.messages
        #expect(messages.map(\.verified) == [[true, false], [true, true], [false, true]])
        #expect(messages.map(\.verifiedByGuide) == messages.map(\.verified))
    }

    @Test func `what is sent again has the same id and the same body, and is no news`() async throws
    {
        let receiver = try WebhookReceiver(secrets: [Self.secret])
        let sink = try Hook.sink(receiver)

        for _ in 1...2 { _ = try await sink.deliver(delivery(3)) }

        let messages = try receiver.messages
        #expect(messages.count == 2)
        #expect(Set(messages.map(\.id)).count == 1)
        #expect(Set(messages.map(\.body)).count == 1)
        #expect(messages.map(\.news) == [["7.www.3"], []])
    }

    @Test(arguments: [
        ("500", nil), ("404", nil), ("429 Retry-After: 7", Duration.seconds(7)),
        ("503 Retry-After: 9", .seconds(9)), ("503 Retry-After: soon", nil),
        ("429 Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", .zero),
        ("302 Location: http://127.0.0.1/elsewhere", nil),
        ("307 Location: http://127.0.0.1/elsewhere", nil),
    ])
    func `what is not taken is tried again, and a redirect is not followed`(
        answer: String, after: Duration?
    ) async throws {
        let receiver = try WebhookReceiver(secrets: [Self.secret])
        try receiver.answer(answer)

        let error = await #expect(throws: SinkError.self) {
            try await Hook.sink(receiver).deliver(self.delivery(1))
        }

        guard case .notNow(let why, let pause)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(pause == after)
        #expect(why.contains(String(answer.prefix(3))))
        #expect(try receiver.messages.map(\.path) == ["/hook"])
    }

    @Test func `a receiver that wants no more is not asked again`() async throws {
        let receiver = try WebhookReceiver(secrets: [Self.secret])
        try receiver.answer("410")

        let error = await #expect(throws: SinkError.self) {
            try await Hook.sink(receiver).deliver(self.delivery(1))
        }

        guard case .refused? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: ["hang", "drop"])
    func `a receiver that does not answer is not reached`(answer: String) async throws {
        let receiver = try WebhookReceiver(secrets: [Self.secret])
        try receiver.answer(answer)
        let sink = try Hook.sink(receiver, timeout: .seconds(1))

        let error = await #expect(throws: SinkError.self) {
            try await sink.deliver(self.delivery(1))
        }

        guard case .unreachable(let why)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(answer == "drop" || why.contains("took too long"))
    }

    @Test func `a loopback address is called where its network is allowed, and only there`()
        async throws
    {
        let receiver = try WebhookReceiver(secrets: [Self.secret])

        let error = await #expect(throws: SinkError.self) {
            try await Hook.sink(receiver, allowed: "10.0.0.0/8").deliver(self.delivery(1))
        }

        #expect(
            error?.description
                == "127.0.0.1:\(receiver.port) may not be called: it is a loopback address. Name "
                + "its network in sinks.hook.allow_networks to allow it.")
        #expect(try receiver.messages.isEmpty)
    }

    @Test func `what the address rules deny is not called`() async throws {
        let receiver = try WebhookReceiver(secrets: [Self.secret])
        let sink = try Hook.sink(receiver) { _, _, _ throws(SinkError) in
            throw .notNow("169.254.169.254 may not be called: it is a metadata address.")
        }

        let error = await #expect(throws: SinkError.self) {
            try await sink.deliver(self.delivery(1))
        }

        #expect(error?.description.contains("metadata") == true)
        #expect(try receiver.messages.isEmpty)
    }

    @Test func `after a failure another address of the name is called`() async throws {
        let receiver = try WebhookReceiver(secrets: [Self.secret])
        // Nobody listens at the first.
        let sink = try Hook.sink(receiver) { _, _, _ in [.v4(0x7f00_0002), .v4(0x7f00_0001)] }

        let error = await #expect(throws: SinkError.self) {
            try await sink.deliver(self.delivery(1))
        }
        _ = try await sink.deliver(delivery(1, failures: 1))

        guard case .unreachable(let why)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(why.contains("refused"))
        #expect(try receiver.messages.count == 1)
    }

    @Test func `changes that go together are one message, and each policy's in order`() async throws
    {
        let receiver = try WebhookReceiver(secrets: [Self.secret])

        try await Hook.sink(receiver).deliver(together: [
            delivery(12, policy: 8, name: "api"), delivery(9, after: 8, later: [10, 14]),
        ])

        let messages = try receiver.messages
        #expect(messages.map(\.verified) == [[true]])
        let changes = try messages.flatMap { try Hook.Told($0).data.changes }
        #expect(changes.map(\.id) == ["7.www.9", "7.www.10", "7.www.14", "8.api.12"])
        #expect(changes.map { $0.before?.generation } == [8, 9, 10, nil])
        #expect(messages.map(\.news) == [changes.map(\.id)])
    }

    @Test(arguments: [
        "whsec_c2hvcnQ=", "whsec_!", "plain", "whsec_" + String(repeating: "QUFB", count: 30),
    ])
    func `a secret that is none is refused, and not shown`(secret: String) throws {
        let receiver = try WebhookReceiver(secrets: [], isUp: false)

        let error = #expect(throws: SinkError.self) { try Hook.sink(receiver, secret: secret) }

        #expect(error?.description.contains("sinks.hook.secret") == true)
        #expect(error?.description.contains(secret) == false)
    }

    @Test func `a test message is signed, and the answer is told without the path`() async throws {
        let receiver = try WebhookReceiver(secrets: [Self.secret])
        try receiver.answer("204", "401")
        let sink = try Hook.sink(receiver, path: "/services/T0/topsecret")

        let good = await sink.test([])
        let bad = await sink.test([])

        #expect(good.map(\.word) == [.ok])
        #expect(bad.map(\.word) == [.problem])
        #expect(bad.first?.sentence.contains("401") == true)
        #expect(!(good + bad).contains { $0.sentence.contains("topsecret") })
        let message = try #require(try receiver.messages.first)
        #expect(message.verified == [true])
        #expect(try Hook.Told(message).type == "test")
    }
}
