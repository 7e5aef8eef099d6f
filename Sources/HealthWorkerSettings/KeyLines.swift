/// Finds the line of each key and table of a TOML document, because the parser keeps none.
///
/// The document must be one that the parser has taken: what is wrong in another is not noticed here.
struct KeyLines {
    private let bytes: [UInt8]
    private var index = 0
    private var line = 1
    private var lines: [[String]: Int] = [:]

    /// Lines from 1 by the path of names; a name written with an escape other than `\"` and `\\`
    /// keeps it.
    static func of(_ text: String) -> [[String]: Int] {
        var scanner = Self(bytes: Array(text.utf8))
        scanner.scanDocument()
        return scanner.lines
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { index = 3 }
    }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func advance(by count: Int = 1) {
        for _ in 0..<count where index < bytes.count {
            if bytes[index] == UInt8(ascii: "\n") { line += 1 }
            index += 1
        }
    }

    private mutating func skip(while matches: (UInt8) -> Bool) {
        while let byte = current, matches(byte) { advance() }
    }

    private mutating func skipBlanks() {
        skip { $0 == 0x20 || $0 == 0x09 }
    }

    private mutating func skipLine() {
        skip { $0 != UInt8(ascii: "\n") }
    }

    private mutating func skipBlanksAndComments() {
        while let byte = current {
            switch byte {
            case 0x20, 0x09, 0x0a, 0x0d: advance()
            case UInt8(ascii: "#"): skipLine()
            default: return
            }
        }
    }

    private mutating func scanDocument() {
        var table: [String] = []
        while true {
            skipBlanksAndComments()
            guard let byte = current else { return }
            let start = index
            if byte == UInt8(ascii: "[") {
                skip { $0 == UInt8(ascii: "[") }
                let header = line
                table = scanKey()
                note(table, at: header)
                skipLine()
            } else {
                scanPair(in: table)
            }
            if index == start { advance() }
        }
    }

    // A header that is written again, for the next table of an array, does not move its line.
    private mutating func note(_ path: [String], at line: Int) {
        if lines[path] == nil { lines[path] = line }
    }

    private mutating func scanPair(in table: [String]) {
        let start = line
        let path = table + scanKey()
        note(path, at: start)
        skipBlanks()
        if current == UInt8(ascii: "=") { advance() }
        scanValue(of: path)
    }

    private mutating func scanKey() -> [String] {
        var names: [String] = []
        while true {
            skipBlanks()
            if current == UInt8(ascii: "\"") || current == UInt8(ascii: "'") {
                names.append(scanString())
            } else {
                let start = index
                skip {
                    (0x30...0x39).contains($0) || (0x41...0x5a).contains($0)
                        || (0x61...0x7a).contains($0) || $0 == 0x5f || $0 == 0x2d
                }
                names.append(String(decoding: bytes[start..<index], as: UTF8.self))
            }
            skipBlanks()
            guard current == UInt8(ascii: ".") else { return names }
            advance()
        }
    }

    private mutating func scanValue(of path: [String]) {
        skipBlanks()
        switch current {
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            _ = scanString()
        case UInt8(ascii: "["):
            advance()
            scanList(until: UInt8(ascii: "]")) { $0.scanValue(of: path) }
        case UInt8(ascii: "{"):
            advance()
            scanList(until: UInt8(ascii: "}")) { $0.scanPair(in: path) }
        default:
            skip { !",]}#\n".utf8.contains($0) }
        }
    }

    private mutating func scanList(until end: UInt8, item: (inout Self) -> Void) {
        while true {
            skipBlanksAndComments()
            guard let byte = current else { return }
            let start = index
            if byte == end {
                advance()
                return
            }
            if byte == UInt8(ascii: ",") { advance() } else { item(&self) }
            if index == start { advance() }
        }
    }

    private mutating func scanString() -> String {
        guard let quote = current else { return "" }
        let isLong = bytes[index...].starts(with: [quote, quote, quote])
        advance(by: isLong ? 3 : 1)
        var content: [UInt8] = []
        while let byte = current {
            if quote == UInt8(ascii: "\""), byte == UInt8(ascii: "\\") {
                advance()
                if let escaped = current {
                    if escaped != quote, escaped != UInt8(ascii: "\\") { content.append(byte) }
                    content.append(escaped)
                }
            } else if byte == quote, !isLong {
                advance()
                break
            } else if byte == quote, bytes[index...].starts(with: [quote, quote, quote]) {
                // Up to two quotes before the closing three belong to the text.
                skip { $0 == quote }
                break
            } else {
                content.append(byte)
            }
            advance()
        }
        return String(decoding: content, as: UTF8.self)
    }
}
