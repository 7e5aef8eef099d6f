/// An IPv4 or IPv6 address in its usual text form.
///
/// Octal, hexadecimal and shortened IPv4 forms and zone ids are no addresses here: two programs that
/// read them differently would probe one host and publish another.
package enum IPAddress: Hashable, Sendable {
    /// Four bytes in network order, as one number.
    case v4(UInt32)
    /// Eight groups of 16 bits.
    case v6([UInt16])

    /// Reads dotted-decimal IPv4 (four numbers without leading zeros) or IPv6 (RFC 4291 §2.2,
    /// without brackets). Nil for anything else.
    package init?(_ text: String) {
        if let number = Self.dottedDecimal(text) {
            self = .v4(number)
        } else if let groups = Self.groups(text) {
            self = .v6(groups)
        } else {
            return nil
        }
    }

    private static func dottedDecimal(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count),
                part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part == "0" || part.first != "0", let byte = UInt8(part)
            else { return nil }
            number = number << 8 | UInt32(byte)
        }
        return number
    }

    private static func groups(_ text: String) -> [UInt16]? {
        guard text.contains(":"), text.utf8.count <= 45 else { return nil }
        var head = Substring(text)
        var tail: Substring?
        if let gap = text.firstDoubleColon {
            head = text[..<gap]
            let rest = text[text.index(gap, offsetBy: 2)...]
            guard String(rest).firstDoubleColon == nil else { return nil }
            tail = rest
        }
        guard let first = list(head, mayEndInIPv4: tail == nil) else { return nil }
        guard let tail else { return first.count == 8 ? first : nil }
        guard let last = list(tail, mayEndInIPv4: true), first.count + last.count <= 7 else {
            return nil
        }
        return first + Array(repeating: 0, count: 8 - first.count - last.count) + last
    }

    private static func list(_ text: Substring, mayEndInIPv4: Bool) -> [UInt16]? {
        if text.isEmpty { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part.contains(".") {
                guard mayEndInIPv4, index == parts.count - 1, let number = dottedDecimal(part)
                else {
                    return nil
                }
                groups += [UInt16(number >> 16), UInt16(number & 0xffff)]
            } else {
                guard (1...4).contains(part.utf8.count),
                    part.allSatisfy({ $0.isASCII && $0.isHexDigit }),
                    let group = UInt16(part, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups
    }
}

extension String {
    fileprivate var firstDoubleColon: String.Index? {
        var index = startIndex
        while index < endIndex {
            let next = self.index(after: index)
            if self[index] == ":", next < endIndex, self[next] == ":" { return index }
            index = next
        }
        return nil
    }
}
