/// One column of a batch, written as the array that PostgreSQL reads: `{1,2,NULL}`,
/// `{"a","say \"b\""}` (PostgreSQL documentation, 8.15.6).
///
/// A batch has thousands of values: each goes straight to its place among the bytes, without a
/// text of its own.
struct ArrayText {
    private(set) var bytes: [UInt8] = [0x7B]
    private var hasValue = false

    /// So many elements; `append` is told which, and must give exactly one.
    init(_ count: Int, _ append: (inout ArrayText, Int) -> Void) {
        bytes.reserveCapacity(count * 8 + 2)
        for index in 0..<count { append(&self, index) }
        bytes.append(0x7D)
    }

    /// The same for an array beside others in one `unnest`, which fills the shorter ones up with
    /// NULLs: without any value it is empty, and the server has nothing to read.
    init(filledUp count: Int, _ append: (inout ArrayText, Int) -> Void) {
        self.init(count, append)
        if !hasValue { bytes = [0x7B, 0x7D] }
    }

    mutating func append(_ value: Int64?) {
        guard let value else { return appendNull() }
        beginValue()
        if value < 0 { bytes.append(0x2D) }
        var rest = value.magnitude
        var digits = 1
        var bound: UInt64 = 10
        // No number has more than 19.
        while digits < 19, rest >= bound {
            digits += 1
            bound *= 10
        }
        var place = bytes.count + digits
        bytes.append(contentsOf: repeatElement(0x30, count: digits))
        while rest > 0 {
            place -= 1
            bytes[place] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    mutating func append(_ value: Bool) {
        beginValue()
        bytes.append(value ? 0x74 : 0x66)
    }

    mutating func append(_ value: String?) {
        guard let value else { return appendNull() }
        beginValue()
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

    private mutating func beginValue() {
        hasValue = true
        separate()
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
