import HealthWorkerModel
package import HealthWorkerStorage
package import Logging
import ServiceLifecycle

/// Says every 2 s that this process is alive, and looks who else is.
package struct Heartbeat: Service {
    package static let interval: Duration = .seconds(2)

    private let storage: any Storage
    private let fleet: Fleet
    private let presence: @Sendable () async -> Presence
    private let time: ProcessTime
    private let logger: Logger

    package init(
        storage: any Storage, fleet: Fleet, presence: @escaping @Sendable () async -> Presence,
        time: ProcessTime = .continuous, logger: Logger
    ) {
        self.storage = storage
        self.fleet = fleet
        self.presence = presence
        self.time = time
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await step()
                // Cancelled: the loop ends.
                try? await time.sleep(Self.interval)
            }
        }
        do {
            try await storage.withdraw()
        } catch {
            logger.debug("could not withdraw", metadata: ["error": "\(error)"])
        }
    }

    package func step() async {
        do {
            try await storage.announce(await presence())
            fleet.update(try await storage.processes(seenWithin: Fleet.window))
        } catch {
            logger.warning("heartbeat not stored", metadata: ["error": "\(error)"])
        }
    }
}
