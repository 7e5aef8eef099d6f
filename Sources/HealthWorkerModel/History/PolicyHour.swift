/// How available what a policy published was in one hour, and how often it had to change.
package struct PolicyHour: Hashable, Sendable {
    package var policy: PolicyID
    package var hour: Hour
    package var time: AvailableTime
    package var failovers: FailoverFigures

    package init(
        policy: PolicyID, hour: Hour, time: AvailableTime = AvailableTime(),
        failovers: FailoverFigures = FailoverFigures()
    ) {
        self.policy = policy
        self.hour = hour
        self.time = time
        self.failovers = failovers
    }
}

/// Time by what was published in it.
package struct AvailableTime: Hashable, Sendable {
    /// All time in which there was the policy.
    package var measured: Duration = .zero
    /// In which the published answer held a member that was measured healthy.
    package var available: Duration = .zero
    /// Of the available time, that in which another member was measured unhealthy.
    package var degraded: Duration = .zero
    /// In which it held none of which that is known, and one of which it cannot be told: never probed,
    /// not probed lately, or without a check. Before the first answer, too.
    package var unknown: Duration = .zero

    package init(
        measured: Duration = .zero, available: Duration = .zero, degraded: Duration = .zero,
        unknown: Duration = .zero
    ) {
        self.measured = measured
        self.available = available
        self.degraded = degraded
        self.unknown = unknown
    }

    package static func += (left: inout Self, right: Self) {
        left.measured += right.measured
        left.available += right.available
        left.degraded += right.degraded
        left.unknown += right.unknown
    }
}

extension AvailableTime {
    /// - Parameters:
    ///   - birth: when the policy was made.
    ///   - routes: oldest first, beginning with the one in force at the hour's start, if there was one.
    ///   - members: what their checks were held to be; one without a check has none.
    package init(
        of hour: Hour, birth: Timestamp, routes: [Route], members: [String: HealthTimeline]
    ) {
        let start = max(hour.start, birth)
        guard start < hour.end else { return }
        let turns = routes.map(\.decidedAt) + members.values.flatMap { $0.spans.map(\.from) }
        let moments = [start] + Set(turns).filter { $0 > start && $0 < hour.end }.sorted()
        for (index, moment) in moments.enumerated() {
            let end = index + 1 < moments.count ? moments[index + 1] : hour.end
            add(
                end - moment, with: routes.last { $0.decidedAt <= moment },
                health: members.mapValues { $0.health(at: moment) ?? .unknown })
        }
    }

    private mutating func add(_ time: Duration, with route: Route?, health: [String: Health]) {
        measured += time
        guard let route else {
            unknown += time
            return
        }
        // A value of `fallback` is no member: it stands for there being none.
        let published = route.answer.records.map(\.name).filter { !$0.isEmpty }
        if published.contains(where: { health[$0] == .healthy }) {
            available += time
            let isShort = route.members.contains {
                $0.reason != .disabled && health[$0.name] == .unhealthy
            }
            if isShort { degraded += time }
        } else if published.contains(where: { health[$0] != .unhealthy }) {
            unknown += time
        }
    }
}

/// How often members left because of their health, and how long that took.
package struct FailoverFigures: Hashable, Sendable {
    package var count = 0
    /// Of failovers of which it is known, by what it ends with.
    package private(set) var ends: [Failover.End: Int] = [:]
    package private(set) var times = LatencyHistogram()
    /// Failovers that turned out to be needless: the member whose turn caused it was healthy again
    /// without one more failure after it had turned. Each counts in the hour in which that turned out.
    /// Nil: it cannot be told, since failures are not kept.
    package var falseSwitches: Int? = 0

    package init() {}

    /// As it is stored.
    package init(
        count: Int, ends: [Failover.End: Int], times: LatencyHistogram, falseSwitches: Int?
    ) {
        self.count = count
        self.ends = ends.filter { $0.value > 0 }
        self.times = times
        self.falseSwitches = falseSwitches
    }

    package mutating func add(_ failover: Failover) {
        count += 1
        guard let time = failover.time else { return }
        ends[failover.end, default: 0] += 1
        times.add(max(.zero, time))
    }

    package mutating func merge(_ other: FailoverFigures) {
        count += other.count
        ends.merge(other.ends, uniquingKeysWith: +)
        times.merge(other.times)
        if let known = falseSwitches, let more = other.falseSwitches {
            falseSwitches = known + more
        } else {
            falseSwitches = nil
        }
    }
}
