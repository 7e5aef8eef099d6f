import CPostgreSQL
import HealthWorkerModel
import HealthWorkerStorage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One connection's conversation: statements one after the other, each with a deadline. It waits by
/// blocking, so it is only ever used on its connection's own executor.
final class Session: ServerSession {
    let address: ServerAddress
    /// The moment of the transaction, by the database's clock.
    private(set) var now = Timestamp(microseconds: 0)
    private(set) var isBroken = false
    /// That a statement of the present attempt met another transaction, whatever its error became.
    private(set) var metConflict = false

    private let link: OpaquePointer
    private let preparesStatements: Bool
    /// How long a statement may take, the waiting for others' locks included.
    private let limit: Duration
    /// The names of the statements that this connection has prepared. Pages of listings have a few
    /// dozen shapes, so the number is bounded.
    private var prepared: [String: String] = [:]

    init(link: OpaquePointer, address: ServerAddress, preparesStatements: Bool, limit: Duration) {
        self.link = link
        self.address = address
        self.preparesStatements = preparesStatements
        self.limit = limit
        // Otherwise sending blocks while the server's buffer is full.
        // Notices would go to standard error, between the lines of the log; errors come with results.
        PQsetNoticeProcessor(link, { _, _ in }, nil)
        PQsetnonblocking(link, 1)
    }

    deinit {
        PQfinish(link)
    }

    var socket: Int32 { PQsocket(link) }

    func beginAttempt() {
        metConflict = false
    }

    static func storageError(_ error: any Error, at address: ServerAddress) -> StorageError {
        StorageError(error, at: address)
    }

    /// That another transaction was in the way, in a manner that no key or lock tells.
    func conflict(_ what: String) -> any Error {
        metConflict = true
        return ServerError(state: "40001", message: what)
    }
}

// Statements.
extension Session {
    /// - Returns: how many rows changed.
    @discardableResult
    func run(_ sql: String, _ values: [any Bindable] = []) throws -> Int {
        try execute(sql, values).affected
    }

    /// Every row, made into a value.
    func all<Value>(
        _ sql: String, _ values: [any Bindable] = [], _ make: (Row) throws -> Value
    ) throws -> [Value] {
        let answer = try execute(sql, values)
        return try (0..<answer.rowCount).map { try make(Row(answer: answer, index: $0)) }
    }

    /// The first row, made into a value; nil without one.
    func first<Value>(
        _ sql: String, _ values: [any Bindable] = [], _ make: (Row) throws -> Value
    ) throws -> Value? {
        let answer = try execute(sql, values)
        return answer.rowCount == 0 ? nil : try make(Row(answer: answer, index: 0))
    }

    /// Several statements without values, in one round trip.
    @discardableResult
    func script(_ sql: String) throws -> Answer {
        try converse { PQsendQuery(link, sql) }
    }

    private func execute(_ sql: String, _ values: [any Bindable]) throws -> Answer {
        let bound = BoundValues(values)
        guard preparesStatements else {
            return try converse {
                bound.withPointers { pointers in
                    PQsendQueryParams(
                        link, sql, Int32(bound.count), nil, pointers, nil, nil, 0)
                }
            }
        }
        let name = try prepare(sql)
        return try converse {
            bound.withPointers { pointers in
                PQsendQueryPrepared(link, name, Int32(bound.count), pointers, nil, nil, 0)
            }
        }
    }

    private func prepare(_ sql: String) throws -> String {
        if let name = prepared[sql] { return name }
        let name = "s\(prepared.count + 1)"
        try converse { PQsendPrepare(link, name, sql, 0, nil) }
        prepared[sql] = name
        return name
    }
}

// Transactions.
extension Session {
    /// Milliseconds that a transaction may wait for its client, which is stopped or busy, while others
    /// wait for its rows: 2 s, and longer where statements may be slow as well.
    private var idleLimit: Int64 { max(2000, limit.milliseconds / 5) }

    /// What throws leaves nothing behind, and neither does a transaction that is not to be kept.
    ///
    /// - Parameter thinking: How much longer this process may take between two statements because of
    ///   what it decides there.
    func transaction<Value>(
        keeps: Bool = true, thinking: Duration = .zero, _ body: (Session) throws -> Value
    ) throws -> Value {
        // Of this transaction alone, so that it works through a pooler as well.
        try inTransaction(
            """
            BEGIN ISOLATION LEVEL READ COMMITTED;
            SET LOCAL lock_timeout = '1s';
            SET LOCAL idle_in_transaction_session_timeout = \(idleLimit + thinking.milliseconds);
            SELECT now_us()
            """, keeps: keeps
        ) { session, answer in
            now = Row(answer: answer, index: 0).moment(0)
            return try body(session)
        }
    }

    /// Reads on one snapshot.
    func snapshot<Value>(_ body: (Session) throws -> Value) throws -> Value {
        try inTransaction(
            """
            BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
            SET LOCAL idle_in_transaction_session_timeout = \(idleLimit);
            SELECT now_us()
            """
        ) { session, answer in
            now = Row(answer: answer, index: 0).moment(0)
            return try body(session)
        }
    }

    /// - Parameters:
    ///   - opening: Begins the transaction, in one round trip with what it needs first; `body` gets
    ///     the last answer of it.
    func inTransaction<Value>(
        _ opening: String, keeps: Bool = true, _ body: (Session, Answer) throws -> Value
    ) throws -> Value {
        let value: Value
        do {
            value = try body(self, try script(opening))
        } catch {
            // Where this fails the connection is lost, and the server rolls back by itself.
            if !isBroken { _ = try? script("ROLLBACK") }
            throw error
        }
        try script(keeps ? "COMMIT" : "ROLLBACK")
        return value
    }

    /// Whether the next caller finds no transaction of this one.
    var isIdle: Bool { PQtransactionStatus(link) == PQTRANS_IDLE }
}

// The conversation.
extension Session {
    @discardableResult
    private func converse(_ send: () -> Int32) throws -> Answer {
        if isBroken { throw LostConnection.lost("it is closed") }
        let deadline = ContinuousClock.now + limit
        guard send() == 1 else { throw lost() }
        try flush(until: deadline)

        var answer: Answer?
        var failure: ServerError?
        while true {
            while PQisBusy(link) == 1 {
                try wait(for: Int16(POLLIN), until: deadline)
                // Where it fails there may still be a last word of the server to read.
                if PQconsumeInput(link) != 1, PQisBusy(link) == 1 { throw lost() }
            }
            guard let result = PQgetResult(link) else { break }
            let next = Answer(result)
            failure = failure ?? next.error
            answer = next
        }
        if let failure {
            if failure.isConflict { metConflict = true }
            if failure.endsConnection || PQstatus(link) == CONNECTION_BAD { isBroken = true }
            throw failure
        }
        guard let answer, PQstatus(link) == CONNECTION_OK else { throw lost() }
        return answer
    }

    private func flush(until deadline: ContinuousClock.Instant) throws {
        while true {
            switch PQflush(link) {
            case 0: return
            case 1: break
            default: throw lost()
            }
            // Both sides wait for ever if neither reads: what comes is read, too.
            let ready = try wait(for: Int16(POLLIN | POLLOUT), until: deadline)
            if ready & Int16(POLLIN) != 0, PQconsumeInput(link) != 1 { throw lost() }
        }
    }

    @discardableResult
    private func wait(
        for events: Int16, until deadline: ContinuousClock.Instant
    ) throws -> Int16 {
        guard let ready = Poll.wait(on: PQsocket(link), for: events, until: deadline) else {
            isBroken = true
            Cancellation.send(of: link)
            throw LostConnection.deadline(limit)
        }
        return ready
    }

    private func lost() -> LostConnection {
        isBroken = true
        return .lost(Self.said(by: link))
    }

    /// The first line of libpq's last words, which name neither values nor passwords.
    static func said(by link: OpaquePointer) -> String {
        let text = PQerrorMessage(link).map { String(cString: $0) } ?? ""
        return text.split(separator: "\n").first.map(String.init) ?? "no message"
    }
}

/// Waiting for a socket.
enum Poll {
    /// - Returns: what the socket is ready for; nil: nothing until the deadline.
    static func wait(
        on socket: Int32, for events: Int16, until deadline: ContinuousClock.Instant
    ) -> Int16? {
        var entry = pollfd(fd: socket, events: events, revents: 0)
        while true {
            let left = (deadline - .now).microseconds
            if left <= 0 { return nil }
            // Rounded up, so that the last part of a millisecond is not spun away.
            let ready = poll(&entry, 1, Int32(clamping: (left + 999) / 1000))
            if ready > 0 { return entry.revents }
            // A signal; with any other error the next read says what is wrong.
            if ready < 0, errno != EINTR { return events }
        }
    }
}
