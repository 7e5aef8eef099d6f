import Synchronization

/// When each of a role's loops last came round, whatever became of what it tried: a loop that fails
/// turns, one that hangs does not.
final class LoopTurns: Sendable {
    private let turns: Mutex<[String: Duration]>

    init() {
        turns = Mutex([:])
    }

    func turned(_ loop: String, at now: Duration) {
        turns.withLock { $0[loop] = now }
    }

    /// It has done what it was for.
    func ended(_ loop: String) {
        turns.withLock { $0[loop] = nil }
    }

    /// The loop that has not come round for longest, and for how long; nil where none runs.
    func oldest(at now: Duration) -> (loop: String, age: Duration)? {
        turns.withLock { turns in
            turns.min { ($0.value, $0.key) < ($1.value, $1.key) }
        }.map { ($0.key, now - $0.value) }
    }
}
