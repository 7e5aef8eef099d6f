/// A range of addresses, as `192.0.2.0/24` or `2001:db8::/32` names it.
package struct Network: Hashable, Sendable, CustomStringConvertible {
    package let base: IPAddress
    /// How many bits from the left an address must share with `base`.
    package let length: Int

    /// Reads an address with the length of its prefix, or an address alone, which is a range of one.
    package init(_ text: String) throws(NetworkError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = IPAddress(String(parts[0])) else {
            throw .noAddress(text)
        }
        var length = address.width
        if parts.count == 2 {
            guard !parts[1].isEmpty, parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                parts[1] == "0" || parts[1].first != "0", let written = Int(parts[1]),
                written <= address.width
            else { throw .noLength(text, longest: address.width) }
            length = written
        }
        let network = Network(base: address, length: length)
        guard network.base == address else { throw .bitsBeyondLength(text, meant: network) }
        self = network
    }

    /// The range of `length` bits that `address` lies in.
    package init(base address: IPAddress, length: Int) {
        let spare = address.width - length
        let bits = spare == 128 ? 0 : (address.bits >> spare) << spare
        self.length = length
        base =
            address.isV4
            ? .v4(UInt32(truncatingIfNeeded: bits))
            : .v6((0..<8).map { UInt16(truncatingIfNeeded: bits >> (112 - 16 * $0)) })
    }

    package func contains(_ address: IPAddress) -> Bool {
        guard address.isV4 == base.isV4 else { return false }
        let spare = address.width - length
        return spare == 128 || address.bits >> spare == base.bits >> spare
    }

    package var description: String {
        "\(base.text)/\(length)"
    }
}

/// Why a text names no range of addresses.
package enum NetworkError: Error, Hashable, CustomStringConvertible {
    case noAddress(String)
    case noLength(String, longest: Int)
    case bitsBeyondLength(String, meant: Network)

    package var description: String {
        switch self {
        case .noAddress(let text):
            "\"\(text)\" is no network: write an address and a length, as in 192.0.2.0/24"
        case .noLength(let text, let longest):
            "\"\(text)\" has no length of 0 … \(longest) after the \"/\""
        case .bitsBeyondLength(let text, let meant):
            "\"\(text)\" has bits beyond its length; the network is \(meant)"
        }
    }
}
