package import HealthWorkerModel
package import HealthWorkerStorage
package import Logging
import ServiceLifecycle
import Synchronization

/// Keeps a worker at what operators set, within 2 s of each change.
///
/// The rows are read every second, whatever there is beside them: so a change is in force in time
/// without a board, and no copy that they contradict holds for longer. Where there is a board, its
/// copy is looked at more often. While neither answers, what was last known holds.
package final class SettingsWatch: Service {
    package static let storageInterval: Duration = .seconds(1)
    package static let boardInterval: Duration = .milliseconds(500)

    private let storage: any SettingsStore
    private let board: (any FleetBoard)?
    private let name: String
    private let location: String
    private let adopt: @Sendable (SettingsInForce) -> Void
    private let time: ProcessTime
    private let logger: Logger
    private let state: Mutex<State>

    private struct State {
        var configured: SettingsInForce
        var known = KnownSettings()
        /// The revision of the copy when it was last looked at; nil: the board did not answer.
        var copy: Int64?
    }

    /// - Parameter adopt: called with what holds for the worker, each time that it was looked at.
    package init(
        storage: any SettingsStore, board: (any FleetBoard)?, name: String, location: String,
        configured: SettingsInForce, time: ProcessTime = .continuous, logger: Logger,
        adopt: @escaping @Sendable (SettingsInForce) -> Void
    ) {
        self.storage = storage
        self.board = board
        self.name = name
        self.location = location
        self.adopt = adopt
        state = Mutex(State(configured: configured))
        self.time = time
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.keepReadingRows() }
                if self.board != nil {
                    group.addTask {
                        while !Task.isCancelled {
                            await self.seeCopy()
                            // Cancelled: the loop ends.
                            try? await self.time.sleep(Self.boardInterval)
                        }
                    }
                }
            }
        }
    }

    private func keepReadingRows() async {
        var failures = 0
        while !Task.isCancelled {
            do {
                try await readRows()
                failures = 0
            } catch {
                failures += 1
                if failures == 1 {
                    logger.warning("settings not read", metadata: ["error": "\(error)"])
                }
            }
            // Cancelled: the loop ends.
            try? await time.sleep(Self.storageInterval)
        }
    }

    /// What holds of which nobody set anything is this from now on.
    package func configure(_ configured: SettingsInForce) {
        state.withLock { state in
            state.configured = configured
            adoptWhatHolds(state)
        }
    }

    /// Reads the rows; to be done before the worker claims for the first time.
    package func readRows() async throws(StorageError) {
        // A copy that comes while the rows are read may be newer than they are.
        let (beginning, copy) = state.withLock { ($0.known.beginning, $0.copy) }
        let rows = try await storage.liveSettings()
        state.withLock { state in
            state.known.read(rows, since: beginning)
            adoptWhatHolds(state)
        }
        // Redis was flushed, or has an old dump: whoever reads the rows puts them there again.
        if let board, let copy, copy != rows.revision { await board.post(rows, over: copy) }
    }

    /// Looks at the board's copy.
    package func seeCopy() async {
        guard let board else { return }
        let revision = await board.settingsRevision()
        let isWanted = state.withLock { state in
            state.copy = revision
            return revision.map { state.known.see(copy: $0) } ?? false
        }
        guard isWanted, let copy = await board.liveSettings() else { return }
        state.withLock { state in
            state.known.take(copy: copy)
            adoptWhatHolds(state)
        }
    }

    /// Under the lock, so that what was learned last is also what is told last.
    private func adoptWhatHolds(_ state: State) {
        adopt(state.known.held.inForce(for: name, at: location, over: state.configured))
    }
}
