/// What counts outcomes in a row at present.
package enum CountSource: Hashable, Sendable {
    /// Nothing has been counted yet.
    case untried
    case redis
    /// The rows alone, for so long and for this reason. No count is wrong meanwhile.
    case base(for: Duration, why: String)
}

extension CountSource: CustomStringConvertible {
    package var description: String {
        switch self {
        case .untried: "nothing counted yet"
        case .redis: "redis"
        case .base(let time, let why): "database rows for \(time.components.seconds) s: \(why)"
        }
    }
}

/// How many outcomes were counted, and how, since the process started.
package struct CountTally: Hashable, Sendable {
    package var inRedis = 0
    package var fromBase = 0
    /// Those of `inRedis` where Redis held, or said, something else than the base and followed it.
    package var corrected = 0
    /// Those of `fromBase` for which Redis had seen a later job.
    package var stale = 0

    package init() {}

    package static func + (one: Self, other: Self) -> Self {
        var sum = one
        sum.inRedis += other.inRedis
        sum.fromBase += other.fromBase
        sum.corrected += other.corrected
        sum.stale += other.stale
        return sum
    }
}
