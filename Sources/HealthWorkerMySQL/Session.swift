import CMySQL
import HealthWorkerModel
import HealthWorkerStorage

/// One connection's conversation: statements one after the other, each with a deadline. It waits by
/// blocking, so it is only ever used on its connection's own executor.
final class Session: ServerSession {
    let address: ServerAddress
    /// The moment of the transaction, or of the reading, by the database's clock.
    private(set) var now = Timestamp(microseconds: 0)
    private(set) var isBroken = false
    private(set) var metConflict = false

    private let link: UnsafeMutablePointer<MYSQL>
    private let clock: DatabaseClock
    private let deadline: Deadline
    /// How far apart the ids are that an insertion is given: not 1 where several servers give them.
    private var idStep: Int64 = 1
    private var prepared: [String: Statement] = [:]
    private var uses = 0

    /// The server counts the prepared statements of all connections against
    /// `max_prepared_stmt_count`, which is 16,382 where nobody raised it.
    private static let preparedAtMost = 96

    init(
        link: UnsafeMutablePointer<MYSQL>, address: ServerAddress, clock: DatabaseClock,
        limit: Duration
    ) {
        self.link = link
        self.address = address
        self.clock = clock
        deadline = Deadline(socket: Int32(mysql_get_socket(link)), limit: limit)
    }

    /// Sets what the statements count on.
    func begin() throws {
        idStep = try script(Self.settings) ?? 1
    }

    deinit {
        deadline.forget()
        prepared = [:]
        mysql_close(link)
    }

    var socket: Int32 { Int32(mysql_get_socket(link)) }

    func beginAttempt() {
        metConflict = false
    }

    /// Whether the next caller finds no transaction of this one.
    var isIdle: Bool { link.pointee.server_status & UInt32(SERVER_STATUS_IN_TRANS) == 0 }

    static func storageError(_ error: any Error, at address: ServerAddress) -> StorageError {
        StorageError(error, at: address)
    }

    /// That another transaction was in the way, in a manner that no key or lock tells.
    func conflict(_ what: String) -> any Error {
        metConflict = true
        return ServerError(code: 1213, message: what)
    }
}

// Statements.
extension Session {
    /// - Returns: how many rows changed, or were found to be changed.
    @discardableResult
    func run(_ sql: String, _ values: [any Bindable] = []) throws -> Int {
        try execute(sql, values) { $0.affected }
    }

    /// Every row, made into a value while it is current.
    func all<Value>(
        _ sql: String, _ values: [any Bindable] = [], _ make: (Row) throws -> Value
    ) throws -> [Value] {
        try execute(sql, values) { statement in
            var made: [Value] = []
            while let row = try statement.next() { made.append(try make(row)) }
            return made
        }
    }

    /// The first row, made into a value; nil without one.
    func first<Value>(
        _ sql: String, _ values: [any Bindable] = [], _ make: (Row) throws -> Value
    ) throws -> Value? {
        try execute(sql, values) { try $0.next().map(make) }
    }

    /// Inserts rows with one `INSERT … VALUES (…)`, or a few where there are many: their numbers of
    /// rows are powers of four, so that each of few forms is prepared once.
    ///
    /// A statement that says itself how many rows it inserts gets that many ids in a row, and holds no
    /// lock of the table while it does (InnoDB: "simple inserts"); one that selects them holds it.
    ///
    /// - Returns: how many rows were inserted, and the first id of each piece of that many rows.
    @discardableResult
    func insert(
        _ rows: [[any Bindable]], into columns: String, _ verb: String = "INSERT INTO",
        otherwise: String = ""
    ) throws -> Insertion {
        var insertion = Insertion()
        var rest = rows[...]
        while let row = rest.first {
            var size = 256
            while size > rest.count { size /= 4 }
            let form =
                "(" + [String](repeating: "?", count: row.count).joined(separator: ", ") + ")"
            let sql = """
                \(verb) \(columns)
                VALUES \([String](repeating: form, count: size).joined(separator: ", "))
                \(otherwise)
                """
            let (count, first) = try execute(sql, rest.prefix(size).flatMap(\.self)) {
                ($0.affected, $0.insertedID)
            }
            insertion.count += count
            insertion.ids += (0..<Int64(size)).map { first + $0 * idStep }
            rest = rest.dropFirst(size)
        }
        return insertion
    }

    /// Several statements without values, in one round trip.
    /// - Returns: the only number of the last one's answer, where it has one.
    @discardableResult
    func script(_ sql: String) throws -> Int64? {
        try conversing {
            var sql = sql
            let isSent = sql.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) {
                    mysql_real_query(link, $0.baseAddress, UInt($0.count)) == 0
                }
            }
            guard isSent else { throw said() }
            var answer: Int64?
            while true {
                answer = try takeAnswer()
                switch mysql_next_result(link) {
                case 0: continue
                case -1: return answer
                default: throw said()
                }
            }
        }
    }

    private func takeAnswer() throws -> Int64? {
        guard let result = mysql_store_result(link) else {
            // A statement that answers no rows.
            guard mysql_field_count(link) == 0 else { throw said() }
            return nil
        }
        defer { mysql_free_result(result) }
        return mysql_fetch_row(result)?[0].flatMap { Int64(String(cString: $0)) }
    }

    private func execute<Value>(
        _ sql: String, _ values: [any Bindable], _ read: (Statement) throws -> Value
    ) throws -> Value {
        let statement = try conversing {
            let statement = try prepare(sql)
            do {
                try statement.execute(values)
            } catch let error as ServerError where error.code == 1243 || error.code == 1615 {
                // The server forgot it: it is prepared anew the next time.
                prepared[sql] = nil
                metConflict = true
                throw error
            }
            return statement
        }
        // All that was answered is here: reading it waits for nobody.
        defer { statement.finish() }
        return try read(statement)
    }

    private func prepare(_ sql: String) throws -> Statement {
        uses += 1
        if let statement = prepared[sql] {
            statement.lastUse = uses
            return statement
        }
        if prepared.count >= Self.preparedAtMost,
            let oldest = prepared.min(by: { $0.value.lastUse < $1.value.lastUse })
        {
            prepared[oldest.key] = nil
        }
        let statement = try Statement(sql, on: link)
        statement.lastUse = uses
        prepared[sql] = statement
        return statement
    }

    private func conversing<Value>(_ body: () throws -> Value) throws -> Value {
        if isBroken { throw ServerError(code: 2006, message: "it is closed") }
        deadline.begin()
        do {
            let value = try body()
            _ = deadline.finish()
            return value
        } catch {
            if deadline.finish() {
                isBroken = true
                Cancellation.send(of: mysql_thread_id(link), at: address)
                throw DeadlinePassed(limit: deadline.limit)
            }
            if let error = error as? ServerError {
                if error.isConflict { metConflict = true }
                if error.endsConnection { isBroken = true }
            }
            throw error
        }
    }

    private func said() -> ServerError {
        ServerError(code: mysql_errno(link), message: String(cString: mysql_error(link)))
    }
}

/// What an insertion of several rows did.
struct Insertion {
    var count = 0
    /// The ids that were given, one for each row; without meaning where some row was there before.
    var ids: [Int64] = []
}

// Transactions.
extension Session {
    /// What throws leaves nothing behind, and neither does a transaction that is not to be kept.
    func transaction<Value>(keeps: Bool = true, _ body: (Session) throws -> Value) throws -> Value {
        try inTransaction("START TRANSACTION", keeps: keeps, body)
    }

    /// Reads on one snapshot.
    func snapshot<Value>(_ body: (Session) throws -> Value) throws -> Value {
        try inTransaction(
            """
            SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
            START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY
            """, keeps: true, body)
    }

    private func inTransaction<Value>(
        _ opening: String, keeps: Bool, _ body: (Session) throws -> Value
    ) throws -> Value {
        let value: Value
        do {
            // In one round trip with the time.
            try takeTime(after: opening + ";\n")
            value = try body(self)
        } catch {
            // Where this fails the connection is lost, and the server rolls back by itself.
            if !isBroken { _ = try? script("ROLLBACK") }
            throw error
        }
        try script(keeps ? "COMMIT" : "ROLLBACK")
        return value
    }

    /// Takes the time of the statements that follow, each a transaction of its own.
    func takeTime() throws {
        try takeTime(after: "")
    }

    private func takeTime(after opening: String) throws {
        switch clock {
        case .database:
            guard let moment = try script(opening + DatabaseClock.question) else {
                throw StorageError.failed("The database \(address) has no time.")
            }
            now = Timestamp(microseconds: moment)
        case .given(let moment):
            if !opening.isEmpty { try script(opening) }
            now = moment()
        }
    }
}

/// What says the time to a session.
enum DatabaseClock: Sendable {
    case database
    /// Tests move their own.
    case given(@Sendable () -> Timestamp)

    /// The session's time zone has no summer time in which an hour is there twice.
    static let question = "SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)"
}
