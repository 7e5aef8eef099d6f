/// What a name server is asked: the records of one type that a name has.
package struct Question: Hashable, Sendable, CustomStringConvertible {
    package var name: DomainName
    package var type: RecordType

    package init(name: DomainName, type: RecordType) {
        self.name = name
        self.type = type
    }

    package var description: String { "\(name) \(type)" }

    /// How long an answer over UDP may be: what passes without fragments on every path in practice
    /// (the DNS flag day of 2020).
    static let datagramSize: UInt16 = 1232

    /// The bytes of a query that asks for recursion (RFC 1035 §4.1).
    ///
    /// - Parameter withEDNS: Whether it says how long an answer may be (RFC 6891 §6.1); old servers
    ///   do not understand that.
    package func query(id: UInt16, withEDNS: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(12 + name.wire.count + 4 + 11)
        func append(_ number: UInt16) {
            bytes.append(UInt8(number >> 8))
            bytes.append(UInt8(number & 0xff))
        }
        append(id)
        append(0x0100)
        for count in [1, 0, 0, withEDNS ? 1 : 0] as [UInt16] { append(count) }
        bytes += name.wire
        append(type.rawValue)
        append(DNSReply.internet)
        if withEDNS {
            bytes += DomainName.root.wire
            append(RecordType.opt.rawValue)
            append(Self.datagramSize)
            for part in [0, 0, 0] as [UInt16] { append(part) }
        }
        return bytes
    }
}

/// The types of records that mean something here, and all others by their number.
package struct RecordType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    package static let a = RecordType(rawValue: 1)
    package static let ns = RecordType(rawValue: 2)
    package static let cname = RecordType(rawValue: 5)
    package static let soa = RecordType(rawValue: 6)
    package static let txt = RecordType(rawValue: 16)
    package static let aaaa = RecordType(rawValue: 28)
    package static let opt = RecordType(rawValue: 41)

    package var description: String {
        switch self {
        case .a: "A"
        case .ns: "NS"
        case .cname: "CNAME"
        case .soa: "SOA"
        case .txt: "TXT"
        case .aaaa: "AAAA"
        case .opt: "OPT"
        default: "TYPE\(rawValue)"
        }
    }
}
