/// One column of a batch, written as the array that PostgreSQL reads: `{1,2,NULL}`,
/// `{"a","say \"b\""}` (PostgreSQL documentation, 8.15.6).
///
/// A batch has thousands of values: each goes straight to its place among the bytes, without a
/// text of its own.
struct ArrayText {
    private(set) var bytes: [UInt8] = [0x7B]

    /// One element for each of `elements`; `append` must give exactly one.
    init<Element>(_ elements: [Element], _ append: (inout ArrayText, Element) -> Void) {
        bytes.reserveCapacity(elements.count * 8 + 2)
        for element in elements { append(&self, element) }
        bytes.append(0x7D)
    }

    mutating func append(_ value: Int64?) {
        guard let value else { return appendNull() }
        separate()
        if value < 0 { bytes.append(0x2D) }
        var rest = value.magnitude
        let start = bytes.count
        repeat {
            bytes.append(0x30 + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    mutating func append(_ value: Bool) {
        separate()
        bytes.append(value ? 0x74 : 0x66)
    }

    mutating func append(_ value: String?) {
        guard let value else { return appendNull() }
        separate()
        bytes.append(0x22)
        for byte in value.utf8 {
            if byte == 0x22 || byte == 0x5C { bytes.append(0x5C) }
            bytes.append(byte)
        }
        bytes.append(0x22)
    }

    mutating func appendNull() {
        separate()
        bytes.append(contentsOf: [0x4E, 0x55, 0x4C, 0x4C])
    }

    private mutating func separate() {
        if bytes.count > 1 { bytes.append(0x2C) }
    }
}

extension ArrayText: Bindable {
    func bind(into bytes: inout [UInt8]) -> Bool {
        bytes.append(contentsOf: self.bytes)
        return true
    }
}
