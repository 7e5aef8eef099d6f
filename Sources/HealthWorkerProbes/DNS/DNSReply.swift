package import HealthWorkerModel

/// What a name server answers (RFC 1035 §4.1), as far as addresses are looked for.
package struct DNSReply: Hashable, Sendable {
    package struct Record: Hashable, Sendable {
        package var name: DomainName
        /// In seconds.
        package var timeToLive: UInt32
        package var data: RecordData
    }

    package enum RecordData: Hashable, Sendable {
        case address(IPAddress)
        case alias(DomainName)
        /// The start of a zone, with how long its negative answers hold, in seconds.
        case zone(negative: UInt32)
        case nameServer
        /// Its strings as zone files have them: each in quotes, a space between two.
        case text(String)
        case other
    }

    package var id: UInt16
    /// Nil where the server repeats none, as some do when they refuse.
    package var question: Question?
    package var isTruncated: Bool
    package var code: ResponseCode
    /// Empty in a truncated reply, whose records may be cut anywhere.
    package var answers: [Record] = []
    package var authority: [Record] = []

    static let internet: UInt16 = 1

    /// Reads a whole message. It ends for every input, after work in proportion to its length.
    package init(_ bytes: [UInt8]) throws(DNSReplyError) {
        var reader = Reader(bytes)
        id = try reader.number()
        let flags = try reader.number()
        guard flags & 0x8000 != 0 else { throw .query }
        guard flags & 0x7800 == 0 else { throw .operation }
        isTruncated = flags & 0x0200 != 0
        let questions = try reader.number()
        let counts = (try reader.number(), try reader.number(), try reader.number())

        guard questions <= 1 else { throw .questions }
        if questions == 1 {
            let name = try reader.name()
            let type = RecordType(rawValue: try reader.number())
            guard try reader.number() == Self.internet else { throw .questionClass }
            question = Question(name: name, type: type)
        }
        var code = flags & 0xf
        if !isTruncated {
            answers = try reader.records(counts.0)
            authority = try reader.records(counts.1)
            for _ in 0..<counts.2 {
                // The upper bits of the code stand in the option record (RFC 6891 §6.1.3).
                if let upper = try reader.upperCode() { code |= upper << 4 }
            }
        }
        self.code = ResponseCode(rawValue: code)
    }

    /// Whether this answers what was asked with `id`. Errors may come without the question.
    package func isAnswer(to asked: Question, id: UInt16) -> Bool {
        guard self.id == id else { return false }
        if let question { return question == asked }
        return code != .noError && code != .noSuchName
    }
}

/// What is wrong with a message.
package enum DNSReplyError: String, Error, Hashable, CaseIterable, CustomStringConvertible {
    case short, query, operation, questions, questionClass, label, pointer, long, data

    package var description: String {
        switch self {
        case .short: "it ends before its counts and lengths say"
        case .query: "it is a query"
        case .operation: "it answers another operation"
        case .questions: "it holds several questions"
        case .questionClass: "its question is not about the Internet"
        case .label: "a label has an unknown form"
        case .pointer: "a name points forward or to itself"
        case .long: "a name is longer than \(DomainName.longest) bytes"
        case .data: "the data of a record do not have their type's length"
        }
    }
}

/// How a name server says what became of a question (RFC 1035 §4.1.1, RFC 6895 §2.3).
package struct ResponseCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    package static let noError = ResponseCode(rawValue: 0)
    package static let formatError = ResponseCode(rawValue: 1)
    package static let serverFailure = ResponseCode(rawValue: 2)
    package static let noSuchName = ResponseCode(rawValue: 3)
    package static let notImplemented = ResponseCode(rawValue: 4)
    package static let refused = ResponseCode(rawValue: 5)

    package var description: String {
        switch self {
        case .noError: "NOERROR"
        case .formatError: "FORMERR"
        case .serverFailure: "SERVFAIL"
        case .noSuchName: "NXDOMAIN"
        case .notImplemented: "NOTIMP"
        case .refused: "REFUSED"
        default: "RCODE\(rawValue)"
        }
    }
}

/// Reads a message from its beginning, and names wherever they point.
private struct Reader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func number() throws(DNSReplyError) -> UInt16 {
        guard position + 2 <= bytes.count else { throw .short }
        defer { position += 2 }
        return UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    }

    mutating func longNumber() throws(DNSReplyError) -> UInt32 {
        let upper = try number()
        return UInt32(upper) << 16 | UInt32(try number())
    }

    mutating func name() throws(DNSReplyError) -> DomainName {
        var wire: [UInt8] = []
        var next = position
        // Every pointer leads further back than the one before it, so that there is an end.
        var bound = position
        var end: Int?
        while true {
            guard next < bytes.count else { throw .short }
            let length = Int(bytes[next])
            switch length >> 6 {
            case 0b00:
                guard next + length < bytes.count else { throw .short }
                guard wire.count + length < DomainName.longest else { throw .long }
                for byte in bytes[next...(next + length)] { wire.append(byte.lowercased) }
                next += length + 1
                if length == 0 {
                    position = end ?? next
                    return DomainName(wire: wire)
                }
            case 0b11:
                guard next + 1 < bytes.count else { throw .short }
                let target = (length & 0x3f) << 8 | Int(bytes[next + 1])
                guard target < bound else { throw .pointer }
                end = end ?? next + 2
                bound = target
                next = target
            default:
                throw .label
            }
        }
    }

    mutating func records(_ count: UInt16) throws(DNSReplyError) -> [DNSReply.Record] {
        var records: [DNSReply.Record] = []
        for _ in 0..<count { records.append(try record()) }
        return records
    }

    private mutating func record() throws(DNSReplyError) -> DNSReply.Record {
        let name = try name()
        let type = RecordType(rawValue: try number())
        let isInternet = try number() == DNSReply.internet
        let timeToLive = try longNumber()
        let end = try dataEnd()
        let data = isInternet ? try data(of: type, until: end) : .other
        guard data == .other || data == .nameServer || position == end else { throw .data }
        position = end
        // With the highest bit set it means zero (RFC 2181 §8).
        return DNSReply.Record(
            name: name, timeToLive: timeToLive > UInt32(Int32.max) ? 0 : timeToLive, data: data)
    }

    private mutating func dataEnd() throws(DNSReplyError) -> Int {
        let length = Int(try number())
        guard position + length <= bytes.count else { throw .short }
        return position + length
    }

    private mutating func data(
        of type: RecordType, until end: Int
    ) throws(DNSReplyError) -> DNSReply.RecordData {
        switch type {
        case .a, .aaaa:
            guard end - position == (type == .a ? 4 : 16),
                let address = IPAddress(bytes: Array(bytes[position..<end]))
            else { throw .data }
            position = end
            return .address(address)
        case .cname:
            return .alias(try name())
        case .soa:
            _ = try name()
            _ = try name()
            for _ in 0..<4 { _ = try longNumber() }
            return .zone(negative: try longNumber())
        case .ns:
            return .nameServer
        case .txt:
            return .text(try strings(until: end))
        default:
            return .other
        }
    }

    /// Strings behind their lengths (RFC 1035 §3.3.14), as §5.1 writes them.
    private mutating func strings(until end: Int) throws(DNSReplyError) -> String {
        var text = ""
        while position < end {
            let length = Int(bytes[position])
            guard position + 1 + length <= end else { throw .data }
            text += text.isEmpty ? "\"" : " \""
            for byte in bytes[(position + 1)..<(position + 1 + length)] {
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                    text += "\\\(Unicode.Scalar(byte))"
                case 0x20...0x7e:
                    text.unicodeScalars.append(Unicode.Scalar(byte))
                default:
                    let digits = String(byte)
                    text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
                }
            }
            text += "\""
            position += 1 + length
        }
        return text
    }

    /// Reads a record of the additional section; the upper bits of the code where it has them.
    mutating func upperCode() throws(DNSReplyError) -> UInt16? {
        _ = try name()
        let type = RecordType(rawValue: try number())
        _ = try number()
        let timeToLive = try longNumber()
        position = try dataEnd()
        return type == .opt ? UInt16(timeToLive >> 24) : nil
    }
}
