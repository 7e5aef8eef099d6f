import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One connection's conversation with a server. It waits by blocking, so it is only ever used on its
/// connection's own executor.
package protocol ServerSession: AnyObject {
    /// Where the server is, as it may be shown: without a password.
    associatedtype Address: CustomStringConvertible, Sendable

    var socket: Int32 { get }
    /// Whether the connection is of no use any more.
    var isBroken: Bool { get }
    /// Whether the next caller finds no transaction of this one.
    var isIdle: Bool { get }
    /// That a statement of the present attempt met another transaction, whatever its error became.
    var metConflict: Bool { get }

    func beginAttempt()

    /// What an error of a statement, or of connecting, means to the caller.
    static func storageError(_ error: any Error, at address: Address) -> StorageError
}

/// One connection, on a thread of its own.
package actor ServerConnection<Session: ServerSession>: LentConnection {
    private let executor: BlockingExecutor
    private let address: Session.Address
    private var session: Session?
    /// The socket of a connection that is in order; -1 of any other.
    private nonisolated let socket = Atomic<Int32>(-1)

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    private init(label: String, address: Session.Address) {
        executor = BlockingExecutor(label: label)
        self.address = address
    }

    /// Closing says good-bye to the server: on the connection's own thread, like all that blocks.
    isolated deinit {}

    /// Connects: `connect` runs on the connection's own thread.
    ///
    /// - Throws: ``StorageError/unavailable(_:)`` where nobody answers, ``StorageError/failed(_:)``
    ///   where trying again does not help: a wrong password, a missing database, an old server.
    package static func open(
        label: String, address: Session.Address, _ connect: @Sendable () throws -> Session
    ) async throws(StorageError) -> ServerConnection {
        let connection = ServerConnection(label: label, address: address)
        try await connection.connect(connect)
        return connection
    }

    private func connect(_ connect: @Sendable () throws -> Session) throws(StorageError) {
        do {
            let session = try connect()
            self.session = session
            socket.store(session.socket, ordering: .relaxed)
        } catch {
            throw Session.storageError(error, at: address)
        }
    }

    /// Readable between two calls means that the server said good-bye (or, rarely, that a setting
    /// changed): another connection costs less than a call that fails.
    package nonisolated var isUsable: Bool {
        let socket = socket.load(ordering: .relaxed)
        if socket < 0 { return false }
        var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) == 0
    }

    package func close() {
        socket.store(-1, ordering: .relaxed)
        session = nil
    }

    /// Does `work` on this connection's thread, and again where another transaction was in the way.
    package func perform<Value: Sendable>(
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
                guard session.metConflict, !session.isBroken, attempt <= retries else {
                    throw Session.storageError(error, at: address)
                }
                // Spread, so that two that meet do not meet again.
                usleep(UInt32.random(in: 1000...(5000 << UInt32(attempt))))
            }
        }
    }
}

/// How often a transaction is done again that met others.
private let retries = 5
