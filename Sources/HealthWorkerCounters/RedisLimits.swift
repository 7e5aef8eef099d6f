/// How long Redis is waited for.
package struct RedisLimits: Hashable, Sendable {
    /// How long one call may wait for Redis.
    package var patience: Duration
    /// How long after a failure Redis is left alone.
    package var pause: Duration
    /// How long connecting may take. No call waits longer than `patience` for it.
    package var connecting: Duration

    package init(
        patience: Duration = .milliseconds(100), pause: Duration = .seconds(5),
        connecting: Duration = .seconds(2)
    ) {
        self.patience = patience
        self.pause = pause
        self.connecting = connecting
    }
}
