package import GRDB
import HealthWorkerModel
import HealthWorkerStorage

/// One transaction on one connection, and the moment at which it happens.
///
/// Every statement is prepared once for each connection, and all its values are bound.
struct Session {
    let db: Database
    let now: Timestamp

    /// - Returns: how many rows changed.
    @discardableResult
    func run(_ sql: String, _ values: StatementArguments = []) throws -> Int {
        let statement = try db.cachedStatement(sql: sql)
        try statement.execute(arguments: values)
        return db.changesCount
    }

    /// Every row, made into a value while it is current.
    func all<Value>(
        _ sql: String, _ values: StatementArguments = [], _ make: (Row) throws -> Value
    ) throws -> [Value] {
        let rows = try Row.fetchCursor(try db.cachedStatement(sql: sql), arguments: values)
        var made: [Value] = []
        while let row = try rows.next() {
            made.append(try make(row))
        }
        return made
    }

    /// The first row, made into a value; nil without one.
    func first<Value>(
        _ sql: String, _ values: StatementArguments = [], _ make: (Row) throws -> Value
    ) throws -> Value? {
        let rows = try Row.fetchCursor(try db.cachedStatement(sql: sql), arguments: values)
        guard let row = try rows.next() else { return nil }
        return try make(row)
    }
}

extension Row: StoredRow {
    package func isNull(_ column: Int) -> Bool { hasNull(atIndex: column) }
    package func integer(_ column: Int) -> Int64 { self[column] }
    package func text(_ column: Int) -> String { self[column] }
    package func flag(_ column: Int) -> Bool { self[column] }
}
