import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/checks/{name}/hours` and `/v1/report`: what is kept when outcomes and routes are gone.
struct HistoryEndpoints {
    let backend: Backend

    /// A month of hours, and some.
    private static let mostHours = 800
    /// A month of one policy is read in some milliseconds.
    static let mostPolicies = 1000
    private static let page = 250

    var all: [Endpoint] { [hours, report] }

    // MARK: - Hours

    private var hours: Endpoint {
        Endpoint(
            .get, "/v1/checks/{name}/hours", "listHours", tag: .checks, role: .read,
            summary: "List the figures of a check's hours, oldest first",
            description:
                "How long it was held healthy and how long unhealthy, how many outcomes of "
                + "each kind there were, and how long its successes took. An hour is made some "
                + "minutes after its end and stays for as long as `history.hours` says, also when its "
                + "outcomes are gone. Time in which nothing was found out for three intervals, at "
                + "least a minute, is unknown; where `outcomes` is not `all` that cannot be told, the "
                + "last health is taken to have held, and counts and times are of what was kept. "
                + "Percentiles are at most 6.25 % off.",
            parameters: [
                CheckEndpoints.name,
                AskedMoment.parameter(
                    "since",
                    "From the hour of this moment on; a span is so long before now. 24h where nothing "
                        + "is said, or a day before `until`."),
                AskedMoment.parameter(
                    "until", "Up to the hour of this moment; a span is so long before now."),
            ],
            answers: [Endpoint.Answer(.ok, "The hours that were made.", .reference("CheckHours"))],
            problems: [.notFound]
        ) { [backend] call in
            let check = try await backend.check(call.name())
            let now = try await backend.storage.now()
            let until = call.moment("until", now: now) ?? now
            let since = call.moment("since", now: now) ?? (until - .hours(24))
            let (first, last) = (Hour(of: since), Hour(of: until))
            guard last.number - first.number <= Self.mostHours else {
                throw ProblemDetails(
                    .invalidParameter, "Ask for \(Self.mostHours) hours at most.",
                    errors: [
                        .init(
                            "is \(last.number - first.number) hours before the end: give a later "
                                + "moment, or an earlier `until`", at: .parameter("since"))
                    ])
            }
            let hours = try await backend.storage.checkHours(
                of: check.id, from: first, until: last.next)
            return .json(
                .object([
                    .init("check", .text(check.spec.name)),
                    .init("items", .list(hours.map(Self.node))),
                ]))
        }
    }

    private static func node(of hour: CheckHour) -> Node {
        let timeline = hour.timeline
        let measured = timeline.measured
        let healthy = timeline.time(.healthy)
        let times = Phases.CodingKeys.allCases.compactMap { phase in
            entry(phase.rawValue, hour.times.phases[phase].flatMap(node))
        }
        return .object([
            .init("from", .time(hour.hour.start)),
            entry(
                "uptime",
                measured > .zero ? share(healthy, of: measured) : nil),
            .init("healthy_seconds", seconds(healthy)),
            .init("unhealthy_seconds", seconds(timeline.time(.unhealthy))),
            .init("unknown_seconds", seconds(timeline.time(.unknown))),
            .init("outcomes", .text(hour.kept.rawValue)),
            .init("successes", .number(hour.successes)),
            .init("failures", .number(hour.failures)),
            .init("inconclusive", .number(hour.inconclusive)),
            entry("total", node(of: hour.times.total)),
            .init("phases", .object(times)),
        ])
    }

    /// Nil where nothing was measured.
    private static func node(of times: LatencyHistogram) -> Node? {
        guard let p50 = times.quantile(0.5), let p95 = times.quantile(0.95),
            let p99 = times.quantile(0.99)
        else { return nil }
        return .object([
            .init("p50_us", .number(p50.microseconds)), .init("p95_us", .number(p95.microseconds)),
            .init("p99_us", .number(p99.microseconds)),
        ])
    }

    // MARK: - The report

    private static let monthParameter = Endpoint.Parameter.query(
        "month", .text(.month, length: 7...7).shown(as: .string("2026-10")),
        "The month, in UTC; the last one that is over where nothing is said.")

    private var report: Endpoint {
        Endpoint(
            .get, "/v1/report", "getReport", tag: .policies, role: .read,
            summary: "Report how available policies were in a month",
            description: "Availability is the share of the measured time in which what a policy "
                + "published held a member that was measured healthy. Time of which that cannot be "
                + "told, because nothing was probed or what is published has no check, is `unknown`: "
                + "it counts as measured and not as available. Before `measured_from` there was no "
                + "policy, or its hours are not kept any more, and nothing is counted. A failover is "
                + "a change of the route by which a published member left because of its health, and "
                + "not by an operator's word. Its time goes from the first of the failures in a row "
                + "to the moment at which the last of its places was seen to answer with the new "
                + "route (`observed`); where none was seen, to the moment at which the last one took "
                + "it (`applied`), and else to the decision (`decided`). A false switch is a failover "
                + "whose member's check turned healthy again without one more failure after it had "
                + "turned; it counts in the month in which that turned out, and is missing where "
                + "failures are not kept.",
            parameters: [
                Self.monthParameter, ObjectFilter.setParameter,
                .query("type", .choice(of: PolicyType.self), "Only policies of this type."),
                ObjectFilter.selectorParameter,
            ],
            answers: [Endpoint.Answer(.ok, "The report.", .reference("MonthReport"))]
        ) { [backend] call in
            let month = try Self.month(call, now: try await backend.storage.now())
            var report = MonthReport(of: month)
            let (first, end) = (Hour(of: month.start), Hour(of: month.end))
            for policy in try await policies(call) {
                var line = MonthReport.Line(
                    policy: policy.spec.name, type: policy.spec.type, mode: policy.spec.mode)
                let hours = try await backend.storage.policyHours(
                    of: policy.id, from: first, until: end)
                for hour in hours { line.add(hour) }
                report.add(line)
            }
            return .json(Self.node(of: report))
        }
    }

    private static func month(_ call: Call, now: Timestamp) throws -> Month {
        guard let text = call.text("month") else { return Month(of: now).previous }
        guard let month = Month(text) else {
            throw ProblemDetails(
                .invalidParameter, "Give a month as 2026-10.",
                errors: [.init("is no month, such as 2026-10", at: .parameter("month"))])
        }
        return month
    }

    private func policies(_ call: Call) async throws -> [Policy] {
        let filter = try ObjectFilter(call)
        var policies: [Policy] = []
        while true {
            let page = try await backend.storage.policies(
                matching: filter, after: policies.last?.spec.name, limit: Self.page)
            policies += page
            guard policies.count <= Self.mostPolicies else {
                throw ProblemDetails(
                    .invalidParameter,
                    "These are more than \(Self.mostPolicies) policies: give a selector or a set.",
                    errors: [.init("fits too many policies", at: .parameter("selector"))])
            }
            if page.count < Self.page { return policies }
        }
    }

    private static func node(of report: MonthReport) -> Node {
        .object([
            .init("month", .text(report.month.description)),
            .init("from", .time(report.month.start)), .init("until", .time(report.month.end)),
            .init("policies", .list(report.lines.map(node))),
            .init("total", node(of: report.total)),
        ])
    }

    private static func node(of line: MonthReport.Line) -> Node {
        .object([
            entry("policy", line.policy.map(Node.text)),
            entry("type", (line.type?.rawValue).map(Node.text)),
            entry("mode", (line.mode?.rawValue).map(Node.text)),
            entry("measured_from", line.from.map(Node.time)),
            .init("measured_seconds", seconds(line.time.measured)),
            .init("available_seconds", seconds(line.time.available)),
            .init("degraded_seconds", seconds(line.time.degraded)),
            .init("unknown_seconds", seconds(line.time.unknown)),
            entry(
                "availability",
                line.time.measured > .zero
                    ? share(line.time.available, of: line.time.measured) : nil),
            .init("failovers", .number(line.failovers.count)),
            entry("false_switches", line.failovers.falseSwitches.map { Node.number($0) }),
            entry("time_to_failover", node(of: line.failovers)),
        ])
    }

    private static func node(of figures: FailoverFigures) -> Node? {
        guard let p50 = figures.times.quantile(0.5), let p95 = figures.times.quantile(0.95),
            let longest = figures.times.quantile(1)
        else { return nil }
        let ends = Failover.End.allCases.map {
            Node.Entry($0.rawValue, .number(figures.ends[$0] ?? 0))
        }
        return .object(
            ends + [
                .init("p50_seconds", seconds(p50)), .init("p95_seconds", seconds(p95)),
                .init("max_seconds", seconds(longest)),
            ])
    }

    private static func seconds(_ duration: Duration) -> Node {
        Node(.number(Double(duration.milliseconds) / 1000))
    }

    /// Rounded down, so that what failed for a moment is never shown as whole.
    private static func share(_ part: Duration, of whole: Duration) -> Node {
        let millionths = whole.microseconds.dividingFullWidth(
            part.microseconds.multipliedFullWidth(by: 1_000_000)
        ).quotient
        return Node(.number(Double(millionths) / 1_000_000))
    }
}
