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
        /// Until when that counts, by the process's own time.
        var boardEnds = Duration.zero
        /// Whoever one of both saw.
        var all: [RunningProcess] = []
        /// The workers but this one.
        var workers: [RunningProcess] = []
    }

    private let me: ProcessID
    private let now: @Sendable () -> Duration
    private let seen = Mutex(Seen())

    /// - Parameter now: the process's own time.
    package init(
        me: ProcessID, now: @escaping @Sendable () -> Duration = ProcessTime.continuous.now
    ) {
        self.me = me
        self.now = now
    }

    /// Who is alive by the storage.
    package func update(_ processes: [RunningProcess]) {
        seen.withLock { seen in
            seen.stored = processes
            join(&seen)
        }
    }

    /// Who is alive by the fleet's board; nil: it did not answer.
    ///
    /// Its last answer counts for as long as a word of a process does, so that one late answer makes
    /// nobody look dead; then the storage decides alone.
    package func update(board processes: [RunningProcess]?) {
        guard let processes else { return }
        seen.withLock { seen in
            seen.onBoard = processes
            seen.boardEnds = now() + Self.window
            join(&seen)
        }
    }

    private func join(_ seen: inout Seen) {
        seen.all = seen.stored.joined(with: seen.onBoard)
        seen.workers = seen.all.filter { $0.id != me && $0.presence.roles.contains(.worker) }
    }

    private func lookAtAll<Answer: Sendable>(_ answer: (Seen) -> Answer) -> Answer {
        seen.withLock { seen in
            if !seen.onBoard.isEmpty, now() >= seen.boardEnds {
                seen.onBoard = []
                join(&seen)
            }
            return answer(seen)
        }
    }

    private func look<Answer: Sendable>(_ answer: ([RunningProcess]) -> Answer) -> Answer {
        lookAtAll { answer($0.workers) }
    }

    /// Every process that is alive, this one included.
    package var processes: [RunningProcess] { lookAtAll(\.all) }

    /// Whether a worker other than this one is alive and claims such a check.
    package func othersProbe(_ check: CheckSpec) -> Bool {
        look { workers in
            workers.contains { worker in
                worker.presence.paused == nil
                    && (check.locations.isEmpty
                        || check.locations.contains(worker.presence.location))
            }
        }
    }

    /// Whether a worker is alive and at another location than this one.
    package func isElsewhere(_ worker: ProcessID?, than location: String) -> Bool {
        look { workers in
            workers.contains { $0.id == worker && $0.presence.location != location }
        }
    }

    /// How many workers at a location are alive and claim, this one included.
    package func workerCount(at location: String) -> Int {
        look { workers in
            workers.count { $0.presence.paused == nil && $0.presence.location == location }
        } + 1
    }
}
