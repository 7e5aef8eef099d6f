package import HealthWorkerModel

/// One row of an engine's answer. Columns by position: the order of the SELECT list is the order of
/// the reading.
///
/// An engine says how the kinds of columns are read; what is made of them is the same for all.
package protocol StoredRow {
    func isNull(_ column: Int) -> Bool
    // Of a column that is not NULL.
    func integer(_ column: Int) -> Int64
    func text(_ column: Int) -> String
    func flag(_ column: Int) -> Bool
}

extension StoredRow {
    package func int(_ column: Int) -> Int { Int(integer(column)) }

    package func optionalInteger(_ column: Int) -> Int64? {
        isNull(column) ? nil : integer(column)
    }

    package func optionalText(_ column: Int) -> String? {
        isNull(column) ? nil : text(column)
    }

    package func moment(_ column: Int) -> Timestamp { Timestamp(microseconds: integer(column)) }

    package func optionalMoment(_ column: Int) -> Timestamp? {
        optionalInteger(column).map(Timestamp.init(microseconds:))
    }

    package func id<Of>(
        _ column: Int, of: Identifier<Of>.Type = Identifier<Of>.self
    ) -> Identifier<Of> {
        Identifier(integer(column))
    }

    package func optionalID<Of>(
        _ column: Int, of: Identifier<Of>.Type = Identifier<Of>.self
    ) -> Identifier<Of>? {
        optionalInteger(column).map { Identifier($0) }
    }

    package func json<Value: Decodable>(
        _ column: Int, as: Value.Type = Value.self
    ) throws -> Value {
        try JSONColumn.value(of: text(column))
    }

    package func optionalJSON<Value: Decodable>(
        _ column: Int, as: Value.Type = Value.self
    ) throws -> Value? {
        try optionalText(column).map { try JSONColumn.value(of: $0) }
    }

    /// A word that this program, or a later one, wrote.
    package func word<Word: RawRepresentable<String>>(
        _ column: Int, as: Word.Type = Word.self
    ) throws -> Word {
        let text = text(column)
        guard let word = Word(rawValue: text) else {
            throw StorageError.failed("\"\(text)\" is no \(Word.self) that this version knows.")
        }
        return word
    }

    package func optionalWord<Word: RawRepresentable<String>>(
        _ column: Int, as: Word.Type = Word.self
    ) throws -> Word? {
        isNull(column) ? nil : try word(column)
    }
}
