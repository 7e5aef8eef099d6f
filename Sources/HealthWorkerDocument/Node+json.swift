extension Node {
    /// Reads one value of RFC 8259, with the place of everything in it.
    ///
    /// Stricter than most readers: a key that is written twice in one object is refused, because two
    /// programs could take different ones.
    package static func readJSON(_ bytes: [UInt8], file: String? = nil) throws(Problems) -> Node {
        guard bytes.count <= Limit.bytes else {
            throw Problems(.tooLarge(file: file))
        }
        var reader = JSONReader(bytes: bytes, file: file)
        do {
            let node = try reader.document()
            guard reader.duplicates.isEmpty else { throw Problems(reader.duplicates) }
            return node
        } catch let problem as Problem {
            throw Problems(reader.duplicates + [problem])
        } catch let problems as Problems {
            throw problems
        } catch {
            throw Problems(Problem("\(error)"))
        }
    }

    package static func readJSON(_ text: String, file: String? = nil) throws(Problems) -> Node {
        try readJSON(Array(text.utf8), file: file)
    }
}

extension Problem {
    static func tooLarge(file: String?) -> Problem {
        Problem(
            "is larger than 32 MiB: split the document",
            position: file.map { Position(file: $0, line: 1, column: 1) })
    }
}

private struct JSONReader {
    let bytes: [UInt8]
    let file: String?
    var index = 0
    var line = 1
    var lineStart = 0
    var depth = 0
    var duplicates: [Problem] = []

    init(bytes: [UInt8], file: String?) {
        self.bytes = bytes
        self.file = file
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { index = 3 }
    }

    var position: Position {
        Position(file: file, line: line, column: index - lineStart + 1)
    }

    var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    func failure(_ message: String) -> Problem {
        Problem("is not valid JSON: \(message)", position: position)
    }

    mutating func document() throws -> Node {
        skipBlanks()
        guard next != nil else { throw failure("it is empty") }
        let node = try value(at: .root)
        skipBlanks()
        guard next == nil else { throw failure("something follows after its end") }
        return node
    }

    mutating func skipBlanks() {
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\n"):
                index += 1
                line += 1
                lineStart = index
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
                index += 1
            default:
                return
            }
        }
    }

    mutating func value(at path: Path) throws -> Node {
        let start = position
        switch next {
        case UInt8(ascii: "{"): return try object(at: path)
        case UInt8(ascii: "["): return try array(at: path)
        case UInt8(ascii: "\""): return Node(.string(try string()), position: start)
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case let byte? where byte == UInt8(ascii: "-") || byte.isDigit:
            return Node(try number(), position: start)
        case nil: throw failure("it ends too early")
        default: throw failure("a value is missing here")
        }
    }

    mutating func word(_ word: String, _ value: Node.Value) throws -> Node {
        let start = position
        guard bytes[index...].starts(with: word.utf8) else {
            throw failure("a value is missing here")
        }
        index += word.utf8.count
        return Node(value, position: start)
    }

    mutating func enter() throws {
        depth += 1
        guard depth <= Node.Limit.depth else {
            throw failure("it is nested deeper than \(Node.Limit.depth) levels")
        }
    }

    mutating func object(at path: Path) throws -> Node {
        let start = position
        var entries: [Node.Entry] = []
        var seen: [String: Position] = [:]
        try enter()
        index += 1
        skipBlanks()
        if next == UInt8(ascii: "}") {
            index += 1
            depth -= 1
            return Node(.object([]), position: start)
        }
        while true {
            skipBlanks()
            let keyPosition = position
            guard next == UInt8(ascii: "\"") else { throw failure("a key in quotes is missing") }
            let key = try string()
            skipBlanks()
            guard next == UInt8(ascii: ":") else { throw failure("a colon is missing") }
            index += 1
            skipBlanks()
            let value = try value(at: path.appending(key))
            if let first = seen[key] {
                duplicates.append(
                    .duplicateKey(key, first: first, at: path, position: keyPosition))
            } else {
                seen[key] = keyPosition
                entries.append(Node.Entry(key: key, keyPosition: keyPosition, value: value))
            }
            skipBlanks()
            if next == UInt8(ascii: ",") {
                index += 1
            } else if next == UInt8(ascii: "}") {
                index += 1
                depth -= 1
                return Node(.object(entries), position: start)
            } else {
                throw failure("a comma or } is missing")
            }
        }
    }

    mutating func array(at path: Path) throws -> Node {
        let start = position
        var elements: [Node] = []
        try enter()
        index += 1
        skipBlanks()
        if next == UInt8(ascii: "]") {
            index += 1
            depth -= 1
            return Node(.array([]), position: start)
        }
        while true {
            skipBlanks()
            elements.append(try value(at: path.appending(elements.count)))
            skipBlanks()
            if next == UInt8(ascii: ",") {
                index += 1
            } else if next == UInt8(ascii: "]") {
                index += 1
                depth -= 1
                return Node(.array(elements), position: start)
            } else {
                throw failure("a comma or ] is missing")
            }
        }
    }

    mutating func number() throws -> Node.Value {
        let start = index
        if next == UInt8(ascii: "-") { index += 1 }
        let whole = digits()
        guard whole > 0, whole == 1 || bytes[index - whole] != UInt8(ascii: "0") else {
            throw failure("a number is written wrongly")
        }
        var isWhole = true
        if next == UInt8(ascii: ".") {
            index += 1
            isWhole = false
            guard digits() > 0 else { throw failure("a number is written wrongly") }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            index += 1
            isWhole = false
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { index += 1 }
            guard digits() > 0 else { throw failure("a number is written wrongly") }
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isWhole, let number = Int64(text) { return .integer(number) }
        guard let number = Double(text), number.isFinite else {
            throw failure("a number is too large")
        }
        return .number(number)
    }

    private mutating func digits() -> Int {
        let start = index
        while let byte = next, byte.isDigit { index += 1 }
        return index - start
    }

    mutating func string() throws -> String {
        index += 1
        var text: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw failure("a text is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"):
                index += 1
                try escape(into: &text)
            case 0..<0x20:
                throw failure("a text contains a line end or control character: escape it")
            default:
                text.append(byte)
                index += 1
            }
        }
        throw failure("a text does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws {
        let byte = next
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            text.append(bytes[index - 1])
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "u"):
            var code = UInt32(try codeUnit())
            if (0xd800...0xdbff).contains(code) {
                guard bytes[index...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else {
                    throw failure("half of a surrogate pair stands alone")
                }
                index += 2
                let low = UInt32(try codeUnit())
                guard (0xdc00...0xdfff).contains(low) else {
                    throw failure("half of a surrogate pair stands alone")
                }
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else {
                throw failure("half of a surrogate pair stands alone")
            }
            text += Array(String(Character(scalar)).utf8)
        default:
            throw failure("an escape is unknown")
        }
    }

    private mutating func codeUnit() throws -> UInt16 {
        let digits = bytes[index...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let code = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw failure("an escape is written wrongly") }
        index += 4
        return code
    }
}

extension Problem {
    static func duplicateKey(
        _ key: String, first: Position, at path: Path, position: Position?
    ) -> Problem {
        Problem(
            "is written twice, first in line \(first.line): keep one of them",
            at: path.appending(key), position: position)
    }
}

extension UInt8 {
    var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
}
