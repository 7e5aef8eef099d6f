package import HealthWorkerModel

/// How late probes began in this minute and the two before it.
package struct LagWindow: Sendable {
    private var minutes = [LagHistogram(), LagHistogram(), LagHistogram()]
    private var startedAt: Duration = .zero

    package init() {}

    package mutating func record(_ lag: Duration, at now: Duration) {
        advance(to: now)
        minutes[0].record(lag)
    }

    package mutating func recent(at now: Duration) -> LagHistogram {
        advance(to: now)
        var sum = LagHistogram()
        for minute in minutes { sum.add(minute) }
        return sum
    }

    private mutating func advance(to now: Duration) {
        if now - startedAt >= .seconds(180) {
            minutes = [LagHistogram(), LagHistogram(), LagHistogram()]
            startedAt = now
        }
        while now - startedAt >= .seconds(60) {
            minutes = [LagHistogram(), minutes[0], minutes[1]]
            startedAt += .seconds(60)
        }
    }
}
