extension IPAddress: CustomStringConvertible {
    /// The one spelling of the address: dotted decimal, or that of RFC 5952.
    package var description: String {
        switch self {
        case .v4(let number):
            return (0..<4).map { String(number >> UInt32(24 - 8 * $0) & 0xff) }
                .joined(separator: ".")
        case .v6(let groups):
            let words = groups.map { String($0, radix: 16) }
            guard let gap = Self.longestGap(in: groups) else { return words.joined(separator: ":") }
            return words[..<gap.lowerBound].joined(separator: ":") + "::"
                + words[gap.upperBound...].joined(separator: ":")
        }
    }

    /// The first of the longest rows of zeros; a single one is no gap.
    private static func longestGap(in groups: [UInt16]) -> Range<Int>? {
        var longest = 0..<1
        var start: Int?
        for (index, group) in groups.enumerated() {
            guard group == 0 else {
                start = nil
                continue
            }
            let row = (start ?? index)..<(index + 1)
            start = row.lowerBound
            if row.count > longest.count { longest = row }
        }
        return longest.count > 1 ? longest : nil
    }
}
