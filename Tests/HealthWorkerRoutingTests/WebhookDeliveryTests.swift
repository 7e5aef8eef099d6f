import HealthWorkerModel
import HealthWorkerRouting
import HealthWorkerStorage
import TestServers
import Testing

/// Webhooks from the outbox to a receiver that fails, by the storage's clock.
struct WebhookDeliveryTests {
    let stage = Stage()

    private func hook(
        _ receiver: WebhookReceiver, groupWithin: Duration = .zero
    ) throws -> NamedSink {
        NamedSink(name: "hook", sink: try Hook.sink(receiver, groupWithin: groupWithin))
    }

    private func publish(_ values: [Int], of policy: String = "www") async throws {
        for value in values {
            try await stage.publish(
                ["192.0.2.\(value)"], of: policy,
                at: [Publication(sink: "hook", name: policy)])
        }
    }

    /// The last byte of what each taken message tells, under the policy's name.
    private func told(_ receiver: WebhookReceiver) throws -> [[String]] {
        try receiver.messages.filter { $0.status == 204 }.map { message in
            try Hook.Told(message).data.changes.map { change in
                "\(change.policy) \(change.after.values.map { $0.split(separator: ".")[3] }[0])"
            }
        }
    }

    @Test func `a receiver that is down gets all that it missed once it is up, in order`()
        async throws
    {
        let receiver = try WebhookReceiver(secrets: [Hook.secret], isUp: false)
        let hook = try hook(receiver)
        let publisher = stage.publisher(1, ("hook", hook.sink))
        try await publish([1, 2])
        _ = try await publisher.publish(to: hook)
        let waiting = try #require(try await stage.pending.first)

        try receiver.start()
        try await publish([3])
        stage.pass(.seconds(2))
        for _ in 1...3 { _ = try await publisher.publish(to: hook) }

        #expect(waiting.failures == 1)
        #expect(waiting.lastError?.contains("refused") == true)
        #expect(try told(receiver) == [["www 1"], ["www 2"], ["www 3"]])
        #expect(try receiver.messages.allSatisfy { $0.verified == [true] })
        #expect(try await stage.pending.isEmpty)
    }

    @Test func `who dies between a message and its answer leaves it to be sent again as it was`()
        async throws
    {
        let receiver = try WebhookReceiver(secrets: [Hook.secret])
        let hook = try hook(receiver)
        try await publish([1, 2])
        let claimed = try await stage.storage.claimDeliveries(
            to: ["hook"], of: .event, limit: 9, lease: .seconds(60))
        for delivery in claimed { _ = try await hook.sink.deliver(delivery) }

        let next = stage.publisher(2, ("hook", hook.sink))
        _ = try await next.publish(to: hook)
        let meanwhile = try receiver.messages.count
        stage.pass(.seconds(61))
        for _ in 1...2 { _ = try await next.publish(to: hook) }

        let messages = try receiver.messages
        #expect(meanwhile == 1)
        #expect(try told(receiver) == [["www 1"], ["www 1"], ["www 2"]])
        #expect(messages[0].id == messages[1].id)
        #expect(messages[0].body == messages[1].body)
        // The generations of a moment may be anything that rises.
        #expect(messages.map(\.news.count) == [1, 0, 1])
    }

    @Test func `what fails holds up its own policy and no other`() async throws {
        let receiver = try WebhookReceiver(secrets: [Hook.secret])
        let hook = try hook(receiver)
        let publisher = stage.publisher(1, ("hook", hook.sink))
        try await publish([1], of: "www")
        try receiver.answer("500")
        _ = try await publisher.publish(to: hook)

        try await publish([7, 8], of: "api")
        for _ in 1...3 { _ = try await publisher.publish(to: hook) }
        let others = try told(receiver)
        stage.pass(.seconds(2))
        _ = try await publisher.publish(to: hook)

        #expect(others == [["api 7"], ["api 8"]])
        #expect(try told(receiver) == [["api 7"], ["api 8"], ["www 1"]])
    }

    @Test func `a pause that a receiver asks for holds for all that goes there`() async throws {
        let receiver = try WebhookReceiver(secrets: [Hook.secret])
        let hook = try hook(receiver)
        let publisher = stage.publisher(1, ("hook", hook.sink))
        try await publish([1], of: "www")
        try receiver.answer("429 Retry-After: 60")
        _ = try await publisher.publish(to: hook)

        try await publish([2], of: "api")
        stage.pass(.seconds(59))
        _ = try await publisher.publish(to: hook)
        let early = try receiver.messages.count
        stage.pass(.seconds(2))
        _ = try await publisher.publish(to: hook)

        #expect(early == 1)
        #expect(Set(try told(receiver)) == [["www 1"], ["api 2"]])
    }

    @Test func `what is not taken for a day is a dead letter, and a retry brings it back`()
        async throws
    {
        let receiver = try WebhookReceiver(secrets: [Hook.secret])
        let hook = try hook(receiver)
        let publisher = stage.publisher(1, ("hook", hook.sink))
        try await publish([1])
        try receiver.answer("500", "500")
        _ = try await publisher.publish(to: hook)
        stage.pass(.hours(25))
        _ = try await publisher.publish(to: hook)
        let letters = try await stage.storage.deadLetters(of: nil)
        try await publish([2])
        _ = try await publisher.publish(to: hook)
        let without = try told(receiver)

        let retried = try await stage.storage.retryDeliveries(to: "hook", of: nil)
        for _ in 1...2 { _ = try await publisher.publish(to: hook) }

        #expect(letters.map(\.lastError) == ["hooks.example.com:\(receiver.port) answered 500."])
        #expect(without == [["www 2"]])
        #expect(retried == 1)
        #expect(try told(receiver) == [["www 2"], ["www 1"], ["www 2"]])
        #expect(try await stage.storage.deadLetters(of: nil).isEmpty)
    }

    @Test func `changes that come together are one message, and wait for it no longer than asked`()
        async throws
    {
        let receiver = try WebhookReceiver(secrets: [Hook.secret])
        let hook = try hook(receiver, groupWithin: .seconds(2))
        let publisher = stage.publisher(1, ("hook", hook.sink))
        try await publish([1, 2], of: "www")
        stage.pass(.seconds(1))
        try await publish([7], of: "api")
        stage.pass(.milliseconds(900))
        _ = try await publisher.publish(to: hook)
        let early = try receiver.messages.count
        try await publish([3], of: "www")

        stage.pass(.milliseconds(100))
        _ = try await publisher.publish(to: hook)

        #expect(early == 0)
        #expect(try told(receiver) == [["www 1", "www 2", "www 3", "api 7"]])
        #expect(try await stage.pending.isEmpty)
    }

    @Test func `of a message of several that was not taken each change is sent alone`() async throws
    {
        let receiver = try WebhookReceiver(secrets: [Hook.secret])
        let hook = try hook(receiver, groupWithin: .seconds(2))
        let publisher = stage.publisher(1, ("hook", hook.sink))
        try await publish([1, 2, 3], of: "www")
        try await publish([7], of: "api")
        stage.pass(.seconds(2))
        try receiver.answer("413")
        _ = try await publisher.publish(to: hook)
        let waiting = try await stage.pending

        for _ in 1...3 {
            stage.pass(.seconds(4))
            _ = try await publisher.publish(to: hook)
        }

        #expect(waiting.map(\.failures) == [1, 1])
        let told = try told(receiver)
        // What comes after the one that failed goes together again.
        #expect(Set(told) == [["www 1"], ["api 7"], ["www 2", "www 3"]])
        #expect(told.last == ["www 2", "www 3"])
        #expect(try await stage.pending.isEmpty)
    }
}
