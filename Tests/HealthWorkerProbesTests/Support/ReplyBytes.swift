import HealthWorkerModel
import HealthWorkerProbes

/// A query as a name server reads it.
struct Query: Sendable {
    var bytes: [UInt8]
    var id: UInt16
    var name: String
    var type: UInt16
    var hasEDNS: Bool
    /// The port it came from; 0 where that is not known.
    var port = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        id = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        var labels: [String] = []
        var next = 12
        while bytes[next] != 0 {
            labels.append(
                String(decoding: bytes[(next + 1)...(next + Int(bytes[next]))], as: UTF8.self))
            next += Int(bytes[next]) + 1
        }
        name = labels.joined(separator: ".")
        type = UInt16(bytes[next + 1]) << 8 | UInt16(bytes[next + 2])
        hasEDNS = bytes[11] == 1
    }
}

/// A record as it is written, which may be wrong.
struct WrittenRecord: Sendable {
    var name: String
    var type: UInt16
    var seconds: UInt32 = 60
    var data: [UInt8]

    static func a(_ name: String, _ last: UInt8, seconds: UInt32 = 60) -> Self {
        Self(name: name, type: 1, seconds: seconds, data: [192, 0, 2, last])
    }

    static func aaaa(_ name: String, _ last: UInt8) -> Self {
        Self(
            name: name, type: 28,
            data: [0x20, 1, 0xd, 0xb8] + [UInt8](repeating: 0, count: 11) + [last])
    }

    static func alias(_ name: String, _ target: String, seconds: UInt32 = 60) -> Self {
        Self(name: name, type: 5, seconds: seconds, data: wire(target))
    }

    static func zone(_ name: String, negative: UInt32, seconds: UInt32 = 3600) -> Self {
        let numbers = [1, 7200, 900, 86_400, negative].flatMap(bytes)
        return Self(
            name: name, type: 6, seconds: seconds,
            data: wire("ns.example.com") + wire("root.example.com") + numbers)
    }

    static func nameServer(_ name: String) -> Self {
        Self(name: name, type: 2, data: wire("ns.example.com"))
    }

    /// What the options of EDNS say: the upper bits of the code.
    static func options(upperCode: UInt32) -> Self {
        Self(name: "", type: 41, seconds: upperCode << 24, data: [])
    }

    static func wire(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    static func bytes(_ number: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    var bytes: [UInt8] {
        Self.wire(name) + [UInt8(type >> 8), UInt8(type & 0xff), 0, 1] + Self.bytes(seconds)
            + [UInt8(data.count >> 8), UInt8(data.count & 0xff)] + data
    }
}

extension [UInt8] {
    /// The reply to `query`, with whatever it is to have.
    static func reply(
        to query: Query, code: UInt8 = 0, isTruncated: Bool = false, answers: [WrittenRecord] = [],
        authority: [WrittenRecord] = [], additional: [WrittenRecord] = []
    ) -> [UInt8] {
        let counts = [1, answers.count, authority.count, additional.count]
        return [
            UInt8(query.id >> 8), UInt8(query.id & 0xff), isTruncated ? 0x83 : 0x81, 0x80 | code,
        ] + counts.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
            + WrittenRecord.wire(query.name) + [
                UInt8(query.type >> 8), UInt8(query.type & 0xff), 0, 1,
            ]
            + (answers + authority + additional).flatMap(\.bytes)
    }

    /// The same with another id.
    func with(id: UInt16) -> [UInt8] {
        [UInt8(id >> 8), UInt8(id & 0xff)] + dropFirst(2)
    }
}

/// The query that the resolver would send.
func query(_ name: String, _ type: RecordType = .a, id: UInt16 = 0x1234) throws -> Query {
    Query(try Question(name: DomainName(name), type: type).query(id: id, withEDNS: true))
}
