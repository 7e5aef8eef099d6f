import HealthWorkerModel

/// A value that is bound to a statement, as the text that PostgreSQL reads.
protocol Bindable {
    /// Appends the text.
    /// - Returns: false for NULL, of which nothing is appended.
    func bind(into bytes: inout [UInt8]) -> Bool
}

/// A value that an array may hold.
protocol BindableElement: Bindable {
    func append(to array: inout ArrayText)
}

extension BindableElement where Self: WholeNumber {
    func bind(into bytes: inout [UInt8]) -> Bool {
        bytes.append(contentsOf: String(number).utf8)
        return true
    }

    func append(to array: inout ArrayText) { array.append(number) }
}

/// What is stored as a whole number.
protocol WholeNumber {
    var number: Int64 { get }
}

extension Int64: WholeNumber, BindableElement {
    var number: Int64 { self }
}

extension Int: WholeNumber, BindableElement {
    var number: Int64 { Int64(self) }
}

extension Timestamp: WholeNumber, BindableElement {
    var number: Int64 { microseconds }
}

extension Duration: WholeNumber, BindableElement {
    var number: Int64 { microseconds }
}

extension Identifier: WholeNumber, BindableElement {
    var number: Int64 { rawValue }
}

extension Bool: BindableElement {
    func bind(into bytes: inout [UInt8]) -> Bool {
        bytes.append(self ? 0x74 : 0x66)
        return true
    }

    func append(to array: inout ArrayText) { array.append(self) }
}

extension String: BindableElement {
    func bind(into bytes: inout [UInt8]) -> Bool {
        bytes.append(contentsOf: utf8)
        return true
    }

    func append(to array: inout ArrayText) { array.append(self) }
}

extension Optional: Bindable where Wrapped: Bindable {
    func bind(into bytes: inout [UInt8]) -> Bool {
        self?.bind(into: &bytes) ?? false
    }
}

extension Optional: BindableElement where Wrapped: BindableElement {
    func append(to array: inout ArrayText) {
        if let self { self.append(to: &array) } else { array.appendNull() }
    }
}

extension Array: Bindable where Element: BindableElement {
    func bind(into bytes: inout [UInt8]) -> Bool {
        ArrayText(count) { self[$1].append(to: &$0) }.bind(into: &bytes)
    }
}

/// The values of one statement, laid out as libpq reads them.
struct BoundValues {
    private var bytes: [UInt8] = []
    /// Where each value begins in `bytes`; nil: NULL.
    private var starts: [Int?] = []

    var count: Int { starts.count }

    init(_ values: [any Bindable]) {
        starts.reserveCapacity(values.count)
        for value in values {
            let start = bytes.count
            guard value.bind(into: &bytes) else {
                starts.append(nil)
                continue
            }
            // PostgreSQL's texts have no zero, and C would end there: U+FFFD instead.
            while let zero = bytes[start...].firstIndex(of: 0) {
                bytes.replaceSubrange(zero...zero, with: [0xEF, 0xBF, 0xBD])
            }
            starts.append(start)
            bytes.append(0)
        }
    }

    /// The pointers are good until `body` returns.
    func withPointers<Value>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Value
    ) -> Value {
        bytes.withUnsafeBytes { bytes in
            let text = bytes.assumingMemoryBound(to: CChar.self)
            let pointers = starts.map { start in
                start.flatMap { text.baseAddress?.advanced(by: $0) }
            }
            return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
        }
    }
}
