import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/checks/{name}/backtest`
struct BacktestEndpoints {
    let backend: Backend

    /// How many outcomes are looked at: a week of one every 5 s.
    private static let limit = 120_960
    private static let page = 1000
    /// How many spells are told.
    static let spells = 1000

    private static let request = Schema.object([
        Answers.optional("fall", .integer(1...100).shown(as: .integer(2))),
        Answers.optional("rise", .integer(1...100)),
        Answers.optional(
            "interval", .timeSpan(.seconds(1) ... .hours(24)).shown(as: .string("5s"))),
        Answers.optional(
            "fast_interval",
            .timeSpan(.seconds(1) ... .hours(24)).described(
                "At most `interval`. By default a fifth of an `interval` that is tried, at least 1s."
            )),
        Answers.optional(
            "since",
            .timeSpan(.seconds(1)...(.hours(24 * 3660))).standing(at: .string("7d")).described(
                "How long before now the first outcome may be.")),
    ]).described("What is tried; where nothing is said it is as the check has it.")

    var all: [Endpoint] { [backtest] }

    private var backtest: Endpoint {
        Endpoint(
            .post, "/v1/checks/{name}/backtest", "backtest", tag: .checks, role: .read,
            summary: "Ask what health would have been with another interval, fall or rise",
            description: "Decided by the rules of every outcome from the outcomes that are kept of "
                + "the present target and request; nothing is stored. Between two of them the target "
                + "is taken to have been as it was found: a shorter interval than the one probed "
                + "by is an estimate. Every failure counts as if another worker had seen it, too. "
                + "Where `history.outcomes` keeps only some, little of the time is known.",
            parameters: [CheckEndpoints.name],
            body: Endpoint.Body(
                Self.request,
                example: .object([.init("fall", .number(2)), .init("interval", .text("5s"))]),
                isRequired: false),
            answers: [Endpoint.Answer(.ok, "What would have been.", .reference("Backtest"))],
            problems: [.notFound]
        ) { [backend] call in
            let check = try await backend.check(call.name())
            let asked = call.body ?? .object([])
            let tried = try Self.spec(check.spec, with: asked)
            let span = asked["since"]?.text.flatMap(TimeSpan.init) ?? .hours(24 * 7)
            let now = try await backend.storage.now()
            let found = try await findings(of: check, since: now - span.duration)
            let spacing = check.spec.interval.duration * 3 + check.spec.effectiveTimeout
            return .json(
                .object([
                    .init("check", .text(check.spec.name)), .init("until", .time(now)),
                    entry("from", (found.findings.first?.at).map(Node.time)),
                    .init("outcomes", .number(found.findings.count)),
                    .init("complete", .flag(found.isComplete)),
                    .init(
                        "as_it_is",
                        Self.node(
                            of: Backtest(of: check.spec, over: found.findings, spacing: spacing),
                            check.spec)),
                    .init(
                        "tried",
                        Self.node(
                            of: Backtest(of: tried, over: found.findings, spacing: spacing), tried)),
                ]))
        }
    }

    private static func spec(_ spec: CheckSpec, with asked: Node) throws -> CheckSpec {
        var spec = spec
        if let fall = asked["fall"]?.integer { spec.fall = Int(fall) }
        if let rise = asked["rise"]?.integer { spec.rise = Int(rise) }
        if let interval = asked["interval"]?.text.flatMap(TimeSpan.init) {
            spec.interval = interval
            spec.fastInterval = nil
        }
        if let fast = asked["fast_interval"]?.text.flatMap(TimeSpan.init) {
            guard fast <= spec.interval else {
                throw ProblemDetails(
                    .invalid,
                    listing: [
                        .init(
                            "\(fast) is longer than the interval of \(spec.interval): write at most "
                                + "\(spec.interval)", at: .body(pointer: "/fast_interval"))
                    ])
            }
            spec.fastInterval = fast
        }
        return spec
    }

    /// Oldest first; not complete where there are more than are looked at.
    private func findings(
        of check: Check, since: Timestamp
    ) async throws -> (findings: [Backtest.Finding], isComplete: Bool) {
        var findings: [Backtest.Finding] = []
        var before: JobID?
        while findings.count < Self.limit {
            let page = try await backend.storage.outcomes(
                of: check.id, before: before, limit: Self.page)
            let wanted = page.prefix { $0.epoch == check.epoch && $0.startedAt >= since }
            findings += wanted.map { .init(at: $0.startedAt, outcome: $0.report.outcome) }
            guard page.count == Self.page, wanted.count == page.count else {
                return (findings.sorted { $0.at < $1.at }, true)
            }
            before = page.last?.job
        }
        return (findings.sorted { $0.at < $1.at }, false)
    }

    private static func node(of backtest: Backtest, _ spec: CheckSpec) -> Node {
        .object([
            .init("fall", .number(spec.fall)), .init("rise", .number(spec.rise)),
            .init("interval", .text(spec.interval.description)),
            .init("fast_interval", .text(TimeSpan(spec.effectiveFastInterval).description)),
            .init("known_seconds", seconds(backtest.known)),
            .init("unhealthy_seconds", seconds(backtest.unhealthy)),
            .init("times_unhealthy", .number(backtest.spells.count)),
            .init("spells", .list(backtest.spells.suffix(spells).reversed().map(node))),
        ])
    }

    private static func node(of spell: Backtest.Spell) -> Node {
        .object([
            .init("first_failure", .time(spell.firstFailure)), .init("from", .time(spell.from)),
            entry("until", spell.until.map(Node.time)),
            entry("reason", spell.reason.map { .text($0.rawValue) }),
        ])
    }

    private static func seconds(_ duration: Duration) -> Node {
        Node(.number(Double(duration.milliseconds) / 1000))
    }
}
