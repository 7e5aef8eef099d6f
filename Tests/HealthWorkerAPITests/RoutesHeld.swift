import HealthWorkerAPI
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird
import Logging
import ServiceLifecycle
import Testing

/// Routes of a storage, and what tells them to consumers over real connections.
struct RoutesHeld: Sendable {
    let storage: MemoryStorage
    let routes: RouteWatch

    /// - Parameter storage: what is read, where that differs from what is written.
    init(_ storage: MemoryStorage = MemoryStorage(), reading other: (any Storage)? = nil) {
        self.storage = storage
        routes = RouteWatch(storage: other ?? storage)
    }

    /// A policy whose members are published as they are, and decided.
    func publish(_ name: String, _ members: Member...) async throws {
        let spec = PolicySpec(name: name, type: .simple, members: members)
        _ = try await storage.write(
            WriteBatch([.putPolicy(spec, makes: [], set: nil)], actor: "ann"))
        try await decide()
    }

    func decide() async throws {
        _ = try await PolicyEvaluator(storage: storage).evaluateDue(limit: 1000)
    }

    /// Runs a listener and what reads for it while `body` runs.
    static func serving<Listener: Service>(
        _ routes: RouteWatch, keeping file: SnapshotFile? = nil,
        _ listener: (@escaping @Sendable (Int) -> Void) -> Listener,
        _ body: @escaping @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        let logger = Logger(label: "test")
        let service = listener { listening.yield($0) }
        let reader = RouteReader(routes, keeping: file, logger: logger)
        // Without a storage there is only what a file holds.
        try? await routes.refresh()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            group.addTask { try await reader.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            try await body(port)
            group.cancelAll()
            // The error of being cancelled, if there is one, is what was asked for.
            try? await group.waitForAll()
        }
    }

    /// Runs the server of consumers without keys.
    static func consuming(
        _ routes: RouteWatch, keeping file: SnapshotFile? = nil,
        networks: [String] = ["127.0.0.0/8"], limit: Int = 4000,
        _ body: @escaping @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        let list = NetworkList(try networks.map { try Network($0) })
        try await serving(
            routes, keeping: file,
            { onListening in
                ConsumerServer(
                    routes: routes,
                    settings: ConsumerSettings(
                        host: "127.0.0.1", port: 0, networks: list, listenerLimit: limit),
                    logger: Logger(label: "test"), onListening: { onListening($0) }
                ).application
            }, body)
    }

    /// The status, the head and the body of one answer.
    static func get(
        _ path: String, port: Int, from source: String? = nil, method: String = "GET",
        headers: String = ""
    ) async throws -> (status: Int, head: String, body: String) {
        let text = try await TestConnection.answer(
            to: "\(method) \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(headers)\r\n",
            port: port, from: source)
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1)
        let head = parts.first.map(String.init) ?? ""
        let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return (status, head, parts.count == 2 ? String(parts[1]) : "")
    }

    /// Returns once something is so.
    static func until(
        _ what: String, _ isSo: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if try await isSo() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("waited in vain: \(what)")
    }
}
