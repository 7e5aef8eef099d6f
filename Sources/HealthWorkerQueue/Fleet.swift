package import HealthWorkerModel
package import HealthWorkerStorage
import Synchronization

/// The processes that were alive at the last look, for decisions that depend on there being others.
package final class Fleet: Sendable {
    /// A process that was not seen for this long counts as gone: three heartbeats.
    package static let window: Duration = .seconds(6)

    private let me: ProcessID
    private let workers = Mutex<[RunningProcess]>([])

    package init(me: ProcessID) {
        self.me = me
    }

    package func update(_ processes: [RunningProcess]) {
        let others = processes.filter { $0.id != me && $0.presence.roles.contains(.worker) }
        workers.withLock { $0 = others }
    }

    /// Whether a worker other than this one is alive and claims such a check.
    package func othersProbe(_ check: CheckSpec) -> Bool {
        workers.withLock { workers in
            workers.contains { worker in
                worker.presence.paused == nil
                    && (check.locations.isEmpty
                        || check.locations.contains(worker.presence.location))
            }
        }
    }

    /// How many workers are alive, this one included.
    package var workerCount: Int {
        workers.withLock { $0.count } + 1
    }
}
