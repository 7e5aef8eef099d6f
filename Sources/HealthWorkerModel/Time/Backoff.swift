/// How long to wait after failures in a row: doubling from 100 ms to 5 s, with a fifth of jitter so
/// that processes that failed together do not come back together.
package enum Backoff {
    package static func delay(
        after failures: Int, spread: Double = .random(in: 0.8...1.2)
    ) -> Duration {
        let steps = min(max(failures - 1, 0), 6)
        let base = min(.milliseconds(100) * (1 << steps), Duration.seconds(5))
        return base * spread
    }
}
