import Foundation
package import HealthWorkerModel

/// What a key takes: how it is read, and how it is written for people and as TOML.
package struct SettingType<Value: Sendable>: Sendable {
    /// In words, for the documentation.
    let name: String
    var range: String?
    let read: @Sendable (GivenValue) throws(Refusal) -> Value
    let show: @Sendable (Value) -> String
    let toml: @Sendable (Value) -> String
}

/// Why a value is not taken, as one sentence with what to write instead.
struct Refusal: Error {
    let sentence: String

    init(_ sentence: String) {
        self.sentence = sentence
    }
}

/// A value as a source holds it.
enum GivenValue: Sendable, Equatable {
    /// From the environment, a flag or a secret's file: these know no types.
    case untyped(String)
    case string(String)
    case integer(Int)
    case number(Double)
    case boolean(Bool)
    case moment
    case list([GivenValue])
    case table

    var kind: String {
        switch self {
        case .untyped, .string: "text"
        case .integer: "a whole number"
        case .number: "a number with a fraction"
        case .boolean: "true or false"
        case .moment: "a date or time of day"
        case .list: "a list"
        case .table: "a table"
        }
    }

    func text(_ wanted: String) throws(Refusal) -> String {
        switch self {
        case .untyped(let text), .string(let text): return text
        default: throw Refusal("takes \(wanted), not \(kind).")
        }
    }
}

extension SettingType where Value == String {
    package static func text(_ length: ClosedRange<Int>) -> Self {
        Self(
            name: "text", range: "\(length.lowerBound) to \(length.upperBound) characters",
            read: { (given) throws(Refusal) in
                let text = try given.text("text in quotes")
                guard length.contains(text.count) else {
                    throw Refusal(
                        "is \(text.count) characters long; give \(length.lowerBound) to "
                            + "\(length.upperBound).")
                }
                guard text.isPrintable else {
                    throw Refusal("holds a control character; leave it out.")
                }
                return text
            },
            show: { $0 }, toml: { $0.quoted })
    }

    /// The name of a header field: a token of RFC 9110 §5.6.2.
    package static var headerName: Self {
        Self(
            name: "name of a header",
            read: { (given) throws(Refusal) in
                let text = try given.text("the name of a header in quotes")
                let isToken = text.utf8.allSatisfy {
                    (0x30...0x39).contains($0) || (0x41...0x5a).contains($0)
                        || (0x61...0x7a).contains($0) || "!#$%&'*+-.^_`|~".utf8.contains($0)
                }
                guard isToken, (1...100).contains(text.utf8.count) else {
                    throw Refusal(
                        "\(text.quoted) is no name of a header; write one such as \"X-API-Key\".")
                }
                return text
            },
            show: { $0 }, toml: { $0.quoted })
    }
}

extension SettingType where Value == [Secret] {
    /// Keys of 32 bytes in base 64, with blanks or line breaks between them. No message shows one.
    static var sealingKeys: Self {
        Self(
            name: "keys in base 64",
            read: { (given) throws(Refusal) in
                let texts = try given.text("keys in base 64, in quotes").split(
                    whereSeparator: { $0.isWhitespace || $0 == "," })
                for text in texts {
                    guard Data(base64Encoded: String(text))?.count == 32 else {
                        throw Refusal(
                            "holds what is no key: write 32 bytes in base 64, as openssl rand -base64 "
                                + "32 makes them.")
                    }
                }
                return texts.map { Secret(String($0)) }
            },
            show: { $0.isEmpty ? "" : Secret.hidden },
            toml: { _ in String().quoted })
    }
}

extension SettingType where Value == Secret? {
    /// A key of the API, with enough in it that nobody guesses it. No message shows one.
    static var apiKey: Self {
        Self(
            name: "key",
            read: { (given) throws(Refusal) in
                let text = try given.text("a key in quotes").trimmed
                if text.isEmpty { return nil }
                let parts = text.split(separator: "_", omittingEmptySubsequences: false)
                let isKey =
                    parts.count == 3 && parts[0] == "hw" && (1...64).contains(parts[1].utf8.count)
                    && (32...128).contains(parts[2].utf8.count)
                    && parts.allSatisfy {
                        $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
                    }
                guard isKey else {
                    throw Refusal(
                        "is no key: write hw_, letters and digits, _, and 32 to 128 random letters "
                            + "and digits, as echo hw_first_$(openssl rand -hex 32) makes one.")
                }
                return Secret(text)
            },
            show: { $0 == nil ? "" : Secret.hidden },
            toml: { _ in String().quoted })
    }
}

extension SettingType where Value == Int {
    package static func integer(_ range: ClosedRange<Int>) -> Self {
        Self(
            name: "whole number", range: "\(range.lowerBound) to \(range.upperBound)",
            read: { (given) throws(Refusal) in
                let number: Int
                switch given {
                case .integer(let value):
                    number = value
                case .untyped(let text):
                    guard let value = Int(text) else {
                        throw Refusal(
                            "\(text.quoted) is no whole number; give \(range.lowerBound) to "
                                + "\(range.upperBound).")
                    }
                    number = value
                case .string:
                    throw Refusal("takes a whole number, not text; write it without quotes.")
                default:
                    throw Refusal("takes a whole number, not \(given.kind).")
                }
                guard range.contains(number) else {
                    throw Refusal(
                        "\(number) is out of range; give \(range.lowerBound) to "
                            + "\(range.upperBound).")
                }
                return number
            },
            show: { String($0) }, toml: { String($0) })
    }
}

extension SettingType where Value == Bool {
    package static var flag: Self {
        Self(
            name: "true or false",
            read: { (given) throws(Refusal) in
                switch given {
                case .boolean(let value): return value
                case .untyped("true"): return true
                case .untyped("false"): return false
                case .untyped(let text):
                    throw Refusal("\(text.quoted) is neither true nor false.")
                default: throw Refusal("takes true or false, not \(given.kind).")
                }
            },
            show: { String($0) }, toml: { String($0) })
    }
}

extension SettingType where Value == TimeSpan {
    package static func time(_ range: ClosedRange<TimeSpan>) -> Self {
        Self(
            name: "time", range: "\(range.lowerBound) to \(range.upperBound)",
            read: { (given) throws(Refusal) in
                let text = try given.text("a time in quotes such as \"10s\"")
                guard let span = TimeSpan(text) else {
                    throw Refusal(
                        "\(text.quoted) is no time; write one such as \"250ms\", \"10s\" or "
                            + "\"1m30s\".")
                }
                guard range.contains(span) else {
                    throw Refusal(
                        "\(span) is out of range; give \(range.lowerBound) to "
                            + "\(range.upperBound).")
                }
                return span
            },
            show: { $0.description }, toml: { $0.description.quoted })
    }
}

extension SettingType where Value == Secret? {
    /// What is never shown.
    static var secret: Self {
        Self(
            name: "text",
            read: { (given) throws(Refusal) in
                let text = try given.text("text in quotes")
                guard !text.isEmpty else {
                    throw Refusal("is empty; give a value or leave it out.")
                }
                guard text.isPrintable else {
                    throw Refusal(
                        "holds a line break or control character, which no header can carry.")
                }
                return Secret(text)
            },
            show: { $0 == nil ? "" : Secret.hidden }, toml: { _ in "\"\"" })
    }
}

extension SettingType where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
    package static func choice(_ type: Value.Type) -> Self {
        let words = SettingType<String>.word(of: type.allCases.map(\.rawValue))
        return Self(
            name: words.name,
            read: { (given) throws(Refusal) in
                let text = try words.read(given)
                guard let value = Value(rawValue: text) else {
                    throw Refusal("\(text.quoted) is not \(words.name).")
                }
                return value
            },
            show: { $0.rawValue }, toml: { $0.rawValue.quoted })
    }
}

extension SettingType where Value == [String] {
    package static var networks: Self {
        Self(
            name: "list of networks",
            read: { (given) throws(Refusal) in
                var networks: [String] = []
                switch given {
                case .untyped(let text):
                    networks = text.split(separator: ",").map { $0.trimmed }
                case .list(let items):
                    for item in items {
                        networks.append(try item.text("a list of networks in quotes"))
                    }
                case .string:
                    throw Refusal(
                        "takes a list of networks, not text; write it in brackets: "
                            + "[\"192.0.2.0/24\"].")
                default:
                    throw Refusal("takes a list of networks, not \(given.kind).")
                }
                for network in networks {
                    if let sentence = faultOfNetwork(network) { throw Refusal(sentence) }
                }
                return networks
            },
            show: { $0.joined(separator: ",") },
            toml: { "[" + $0.map(\.quoted).joined(separator: ", ") + "]" })
    }

    private static func faultOfNetwork(_ text: String) -> String? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else {
            return "\(text.quoted) is no network; write one such as \"192.0.2.0/24\"."
        }
        let bytes: [UInt8] =
            switch address {
            case .v4(let number): (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
            case .v6(let groups): groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
            }
        guard parts.count == 2, parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let bits = Int(parts[1]), bits <= bytes.count * 8
        else {
            return "\(text.quoted) needs a slash and the bits of its prefix, 0 to "
                + "\(bytes.count * 8)."
        }
        let hasMore = bytes.indices.contains { index in
            bytes[index] & (0xff >> UInt8(min(8, max(0, bits - index * 8)))) != 0
        }
        // Read by one program as its network and refused by another, it is a mistake to point out.
        return hasMore ? "\(text.quoted) has bits set beyond its first \(bits)." : nil
    }
}

extension String {
    /// As a TOML basic string, which is also how messages quote a value.
    var quoted: String {
        var text = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.isControl:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }

    var isPrintable: Bool { !unicodeScalars.contains { $0.isControl } }
}

extension StringProtocol {
    var trimmed: String {
        var rest = self[...]
        while rest.first?.isWhitespace == true { rest = rest.dropFirst() }
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return String(rest)
    }
}

extension Unicode.Scalar {
    /// C0, DEL and C1: what moves a terminal or breaks a line.
    fileprivate var isControl: Bool { properties.generalCategory == .control }
}
