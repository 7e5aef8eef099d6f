import HealthWorkerModel

/// A value that is bound to a statement.
protocol Bindable {
    var bound: BoundValue { get }
}

/// What the binary protocol carries of a value.
enum BoundValue {
    case null
    case integer(Int64)
    case text(String)
}

extension Int64: Bindable {
    var bound: BoundValue { .integer(self) }
}

extension Int: Bindable {
    var bound: BoundValue { .integer(Int64(self)) }
}

extension Bool: Bindable {
    var bound: BoundValue { .integer(self ? 1 : 0) }
}

extension String: Bindable {
    var bound: BoundValue { .text(self) }
}

extension Timestamp: Bindable {
    var bound: BoundValue { .integer(microseconds) }
}

extension Duration: Bindable {
    /// Microseconds.
    var bound: BoundValue { .integer(microseconds) }
}

extension Identifier: Bindable {
    var bound: BoundValue { .integer(rawValue) }
}

extension Optional: Bindable where Wrapped: Bindable {
    var bound: BoundValue { self?.bound ?? .null }
}

/// Rows of whole numbers in one value, which a statement opens again with `JSON_TABLE`: the engines
/// have no arrays, and a list in parentheses makes them read a small table from end to end.
struct NumberTable: Bindable {
    private var json = "["

    init(_ rows: some Sequence<[Int64?]>) {
        var isFirst = true
        for row in rows {
            json.append(isFirst ? "[" : ",[")
            isFirst = false
            for (index, number) in row.enumerated() {
                if index > 0 { json.append(",") }
                if let number { json.append(String(number)) } else { json.append("null") }
            }
            json.append("]")
        }
        json.append("]")
    }

    /// One column.
    init<Of>(_ ids: some Sequence<Identifier<Of>>) {
        self.init(ids.lazy.map { [$0.rawValue] })
    }

    var bound: BoundValue { .text(json) }
}
