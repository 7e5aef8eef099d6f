/// A domain name: labels of at most 63 bytes, at most 255 bytes in all (RFC 1035 §2.3.4, §3.1).
///
/// Two that differ only in the case of letters are equal (RFC 4343). Underscores and other printable
/// characters are taken as they are: whether a name suits a host is not judged here.
package struct DomainName: Hashable, Sendable, CustomStringConvertible {
    /// As it stands in a message, uncompressed and in lower case: each label behind its length, and a
    /// zero at the end.
    let wire: [UInt8]

    static let longest = 255
    static let longestLabel = 63
    static let root = DomainName(wire: [0])

    /// - Parameter wire: Must be what the property promises.
    init(wire: [UInt8]) {
        self.wire = wire
    }

    /// Reads a name as people write it; a dot at the end changes nothing.
    package init(_ text: String) throws(DomainNameError) {
        var wire: [UInt8] = [0]
        wire.reserveCapacity(text.utf8.count + 2)
        // Where the length of the running label stands.
        var start = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: ".") {
                guard wire.count > start + 1 else { throw .emptyLabel }
                wire[start] = UInt8(wire.count - start - 1)
                start = wire.count
                wire.append(0)
            } else {
                // A backslash would begin an escape (RFC 1035 §5.1), which no target needs.
                guard (0x21...0x7e).contains(byte), byte != UInt8(ascii: "\\") else {
                    throw .character
                }
                guard wire.count - start <= Self.longestLabel else { throw .longLabel }
                wire.append(byte.lowercased)
            }
        }
        if wire.count > start + 1 {
            wire[start] = UInt8(wire.count - start - 1)
            wire.append(0)
        } else if start == 0 {
            throw .empty
        }
        guard wire.count <= Self.longest else { throw .long }
        self.wire = wire
    }

    /// This name under `suffix`; nil where that is too long.
    func under(_ suffix: DomainName) -> DomainName? {
        let joined = wire.dropLast() + suffix.wire
        return joined.count <= Self.longest ? DomainName(wire: Array(joined)) : nil
    }

    /// Whether this is `ancestor` or a name under it.
    func isWithin(_ ancestor: DomainName) -> Bool {
        var start = 0
        while wire.count - start > ancestor.wire.count { start += Int(wire[start]) + 1 }
        return wire[start...] == ancestor.wire[...]
    }

    /// Without a dot at the end; bytes that are no printable characters as `\DDD` (RFC 1035 §5.1).
    package var description: String {
        var text = ""
        var start = 0
        while wire[start] != 0 {
            if start > 0 { text += "." }
            for byte in wire[(start + 1)...(start + Int(wire[start]))] {
                if (0x21...0x7e).contains(byte) {
                    text.unicodeScalars.append(Unicode.Scalar(byte))
                } else {
                    let digits = String(byte)
                    text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
                }
            }
            start += Int(wire[start]) + 1
        }
        return text.isEmpty ? "." : text
    }
}

/// Why a text is no domain name.
package enum DomainNameError: Error, Hashable, CustomStringConvertible {
    case empty
    case emptyLabel
    case longLabel
    case long
    case character

    package var description: String {
        switch self {
        case .empty: "the name is empty"
        case .emptyLabel: "two dots follow each other, or one begins the name"
        case .longLabel: "a label is longer than \(DomainName.longestLabel) bytes"
        case .long: "the name is longer than \(DomainName.longest) bytes"
        case .character: "a name has printable ASCII characters only, and no backslash"
        }
    }
}

extension UInt8 {
    /// Lengths of labels, at most 63, stay as they are.
    var lowercased: UInt8 {
        (0x41...0x5a).contains(self) ? self | 0x20 : self
    }
}
