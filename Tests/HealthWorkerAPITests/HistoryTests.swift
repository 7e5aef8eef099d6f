import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

/// The clock of these tests stands in January 2027, so that the last whole month is December 2026.
@Suite struct HistoryTests {
    private static let december = Hour(of: Month("2026-12")?.start ?? Timestamp(seconds: 0))

    /// Two policies, with what was found of each in some hours.
    private func plant(_ api: TestAPI) async throws {
        try await api.makePool("shop", sites: ["fra1", "ams1"])
        try await api.makePool("mail", sites: ["fra1"])
        let policies = try await api.storage.policies(named: ["mail", "shop"])
        let ids = Dictionary(uniqueKeysWithValues: policies.map { ($0.spec.name, $0.id) })
        guard let shop = ids["shop"], let mail = ids["mail"] else {
            throw TestFailure.noCheck("shop")
        }
        let check = try await api.storage.checks(named: ["shop.fra1"])[0].id
        var hours: [PolicyHour] = []
        // All of December: in its first hour 6 minutes without a healthy member, in its second one
        // an hour of which half was degraded and a quarter not known.
        for number in 0..<744 {
            hours.append(
                PolicyHour(
                    policy: shop, hour: Hour(number: Self.december.number + Int64(number)),
                    time: AvailableTime(measured: .hours(1), available: .hours(1))))
        }
        hours[0].time.available = .minutes(54)
        for seconds in [2, 4, 30] {
            hours[0].failovers.add(Failover(time: .seconds(Int64(seconds)), end: .observed))
        }
        hours[1].time = AvailableTime(
            measured: .hours(1), available: .minutes(45), degraded: .minutes(30),
            unknown: .minutes(15))
        hours[1].failovers.add(Failover(time: .seconds(1), end: .decided))
        hours[1].failovers.falseSwitches = 1
        // The first hour of January, and of November the last, are not of this month.
        for number in [-1, 744] {
            hours.append(
                PolicyHour(
                    policy: shop, hour: Hour(number: Self.december.number + Int64(number)),
                    time: AvailableTime(measured: .hours(1))))
        }
        // Made twenty minutes before the end of the month.
        hours.append(
            PolicyHour(
                policy: mail, hour: Hour(number: Self.december.number + 743),
                time: AvailableTime(measured: .minutes(20), available: .minutes(20))))

        var times = PhaseTimes()
        for _ in 0..<100 { times.add(Phases(connect: 1000, firstByte: 5000)) }
        let first = Hour(of: api.clock.now)
        let checks = [-2, -1].map { offset in
            let hour = Hour(number: first.number + Int64(offset))
            return CheckHour(
                check: check, kept: .all,
                timeline: HealthTimeline(
                    hour,
                    [
                        .init(from: hour.start, health: .healthy),
                        .init(from: hour.start + .minutes(45), health: .unhealthy),
                        .init(from: hour.start + .minutes(57), health: .unknown),
                    ]), successes: 100, failures: 3, inconclusive: 1, times: times)
        }
        let mark = try await api.storage.hourMark()
        _ = try await api.storage.keep(
            MadeHours(checks: checks, policies: hours), from: mark,
            to: HourMark(hour: first, stage: .checks))
    }

    @Test func `the last whole month is reported, policy by policy and together`() async throws {
        try await TestAPI.run { api in
            try await plant(api)

            let report = try await api.get("/v1/report")

            #expect(report.status == .ok)
            #expect(report.string("/month") == "2026-12")
            #expect(report.string("/from") == "2026-12-01T00:00:00Z")
            #expect(report.string("/until") == "2027-01-01T00:00:00Z")
            #expect(report.string("/policies/0/policy") == "mail")
            #expect(report.string("/policies/0/measured_from") == "2026-12-31T23:40:00Z")
            #expect(report.number("/policies/0/availability") == 1)
            #expect(report["/policies/0/time_to_failover"] == nil)
            let shop = "/policies/1"
            #expect(report.string("\(shop)/measured_from") == "2026-12-01T00:00:00Z")
            #expect(report.number("\(shop)/measured_seconds") == 2_678_400.0)
            // 6 minutes of none, 15 of which nothing is known, of 744 hours.
            #expect(report.number("\(shop)/available_seconds") == 2_677_140.0)
            #expect(report.number("\(shop)/degraded_seconds") == 1800)
            #expect(report.number("\(shop)/unknown_seconds") == 900)
            #expect(report.number("\(shop)/availability") == 0.999529)
            #expect(report.integer("\(shop)/failovers") == 4)
            #expect(report.integer("\(shop)/false_switches") == 1)
            #expect(report.integer("\(shop)/time_to_failover/observed") == 3)
            #expect(report.integer("\(shop)/time_to_failover/applied") == 0)
            #expect(report.integer("\(shop)/time_to_failover/decided") == 1)
            let longest = report.number("\(shop)/time_to_failover/max_seconds") ?? 0
            #expect(abs(longest - 30) <= 30.0 / 16)
            let half = report.number("\(shop)/time_to_failover/p50_seconds") ?? 0
            #expect(abs(half - 2) <= 2.0 / 16)
            #expect(report["/total/policy"] == nil)
            #expect(report.number("/total/measured_seconds") == 2_679_600.0)
            #expect(report.integer("/total/failovers") == 4)
        }
    }

    @Test func `another month and some policies are reported when they are asked for`()
        async throws
    {
        try await TestAPI.run { api in
            try await plant(api)

            let some = try await api.get("/v1/report?selector=customer%3Dmail")
            let before = try await api.get("/v1/report?month=2026-11&selector=customer%3Dshop")
            let never = try await api.get("/v1/report?month=2020-02")
            let none = try await api.get("/v1/report?selector=customer%3Dnobody")

            #expect(some["/policies/1"] == nil)
            #expect(some.string("/policies/0/policy") == "mail")
            #expect(some.number("/total/measured_seconds") == 1200)
            #expect(before.number("/policies/0/measured_seconds") == 3600)
            #expect(before.number("/policies/0/availability") == 0)
            #expect(never.number("/total/measured_seconds") == 0)
            #expect(never["/total/availability"] == nil)
            #expect(never["/policies/0/measured_from"] == nil)
            #expect(none["/policies/0"] == nil)
        }
    }

    @Test(arguments: ["2026-13", "2026-1x", "october"])
    func `what is no month is refused by name`(month: String) async throws {
        try await TestAPI.run { api in
            let answer = try await api.get("/v1/report?month=\(month)")

            #expect(answer.status == .badRequest)
            #expect(answer.text.contains("month"))
        }
    }

    @Test func `a check's hours tell its uptime, its outcomes and how long they took`()
        async throws
    {
        try await TestAPI.run { api in
            try await plant(api)

            let hours = try await api.get("/v1/checks/shop.fra1/hours")
            let last = try await api.get("/v1/checks/shop.fra1/hours?since=1h")
            let other = try await api.get("/v1/checks/shop.ams1/hours")
            let long = try await api.get("/v1/checks/shop.fra1/hours?since=400d")
            let nobody = try await api.get("/v1/checks/nobody/hours")

            #expect(hours.status == .ok)
            #expect(hours["/items/2"] == nil)
            #expect(hours.number("/items/0/uptime") == 0.75)
            #expect(hours.number("/items/0/healthy_seconds") == 2700)
            #expect(hours.number("/items/0/unhealthy_seconds") == 720)
            #expect(hours.number("/items/0/unknown_seconds") == 180)
            #expect(hours.integer("/items/0/successes") == 100)
            #expect(hours.integer("/items/0/failures") == 3)
            #expect(hours.string("/items/0/outcomes") == "all")
            let connect = Double(hours.integer("/items/0/phases/connect/p99_us") ?? 0)
            #expect(abs(connect - 1000) <= 1000.0 / 16)
            let total = Double(hours.integer("/items/0/total/p50_us") ?? 0)
            #expect(abs(total - 6000) <= 6000.0 / 16)
            #expect(hours["/items/0/phases/tls"] == nil)
            #expect(last["/items/1"] == nil)
            #expect(last.string("/items/0/from") == hours.string("/items/1/from"))
            #expect(other["/items/0"] == nil)
            #expect(long.status == .badRequest)
            #expect(nobody.status == .notFound)
        }
    }

    @Test func `whatever is asked for, only who may read is told`() async throws {
        try await TestAPI.run { api in
            let report = try await api.get("/v1/report", as: nil)
            let hours = try await api.get("/v1/checks/web/hours", as: nil)

            #expect(report.status == .unauthorized)
            #expect(hours.status == .unauthorized)
        }
    }
}
