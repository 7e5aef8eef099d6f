/// After a failure, nothing is tried for a while.
struct Breaker: Sendable {
    private(set) var closedUntil: Duration?

    mutating func fail(at now: Duration, pause: Duration) {
        closedUntil = now + pause
    }

    mutating func succeed() {
        closedUntil = nil
    }

    func admits(at now: Duration) -> Bool {
        closedUntil.map { now >= $0 } ?? true
    }
}
