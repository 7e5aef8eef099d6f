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

    private let limit: Int
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Mutex<State>

    private struct State {
        var rate: Rate?
        var buckets: [String: Bucket] = [:]
    }

    /// - Parameter rate: nil: there is no limit.
    init(
        _ rate: Rate?, limit: Int = 10_000,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        state = Mutex(State(rate: rate))
        self.limit = limit
        self.now = now
    }

    /// Buckets fill at this rate from now on; what was taken from them stays taken.
    func use(_ rate: Rate?) {
        state.withLock { state in
            state.rate = rate
            if rate == nil { state.buckets = [:] }
        }
    }

    var isLimited: Bool { state.withLock { $0.rate != nil } }

    /// How many names it remembers.
    var count: Int { state.withLock { $0.buckets.count } }

    /// Takes a token.
    /// - Returns: nil, or how long it takes until there is one.
    func take(for name: String) -> Duration? {
        let now = now()
        return state.withLock { state in
            guard let rate = state.rate else { return nil }
            var bucket = Self.filled(state.buckets[name], rate, now)
            guard bucket.tokens >= 1 else { return Self.wait(bucket, rate) }
            bucket.tokens -= 1
            if state.buckets.count >= limit, state.buckets[name] == nil {
                state.buckets = state.buckets.filter {
                    Self.filled($0.value, rate, now).tokens < rate.capacity
                }
                if state.buckets.count >= limit { state.buckets = [:] }
            }
            state.buckets[name] = bucket
            return nil
        }
    }

    /// How long it takes until ``take(for:)`` is let through; nil: it would be now.
    func wait(of name: String) -> Duration? {
        let now = now()
        return state.withLock { state in
            guard let rate = state.rate else { return nil }
            let bucket = Self.filled(state.buckets[name], rate, now)
            return bucket.tokens >= 1 ? nil : Self.wait(bucket, rate)
        }
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
