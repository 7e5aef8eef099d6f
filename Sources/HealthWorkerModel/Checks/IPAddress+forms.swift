extension IPAddress {
    /// Its usual text: dotted decimal, or RFC 5952 without brackets.
    package var text: String {
        switch self {
        case .v4(let number):
            "\(number >> 24).\(number >> 16 & 0xff).\(number >> 8 & 0xff).\(number & 0xff)"
        case .v6(let groups):
            Self.text(ofGroups: groups)
        }
    }

    /// The address and a port as they are shown: `192.0.2.10:443`, `[2001:db8::1]:443`.
    package func text(port: Int) -> String {
        switch self {
        case .v4: "\(text):\(port)"
        case .v6: "[\(text)]:\(port)"
        }
    }

    package var isV4: Bool {
        if case .v4 = self { true } else { false }
    }

    /// All bits as one number, the first bit of the address being the highest of `width`.
    package var bits: UInt128 {
        switch self {
        case .v4(let number): UInt128(number)
        case .v6(let groups): groups.reduce(0) { $0 << 16 | UInt128($1) }
        }
    }

    /// 32 or 128.
    package var width: Int {
        isV4 ? 32 : 128
    }

    /// The IPv4 addresses that this IPv6 address may lead to.
    ///
    /// Mapped and compatible (RFC 4291 §2.5.5), translated (RFC 2765 §2.1), by the well-known and the
    /// local prefix of NAT64 (RFC 6052 §2.2, RFC 8215), by 6to4 (RFC 3056 §2), Teredo's server and
    /// client (RFC 4380 §4) and ISATAP (RFC 5214 §6.1). A network's own prefix for NAT64 is known to
    /// nobody but its operator.
    package var embeddedIPv4: [IPAddress] {
        guard case .v6(let groups) = self, groups.count == 8 else { return [] }
        func address(_ high: UInt16, _ low: UInt16) -> IPAddress {
            .v4(UInt32(high) << 16 | UInt32(low))
        }
        let last = address(groups[6], groups[7])
        switch (groups[0], groups[1], groups[2], groups[3], groups[4], groups[5]) {
        // Not `::` and `::1`, which are no IPv4 addresses.
        case (0, 0, 0, 0, 0, 0): return groups[6] == 0 ? [] : [last]
        case (0, 0, 0, 0, 0, 0xffff), (0, 0, 0, 0, 0xffff, 0), (0x64, 0xff9b, 0, 0, 0, 0):
            return [last]
        case (0x64, 0xff9b, 1, _, _, _):
            // Its length may be 48, 56, 64 or 96; behind the address all bits are zero.
            let places: [(behind: Int, address: UInt128)] = [
                (40, (bits >> 64 & 0xffff) << 16 | bits >> 40 & 0xffff),
                (32, (bits >> 64 & 0xff) << 24 | bits >> 32 & 0xff_ffff),
                (24, bits >> 24 & 0xffff_ffff),
            ]
            // One that begins with zero is only a wrong guess at the length.
            let shorter = places.filter {
                bits & ((1 << $0.behind) - 1) == 0 && $0.address >> 24 != 0
            }
            return shorter.isEmpty ? [last] : shorter.map { .v4(UInt32($0.address)) }
        case (0x2002, _, _, _, _, _): return [address(groups[1], groups[2])]
        case (0x2001, 0, _, _, _, _):
            return [address(groups[2], groups[3]), address(~groups[6], ~groups[7])]
        case (_, _, _, _, 0, 0x5efe), (_, _, _, _, 0x200, 0x5efe): return [last]
        default: return []
        }
    }

    /// Its bytes in network order, 4 or 16 of them.
    package var bytes: [UInt8] {
        stride(from: width - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: bits >> $0) }
    }

    /// The address of 4 or 16 bytes in network order; nil for other numbers of them.
    package init?(bytes: [UInt8]) {
        switch bytes.count {
        case 4:
            self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            self = .v6((0..<8).map { UInt16(bytes[2 * $0]) << 8 | UInt16(bytes[2 * $0 + 1]) })
        default:
            return nil
        }
    }

    // RFC 5952 §4: the longest run of at least two zero groups is "::", the first of equal ones.
    private static func text(ofGroups groups: [UInt16]) -> String {
        var best = 0..<0
        var start = 0
        while start < groups.count {
            let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
            if end - start > max(best.count, 1) { best = start..<end }
            start = max(end, start + 1)
        }
        let hex = groups.map { String($0, radix: 16) }
        if best.isEmpty { return hex.joined(separator: ":") }
        return hex[..<best.lowerBound].joined(separator: ":") + "::"
            + hex[best.upperBound...].joined(separator: ":")
    }
}
