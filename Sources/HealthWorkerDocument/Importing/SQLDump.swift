/// The rows of some tables in the text that `mysqldump`, `mariadb-dump` or `pg_dump` wrote.
///
/// It reads `INSERT INTO … VALUES`, with or without the names of the columns (then those of the
/// `CREATE TABLE` before it), and PostgreSQL's `COPY … FROM stdin`. Anything else is passed over.
package struct SQLDump: Sendable {
    /// Column → value; a column that is NULL has no entry.
    package typealias Row = [String: String]

    /// By table, without a schema in front of its name. A table that is there and empty has no rows.
    package private(set) var tables: [String: [Row]] = [:]

    /// - Throws: `Problems` for a statement about one of `tables` that cannot be read.
    package init(_ text: String, tables wanted: Set<String>, file: String? = nil) throws(Problems) {
        var reader = Reader(text: Array(text.utf8), wanted: wanted, file: file)
        try reader.read()
        tables = reader.tables
    }
}

private struct Reader {
    let text: [UInt8]
    let wanted: Set<String>
    let file: String?
    var position = 0
    var tables: [String: [SQLDump.Row]] = [:]
    private var columns: [String: [String]] = [:]
    /// MySQL's texts have escapes; PostgreSQL's have them after an `E` alone, and pg_dump says so.
    private let hasEscapes: Bool

    init(text: [UInt8], wanted: Set<String>, file: String?) {
        hasEscapes = text.firstRange(of: Array("standard_conforming_strings = on".utf8)) == nil
        self.text = text
        self.wanted = wanted
        self.file = file
    }

    mutating func read() throws(Problems) {
        while skipToStatement() {
            let start = position
            if take(word: "CREATE"), take(word: "TABLE") {
                if take(word: "IF") { _ = take(word: "NOT") && take(word: "EXISTS") }
                if let table = name(), wanted.contains(table) { try readColumns(of: table) }
            } else if rewind(to: start), take(word: "INSERT"), take(word: "INTO") {
                if let table = name(), wanted.contains(table) { try readInsert(into: table) }
            } else if rewind(to: start), take(word: "COPY") {
                let table = name()
                let names = list()
                guard take(word: "FROM"), take(word: "stdin") else {
                    skipStatement()
                    continue
                }
                skipLine()
                readCopy(into: table.flatMap { wanted.contains($0) ? $0 : nil }, names)
                continue
            }
            skipStatement()
        }
    }

    // MARK: Statements

    private mutating func readColumns(of table: String) throws(Problems) {
        tables[table, default: []] += []
        guard take("(") else { return }
        var names: [String] = []
        let notColumns: Set<String> = [
            "PRIMARY", "KEY", "UNIQUE", "CONSTRAINT", "INDEX", "FOREIGN", "CHECK", "FULLTEXT",
        ]
        while position < text.count {
            let start = position
            let isQuoted =
                skipBlanks().map { $0 == UInt8(ascii: "`") || $0 == UInt8(ascii: "\"") } ?? false
            if let name = name(), isQuoted || !notColumns.contains(name.uppercased()) {
                names.append(name)
            } else if position == start {
                break
            }
            guard skipToComma() else { break }
        }
        columns[table] = names
    }

    private mutating func readInsert(into table: String) throws(Problems) {
        let names = list() ?? columns[table]
        guard let names else {
            throw problem(
                "the columns of \(table) are not known: dump the table's definition as well, or dump "
                    + "with --complete-insert (mysqldump) or --column-inserts (pg_dump)")
        }
        guard take(word: "VALUES") else { throw problem("VALUES is missing") }
        repeat {
            guard take("(") else { throw problem("a row of \(table) is missing") }
            var row: SQLDump.Row = [:]
            var column = 0
            repeat {
                let value = try value()
                guard column < names.count else {
                    throw problem("a row of \(table) has more values than the table has columns")
                }
                row[names[column]] = value
                column += 1
            } while take(",")
            guard take(")"), column == names.count else {
                throw problem("a row of \(table) does not have a value for each column")
            }
            tables[table, default: []].append(row)
        } while take(",")
    }

    /// Lines until `\\.`, values between tabs.
    private mutating func readCopy(into table: String?, _ names: [String]?) {
        if let table { tables[table, default: []] += [] }
        while position < text.count {
            let start = position
            skipLine()
            let line = text[start..<position].dropLast()
            if line.elementsEqual("\\.".utf8) { return }
            guard let table, let names else { continue }
            var row: SQLDump.Row = [:]
            let values = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
            for (name, value) in zip(names, values) where !value.elementsEqual("\\N".utf8) {
                row[name] = Self.unescaped(value)
            }
            tables[table, default: []].append(row)
        }
    }

    // MARK: Values

    /// Nil: NULL.
    private mutating func value() throws(Problems) -> String? {
        guard let first = skipBlanks() else { throw problem("a value is missing") }
        if first == UInt8(ascii: "'") { return try quoted(hasEscapes) }
        // `_utf8mb4 '…'` and `E'…'` are texts as well.
        let start = position
        while position < text.count, !Self.isEnd(text[position]) {
            if text[position] == UInt8(ascii: "'") {
                return try quoted(hasEscapes || first == UInt8(ascii: "E"))
            }
            position += 1
        }
        let word = String(decoding: text[start..<position], as: UTF8.self)
        // A cast of PostgreSQL follows its value.
        let plain = word.split(separator: ":").first.map(String.init) ?? word
        return plain.uppercased() == "NULL" ? nil : plain
    }

    private mutating func quoted(_ hasEscapes: Bool) throws(Problems) -> String {
        position += 1
        var bytes: [UInt8] = []
        while position < text.count {
            let byte = text[position]
            position += 1
            if hasEscapes, byte == UInt8(ascii: "\\"), position < text.count {
                bytes.append(Self.escape(text[position]))
                position += 1
            } else if byte == UInt8(ascii: "'") {
                guard position < text.count, text[position] == UInt8(ascii: "'") else {
                    skipCast()
                    return String(decoding: bytes, as: UTF8.self)
                }
                bytes.append(byte)
                position += 1
            } else {
                bytes.append(byte)
            }
        }
        throw problem("a text has no end")
    }

    private mutating func skipCast() {
        guard position + 1 < text.count, text[position] == UInt8(ascii: ":") else { return }
        while position < text.count, !Self.isEnd(text[position]) { position += 1 }
    }

    private static func escape(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "n"): UInt8(ascii: "\n")
        case UInt8(ascii: "r"): UInt8(ascii: "\r")
        case UInt8(ascii: "t"): UInt8(ascii: "\t")
        case UInt8(ascii: "0"): 0
        default: byte
        }
    }

    private static func unescaped(_ value: ArraySlice<UInt8>) -> String {
        var bytes: [UInt8] = []
        var isEscaped = false
        for byte in value {
            if isEscaped {
                bytes.append(escape(byte))
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isEnd(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == UInt8(ascii: ")") || byte == UInt8(ascii: ";")
            || byte == UInt8(ascii: "\n")
    }

    // MARK: Words

    private mutating func take(word: String) -> Bool {
        _ = skipBlanks()
        let end = position + word.utf8.count
        guard end <= text.count,
            String(decoding: text[position..<end], as: UTF8.self).uppercased() == word.uppercased(),
            end == text.count || !Self.isNamePart(text[end])
        else { return false }
        position = end
        return true
    }

    private mutating func take(_ sign: Character) -> Bool {
        guard skipBlanks() == sign.asciiValue else { return false }
        position += 1
        return true
    }

    /// The last part of a name with dots, without its quotes.
    private mutating func name() -> String? {
        guard let first = skipBlanks() else { return nil }
        var name: String?
        if first == UInt8(ascii: "`") || first == UInt8(ascii: "\"") {
            guard let end = text[(position + 1)...].firstIndex(of: first) else { return nil }
            name = String(decoding: text[(position + 1)..<end], as: UTF8.self)
            position = end + 1
        } else {
            let start = position
            while position < text.count, Self.isNamePart(text[position]) { position += 1 }
            if start < position { name = String(decoding: text[start..<position], as: UTF8.self) }
        }
        if position < text.count, text[position] == UInt8(ascii: ".") {
            position += 1
            return self.name()
        }
        return name
    }

    /// `(a, b)`; nil where there is none.
    private mutating func list() -> [String]? {
        let start = position
        guard take("(") else { return nil }
        var names: [String] = []
        repeat {
            guard let name = name() else {
                position = start
                return nil
            }
            names.append(name)
        } while take(",")
        guard take(")") else {
            position = start
            return nil
        }
        return names
    }

    private static func isNamePart(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
            || byte == UInt8(ascii: "_") || byte >= 128
    }

    // MARK: Getting on

    private mutating func rewind(to start: Int) -> Bool {
        position = start
        return true
    }

    private mutating func skipBlanks() -> UInt8? {
        while position < text.count, text[position] <= 32 { position += 1 }
        return position < text.count ? text[position] : nil
    }

    /// Past comments; false at the end.
    private mutating func skipToStatement() -> Bool {
        while let byte = skipBlanks() {
            let next = position + 1 < text.count ? text[position + 1] : 0
            if byte == UInt8(ascii: "-") && next == byte || byte == UInt8(ascii: "#")
                || byte == UInt8(ascii: "\\")
            {
                skipLine()
            } else if byte == UInt8(ascii: "/"), next == UInt8(ascii: "*") {
                position += 2
                let end = text[position...].firstRange(of: Array("*/".utf8))
                position = end?.upperBound ?? text.count
            } else if byte == UInt8(ascii: ";") {
                position += 1
            } else {
                return true
            }
        }
        return false
    }

    private mutating func skipLine() {
        while position < text.count, text[position] != UInt8(ascii: "\n") { position += 1 }
        position = min(position + 1, text.count)
    }

    /// Past the next semicolon outside of quotes.
    private mutating func skipStatement() {
        while position < text.count {
            let byte = text[position]
            position += 1
            if byte == UInt8(ascii: ";") { return }
            guard
                byte == UInt8(ascii: "'") || byte == UInt8(ascii: "`") || byte == UInt8(ascii: "\"")
            else { continue }
            skipQuoted(until: byte)
        }
    }

    private mutating func skipQuoted(until end: UInt8) {
        while position < text.count {
            let byte = text[position]
            position += hasEscapes && byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == end { return }
        }
    }

    /// Past the next comma at this level; false where the list ends first.
    private mutating func skipToComma() -> Bool {
        var depth = 0
        while position < text.count {
            let byte = text[position]
            if byte == UInt8(ascii: ";") { return false }
            position += 1
            switch byte {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")") where depth == 0: return false
            case UInt8(ascii: ")"): depth -= 1
            case UInt8(ascii: ",") where depth == 0: return true
            case UInt8(ascii: "'"): skipQuoted(until: byte)
            default: break
            }
        }
        return false
    }

    private func problem(_ sentence: String) -> Problems {
        let line = text[..<min(position, text.count)].count { $0 == UInt8(ascii: "\n") } + 1
        return Problems(
            Problem(sentence, position: Position(file: file, line: line, column: 1)))
    }
}
