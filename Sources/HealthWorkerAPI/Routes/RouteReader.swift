import HealthWorkerStorage
package import Logging
import ServiceLifecycle

/// Keeps what is held for consumers no older than 250 ms while the storage is there, and a file of it
/// for the next process.
package struct RouteReader: Service {
    private let watch: RouteWatch
    private let file: SnapshotFile?
    private let logger: Logger

    /// Leaves the rest of the 250 ms to the read itself.
    private static let pause = Duration.milliseconds(150)

    package init(_ watch: RouteWatch, keeping file: SnapshotFile? = nil, logger: Logger) {
        self.watch = watch
        self.file = file
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var saving = Saving()
            var isAway = false
            while !Task.isCancelled {
                if self.watch.hasStorage {
                    do {
                        try await self.watch.refresh()
                        if isAway { self.logger.info("routes are read from the storage again") }
                        isAway = false
                        await self.save(&saving)
                    } catch {
                        if !isAway {
                            self.logger.warning(
                                "consumers are told the last known routes",
                                metadata: ["error": "\(error)"])
                        }
                        isAway = true
                    }
                }
                // Cancelled: the loop ends.
                try? await Task.sleep(for: Self.pause)
            }
        }
    }

    // MARK: - The file

    private struct Saving {
        var version: Int?
        var at: ContinuousClock.Instant?
        var hasFailed = false
    }

    /// Writes what has changed, at most once a second; what has not is only said to hold still, every
    /// second as well.
    private func save(_ saving: inout Saving) async {
        guard let file, let held = watch.confirmed() else { return }
        let now = ContinuousClock.now
        if let at = saving.at, now - at < .seconds(1) { return }
        saving.at = now
        do {
            if saving.version == held.version {
                try await file.confirm()
            } else {
                try await file.write(held.snapshot)
            }
            saving.version = held.version
            saving.hasFailed = false
        } catch {
            saving.version = nil
            if !saving.hasFailed {
                logger.warning(
                    "the snapshot of the routes cannot be written",
                    metadata: ["file": "\(file.path)", "error": "\(error)"])
            }
            saving.hasFailed = true
        }
    }
}
