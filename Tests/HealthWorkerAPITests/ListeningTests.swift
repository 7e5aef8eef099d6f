import AsyncHTTPClient
import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import StorageConformance
import Synchronization
import Testing

/// Streams of events, over real connections.
@Suite struct ListeningTests {
    @Test(.timeLimit(.minutes(10)))
    func `who listens is told what happens, and of nothing before`() async throws {
        try await Listening.run { server in
            try await server.put("old")

            try await server.listen { stream in
                try await server.put("new")
                try await server.put("newer")
                let first = try await stream.next()
                let second = try await stream.next()

                #expect(first.event == "edit")
                #expect(first.data?["check"]?.text == "new")
                #expect(first.data?["id"]?.text == first.id)
                #expect(second.data?["check"]?.text == "newer")
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `who comes back gets what happened after the last event that came`() async throws {
        try await Listening.run { server in
            var last = ""
            try await server.listen { stream in
                try await server.put("a")
                last = try await stream.next().id
            }
            try await server.put("b")
            try await server.put("c")

            try await server.listen(after: last) { stream in
                let names = [
                    try await stream.next().data?["check"]?.text,
                    try await stream.next().data?["check"]?.text,
                ]

                #expect(names == ["b", "c"])
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `another process goes on where the last one ended, and leaves nothing out`()
        async throws
    {
        let storage = MemoryStorage(
            clock: StorageClock(runningFrom: Timestamp(seconds: 1_800_000_000)))
        let last = Mutex("")
        try await Listening.run(storage: storage) { server in
            try await server.listen { stream in
                try await server.put("a")
                try await server.put("b")
                _ = try await stream.next()
                let second = try await stream.next()
                last.withLock { $0 = second.id }
            }
        }

        try await Listening.run(storage: storage) { server in
            try await server.put("c")
            try await server.listen(after: last.withLock { $0 }) { stream in
                try await server.put("d")
                var names: [String] = []
                while names.last != "d" {
                    names.append(try await stream.next().data?["check"]?.text ?? "")
                }

                #expect(!names.contains("b"), "the event that came already")
                #expect(names.suffix(2) == ["c", "d"])
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a stream begins in the past where it is asked to`() async throws {
        try await Listening.run { server in
            try await server.put("a")
            try await server.put("b")

            try await server.listen("?since=1h") { stream in
                try await server.put("c")
                var names: [String] = []
                while names.last != "c" {
                    names.append(try await stream.next().data?["check"]?.text ?? "")
                }

                #expect(names == ["a", "b", "c"])
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a listener hears only of what it asked for`() async throws {
        try await Listening.run { server in
            try await server.put("a", labels: ["site": "fra1"])

            try await server.listen("?type=edit&selector=site=ams1") { stream in
                try await server.put("b", labels: ["site": "fra1"])
                try await server.put("c", labels: ["site": "ams1"])

                let heard = try await stream.next()
                #expect(heard.data?["check"]?.text == "c")
            }
            try await server.listen("?check=a") { stream in
                try await server.put("d")
                try await server.put("a", labels: ["site": "ams1"])

                let heard = try await stream.next()
                #expect(heard.data?["deed"]?["action"]?.text == "check.updated")
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `many listeners cost no more reads than one`() async throws {
        let storage = CountingStorage(base: MemoryStorage())
        try await Listening.run(storage: storage) { server in
            try await withThrowingTaskGroup(of: String?.self) { group in
                let ready = Gate(count: 20)
                for _ in 0..<20 {
                    group.addTask {
                        var name: String?
                        try await server.listen { stream in
                            ready.arrive()
                            name = try await stream.next().data?["check"]?.text
                        }
                        return name
                    }
                }
                await ready.wait()
                let before = storage.reads
                let start = ContinuousClock.now
                // Long enough for several looks: as many as one listener would take.
                try await Task.sleep(for: .milliseconds(600))
                let looks = Double(storage.reads - before)
                let passed = (ContinuousClock.now - start) / Listening.interval
                try await server.put("a")

                for try await name in group { #expect(name == "a") }
                // One listener looks once in each interval, and now and then once more.
                #expect(looks <= passed * 2 + 4, "\(looks) reads in \(passed) intervals")
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `comments tell that the connection lives, and a revoked key ends it`() async throws {
        try await Listening.run(heartbeat: .milliseconds(100), keyMemory: .zero) { server in
            try await server.listen { stream in
                try await stream.waitForComment()
                try await server.storage.revokeKey(id: server.keyID)
                var hasEnded = false
                do {
                    _ = try await stream.next()
                } catch is EventLines.Failure {
                    hasEnded = true
                }

                #expect(hasEnded)
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a revoked key ends a stream also while events flow`() async throws {
        try await Listening.run(keyMemory: .zero) { server in
            try await server.listen { stream in
                try await server.put("before")
                _ = try await stream.next()
                try await server.storage.revokeKey(id: server.keyID)
                var told = 0
                do {
                    while told < 200 {
                        try await server.put("after-\(told)")
                        _ = try await stream.next()
                        told += 1
                    }
                } catch is EventLines.Failure {}

                #expect(told < 200)
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a revoked key ends what is told of the past`() async throws {
        let base = MemoryStorage(
            clock: StorageClock(runningFrom: Timestamp(seconds: 1_800_000_000)))
        let storage = RevokingStorage(base: base)
        try await Listening.run(storage: storage, keyMemory: .zero) { server in
            for number in 0..<501 { try await server.put("c\(number)") }
            storage.revoke(server.keyID)
            var told = 0
            try await server.listen("?since=1h") { stream in
                do {
                    while true {
                        _ = try await stream.next()
                        told += 1
                    }
                } catch is EventLines.Failure {}
            }

            // The first page was read before it was revoked.
            #expect(told <= 500)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `one listener too many is told when to come again`() async throws {
        try await Listening.run(limit: 1) { server in
            try await server.listen { _ in
                let refused = try await server.status(of: "/v1/events")

                #expect(refused.code == 503)
                #expect(refused.retryAfter == "5")
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `who only asks for the headers takes no listener's place`() async throws {
        try await Listening.run(limit: 1) { server in
            for _ in 0..<3 {
                let answer = try await server.status(of: "/v1/events", method: .HEAD)
                #expect(answer.code == 200)
            }
            try await server.listen { stream in
                try await server.put("a")
                let heard = try await stream.next()
                #expect(heard.data?["check"]?.text == "a")
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `an event that becomes visible late is told, too`() async throws {
        let base = MemoryStorage(
            clock: StorageClock(runningFrom: Timestamp(seconds: 1_800_000_000)))
        let storage = HidingStorage(base: base)
        try await Listening.run(storage: storage) { server in
            try await server.listen { stream in
                storage.hide("late")
                try await server.put("late")
                try await server.put("visible")
                let first = try await stream.next().data?["check"]?.text
                storage.hide(nil)
                let second = try await stream.next().data?["check"]?.text

                #expect(first == "visible")
                #expect(second == "late")
            }
        }
    }
}

// MARK: - The server

/// A server that really listens, and clients of it.
private struct Listening: Sendable {
    static let interval = Duration.milliseconds(50)

    let storage: any Storage
    let keyID: String
    let key: String
    let port: Int
    let client: HTTPClient

    static func run(
        storage: any Storage = MemoryStorage(
            clock: StorageClock(runningFrom: Timestamp(seconds: 1_800_000_000))),
        limit: Int = 100, heartbeat: Duration = .seconds(15), keyMemory: Duration = .seconds(5),
        _ body: @escaping @Sendable (Listening) async throws -> Void
    ) async throws {
        let (key, text) = KeyMint.mint(role: .admin, name: "test", now: try await storage.now())
        try await storage.insertKey(key)
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let server = try APIServer(
            storage: storage, compiler: Compiler { _ in nil },
            settings: APISettings(
                port: 0, longPollInterval: .milliseconds(100), keyMemory: keyMemory,
                listenerLimit: limit, heartbeat: heartbeat),
            logger: Logger(label: "test"), onListening: { listening.yield($0) })
        // As many connections at once as there are listeners.
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 100
        let client = HTTPClient(configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.application.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            do {
                try await body(
                    Listening(
                        storage: storage, keyID: key.id, key: text, port: port, client: client))
            } catch {
                try await client.shutdown()
                throw error
            }
            try await client.shutdown()
            group.cancelAll()
            // The error of being cancelled, if there is one, is what was asked for.
            try? await group.waitForAll()
        }
    }

    func put(_ name: String, labels: [String: String] = [:]) async throws {
        let spec = CheckSpec(
            name: name, labels: labels, type: .tcp, target: Target(host: "192.0.2.1", port: 80))
        _ = try await storage.write(WriteBatch([.putCheck(spec, set: nil)], actor: "ann"))
    }

    private func request(_ path: String, after last: String? = nil) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        request.headers.add(name: "Accept", value: "text/event-stream")
        if let last { request.headers.add(name: "Last-Event-ID", value: last) }
        return request
    }

    func status(
        of path: String, method: NIOHTTP1.HTTPMethod = .GET
    ) async throws -> (code: UInt, retryAfter: String?) {
        var request = request(path)
        request.method = method
        let response = try await client.execute(request, timeout: .seconds(60))
        return (response.status.code, response.headers.first(name: "Retry-After"))
    }

    /// Listens until `body` is done; it begins once the stream has.
    func listen(
        _ query: String = "", after last: String? = nil,
        _ body: (inout EventLines) async throws -> Void
    ) async throws {
        let response = try await client.execute(
            request("/v1/events\(query)", after: last), timeout: .seconds(110))
        #expect(response.status == .ok)
        #expect(response.headers.first(name: "Content-Type") == "text/event-stream")
        #expect(response.headers.first(name: "Cache-Control") == "no-store")
        var stream = EventLines(body: response.body.makeAsyncIterator())
        try await stream.waitForBegin()
        try await body(&stream)
    }
}

/// Reads a stream of server-sent events as a browser does.
private struct EventLines {
    struct Message {
        var id = ""
        var event = ""
        var data: Node?
    }

    enum Failure: Error {
        case ended
    }

    var body: HTTPClientResponse.Body.AsyncIterator
    var text = ""

    mutating func waitForBegin() async throws {
        while !text.contains("\n\n") { try await read() }
        #expect(text.hasPrefix("retry: "))
    }

    mutating func waitForComment() async throws {
        while !text.contains("\n\n: ") && !text.hasPrefix(": ") { try await read() }
    }

    mutating func next() async throws -> Message {
        while true {
            while let end = text.firstRange(of: "\n\n") {
                let block = text[..<end.lowerBound]
                text.removeSubrange(..<end.upperBound)
                var message = Message()
                for line in block.split(separator: "\n") {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    let value = parts.count == 2 ? String(parts[1].dropFirst()) : ""
                    switch parts.first {
                    case "id": message.id = value
                    case "event": message.event = value
                    case "data": message.data = try Node.readJSON(value)
                    default: break
                    }
                }
                if message.data != nil { return message }
            }
            try await read()
        }
    }

    private mutating func read() async throws {
        guard let buffer = try await body.next() else { throw Failure.ended }
        text += String(buffer: buffer)
    }
}

// MARK: - Storages

/// Counts how often events are read.
private struct CountingStorage: ForwardingStorage {
    private final class Count: Sendable {
        let value = Mutex(0)
    }

    let base: MemoryStorage
    private let count = Count()

    init(base: MemoryStorage) {
        self.base = base
    }

    var reads: Int { count.value.withLock { $0 } }

    func events(_ query: EventQuery) async throws(StorageError) -> [Event] {
        count.value.withLock { $0 += 1 }
        return try await base.events(query)
    }
}

/// A storage in which what was done to one object is not visible yet: its transaction is under way.
private struct HidingStorage: ForwardingStorage {
    private final class Hidden: Sendable {
        let name = Mutex<String?>(nil)
    }

    let base: MemoryStorage
    private let hidden = Hidden()

    init(base: MemoryStorage) {
        self.base = base
    }

    func hide(_ name: String?) {
        hidden.name.withLock { $0 = name }
    }

    func events(_ query: EventQuery) async throws(StorageError) -> [Event] {
        let hidden = hidden.name.withLock { $0 }
        return try await base.events(query).filter { event in
            if case .deed(let entry) = event { entry.object != hidden } else { true }
        }
    }
}

/// A storage in which a key is revoked while the first page of the past is read.
private struct RevokingStorage: ForwardingStorage {
    private final class Doomed: Sendable {
        let key = Mutex<String?>(nil)
    }

    let base: MemoryStorage
    private let doomed = Doomed()

    init(base: MemoryStorage) {
        self.base = base
    }

    func revoke(_ key: String) {
        doomed.key.withLock { $0 = key }
    }

    func events(_ query: EventQuery) async throws(StorageError) -> [Event] {
        let events = try await base.events(query)
        let key = query.limit == 500 ? doomed.key.withLock { $0.take() } : nil
        if let key { try await base.change(KeyChange(.revoke(id: key), actor: "test")) }
        return events
    }
}
