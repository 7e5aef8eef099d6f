import HealthWorkerModel

/// A document on its way to text: like JSON, with the keys in an order.
indirect enum YAMLText {
    case scalar(JSONValue)
    case list([YAMLText])
    case map([(key: String, value: YAMLText)])

    /// On one line: `{host: 192.0.2.10, port: 443}`.
    var flow: String {
        switch self {
        case .scalar(let value): Self.scalar(value, isInFlow: true)
        case .list(let elements): "[" + elements.map(\.flow).joined(separator: ", ") + "]"
        case .map(let members):
            "{"
                + members.map { Self.text($0.key, isInFlow: true) + ": " + $0.value.flow }
                .joined(separator: ", ") + "}"
        }
    }

    /// Whether it reads well on one line: values, or a list or map of values alone.
    private func fits(in columns: Int) -> Bool {
        let isFlat: Bool
        switch self {
        case .scalar: return true
        case .list(let elements): isFlat = elements.allSatisfy(\.isScalar)
        case .map(let members):
            isFlat = members.allSatisfy { member in
                if case .map(let inner) = member.value {
                    return inner.allSatisfy { $0.value.isScalar }
                }
                return member.value.isScalar
            }
        }
        return isFlat && flow.count <= columns
    }

    private var isScalar: Bool {
        if case .scalar = self { true } else { false }
    }

    private static let width = 96

    /// Lines without indentation of the first one: the caller has written what stands before it.
    func block(indented indent: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        switch self {
        case .scalar(let value):
            return Self.scalar(value, isInFlow: false) + "\n"
        case .list(let elements):
            if elements.isEmpty { return "[]\n" }
            return elements.map { element in
                margin + "- "
                    + (element.fits(in: Self.width - indent - 2)
                        ? element.flow + "\n"
                        : String(element.block(indented: indent + 2).drop { $0 == " " }))
            }.joined()
        case .map(let members):
            if members.isEmpty { return "{}\n" }
            return members.map { member in
                let key = margin + Self.text(member.key, isInFlow: false) + ":"
                if member.value.fits(in: Self.width - key.count - 1) {
                    // A scalar by itself needs fewer quotes than within brackets.
                    let value =
                        member.value.isScalar
                        ? member.value.block(indented: 0) : member.value.flow + "\n"
                    return key + " " + value
                }
                switch member.value {
                case .scalar: return key + " " + member.value.block(indented: 0)
                // As people write it: a list's dashes stand below its key.
                case .list: return key + "\n" + member.value.block(indented: indent)
                case .map: return key + "\n" + member.value.block(indented: indent + 2)
                }
            }.joined()
        }
    }

    private static func scalar(_ value: JSONValue, isInFlow: Bool) -> String {
        switch value {
        case .null: "null"
        case .bool(let bool): "\(bool)"
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .string(let text): self.text(text, isInFlow: isInFlow)
        case .array, .object: YAMLText(value).flow
        }
    }

    /// Plain where every YAML reader, also one of YAML 1.1, finds a text and this text; else quoted.
    static func text(_ text: String, isInFlow: Bool) -> String {
        isPlain(text, isInFlow: isInFlow) ? text : quoted(text)
    }

    private static func isPlain(_ text: String, isInFlow: Bool) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 200,
            text.utf8.last != UInt8(ascii: " ")
        else { return false }
        if !(first.isLetter || first.isDigit || first == UInt8(ascii: "/")) { return false }
        if words.contains(text.lowercased()) { return false }
        let inner = isInFlow ? " ./_-=@?" : " ./_-=@?,;()!$%&*+<>~^'\"|\\{}[]:#"
        for byte in text.utf8 where !(byte.isLetter || byte.isDigit || inner.utf8.contains(byte)) {
            return false
        }
        if text.contains(": ") || text.contains(" #") || text.hasSuffix(":") { return false }
        // What begins like a number is one to some reader, unless a letter, `/` or a second dot
        // says otherwise: `10s` and `192.0.2.10` are texts everywhere, `1e3` and `0x1f` are not.
        if first.isDigit {
            let isAddress =
                text.split(separator: ".").count == 4
                && text.utf8.allSatisfy { $0.isDigit || $0 == UInt8(ascii: ".") }
            return isAddress || TimeSpan(text) != nil
                || ByteCount(text).map { _ in !text.utf8.allSatisfy(\.isDigit) } == true
        }
        return true
    }

    private static let words: Set<String> = [
        "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf",
    ]

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case "\r": quoted += "\\r"
            default:
                if (0x20...0x7e).contains(scalar.value) || scalar.properties.isAlphabetic {
                    quoted.unicodeScalars.append(scalar)
                } else {
                    let digits = String(scalar.value, radix: 16)
                    let width = scalar.value <= 0xff ? 2 : scalar.value <= 0xffff ? 4 : 8
                    quoted += width == 2 ? "\\x" : width == 4 ? "\\u" : "\\U"
                    quoted += String(repeating: "0", count: width - digits.count) + digits
                }
            }
        }
        return quoted + "\""
    }

    init(_ value: JSONValue) {
        switch value {
        case .array(let elements): self = .list(elements.map { YAMLText($0) })
        case .object(let members):
            self = .map(
                members.sorted { $0.key < $1.key }.map { ($0.key, YAMLText($0.value)) })
        default: self = .scalar(value)
        }
    }
}

extension JSONValue {
    /// On one line of YAML.
    var line: String { YAMLText(self).flow }
}
