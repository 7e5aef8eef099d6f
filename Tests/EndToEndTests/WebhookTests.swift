import Foundation
import TestServers
import Testing

/// Webhooks from end to end: a real receiver that fails, and a program that is killed.
@Suite(.serialized) struct `A webhook` {
    private struct Told: Decodable {
        struct Content: Decodable {
            var changes: [Change]
        }

        struct Change: Decodable, Equatable {
            var policy: String
            var generation: Int64
            var cause: String
            var before: Published?
            var after: Published
        }

        struct Published: Decodable, Equatable {
            struct Record: Decodable, Equatable {
                var value: String
            }

            var generation: Int64
            var records: [Record]

            var values: [String] { records.map(\.value) }
        }

        var type: String
        var data: Content
    }

    private struct Sinks: Decodable {
        struct Sink: Decodable {
            var deadLetters: Int
        }

        var items: [Sink]
    }

    private static func changes(_ message: WebhookReceiver.Message) throws -> [Told.Change] {
        try JSONDecoder().decode(Told.self, from: Data(message.body.utf8)).data.changes
    }

    private static let secret =
        "whsec_" + Data((0..<32).map { UInt8($0) }).base64EncodedString()

    @Test(.timeLimit(.minutes(5)))
    func `tells each change in order, signed, through a failing receiver and our death`()
        async throws
    {
        let receiver = try WebhookReceiver(secrets: [Self.secret])
        let folder = try Scratch()
        let file = try folder.write(Self.secret + "\n", to: "secret")
        var pair = try await ConsumedPair.start(
            settings: [
                "HEALTH_WORKER_SINKS_HOOK_TYPE": "webhook",
                "HEALTH_WORKER_SINKS_HOOK_URL": "http://127.0.0.1:\(receiver.port)/hook",
                "HEALTH_WORKER_SINKS_HOOK_SECRET_FILE": file.path,
                "HEALTH_WORKER_SINKS_HOOK_ALLOW_NETWORKS": "127.0.0.0/8",
                // Its lease ends soon after we died.
                "HEALTH_WORKER_SINKS_HOOK_TIMEOUT": "5s",
            ], publish: "{sink: hook, name: www}")
        do {
            try await live(through: &pair, receiver)
        } catch {
            print(pair.installation.program.written.suffix(4000))
            print((try? receiver.messages) ?? [])
            await pair.end()
            folder.remove()
            throw error
        }
        #expect(!pair.installation.program.written.contains(Self.secret))
        await pair.end()
        folder.remove()
    }

    private func live(
        through pair: inout ConsumedPair, _ receiver: WebhookReceiver
    ) async throws {
        func last() throws -> Told.Change? {
            try receiver.messages.filter { $0.status == 204 }.flatMap { try Self.changes($0) }.last
        }
        try await pair.until("both members are told") {
            try last()?.after.values == ["127.0.0.1", "127.0.0.2"]
        }

        // The receiver fails twice: the same message comes until it is taken.
        try receiver.answer("500", "503")
        await pair.targets.kill("127.0.0.1")
        try await pair.until("the failover is told") {
            try last()?.after.values == ["127.0.0.2"]
        }
        let attempts = try receiver.messages.suffix(3)
        #expect(attempts.map(\.status) == [500, 503, 204])
        #expect(Set(attempts.map(\.id)).count == 1)
        let failover = try #require(try last())
        #expect(failover.cause == "detached")
        #expect(failover.before?.values == ["127.0.0.1", "127.0.0.2"])

        // The program is killed while the receiver has a message and has not answered.
        try receiver.answer("hang")
        let before = try receiver.messages.count
        try await pair.targets.start("127.0.0.1")
        try await pair.until("the receiver has a message") {
            try receiver.messages.count > before
        }
        pair.installation.program.send(SIGKILL)
        #expect(await pair.installation.program.end(within: .seconds(60)) == -SIGKILL)
        try await pair.installation.startAgain()
        try await pair.until("the return is told") {
            try last()?.after.values == ["127.0.0.1", "127.0.0.2"]
        }
        let twice = try receiver.messages[before...(before + 1)]
        #expect(twice.map(\.status) == [0, 204])
        #expect(Set(twice.map(\.id)).count == 1)
        #expect(Set(twice.map(\.body)).count == 1)
        #expect(twice.map(\.news.count) == [1, 0])

        // What is given up is a dead letter, until an operator brings it back.
        try receiver.answer("410")
        await pair.targets.kill("127.0.0.2")
        var dead: [Told.Change] = []
        try await pair.until("there is a dead letter") {
            dead = try receiver.messages.filter { $0.status == 410 }
                .flatMap { try Self.changes($0) }
            let sinks = try await pair.installation.client.read("/v1/sinks", as: Sinks.self)
            return sinks.items.map(\.deadLetters) == [1]
        }
        try await pair.tell("sinks", "retry", "hook")
        try await pair.until("the dead letter is told") { try last() == dead.first }

        // Nothing is left out, nothing comes before what it follows, and all of it is signed.
        let messages = try receiver.messages
        #expect(messages.allSatisfy { $0.verified == [true] && $0.verifiedByGuide == [true] })
        let changes = try messages.filter { $0.status == 204 }.flatMap { try Self.changes($0) }
        #expect(changes.map(\.generation) == changes.map(\.generation).sorted())
        for (earlier, later) in zip(changes, changes.dropFirst())
        where earlier.generation != later.generation {
            #expect(later.before?.generation == earlier.after.generation)
        }

        try await pair.tell("sinks", "test", "hook")
        let test = try #require(try receiver.messages.last)
        #expect(try JSONDecoder().decode(Told.self, from: Data(test.body.utf8)).type == "test")
        #expect(test.verified == [true])
    }
}
