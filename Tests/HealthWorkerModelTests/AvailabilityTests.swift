import HealthWorkerModel
import Testing

@Suite struct AvailabilityTests {
    private let hour = Hour(number: 500_000)

    private func at(_ minutes: Int64) -> Timestamp { hour.start + .minutes(minutes) }

    private func timeline(_ spans: (Int64, Health)...) -> HealthTimeline {
        HealthTimeline(hour, spans.map { .init(from: at($0.0), health: $0.1) })
    }

    /// A route that publishes some of these members; one of no name is a value of `fallback`.
    private func route(
        _ minute: Int64, _ published: [String], out: [String] = [], cause: RouteCause = .first,
        reason: VerdictReason = .unhealthy
    ) -> Route {
        let record = { (name: String) in
            PublishedMember(name: name, value: "192.0.2.1", weight: 1, family: .a)
        }
        let line = { (name: String, isPublished: Bool) in
            MemberVerdict(
                name: name, value: "192.0.2.1", family: .a, isPublished: isPublished,
                reason: isPublished ? .healthy : reason,
                measured: isPublished ? .healthy : .unhealthy, effective: .healthy, since: nil)
        }
        return Route(
            generation: 1000 + minute, cause: cause, decidedAt: at(minute),
            answer: Answer(records: published.map(record), ttl: 30), memory: RouteMemory(),
            members: published.filter { !$0.isEmpty }.map { line($0, true) }
                + out.map { line($0, false) })
    }

    private func time(
        _ routes: [Route], _ members: [String: HealthTimeline], birth: Int64 = -99
    ) -> [Int64] {
        let time = AvailableTime(
            of: hour, birth: at(birth), routes: routes, members: members)
        return [time.measured, time.available, time.degraded, time.unknown].map {
            $0.microseconds / 60_000_000
        }
    }

    @Test func `one healthy member that is published is enough`() {
        let members = [
            "a": timeline((0, .healthy), (10, .unhealthy), (20, .healthy)),
            "b": timeline((0, .healthy)),
        ]

        #expect(time([route(-5, ["a", "b"])], members) == [60, 60, 10, 0])
        // For two minutes what is published is a alone.
        let late = [route(-5, ["a"], out: ["b"]), route(12, ["b"], out: ["a"])]
        #expect(time(late, members) == [60, 58, 8, 0])
    }

    @Test func `a healthy member that is not published serves nobody`() {
        let members = ["a": timeline((0, .unhealthy)), "b": timeline((0, .healthy))]

        #expect(time([route(-5, ["a"])], members) == [60, 0, 0, 0])
        #expect(time([route(-5, [])], members) == [60, 0, 0, 0])
        #expect(time([route(-5, [""])], members) == [60, 0, 0, 0])
    }

    @Test func `what is not known is told apart and is not available`() {
        let members = ["a": timeline((0, .healthy), (30, .unknown), (50, .unhealthy))]

        #expect(time([route(-5, ["a"])], members) == [60, 30, 0, 20])
        // Nobody watches b, and nothing is answered before the first route.
        #expect(time([route(-5, ["b"])], members) == [60, 0, 0, 60])
        #expect(time([route(15, ["a"])], members) == [60, 15, 0, 35])
        #expect(time([], members) == [60, 0, 0, 60])
    }

    @Test func `before a policy was made nothing is measured`() {
        let members = ["a": timeline((0, .healthy))]

        #expect(time([route(45, ["a"])], members, birth: 40) == [20, 15, 0, 5])
        #expect(time([], members, birth: 60) == [0, 0, 0, 0])
    }

    @Test func `members are lost by their health alone`() {
        let before = route(0, ["a", "b"])

        #expect(route(1, ["b"], out: ["a"], cause: .detached).lost(from: before) == ["a"])
        #expect(route(1, ["c"], out: ["a", "b"], cause: .failover).lost(from: before).count == 2)
        #expect(route(1, [], out: ["a", "b"], cause: .allUnhealthy).lost(from: before).count == 2)
        #expect(route(1, ["b"], out: ["a"], cause: .override).lost(from: before).isEmpty)
        #expect(
            route(1, ["b"], out: ["a"], cause: .detached, reason: .drained).lost(from: before)
                .isEmpty)
        #expect(route(1, ["a", "b", "c"], cause: .recovered).lost(from: before).isEmpty)
        #expect(route(1, ["b"], cause: .detached).lost(from: before).isEmpty)
    }

    @Test func `figures of failovers add up, and what is not known stays so`() {
        var first = FailoverFigures()
        first.add(Failover(time: .seconds(4), end: .observed))
        first.add(Failover(time: nil, end: .decided))
        first.falseSwitches = 1
        var second = FailoverFigures()
        second.add(Failover(time: .seconds(8), end: .applied))
        var unknown = FailoverFigures()
        unknown.falseSwitches = nil

        var sum = first
        sum.merge(second)
        var all = sum
        all.merge(unknown)

        #expect(sum.count == 3)
        #expect(sum.ends == [.observed: 1, .applied: 1])
        #expect(sum.times.count == 2)
        #expect(sum.falseSwitches == 1)
        #expect(all.count == 3)
        #expect(all.falseSwitches == nil)
    }

    @Test func `a line begins with the first moment that is known`() {
        var report = MonthReport(of: Month(of: hour.start))
        var line = MonthReport.Line(policy: "www")
        let young = AvailableTime(measured: .minutes(20), available: .minutes(15))
        line.add(PolicyHour(policy: 1, hour: hour, time: young))
        line.add(
            PolicyHour(
                policy: 1, hour: hour.next,
                time: AvailableTime(measured: .hours(1), available: .hours(1))))
        report.add(line)
        report.add(MonthReport.Line(policy: "unheard-of"))

        #expect(line.from == at(40))
        #expect(line.time.availability == 75.0 / 80)
        #expect(report.lines.map(\.policy) == ["www", "unheard-of"])
        #expect(report.lines.last?.time.availability == nil)
        #expect(report.total.time == line.time)
        #expect(report.total.from == at(40))
    }
}
