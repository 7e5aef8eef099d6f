import Glibc
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import NIOCore
import StorageConformance
import Synchronization
import Testing

/// A thousand consumers that wait for a route, each with a connection of its own.
@Suite(.serialized) struct WaitingTests {
    private static let crowd = 1000

    init() throws {
        // Both ends of each connection are in this process.
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        try #require(limit.rlim_cur >= 3000, "give this process 3000 descriptors (ulimit -n)")
    }

    @Test(.timeLimit(.minutes(10)))
    func `a thousand long polls are answered by the next route, and cost no more reads than one`()
        async throws
    {
        let storage = MemoryStorage()
        let counting = CountingMarks(base: storage)
        let held = RoutesHeld(storage, reading: counting)
        try await held.publish("www", Member(name: "fra1", value: "192.0.2.10"))
        let tag = try #require(try await held.tag(of: "www"))

        try await RoutesHeld.consuming(held.routes) { port in
            let sent = Gate(count: Self.crowd)
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<Self.crowd {
                    group.addTask {
                        var answer = ""
                        var isFirst = true
                        // As consumers do: where its time was over, it asks again.
                        while !answer.hasPrefix("HTTP/1.1 200") {
                            answer = try await Self.poll(port: port, tag: tag) {
                                if isFirst { sent.arrive() }
                                isFirst = false
                            }
                        }
                        return answer
                    }
                }
                await sent.wait()
                let before = counting.reads
                let start = ContinuousClock.now
                // Long enough for many looks of each.
                try await Task.sleep(for: .seconds(1))
                let reads = Double(counting.reads - before)
                let passed = (ContinuousClock.now - start) / .milliseconds(125)
                #expect(reads <= passed + 2, "\(reads) reads where one consumer costs \(passed)")

                try await held.publish("www", Member(name: "ams1", value: "192.0.2.20"))
                var answers: [String] = []
                for try await answer in group { answers.append(answer) }
                return answers
            }

            #expect(answers.count == Self.crowd)
            #expect(answers.allSatisfy { $0.contains("192.0.2.20") })
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a thousand listeners are told each route, and when the policy is gone`() async throws {
        let held = RoutesHeld()
        try await held.publish("www", Member(name: "fra1", value: "192.0.2.10"))

        try await RoutesHeld.consuming(held.routes) { port in
            let begun = Gate(count: Self.crowd)
            let turned = Gate(count: Self.crowd)
            let streams = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<Self.crowd {
                    group.addTask {
                        try await Self.listen(port: port, begun: begun, turned: turned)
                    }
                }
                await begun.wait()
                try await held.publish("www", Member(name: "ams1", value: "192.0.2.20"))
                await turned.wait()
                _ = try await held.storage.write(
                    WriteBatch([.deletePolicy("www")], actor: "ann"))
                var streams: [String] = []
                for try await stream in group { streams.append(stream) }
                return streams
            }

            let events = streams.map { $0.components(of: "event: route") }
            #expect(events == Array(repeating: 2, count: Self.crowd))
            #expect(streams.allSatisfy { $0.contains("event: gone") })
        }
    }

    @Test func `who comes back is not told what it has, and one too many is told to come again`()
        async throws
    {
        let held = RoutesHeld()
        try await held.publish("www", Member(name: "fra1", value: "192.0.2.10"))
        let tag = try #require(try await held.tag(of: "www")).filter { $0 != "\"" }

        try await RoutesHeld.consuming(held.routes, limit: 1) { port in
            try await TestConnection.open(port: port).executeThenClose { inbound, outbound in
                try await outbound.write(
                    ByteBuffer(
                        string: "GET /v1/routes/www HTTP/1.1\r\nHost: a\r\n"
                            + "Accept: text/event-stream\r\nLast-Event-ID: \(tag)\r\n\r\n"))
                var heard = ""
                var iterator = inbound.makeAsyncIterator()
                while !heard.contains("retry: "), let bytes = try await iterator.next() {
                    heard += String(buffer: bytes)
                }
                let refused = try await RoutesHeld.get(
                    "/v1/routes/www", port: port, headers: "Accept: text/event-stream\r\n")
                try await held.publish("www", Member(name: "ams1", value: "192.0.2.20"))
                while !heard.contains("192.0.2.20"), let bytes = try await iterator.next() {
                    heard += String(buffer: bytes)
                }

                #expect(refused.status == 503)
                #expect(!heard.contains("192.0.2.10"))
                #expect(heard.components(of: "event: route") == 1)
            }
        }
    }

    private static func poll(
        port: Int, tag: String, afterSending then: () -> Void
    ) async throws -> String {
        try await TestConnection.open(port: port).executeThenClose { inbound, outbound in
            try await outbound.write(
                ByteBuffer(
                    string: "GET /v1/routes/www?wait=1m HTTP/1.1\r\nHost: a\r\n"
                        + "Connection: close\r\nIf-None-Match: \(tag)\r\n\r\n"))
            then()
            var heard = ""
            for try await bytes in inbound { heard += String(buffer: bytes) }
            return heard
        }
    }

    private static func listen(port: Int, begun: Gate, turned: Gate) async throws -> String {
        try await TestConnection.open(port: port).executeThenClose { inbound, outbound in
            try await outbound.write(
                ByteBuffer(
                    string: "GET /v1/routes/www HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                        + "Accept: text/event-stream\r\n\r\n"))
            var heard = ""
            var (hasBegun, hasTurned) = (false, false)
            for try await bytes in inbound {
                heard += String(buffer: bytes)
                if !hasBegun, heard.contains("192.0.2.10") {
                    hasBegun = true
                    begun.arrive()
                }
                if !hasTurned, heard.contains("192.0.2.20") {
                    hasTurned = true
                    turned.arrive()
                }
            }
            return heard
        }
    }
}

extension RoutesHeld {
    /// As an answer's `ETag` says it.
    fileprivate func tag(of name: String) async throws -> String? {
        let policy = try await storage.policies(named: [name]).first
        guard let policy, let route = try await storage.route(of: policy.id)?.route else {
            return nil
        }
        return "\"\(route.generation)\""
    }
}

/// Counts how often it is asked whether routes have changed.
private struct CountingMarks: ForwardingStorage {
    private final class Count: Sendable {
        let value = Mutex(0)
    }

    let base: MemoryStorage
    private let count = Count()

    init(base: MemoryStorage) {
        self.base = base
    }

    var reads: Int { count.value.withLock { $0 } }

    func routesMark() async throws(StorageError) -> RoutesMark {
        count.value.withLock { $0 += 1 }
        return try await base.routesMark()
    }
}
