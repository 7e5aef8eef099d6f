import HealthWorkerAPI
import HealthWorkerModel
import HealthWorkerSettings
import HealthWorkerStorage
import Logging
import ServiceLifecycle

/// What an API tells programs that send traffic, without a key and without waiting for the storage:
/// `consumer.listen` and `agent.listen`. They serve before the storage is open, and while it is away.
struct Consumers {
    /// Reads for them, and for the API beside them.
    let routes = RouteWatch()
    /// Whether there are routes from the last time to serve.
    let hasSnapshot: Bool
    private let networks: NetworkList
    private let services: [any Service]
    private let logger: Logger

    /// Nil where the settings ask for none.
    ///
    /// - Parameter snapshot: the file that holds the routes where `consumer.snapshot` names none.
    init?(_ settings: Settings, snapshot: String? = nil, logger: Logger) async throws {
        let (consumer, agent) = (settings.consumer, settings.agent)
        guard consumer.listen != nil || agent.listen != nil else { return nil }
        let file = (consumer.snapshot ?? snapshot).map { SnapshotFile(path: $0) }
        let networks = NetworkList(try Network.all(consumer.networks, of: "consumer.networks"))
        var services: [any Service] = [RouteReader(routes, keeping: file, logger: logger)]
        if let listen = consumer.listen {
            let server = ConsumerServer(
                routes: routes,
                settings: ConsumerSettings(
                    host: listen.host, port: listen.port, networks: networks,
                    version: Version.current), logger: logger)
            services.append(
                ListeningService(
                    key: "consumer.listen", address: listen.description, base: server.application))
        }
        if let listen = agent.listen {
            services.append(
                ListeningService(
                    key: "agent.listen", address: listen.description,
                    base: AgentListener(
                        host: listen.host, port: listen.port, networks: networks, routes: routes,
                        logger: logger)))
        }
        self.services = services
        self.networks = networks
        self.logger = logger
        hasSnapshot = await Self.load(file, into: routes, logger)
    }

    /// Goes by the networks of these from now on.
    func use(_ settings: Settings) {
        // The settings have looked at each network already.
        guard let networks = try? settings.consumer.networks.map({ try Network($0) }) else {
            return
        }
        self.networks.use(networks)
    }

    private static func load(
        _ file: SnapshotFile?, into routes: RouteWatch, _ logger: Logger
    ) async -> Bool {
        guard let file else { return false }
        do {
            return try await file.load(into: routes)
        } catch {
            logger.warning(
                "the snapshot of the routes cannot be read",
                metadata: ["file": "\(file.path)", "error": "\(error)"])
            return false
        }
    }

    /// Serves while `body` runs, and ends with it; what fails of the two ends the other.
    static func serving<Value: Sendable>(
        _ consumers: Consumers?, while body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        guard let consumers else { return try await body() }
        let group = ServiceGroup(services: consumers.services, logger: consumers.logger)
        return try await withThrowingTaskGroup(of: Value?.self) { tasks in
            tasks.addTask {
                try await group.run()
                return nil
            }
            tasks.addTask {
                let value = try await body()
                await group.triggerGracefulShutdown()
                return value
            }
            var value: Value?
            while let ended = try await tasks.next() { value = ended ?? value }
            guard let value else { throw CancellationError() }
            return value
        }
    }
}

extension Network {
    /// Exits 78 for a text that names none.
    static func all(_ texts: [String], of key: String) throws -> [Network] {
        do {
            return try texts.map { text throws(NetworkError) in try Network(text) }
        } catch {
            throw Exit.error(Exit.configuration, "\(key): \(error)")
        }
    }
}
