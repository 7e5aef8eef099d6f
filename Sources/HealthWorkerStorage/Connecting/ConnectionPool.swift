import Synchronization

/// One connection to a server, as the pool needs it.
package protocol LentConnection: AnyObject, Sendable {
    /// Whether the next caller may have it; false after an error that ended it, and where the
    /// server closed it while nobody used it. It is asked between calls, and does not wait.
    var isUsable: Bool { get }

    func close() async
}

/// A bounded number of connections, made when they are needed and lent for a scope, never handed
/// over.
///
/// Callers wait in the order in which they came, and a call that waits is not given up when its
/// task is cancelled: giving back leases is just what a cancelled task still has to do. How long one
/// waits is bounded by the deadlines of the calls before it. A connection that broke is dropped,
/// and the next call makes another. After one could not be made, calls fail at once with the same error
/// for a while that doubles, unless another connection is open.
package final class ConnectionPool<Connection: LentConnection>: Sendable {
    private let size: Int
    private let connect: @Sendable () async throws(StorageError) -> Connection
    private let state = Mutex(State())

    private enum Grant {
        case connection(Connection)
        /// The right to make one.
        case place
        case failure(StorageError)
    }

    private struct State {
        var idle: [Connection] = []
        /// Connections that are open or being made, the idle ones included.
        var places = 0
        var waiting: ArraySlice<CheckedContinuation<Grant, Never>> = []
        var isClosed = false
        var closers: [CheckedContinuation<Void, Never>] = []
        var failure: Failure?

        /// Whether nobody holds a connection or waits for one.
        var isQuiet: Bool { places == idle.count && waiting.isEmpty }

        mutating func takeClosers() -> [CheckedContinuation<Void, Never>] {
            guard isQuiet else { return [] }
            defer { closers = [] }
            return closers
        }
    }

    private struct Failure {
        var error: StorageError
        var delay: Duration
        var until: ContinuousClock.Instant
    }

    package init(
        size: Int, connect: @escaping @Sendable () async throws(StorageError) -> Connection
    ) {
        self.size = size
        self.connect = connect
    }

    /// How many calls wait for a connection.
    package var waitingCalls: Int { state.withLock { $0.waiting.count } }

    /// Lends a connection for the time of `body`.
    ///
    /// - Throws: What `body` throws; ``StorageError/unavailable(_:)`` on a closed pool; what making
    ///   a connection threw.
    package func withConnection<Value: Sendable>(
        _ body: (Connection) async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        let connection = try await take()
        do throws(StorageError) {
            let value = try await body(connection)
            await giveBack(connection)
            return value
        } catch {
            await giveBack(connection)
            throw error
        }
    }

    /// Closes every connection; calls that are under way, the waiting ones included, end first.
    package func close() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                state.isClosed = true
                if state.isQuiet { return true }
                state.closers.append(continuation)
                return false
            }
            if isDone { continuation.resume() }
        }
        let idle = state.withLock { state in
            let idle = state.idle
            state.idle = []
            state.places -= idle.count
            return idle
        }
        for connection in idle { await connection.close() }
    }
}

extension ConnectionPool {
    private func take() async throws(StorageError) -> Connection {
        while true {
            switch await grant() {
            case .failure(let error): throw error
            case .place: return try await make()
            case .connection(let connection):
                if connection.isUsable { return connection }
                // The server closed it meanwhile: its place is used for another one.
                await connection.close()
                return try await make()
            }
        }
    }

    private func grant() async -> Grant {
        await withCheckedContinuation { continuation in
            let grant: Grant? = state.withLock { state in
                if state.isClosed {
                    return .failure(.unavailable("The storage is closed."))
                }
                if let connection = state.idle.popLast() { return .connection(connection) }
                if state.places == 0, let failure = state.failure, failure.until > .now {
                    return .failure(failure.error)
                }
                if state.places < size {
                    state.places += 1
                    return .place
                }
                state.waiting.append(continuation)
                return nil
            }
            if let grant { continuation.resume(returning: grant) }
        }
    }

    private func make() async throws(StorageError) -> Connection {
        do throws(StorageError) {
            let connection = try await connect()
            state.withLock { $0.failure = nil }
            return connection
        } catch {
            var waiting: ArraySlice<CheckedContinuation<Grant, Never>> = []
            var closers: [CheckedContinuation<Void, Never>] = []
            state.withLock { state in
                state.places -= 1
                // Doubled each time, from 50 ms to 2 s, and spread, so that many processes that
                // lost one server do not come back to it in step.
                let delay = min((state.failure?.delay ?? .milliseconds(25)) * 2, .seconds(2))
                state.failure = Failure(
                    error: error, delay: delay, until: .now + delay * Double.random(in: 0.5...1))
                // Nobody is left who could serve those that wait.
                if state.places == 0 { swap(&waiting, &state.waiting) }
                closers = state.takeClosers()
            }
            for continuation in waiting { continuation.resume(returning: .failure(error)) }
            for closer in closers { closer.resume() }
            throw error
        }
    }

    private func giveBack(_ connection: Connection) async {
        let isUsable = connection.isUsable
        if !isUsable { await connection.close() }
        var next: CheckedContinuation<Grant, Never>?
        var closers: [CheckedContinuation<Void, Never>] = []
        state.withLock { state in
            next = state.waiting.popFirst()
            if next == nil {
                if isUsable { state.idle.append(connection) } else { state.places -= 1 }
                closers = state.takeClosers()
            }
        }
        next?.resume(returning: isUsable ? .connection(connection) : .place)
        for closer in closers { closer.resume() }
    }
}
