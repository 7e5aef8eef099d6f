import Dispatch
import HealthWorkerModel
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// When the answer to a statement must have come.
///
/// The library waits for the server by blocking, and its own time-outs are whole seconds for each
/// read. So another thread shuts the socket down when the time is over: the call that waits then
/// finds the connection closed.
final class Deadline: Sendable {
    private struct State {
        /// -1: the connection is closed, and the number may be another file's.
        var socket: Int32
        var end: ContinuousClock.Instant?
        var isWatched = false
        var hasPassed = false
    }

    private static let queue = DispatchQueue(label: "health-worker.mysql.deadlines")

    let limit: Duration
    private let state: Mutex<State>

    init(socket: Int32, limit: Duration) {
        state = Mutex(State(socket: socket))
        self.limit = limit
    }

    /// The time of one statement begins.
    func begin() {
        let isNew = state.withLock { state in
            state.end = .now + limit
            defer { state.isWatched = true }
            return !state.isWatched
        }
        // One look for all statements of this time: what begins later ends later.
        if isNew { look(after: limit) }
    }

    /// It was answered, or failed.
    /// - Returns: whether it failed because its time was over.
    func finish() -> Bool {
        state.withLock { state in
            state.end = nil
            return state.hasPassed
        }
    }

    /// Before the connection is closed.
    func forget() {
        state.withLock { $0.socket = -1 }
    }

    private func look(after delay: Duration) {
        Self.queue.asyncAfter(
            deadline: .now() + .microseconds(Int(delay.microseconds) + 1)
        ) { [self] in
            let left: Duration? = state.withLock { state in
                guard state.socket >= 0, let end = state.end else {
                    state.isWatched = false
                    return nil
                }
                let left = end - .now
                if left > .zero { return left }
                state.hasPassed = true
                state.isWatched = false
                shutdown(state.socket, Int32(SHUT_RDWR))
                return nil
            }
            if let left { look(after: left) }
        }
    }
}
