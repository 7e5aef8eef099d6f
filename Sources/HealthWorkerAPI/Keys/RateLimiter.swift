import Synchronization

/// Counts what somebody does in token buckets: one fills at a steady rate, and each act takes a token.
///
/// It remembers a bounded number of names. When that is full it forgets those whose bucket is full, who
/// lose nothing by it, and then all: a flood from everywhere must not fill the memory.
final class RateLimiter: Sendable {
    struct Rate: Hashable, Sendable {
        var perSecond: Double
        /// The most that is saved up, in seconds.
        var burst: Double

        /// A bucket holds one token at least.
        var capacity: Double { max(1, perSecond * burst) }
    }

    private struct Bucket {
        var tokens: Double
        var at: ContinuousClock.Instant
    }

    private let rate: Rate?
    private let limit: Int
    private let now: @Sendable () -> ContinuousClock.Instant
    private let buckets = Mutex<[String: Bucket]>([:])

    /// - Parameter rate: nil: there is no limit.
    init(
        _ rate: Rate?, limit: Int = 10_000,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        self.rate = rate
        self.limit = limit
        self.now = now
    }

    var isLimited: Bool { rate != nil }

    /// How many names it remembers.
    var count: Int { buckets.withLock { $0.count } }

    /// Takes a token.
    /// - Returns: nil, or how long it takes until there is one.
    func take(for name: String) -> Duration? {
        guard let rate else { return nil }
        let now = now()
        return buckets.withLock { buckets in
            var bucket = Self.filled(buckets[name], rate, now)
            guard bucket.tokens >= 1 else { return Self.wait(bucket, rate) }
            bucket.tokens -= 1
            if buckets.count >= limit, buckets[name] == nil {
                buckets = buckets.filter {
                    Self.filled($0.value, rate, now).tokens < rate.capacity
                }
                if buckets.count >= limit { buckets = [:] }
            }
            buckets[name] = bucket
            return nil
        }
    }

    /// How long it takes until ``take(for:)`` is let through; nil: it would be now.
    func wait(of name: String) -> Duration? {
        guard let rate else { return nil }
        let now = now()
        let bucket = Self.filled(buckets.withLock { $0[name] }, rate, now)
        return bucket.tokens >= 1 ? nil : Self.wait(bucket, rate)
    }

    private static func filled(
        _ bucket: Bucket?, _ rate: Rate, _ now: ContinuousClock.Instant
    ) -> Bucket {
        guard let bucket else { return Bucket(tokens: rate.capacity, at: now) }
        let since = (now - bucket.at) / .seconds(1)
        return Bucket(
            tokens: min(rate.capacity, bucket.tokens + max(0, since) * rate.perSecond), at: now)
    }

    private static func wait(_ bucket: Bucket, _ rate: Rate) -> Duration {
        .seconds((1 - bucket.tokens) / rate.perSecond)
    }
}
