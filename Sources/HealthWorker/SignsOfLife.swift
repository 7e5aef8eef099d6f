import HealthWorkerQueue
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// Tells the service manager that the process is ready, and then, as often as it wants to hear it, that
/// the process lives: only while its loops turn.
///
/// A loop that fails, since the database is away, turns. One that hangs is what a restart mends.
struct SignsOfLife: Service {
    let manager: ServiceManager
    /// Whether it is ready as soon as its services start; else somebody says so later.
    let isReadyAtOnce: Bool
    /// The loops that have not come round for longest.
    let oldestTurns: @Sendable () -> [(loop: String, age: Duration)]
    let logger: Logger

    func run() async throws {
        if isReadyAtOnce { manager.tell("READY=1") }
        guard let interval = manager.signOfLifeInterval else {
            return try await gracefulShutdown()
        }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.step(interval)
                // Cancelled: the loop ends.
                try? await Task.sleep(for: interval)
            }
        }
    }

    private func step(_ interval: Duration) async {
        // Whoever hangs here is not heard of: a thread that serves connections, or this pool itself.
        for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() {
            // It fails only where the loop was shut down, which these never are.
            try? await loop.submit {}.get()
        }
        for turn in oldestTurns() where turn.age > interval * 2 {
            logger.error(
                "a loop hangs: the service manager is not told that this process lives",
                metadata: [
                    "loop": "\(turn.loop)", "seconds": "\(turn.age.components.seconds)",
                ])
            return
        }
        manager.tell("WATCHDOG=1")
    }
}
