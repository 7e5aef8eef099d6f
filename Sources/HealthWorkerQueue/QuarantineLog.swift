import HealthWorkerModel
package import HealthWorkerStorage
package import Logging
import Synchronization

/// Says once in a process's own log which workers their peers contradict: also of one that does not heed
/// it, and whose own log nobody reads.
package final class QuarantineLog: Sendable {
    private let logger: Logger
    private let known = Mutex<[ProcessID: Quarantine.State]>([:])

    package init(logger: Logger) {
        self.logger = logger
    }

    /// To be called with each reading of the fleet.
    package func see(_ fleet: [RunningProcess]) {
        let standings = fleet.quarantine
        let states = standings.mapValues(\.state)
        let before = known.withLock { known in
            defer { known = states }
            return known
        }
        guard states != before else { return }
        for process in fleet {
            let standing = standings[process.id]
            guard standing?.state != before[process.id] else { continue }
            let worker: Logger.Metadata = ["worker": "\(process.presence.name)"]
            guard let standing else {
                logger.info("a worker is not contradicted any more", metadata: worker)
                continue
            }
            let counts: Logger.Metadata = [
                "contradicted": "\(standing.contradicted)", "probed": "\(standing.probed)",
            ]
            let metadata = worker.merging(counts) { $1 }
            switch standing.state {
            case .named:
                logger.warning(
                    "a worker's peers contradict it: it is to claim nothing", metadata: metadata)
            case .quarantined: logger.warning("a worker is quarantined", metadata: metadata)
            case .onTrial:
                logger.info(
                    "a worker's quarantine is over: it claims a few jobs at a time",
                    metadata: metadata)
            case .disputed:
                logger.warning(
                    "workers disagree: too many are contradicted to quarantine this one",
                    metadata: metadata)
            }
        }
    }
}
