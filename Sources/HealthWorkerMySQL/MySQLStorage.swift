package import HealthWorkerModel
package import HealthWorkerStorage

/// Everything that is kept, in one database of MySQL or MariaDB, for any number of processes on any
/// number of hosts.
///
/// Its clock is the database's. Every connection has a thread of its own, on which it may wait for
/// the server; the caller is suspended meanwhile. A call that has begun ends, also in a cancelled
/// task: giving back leases is just what a cancelled task still has to do.
///
/// Neither engine changes a row and answers it in one statement, so that a call is a transaction:
/// rows are locked by reading them, in the order of DESIGN's locks, and then changed. A batch comes
/// as one value that `JSON_TABLE` opens, and `STRAIGHT_JOIN` makes the server look up each of its
/// rows by a key: by a list of keys it reads the small table of live jobs from end to end, and
/// deadlocks with everybody whose rows stand there.
package final class MySQLStorage: Storage {
    package let process: ProcessID
    private let pool: ConnectionPool<Connection>

    init(process: ProcessID, pool: ConnectionPool<Connection>) {
        self.process = process
        self.pool = pool
    }

    package func now() async throws(StorageError) -> Timestamp {
        try await read { $0.now }
    }

    package func ping() async throws(StorageError) {
        // Fails on a server that only reads, and changes nothing.
        try await perform { session in
            _ = try session.run(
                """
                DELETE FROM duties
                WHERE name = ''
                """)
        }
    }

    package func close() async {
        await pool.close()
    }
}

extension MySQLStorage {
    /// Statements one after the other, each a transaction of its own.
    func perform<Value: Sendable>(
        _ work: @escaping @Sendable (Session) throws -> Value
    ) async throws(StorageError) -> Value {
        try await pool.withConnection { connection throws(StorageError) in
            try await connection.perform(work)
        }
    }

    /// The same, with the time.
    func read<Value: Sendable>(
        _ work: @escaping @Sendable (Session) throws -> Value
    ) async throws(StorageError) -> Value {
        try await perform { session in
            try session.takeTime()
            return try work(session)
        }
    }

    /// One transaction. What throws leaves nothing behind, and neither does one that is not to be
    /// kept. It is done again where another one was in the way, so `body` only has effects in it.
    @discardableResult
    func transact<Value: Sendable>(
        keeps: Bool = true, _ body: @escaping @Sendable (Session) throws -> Value
    ) async throws(StorageError) -> Value {
        try await perform { try $0.transaction(keeps: keeps, body) }
    }
}
