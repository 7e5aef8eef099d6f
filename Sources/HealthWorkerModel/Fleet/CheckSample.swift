/// How many different checks were met, told by a bounded sample of them.
///
/// Up to ``capacity`` checks it is all of them. Beyond that it keeps those whose number, scattered, ends
/// in `level` zero bits, one in 2^level of all, and the count is an estimate that is 11 % off at one
/// standard error (Flajolet, On Adaptive Sampling, Computing 43, 1990). Which checks those are is the
/// same for everybody, so that what several processes met can be united and compared.
package struct CheckSample: Hashable, Sendable, Codable {
    package static let capacity = 128

    package private(set) var level = 0
    package private(set) var checks: Set<CheckID> = []

    package init() {}

    package init(_ checks: some Sequence<CheckID>) {
        for check in checks { insert(check) }
    }

    /// How many there are; exactly where all of them are kept.
    package var count: Int { checks.count << level }

    package mutating func insert(_ check: CheckID) {
        guard Self.rank(of: check) >= level else { return }
        checks.insert(check)
        while checks.count > Self.capacity { rise(to: level + 1) }
    }

    package mutating func formUnion(_ other: Self) {
        rise(to: other.level)
        for check in other.checks { insert(check) }
    }

    package mutating func subtract(_ other: Self) {
        rise(to: other.level)
        checks.subtract(other.checks)
    }

    private mutating func rise(to level: Int) {
        guard level > self.level else { return }
        self.level = level
        checks = checks.filter { Self.rank(of: $0) >= level }
    }

    /// Ids follow one another and their low bits have a meaning, such as every second one being of one
    /// family: they are scattered first, by the last step of SplitMix64 (Steele, Lea and Flood, Fast
    /// Splittable Pseudorandom Number Generators, 2014), which gives no number twice.
    private static func rank(of check: CheckID) -> Int {
        var bits = UInt64(bitPattern: check.rawValue) &+ 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return (bits ^ (bits >> 31)).trailingZeroBitCount
    }
}
