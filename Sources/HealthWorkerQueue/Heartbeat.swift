package import HealthWorkerModel
package import HealthWorkerStorage
package import Logging
import ServiceLifecycle
import Synchronization

/// Says every 2 s that this process is alive, and looks who else is: in the storage, and where there
/// is one on the fleet's board, neither waiting for the other.
///
/// Whoever one of the two saw lately is alive, so that a storage that is slow to write makes nobody
/// look dead. Of a board that is lost the last answer counts for ``Fleet/window``; then the storage
/// decides alone.
package final class Heartbeat: Service {
    package static let interval: Duration = .seconds(2)

    private let storage: any Storage
    private let board: (any FleetBoard)?
    private let fleet: Fleet
    private let presence: @Sendable () async -> Presence
    private let heard: @Sendable ([RunningProcess], Timestamp) async -> Bool
    private let time: ProcessTime
    private let logger: Logger
    private let beats = Mutex(0)
    /// Woken when there is something new to say, one for each place.
    private let news = (forStorage: WakeSignal(), forBoard: WakeSignal())

    /// - Parameter heard: Called with who is alive, by the storage's clock, whenever the storage was
    ///   asked; true: there is something new to say.
    package init(
        storage: any Storage, board: (any FleetBoard)? = nil, fleet: Fleet,
        presence: @escaping @Sendable () async -> Presence,
        heard: @escaping @Sendable ([RunningProcess], Timestamp) async -> Bool = { _, _ in false },
        time: ProcessTime = .continuous, logger: Logger
    ) {
        self.storage = storage
        self.board = board
        self.fleet = fleet
        self.presence = presence
        self.heard = heard
        self.time = time
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    await self.repeatedly(at: self.news.forStorage) { await self.tellStorage() }
                }
                if self.board != nil {
                    group.addTask {
                        await self.repeatedly(at: self.news.forBoard) { await self.tellBoard() }
                    }
                }
            }
        }
        await withdraw()
    }

    /// Says what is new now, rather than with the next heartbeat.
    package func tellNews() {
        news.forStorage.wake()
        news.forBoard.wake()
    }

    private func repeatedly(
        at news: WakeSignal, _ step: @escaping @Sendable () async -> Void
    ) async {
        while !Task.isCancelled {
            // A step that has begun ends: it could be carried out after the withdrawal otherwise.
            await Task { await step() }.value
            await news.wait(upTo: Self.interval, time)
        }
    }

    /// One heartbeat in both places.
    package func step() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.tellStorage() }
            group.addTask { await self.tellBoard() }
        }
    }

    private func tellStorage() async {
        do {
            try await storage.announce(await nextWord())
            let stored = try await storage.processes(seenWithin: Fleet.window)
            fleet.update(stored)
            // Its own word was stored just now.
            guard let moment = stored.first(where: { $0.id == storage.process })?.seenAt else {
                return
            }
            if await heard(fleet.processes, moment) { tellNews() }
        } catch {
            logger.warning("heartbeat not stored", metadata: ["error": "\(error)"])
        }
    }

    private func tellBoard() async {
        guard let board else { return }
        fleet.update(board: await board.announce(await nextWord()))
    }

    private func nextWord() async -> Presence {
        var word = await presence()
        word.beat = beats.withLock { beats in
            beats += 1
            return beats
        }
        return word
    }

    package func withdraw() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.board?.withdraw() }
            group.addTask {
                do {
                    try await self.storage.withdraw()
                } catch {
                    self.logger.debug("could not withdraw", metadata: ["error": "\(error)"])
                }
            }
        }
    }
}
