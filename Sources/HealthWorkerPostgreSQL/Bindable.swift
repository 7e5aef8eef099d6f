import HealthWorkerModel

/// A value that is bound to a statement, as the text that PostgreSQL reads.
protocol Bindable {
    /// Nil: NULL.
    var bound: String? { get }
    /// Whether the text must be quoted as an element of an array.
    static var isQuoted: Bool { get }
}

extension Int64: Bindable {
    var bound: String? { String(self) }
    static var isQuoted: Bool { false }
}

extension Int: Bindable {
    var bound: String? { String(self) }
    static var isQuoted: Bool { false }
}

extension Bool: Bindable {
    var bound: String? { self ? "t" : "f" }
    static var isQuoted: Bool { false }
}

extension String: Bindable {
    var bound: String? { self }
    static var isQuoted: Bool { true }
}

extension Timestamp: Bindable {
    var bound: String? { String(microseconds) }
    static var isQuoted: Bool { false }
}

extension Duration: Bindable {
    /// Microseconds.
    var bound: String? { String(microseconds) }
    static var isQuoted: Bool { false }
}

extension Identifier: Bindable {
    var bound: String? { String(rawValue) }
    static var isQuoted: Bool { false }
}

extension Optional: Bindable where Wrapped: Bindable {
    var bound: String? { self?.bound ?? nil }
    static var isQuoted: Bool { Wrapped.isQuoted }
}

extension Array: Bindable where Element: Bindable {
    /// `{1,2,NULL}`, `{"a","say \"b\""}` (PostgreSQL documentation, 8.15.6).
    var bound: String? {
        var text = "{"
        for (index, element) in enumerated() {
            if index > 0 { text.append(",") }
            guard let value = element.bound else {
                text.append("NULL")
                continue
            }
            guard Element.isQuoted else {
                text.append(value)
                continue
            }
            text.append("\"")
            if value.utf8.contains(where: { $0 == 0x22 || $0 == 0x5C }) {
                for scalar in value.unicodeScalars {
                    if scalar == "\"" || scalar == "\\" { text.unicodeScalars.append("\\") }
                    text.unicodeScalars.append(scalar)
                }
            } else {
                text.append(value)
            }
            text.append("\"")
        }
        text.append("}")
        return text
    }

    static var isQuoted: Bool { false }
}

/// The values of one statement, laid out as libpq reads them.
struct BoundValues {
    private var bytes: [CChar] = []
    /// Where each value begins in `bytes`; nil: NULL.
    private var starts: [Int?] = []

    var count: Int { starts.count }

    init(_ values: [any Bindable]) {
        starts.reserveCapacity(values.count)
        for value in values {
            guard let text = value.bound else {
                starts.append(nil)
                continue
            }
            starts.append(bytes.count)
            for byte in text.utf8 {
                if byte == 0 {
                    // PostgreSQL's texts have no zero, and C would end here: U+FFFD instead.
                    bytes.append(contentsOf: [0xEF, 0xBF, 0xBD].map { CChar(bitPattern: $0) })
                } else {
                    bytes.append(CChar(bitPattern: byte))
                }
            }
            bytes.append(0)
        }
    }

    /// The pointers are good until `body` returns.
    func withPointers<Value>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Value
    ) -> Value {
        bytes.withUnsafeBufferPointer { bytes in
            let pointers = starts.map { start in
                start.flatMap { bytes.baseAddress?.advanced(by: $0) }
            }
            return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
        }
    }
}
