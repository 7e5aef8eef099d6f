package import HealthWorkerModel
package import HealthWorkerStorage

/// Everything that is kept, in one PostgreSQL database, for any number of processes on any number
/// of hosts.
///
/// Its clock is the database's. Every connection has a thread of its own, on which it may wait for
/// the server; the caller is suspended meanwhile. A call that has begun ends, also in a cancelled
/// task: giving back leases is just what a cancelled task still has to do. Nothing that a statement
/// means is kept in a connection, so that a pooler in transaction mode may stand between.
package final class PostgreSQLStorage: Storage {
    package let process: ProcessID
    private let pool: ConnectionPool<Connection>

    init(process: ProcessID, pool: ConnectionPool<Connection>) {
        self.process = process
        self.pool = pool
    }

    package func now() async throws(StorageError) -> Timestamp {
        try await perform { try $0.momentOfDatabase() }
    }

    package func ping() async throws(StorageError) {
        // Fails on a standby, without writing anything.
        try await perform { session in
            _ = try session.script("BEGIN READ WRITE; SELECT now_us(); ROLLBACK")
        }
    }

    package func close() async {
        await pool.close()
    }
}

extension PostgreSQLStorage {
    /// Statements one after the other, each a transaction of its own.
    func perform<Value: Sendable>(
        _ work: @escaping @Sendable (Session) throws -> Value
    ) async throws(StorageError) -> Value {
        try await pool.withConnection { connection throws(StorageError) in
            try await connection.perform(work)
        }
    }

    /// One transaction. What throws leaves nothing behind, and neither does one that is not to be
    /// kept. It is done again where another one was in the way, so `body` only has effects in it.
    func transact<Value: Sendable>(
        keeps: Bool = true, thinking: Duration = .zero,
        _ body: @escaping @Sendable (Session) throws -> Value
    ) async throws(StorageError) -> Value {
        try await perform { try $0.transaction(keeps: keeps, thinking: thinking, body) }
    }
}

extension Session {
    func momentOfDatabase() throws -> Timestamp {
        guard let moment = try first("SELECT now_us()", [], { $0.moment(0) }) else {
            throw StorageError.failed("The database \(address) has no time.")
        }
        return moment
    }
}
