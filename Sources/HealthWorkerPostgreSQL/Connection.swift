import CPostgreSQL
import HealthWorkerModel
import HealthWorkerStorage
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One connection, on a thread of its own.
actor Connection: LentConnection {
    private let executor: BlockingExecutor
    private let address: ServerAddress
    private var session: Session?
    /// The socket of a connection that is in order; -1 of any other.
    private nonisolated let socket = Atomic<Int32>(-1)

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    private init(address: ServerAddress) {
        executor = BlockingExecutor(label: "health-worker.postgresql")
        self.address = address
    }

    /// Closing says good-bye to the server: on the connection's own thread, like all that blocks.
    isolated deinit {}

    /// Connects.
    ///
    /// - Throws: ``StorageError/unavailable(_:)`` where nobody answers, ``StorageError/failed(_:)``
    ///   where trying again does not help: a wrong password, a missing database, an old server.
    static func open(
        url: String, address: ServerAddress, preparesStatements: Bool, limit: Duration
    ) async throws(StorageError) -> Connection {
        let connection = Connection(address: address)
        try await connection.connect(
            url: url, preparesStatements: preparesStatements, limit: limit)
        return connection
    }

    private func connect(
        url: String, preparesStatements: Bool, limit: Duration
    ) throws(StorageError) {
        do {
            let session = try Session.connect(
                url: url, address: address, preparesStatements: preparesStatements,
                limit: limit)
            self.session = session
            socket.store(session.socket, ordering: .relaxed)
        } catch {
            throw StorageError(error, at: address)
        }
    }

    /// Readable between two calls means that the server said good-bye (or, rarely, that a setting
    /// changed): another connection costs less than a call that fails.
    nonisolated var isUsable: Bool {
        let socket = socket.load(ordering: .relaxed)
        if socket < 0 { return false }
        var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) == 0
    }

    func close() {
        socket.store(-1, ordering: .relaxed)
        session = nil
    }

    /// Does `work` on this connection's thread, and again where another transaction was in the way.
    func perform<Value: Sendable>(
        _ work: @Sendable (Session) throws -> Value
    ) throws(StorageError) -> Value {
        guard let session else { throw .unavailable("The connection to \(address) is closed.") }
        defer {
            if session.isBroken || !session.isIdle { socket.store(-1, ordering: .relaxed) }
        }
        var attempt = 0
        while true {
            session.beginAttempt()
            do {
                return try work(session)
            } catch {
                attempt += 1
                guard session.metConflict, !session.isBroken, attempt <= Self.attempts else {
                    throw StorageError(error, at: address)
                }
                // Spread, so that two that meet do not meet again.
                usleep(UInt32.random(in: 1000...(5000 << UInt32(attempt))))
            }
        }
    }

    private static let attempts = 5
}
