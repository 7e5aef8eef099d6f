package import HealthWorkerModel
package import HealthWorkerStorage
import Synchronization

/// The processes that were alive at the last look, for decisions that depend on there being others.
package final class Fleet: Sendable {
    /// A process that was not seen for this long counts as gone: three heartbeats.
    package static let window: Duration = .seconds(6)

    private struct Seen {
        var stored: [RunningProcess] = []
        var onBoard: [RunningProcess] = []
        /// The workers but this one.
        var workers: [RunningProcess] = []
    }

    private let me: ProcessID
    private let seen = Mutex(Seen())

    package init(me: ProcessID) {
        self.me = me
    }

    /// Who is alive by the storage.
    package func update(_ processes: [RunningProcess]) {
        update { $0.stored = processes }
    }

    /// Who is alive by the fleet's board; nil: it did not answer, and the storage decides alone.
    package func update(board processes: [RunningProcess]?) {
        update { $0.onBoard = processes ?? [] }
    }

    private func update(_ look: (inout Seen) -> Void) {
        seen.withLock { seen in
            look(&seen)
            seen.workers = seen.stored.joined(with: seen.onBoard).filter {
                $0.id != me && $0.presence.roles.contains(.worker)
            }
        }
    }

    /// Whether a worker other than this one is alive and claims such a check.
    package func othersProbe(_ check: CheckSpec) -> Bool {
        seen.withLock { seen in
            seen.workers.contains { worker in
                worker.presence.paused == nil
                    && (check.locations.isEmpty
                        || check.locations.contains(worker.presence.location))
            }
        }
    }

    /// How many workers are alive and claim, this one included.
    package var workerCount: Int {
        seen.withLock { $0.workers.count { $0.presence.paused == nil } } + 1
    }
}
