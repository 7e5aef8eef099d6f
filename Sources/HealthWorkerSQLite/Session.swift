import GRDB
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

// Columns by position: the order of the SELECT list is the order of the reading.
extension Row {
    func integer(_ index: Int) -> Int64 { self[index] }
    func optionalInteger(_ index: Int) -> Int64? { self[index] }
    func int(_ index: Int) -> Int { self[index] }
    func text(_ index: Int) -> String { self[index] }
    func optionalText(_ index: Int) -> String? { self[index] }
    func flag(_ index: Int) -> Bool { self[index] }
    func moment(_ index: Int) -> Timestamp { Timestamp(microseconds: self[index]) }

    func optionalMoment(_ index: Int) -> Timestamp? {
        optionalInteger(index).map(Timestamp.init(microseconds:))
    }

    func id<Of>(_ index: Int, of: Identifier<Of>.Type = Identifier<Of>.self) -> Identifier<Of> {
        Identifier(integer(index))
    }

    func optionalID<Of>(
        _ index: Int, of: Identifier<Of>.Type = Identifier<Of>.self
    ) -> Identifier<Of>? {
        optionalInteger(index).map { Identifier($0) }
    }

    func json<Value: Decodable>(_ index: Int, as: Value.Type = Value.self) throws -> Value {
        try JSONColumn.value(of: text(index))
    }

    func optionalJSON<Value: Decodable>(_ index: Int, as: Value.Type = Value.self) throws -> Value?
    {
        try optionalText(index).map { try JSONColumn.value(of: $0) }
    }

    /// A word that this program, or a later one, wrote.
    func word<Word: RawRepresentable<String>>(_ index: Int, as: Word.Type = Word.self) throws
        -> Word
    {
        let text = text(index)
        guard let word = Word(rawValue: text) else {
            throw StorageError.failed("\"\(text)\" is no \(Word.self) that this version knows.")
        }
        return word
    }

    func optionalWord<Word: RawRepresentable<String>>(
        _ index: Int, as: Word.Type = Word.self
    ) throws -> Word? {
        optionalText(index) == nil ? nil : try word(index)
    }
}
