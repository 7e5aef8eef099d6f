import CMySQL
import HealthWorkerStorage

/// A statement that the server has prepared, for one connection.
final class Statement {
    private let pointer: UnsafeMutablePointer<MYSQL_STMT>
    private let parameterCount: Int
    private let columns: Columns
    /// When it was used last, counted in statements.
    var lastUse = 0

    init(_ sql: String, on link: UnsafeMutablePointer<MYSQL>) throws {
        guard let pointer = mysql_stmt_init(link) else {
            throw ServerError(code: 2008, message: "there is no memory for a statement")
        }
        self.pointer = pointer
        var sql = sql
        let isPrepared = sql.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                mysql_stmt_prepare(pointer, $0.baseAddress, UInt($0.count)) == 0
            }
        }
        guard isPrepared else {
            defer { mysql_stmt_close(pointer) }
            throw Self.error(of: pointer)
        }
        parameterCount = Int(mysql_stmt_param_count(pointer))
        columns = Columns(of: pointer)
    }

    deinit {
        mysql_stmt_close(pointer)
    }

    /// Sends the values and takes all that is answered; rows are then read with ``next()``.
    func execute(_ values: [any Bindable]) throws {
        precondition(values.count == parameterCount, "a value for each parameter")
        var bound = BoundValues(values)
        try bound.withBinds { binds in
            if values.isEmpty { return }
            // The binds are copied, what they point to is read by the execution alone.
            guard mysql_stmt_bind_param(pointer, binds) == 0 else { throw Self.error(of: pointer) }
        } then: {
            guard mysql_stmt_execute(pointer) == 0 else { throw Self.error(of: pointer) }
        }
        guard !columns.isEmpty else { return }
        try columns.bind(to: pointer)
        guard mysql_stmt_store_result(pointer) == 0 else { throw Self.error(of: pointer) }
    }

    /// - Returns: the next row, which is good until the one after it is asked for.
    func next() throws -> Row? {
        switch mysql_stmt_fetch(pointer) {
        case 0, MYSQL_DATA_TRUNCATED:
            try columns.completeTexts(of: pointer)
            return Row(columns: columns)
        case MYSQL_NO_DATA: return nil
        default: throw Self.error(of: pointer)
        }
    }

    /// Frees what was answered.
    func finish() {
        mysql_stmt_free_result(pointer)
    }

    /// How many rows changed, or were found to be changed.
    var affected: Int { Int(mysql_stmt_affected_rows(pointer)) }

    /// The first of the ids that an insertion was given.
    var insertedID: Int64 { Int64(bitPattern: mysql_stmt_insert_id(pointer)) }

    private static func error(of pointer: UnsafeMutablePointer<MYSQL_STMT>) -> ServerError {
        ServerError(
            code: mysql_stmt_errno(pointer), message: String(cString: mysql_stmt_error(pointer)))
    }
}

/// One row. It is read while it is current.
struct Row: StoredRow {
    fileprivate let columns: Columns

    func isNull(_ column: Int) -> Bool { columns.isNull(column) }
    func integer(_ column: Int) -> Int64 { columns.integer(column) }
    func text(_ column: Int) -> String { columns.text(column) }
    func flag(_ column: Int) -> Bool { columns.integer(column) != 0 }
}

/// Where the columns of the current row stand: memory that the library writes into.
private final class Columns {
    private struct Column {
        var isNumber: Bool
        var integer: Int64 = 0
        var isNull: my_bool = 0
        var error: my_bool = 0
        var length: UInt = 0
    }

    private let count: Int
    private let cells: UnsafeMutablePointer<Column>
    private let binds: UnsafeMutablePointer<MYSQL_BIND>
    /// Texts that are longer than any before make room for themselves.
    private var texts: [UnsafeMutableRawBufferPointer]

    init(of pointer: UnsafeMutablePointer<MYSQL_STMT>) {
        count = Int(mysql_stmt_field_count(pointer))
        cells = .allocate(capacity: count)
        binds = .allocate(capacity: count)
        texts = []
        let fields = mariadb_stmt_fetch_fields(pointer)
        for column in 0..<count {
            let type = fields?[column].type
            let isNumber =
                switch type {
                case MYSQL_TYPE_TINY, MYSQL_TYPE_SHORT, MYSQL_TYPE_LONG, MYSQL_TYPE_INT24,
                    MYSQL_TYPE_LONGLONG:
                    true
                default: false
                }
            (cells + column).initialize(to: Column(isNumber: isNumber))
            (binds + column).initialize(to: MYSQL_BIND())
            texts.append(.allocate(byteCount: isNumber ? 0 : 128, alignment: 1))
            prepare(column)
        }
    }

    deinit {
        for text in texts { text.deallocate() }
        cells.deinitialize(count: count).deallocate()
        binds.deinitialize(count: count).deallocate()
    }

    var isEmpty: Bool { count == 0 }

    private func prepare(_ column: Int) {
        let cell = cells + column
        // The cells are allocated for as long as the binds, so that pointers into them are good.
        binds[column].is_null = pointer(to: \.isNull, of: cell)
        binds[column].error = pointer(to: \.error, of: cell)
        binds[column].length = pointer(to: \.length, of: cell)
        if cell.pointee.isNumber {
            binds[column].buffer_type = MYSQL_TYPE_LONGLONG
            binds[column].buffer = UnsafeMutableRawPointer(pointer(to: \.integer, of: cell))
            binds[column].buffer_length = 8
        } else {
            binds[column].buffer_type = MYSQL_TYPE_STRING
            binds[column].buffer = texts[column].baseAddress
            binds[column].buffer_length = UInt(texts[column].count)
        }
    }

    private func pointer<Field>(
        to field: KeyPath<Column, Field>, of cell: UnsafeMutablePointer<Column>
    ) -> UnsafeMutablePointer<Field> {
        // Every field is a stored one.
        let offset = MemoryLayout<Column>.offset(of: field)!
        return (UnsafeMutableRawPointer(cell) + offset).assumingMemoryBound(to: Field.self)
    }

    func bind(to pointer: UnsafeMutablePointer<MYSQL_STMT>) throws {
        guard mysql_stmt_bind_result(pointer, binds) == 0 else {
            throw ServerError(
                code: mysql_stmt_errno(pointer),
                message: String(cString: mysql_stmt_error(pointer)))
        }
    }

    /// Fetches again what did not fit.
    func completeTexts(of pointer: UnsafeMutablePointer<MYSQL_STMT>) throws {
        var hasGrown = false
        for column in 0..<count where !cells[column].isNumber && cells[column].isNull == 0 {
            let length = Int(cells[column].length)
            guard length > texts[column].count else { continue }
            texts[column].deallocate()
            texts[column] = .allocate(byteCount: length * 2, alignment: 1)
            prepare(column)
            hasGrown = true
            guard mysql_stmt_fetch_column(pointer, binds + column, UInt32(column), 0) == 0 else {
                throw ServerError(
                    code: mysql_stmt_errno(pointer),
                    message: String(cString: mysql_stmt_error(pointer)))
            }
        }
        if hasGrown { try bind(to: pointer) }
    }

    func isNull(_ column: Int) -> Bool { cells[column].isNull != 0 }

    func integer(_ column: Int) -> Int64 {
        if cells[column].isNumber { return cells[column].integer }
        // What the server adds up itself comes as a decimal.
        guard let number = Int64(text(column)) else {
            preconditionFailure("Column \(column) is no whole number.")
        }
        return number
    }

    func text(_ column: Int) -> String {
        let length = min(Int(cells[column].length), texts[column].count)
        return String(decoding: texts[column][..<length], as: UTF8.self)
    }
}

/// The values of one execution, laid out as the library reads them.
private struct BoundValues {
    private var bytes: [UInt8] = []
    private var integers: [Int64] = []
    private var kinds: [Kind] = []

    private enum Kind {
        case null
        case integer(index: Int)
        case text(start: Int, length: Int)
    }

    init(_ values: [any Bindable]) {
        kinds.reserveCapacity(values.count)
        integers.reserveCapacity(values.count)
        for value in values {
            switch value.bound {
            case .null: kinds.append(.null)
            case .integer(let integer):
                kinds.append(.integer(index: integers.count))
                integers.append(integer)
            case .text(let text):
                let start = bytes.count
                bytes.append(contentsOf: text.utf8)
                kinds.append(.text(start: start, length: bytes.count - start))
            }
        }
        // An empty array has no address, and an empty text needs one.
        bytes.append(0)
        integers.append(0)
    }

    /// - Parameters:
    ///   - bind: Gets the binds; it must not keep them.
    ///   - body: Runs while what the binds point to is good.
    mutating func withBinds(
        _ bind: (UnsafeMutablePointer<MYSQL_BIND>) throws -> Void, then body: () throws -> Void
    ) throws {
        let kinds = kinds
        try integers.withUnsafeMutableBufferPointer { integers in
            try bytes.withUnsafeMutableBufferPointer { bytes in
                var binds = kinds.map { kind in
                    var bind = MYSQL_BIND()
                    switch kind {
                    case .null: bind.buffer_type = MYSQL_TYPE_NULL
                    case .integer(let index):
                        bind.buffer_type = MYSQL_TYPE_LONGLONG
                        bind.buffer = UnsafeMutableRawPointer(integers.baseAddress! + index)
                        bind.buffer_length = 8
                    case .text(let start, let length):
                        bind.buffer_type = MYSQL_TYPE_STRING
                        bind.buffer = UnsafeMutableRawPointer(bytes.baseAddress! + start)
                        bind.buffer_length = UInt(length)
                    }
                    return bind
                }
                try binds.withUnsafeMutableBufferPointer { binds in
                    if let first = binds.baseAddress { try bind(first) }
                    try body()
                }
            }
        }
    }
}
