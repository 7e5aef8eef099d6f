import CPostgreSQL
import HealthWorkerModel
import HealthWorkerStorage

/// What the server answered, freed with the last reference to it.
final class Answer {
    private let result: OpaquePointer

    init(_ result: OpaquePointer) {
        self.result = result
    }

    deinit {
        PQclear(result)
    }

    var rowCount: Int { Int(PQntuples(result)) }

    /// How many rows the statement changed or returned.
    var affected: Int {
        guard let text = PQcmdTuples(result) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }

    var error: ServerError? {
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: nil
        default:
            ServerError(
                state: field(error_field_sqlstate()) ?? "08006",
                message: field(error_field_message()) ?? "no message")
        }
    }

    private func field(_ code: Int32) -> String? {
        PQresultErrorField(result, code).map { String(cString: $0) }
    }

    func isNull(row: Int, column: Int) -> Bool {
        PQgetisnull(result, Int32(row), Int32(column)) == 1
    }

    /// Of a NULL it is an empty text.
    func withText<Value>(row: Int, column: Int, _ body: (UnsafePointer<CChar>) -> Value) -> Value {
        // libpq says: never null for a row and column that exist.
        body(PQgetvalue(result, Int32(row), Int32(column))!)
    }
}

struct Row: StoredRow {
    let answer: Answer
    let index: Int

    func integer(_ column: Int) -> Int64 {
        answer.withText(row: index, column: column) { text in
            var rest = text
            let isNegative = rest.pointee == 0x2D
            if isNegative { rest += 1 }
            var value: Int64 = 0
            while rest.pointee != 0 {
                // Counted down, because the least number has no positive counterpart.
                value = value &* 10 &- Int64(rest.pointee &- 0x30)
                rest += 1
            }
            return isNegative ? value : -value
        }
    }

    func text(_ column: Int) -> String {
        answer.withText(row: index, column: column) { String(cString: $0) }
    }

    func flag(_ column: Int) -> Bool {
        answer.withText(row: index, column: column) { $0.pointee == 0x74 }
    }

    func isNull(_ column: Int) -> Bool {
        answer.isNull(row: index, column: column)
    }

    /// An array of numbers, `{1,2}`.
    func ids<Of>(_ column: Int, of: Identifier<Of>.Type = Identifier<Of>.self) -> [Identifier<Of>] {
        text(column).dropFirst().dropLast().split(separator: ",").compactMap {
            Int64($0).map { Identifier($0) }
        }
    }
}
