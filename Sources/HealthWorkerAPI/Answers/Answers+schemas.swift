import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage

/// The schemas of what is answered, by the names under which the OpenAPI document has them.
enum Answers {
    /// The document's components and the API's own.
    static let components = Schema.components.merging(own) { document, _ in document }

    private static let own: [String: Schema] = [
        "CheckObject": checkObject,
        "CheckObserved": checkObserved,
        "CheckPage": page(of: "CheckObject"),
        "CheckHealth": checkHealth,
        "Outcome": outcome,
        "ProbeAnswer": probeAnswer,
        "OutcomePage": page(of: "Outcome"),
        "HealthChange": healthChange,
        "HealthChangePage": page(of: "HealthChange"),
        "PolicyObject": policyObject,
        "PolicyObserved": policyObserved,
        "PolicyPage": page(of: "PolicyObject"),
        "Evaluation": evaluation,
        "MemberVerdict": memberVerdict,
        "PublishedMember": publishedMember,
        "Freeze": freeze,
        "Exposure": exposure,
        "Backtest": backtest,
        "CheckHours": checkHours, "Quantiles": quantiles,
        "MonthReport": monthReport, "ReportLine": reportLine,
        "WatchedAs": watchedAs,
        "Hold": hold, "HoldList": holdList, "Released": released, "SafetyBudget": safetyBudget,
        "BudgetList": budgetList,
        "Simulation": simulation,
        "SimulatedChange": route.removing(["policy", "mode", "stale", "age_seconds"]).described(
            "A route that would be."),
        "Route": route,
        "RoutePage": page(of: "Route"),
        "RouteChange": routeChange,
        "Timeline": timeline,
        "Arrival": arrival,
        "RouteChangePage": page(of: "RouteChange"),
        "Delivery": delivery,
        "Deliveries": deliveries,
        "DeliveredPublication": deliveredPublication,
        "DeadLetter": deadLetter,
        "Sink": sink,
        "Sinks": .object([required("items", .list(of: .reference("Sink"), count: 0...100_000))]),
        "SinkFinding": sinkFinding,
        "SinkTest": .object([
            required("good", .boolean.described("Whether nothing has to be mended.")),
            required("findings", .list(of: .reference("SinkFinding"), count: 0...100_000)),
        ]),
        "SinkRetry": .object([required("retried", count)]),
        "Event": event,
        "Deed": deed,
        "EventPage": page(of: "Event"),
        "Override": override,
        "OverridePage": page(of: "Override"),
        "Maintenance": maintenance,
        "MaintenancePage": page(of: "Maintenance"),
        "MemberMaintenance": memberMaintenance,
        "Queue": queue,
        "Process": process,
        "Fleet": fleet,
        "SettingsInForce": settingsInForce,
        "WorkerSettings": workerSettings,
        "ScopedSettings": scopedSettings,
        "LiveSettings": liveSettings,
        "Key": key,
        "KeyPage": page(of: "Key"),
        "NewKey": key.with(
            required(
                "key",
                .text().described("The key itself. It is shown this once and stored nowhere."))),
        "Secret": secret,
        "SecretPage": page(of: "Secret"),
        "AuditEntry": auditEntry,
        "AuditPage": page(of: "AuditEntry"),
        "Plan": plan,
        "PlanChange": planChange,
        "ApplyProgress": .object([
            required("phase", .choice(of: AppliesUnderWay.Phase.self)),
            required("done", count.described("Probes that were made.")),
            required("total", count.described("Probes that are to be made.")),
        ]),
        "Problem": problem,
        "Liveness": .object([required("status", .choice(["alive"]))]),
    ]

    // MARK: - Parts

    static let time = Schema.text(.time, length: 1...64).shown(
        as: .string("2026-01-31T08:00:00Z"))
    private static let count = Schema.integer(0...Int64.max)
    private static let text = Schema.text(length: 0...1_048_576)
    private static let words = Schema.list(of: text, count: 0...1_000_000)

    static func required(_ name: String, _ schema: Schema) -> Schema.Property {
        Schema.Property(name, schema, isRequired: true)
    }

    static func optional(_ name: String, _ schema: Schema) -> Schema.Property {
        Schema.Property(name, schema)
    }

    private static func page(of component: String) -> Schema {
        .object([
            required("items", .list(of: .reference(component), count: 0...1_000_000)),
            optional(
                "next_cursor",
                .text(length: 1...1024).described(
                    "Where the next page begins; missing on the last one.")),
        ])
    }

    // MARK: - Checks

    private static let checkObject = Schema.check.with(
        required("observed", .reference("CheckObserved"))
    ).described("A check as it was written, and what is observed of it.")
        .shown(as: shown(CheckEndpoints.example, checkObserved))

    private static let checkObserved = Schema.object([
        required("id", count), required("revision", count), required("epoch", count),
        optional("set", text),
        optional("made_by", text.described("The policy whose `member_check` made it.")),
        required("created_at", time), required("updated_at", time),
        required("policies", words.described("The policies that use it.")),
        required("health", .choice(of: Health.self)), required("since", time),
        required(
            "in_a_row", count.described("Outcomes in a row towards the other health.")),
        required("stale", .boolean.described("Whether its health is no longer fresh.")),
        optional("stale_because", text.shown(as: .string("no worker in fra1"))),
        optional("stale_since", time),
        optional("inconclusive_since", time),
        optional(
            "explained_by",
            words.described("The unhealthy checks that it depends on, while it is unhealthy, too.")),
        optional("next_due", time.described("When it is due next; missing while paused.")),
        optional("last_outcome", .reference("Outcome")),
    ]).described("What is measured and told by the program: ignored when it is written.")

    private static let checkHealth = Schema.object(
        [required("name", .name)] + healthProperties)

    private static let healthProperties = [
        required("health", .choice(of: Health.self)), required("since", time),
        required("in_a_row", count), required("stale", .boolean),
        optional("stale_because", text), optional("stale_since", time),
        optional("inconclusive_since", time),
    ]

    private static let outcome = Schema.object([
        required("job", count), required("attempt", count), required("epoch", count),
        required("outcome", .choice(of: OutcomeKind.self)),
        optional("reason", .choice(of: Reason.self)),
        optional("detail", text), required("started_at", time),
        required("worker", text.described("The worker's name, or its id once it is gone.")),
        required("location", text), optional("address", text.shown(as: .string("192.0.2.10:443"))),
        required(
            "phases",
            .object(
                Phases.CodingKeys.allCases.map { optional($0.rawValue, count) }
                    + [required("total", count)]
            ).described("Microseconds; phases that were not reached are missing.")),
        optional("http_status", .integer(100...599)),
        optional("certificate_end", time),
    ])

    private static let probeAnswer = Schema.object(
        [
            required("check", .name),
            optional("job", count.described("The `job` of its outcome.")),
            optional(
                "outcome",
                .choice(of: OutcomeKind.self).described(
                    "What was found; `inconclusive` also where nobody can probe it at present.")),
            optional("because", text.described("Why there is nothing more to tell.")),
            optional("found", .reference("Outcome")),
        ] + healthProperties
    ).described("A probe that was asked for, and the check's health by now.")

    private static let healthChange = Schema.object([
        required("id", count), required("at", time), required("from", .choice(of: Health.self)),
        required("to", .choice(of: Health.self)), required("cause", .choice(of: TurnCause.self)),
        optional("reason", .choice(of: Reason.self)), optional("job", count),
        optional("worker", text),
        required(
            "confirmed_elsewhere",
            .boolean.described(
                "Whether the outcome that turned it came from another location than the one that "
                    + "began the row.")),
    ])

    // MARK: - Policies and routes

    private static let policyObject = Schema.policy.with(
        required("observed", .reference("PolicyObserved"))
    ).described("A policy as it was written, and what is observed of it.")
        .shown(as: shown(PolicyEndpoints.example, policyObserved))

    /// An object as it is answered: as it was written, and what is observed.
    private static func shown(_ written: Node, _ observed: Schema) -> JSONValue {
        // What must be there refers to no other component.
        written.with([entry("observed", observed.specimen(in: [:]))]).json()
    }

    private static let policyObserved = Schema.object([
        required("id", count), required("revision", count), optional("set", text),
        required("created_at", time), required("updated_at", time),
        optional("route", .reference("Route").described("Missing until the first answer.")),
        required("unprotected", families), optional("look_again_at", time),
        optional("freeze", .reference("Freeze")), held, protected, exposures,
    ]).described("What is decided and told by the program: ignored when it is written.")

    private static let held = required(
        "held",
        .list(of: .reference("Hold"), count: 0...100_000).described(
            "Members that are published although they turned unhealthy: too many did at once."))
    private static let protected = optional(
        "protected",
        .boolean.described(
            "Whether it would get over the loss of any one member by itself. Where that was asked, "
                + "as are `exposures`."))
    private static let exposures = optional(
        "exposures",
        .list(of: .reference("Exposure"), count: 0...16).described(
            "What is in the way; none where it is protected."))

    private static let hold = Schema.object([
        required("member", text),
        required("by", text.described("`guard`, or `budget` and the name of a safety budget.")),
        required("since", time),
        optional(
            "until",
            time.described("When it leaves after all; missing: when a person releases it.")),
    ]).described("A member that is published although it turned unhealthy.")

    private static let holdList = Schema.object([
        required(
            "items",
            .list(of: hold.with(required("policy", .name)), count: 0...100_000))
    ])

    private static let safetyBudget = Schema.object(
        [required("name", .name)] + BudgetEndpoints.properties
    ).described("How many members may leave by themselves within a time.")

    private static let budgetList = Schema.object([
        required("items", .list(of: .reference("SafetyBudget"), count: 0...SafetyBudget.most))
    ])

    private static let released = Schema.object([
        required("policies", words.described("Those whose held members have left."))
    ])

    private static let families = Schema.list(of: .choice(of: RecordFamily.self), count: 0...4)
        .described("Families without a healthy published member.")

    private static let publishedMember = Schema.object([
        required(
            "name", text.described("The member; empty for a value of `fallback`.")),
        required("value", text), required("weight", count),
        required("family", .choice(of: RecordFamily.self)),
    ])

    private static let route = Schema.object([
        required("policy", .name), required("mode", .choice(of: PolicyMode.self)),
        required("generation", count.described("Of two routes the one with the higher one holds.")),
        required("cause", .choice(of: RouteCause.self)), required("decided_at", time),
        required("ttl", count.described("Seconds.")),
        required("records", .list(of: .reference("PublishedMember"), count: 0...100_000)),
        stale, age,
    ]).described("The members published now.")

    private static let stale = optional(
        "stale",
        .boolean.described(
            "To consumers without a key: the storage is away, and nobody knows whether this still "
                + "holds. Missing otherwise."))
    private static let age = optional(
        "age_seconds", count.described("With `stale`: how long ago it was known to be so."))

    private static let routeChange = route.removing(["policy", "mode", "stale", "age_seconds"])
        .with(
            required("members", .list(of: .reference("MemberVerdict"), count: 0...100_000))
        )
        .with(
            optional(
                "timeline",
                .reference("Timeline").described("In a policy's own list of its routes.")))

    private static let timeline = Schema.object([
        optional("member", text.described("Whose turn of health the route answers.")),
        optional(
            "noticed_at",
            time.described("When the first of the outcomes in a row came that turned it.")),
        optional("turned_at", time), required("decided_at", time),
        required("arrivals", .list(of: .reference("Arrival"), count: 0...100_000)),
    ]).described("From the first failed probe to the answer that everybody gets.")

    private static let arrival = Schema.object([
        required("sink", text), required("name", text),
        required("applied_at", time.described("When the sink took it.")),
        required(
            "state",
            .choice(of: Arrival.State.Word.self).described(
                "`told`: a sink that is told of routes and holds none. `unknown`: whoever looked for it "
                    + "ended before it was seen.")),
        optional(
            "observed_at", time.described("When it was what is answered there.")),
        optional("found", text.described("What was there instead, after 30 s.")),
    ]).described("A route at one name of a sink.")

    private static let memberVerdict = Schema.object([
        required("name", text), required("value", text),
        required("family", .choice(of: RecordFamily.self)), required("published", .boolean),
        required("reason", .choice(of: VerdictReason.self)),
        optional(
            "measured",
            .choice(of: Health.self).described("What was measured; missing without a check.")),
        required(
            "effective",
            .choice(of: Health.self).described("What counted, after overrides and rules.")),
        optional("since", time),
        optional(
            "noticed_at",
            time.described("When the first of the outcomes in a row came that turned it so.")),
        required("flags", .list(of: .choice(of: VerdictFlag.self), count: 0...16)),
        optional(
            "maintenance",
            .reference("MemberMaintenance").described("The maintenance that it is in.")),
        optional(
            "explained_by",
            words.described(
                "The unhealthy checks that its check depends on, while that is unhealthy, too.")),
        optional(
            "quiet",
            .choice(of: QuietReason.self).described(
                "Why webhooks are not told that it came or went with this decision; missing where "
                    + "they are, and where it did neither.")),
        stale, age,
    ])

    private static let evaluation = Schema.object([
        required("policy", .name), required("evaluation", count),
        required("members", .list(of: .reference("MemberVerdict"), count: 0...100_000)),
        required("unprotected", families),
        held, protected, exposures,
        optional(
            "look_again_at",
            time.described("When it is evaluated again though nothing turns.")),
        optional("freeze", .reference("Freeze")),
        optional("route", .reference("Route").described("Missing until the first answer.")),
    ]).described("Who is published, who is not, and why.")

    private static let exposure = Schema.object([
        required("reason", .choice(of: Protection.Reason.self)),
        required(
            "members", words.described("Those whose loss it is about; none: the whole policy.")),
    ])

    private static let simulation = Schema.object([
        required("policy", .name),
        required("now", time.described("From when on it is supposed.")),
        required(
            "changes",
            .list(of: .reference("SimulatedChange"), count: 0...1_000_000).described(
                "The routes that would be decided, in order; none where nothing would change.")),
        optional("ttl", count.described("At the end; missing where there would be no answer yet.")),
        optional("records", .list(of: .reference("PublishedMember"), count: 0...100_000)),
        required(
            "members",
            .list(of: .reference("MemberVerdict"), count: 0...100_000).described("At the end.")),
        required("unprotected", families), optional("look_again_at", time),
        required(
            "unnoticed",
            words.described(
                "Members whose supposed health nobody would find out: without a check, or paused."
            )),
        optional("freeze", .reference("Freeze")),
    ]).described("What would be published, and why.")

    private static let seconds = Schema.number(0...1e12)
    private static let share = Schema.number(0...1)

    private static let checkHours = Schema.object([
        required("check", .name),
        required(
            "items",
            .list(
                of: .object([
                    required("from", time.described("When the hour began.")),
                    optional(
                        "uptime",
                        share.described("The share of the time in which it was held healthy.")),
                    required("healthy_seconds", seconds), required("unhealthy_seconds", seconds),
                    required("unknown_seconds", seconds),
                    required(
                        "outcomes",
                        .choice(of: KeptOutcomes.self).described("Which outcomes were kept.")),
                    required("successes", count), required("failures", count),
                    required("inconclusive", count),
                    optional(
                        "total", .reference("Quantiles").described("How long successes took.")),
                    required(
                        "phases",
                        .object(
                            Phases.CodingKeys.allCases.map {
                                optional($0.rawValue, .reference("Quantiles"))
                            })),
                ]), count: 0...1000)),
    ]).described("The figures of a check's hours.")

    private static let quantiles = Schema.object([
        required("p50_us", count), required("p95_us", count), required("p99_us", count),
    ]).described("Times in microseconds that a half, 95 and 99 of a hundred did not exceed.")

    private static let monthReport = Schema.object([
        required("month", text), required("from", time), required("until", time),
        required(
            "policies",
            .list(of: .reference("ReportLine"), count: 0...HistoryEndpoints.mostPolicies)),
        required("total", .reference("ReportLine").described("All of them together.")),
    ]).described("How available policies were in a month.")

    private static let reportLine = Schema.object([
        optional("policy", .name), optional("type", .choice(of: PolicyType.self)),
        optional("mode", .choice(of: PolicyMode.self)),
        optional(
            "measured_from",
            time.described("The first moment that is counted; missing where none is.")),
        required("measured_seconds", seconds), required("available_seconds", seconds),
        required(
            "degraded_seconds",
            seconds.described("Of the available time: while another member was unhealthy.")),
        required("unknown_seconds", seconds),
        optional("availability", share.described("Rounded down.")),
        required("failovers", count), optional("false_switches", count),
        optional(
            "time_to_failover",
            .object(
                Failover.End.allCases.map { required($0.rawValue, count) } + [
                    required("p50_seconds", seconds), required("p95_seconds", seconds),
                    required("max_seconds", seconds),
                ]
            ).described(
                "From the first failed probe on; how many were measured up to what, and how long they "
                    + "took.")),
    ])

    private static let backtest = Schema.object([
        required("check", .name),
        optional("from", time.described("When the first outcome is from.")),
        required("until", time), required("outcomes", count.described("How many were looked at.")),
        required(
            "complete",
            .boolean.described("False where more are kept than are looked at; the newest are.")),
        required("as_it_is", .reference("WatchedAs")), required("tried", .reference("WatchedAs")),
    ]).described("What a check's health would have been.")

    private static let watchedAs = Schema.object([
        required("fall", count), required("rise", count), required("interval", text),
        required("fast_interval", text),
        required(
            "known_seconds",
            .number(0...1e12).described("The time in which something was probed.")),
        required("unhealthy_seconds", .number(0...1e12)),
        required("times_unhealthy", count),
        required(
            "spells",
            .list(
                of: .object([
                    required(
                        "first_failure",
                        time.described("The first of the failures that turned it.")),
                    required("from", time),
                    optional("until", time.described("Missing where it was still unhealthy.")),
                    optional("reason", text),
                ]), count: 0...BacktestEndpoints.spells
            ).described("Of being held unhealthy, the last one first.")),
    ]).described("A check as it is, or as it is tried.")

    private static let freeze = Schema.object([
        required("reason", text), required("actor", text), required("since", time),
        optional("until", time),
    ])

    private static let delivery = Schema.object([
        required("id", count), required("sink", text), required("name", text),
        required("generation", count), required("attempt", count), required("since", time),
        required("failures", count.described("In a row.")), required("next_try_at", time),
        optional("last_error", text),
        optional(
            "withdrawn",
            .boolean.described("True of what is to be taken back: it is no more published.")),
    ])

    private static let deliveredPublication = Schema.object([
        required("sink", text), required("name", text),
        required("in_sync", .boolean.described("Whether the sink holds the newest generation.")),
        optional("generation", count.described("What it took last.")),
        optional("delivered_at", time),
        optional("difference", text.described("How what it holds differs from that.")),
    ])

    private static let deadLetter = Schema.object([
        required("sink", text), required("name", text), required("generation", count),
        required("since", time), required("given_up_at", time), required("failures", count),
        required("last_error", text),
    ]).described("A generation that a sink never took. A retry brings it back.")

    private static let sink = Schema.object([
        required("name", text), optional("type", text),
        optional("kind", .choice(of: SinkKind.self)),
        required(
            "configured_here", .boolean.described("Whether this API can test it.")),
        required("reached_by", words.described("Registers that deliver to it.")),
        required("pending", count), required("failing", count), required("dead_letters", count),
        optional("oldest_pending_since", time), optional("last_error", text),
    ])

    private static let sinkFinding = Schema.object([
        required("finding", .choice(of: SinkFinding.Word.self)), required("sentence", text),
        optional("mend", text.described("The command or setting that mends it.")),
    ])

    private static let deliveries = Schema.object([
        required("in_sync", .boolean.described("Whether every sink has the newest generation.")),
        required("items", .list(of: .reference("Delivery"), count: 0...1_000_000)),
        required(
            "publications", .list(of: .reference("DeliveredPublication"), count: 0...1_000_000)),
        required("dead_letters", .list(of: .reference("DeadLetter"), count: 0...1_000_000)),
    ])

    private static let override = Schema.object([
        required("id", count), required("policy", .name), required("member", .name),
        required("word", .choice(of: OverrideWord.self)), required("reason", text),
        required("actor", text), required("created_at", time), optional("until", time),
        required("permanent", .boolean), required("break_glass", .boolean),
    ])

    private static let maintenance = Schema.object([
        required("id", count), required("state", .choice(of: MaintenanceState.self)),
        required("selector", text),
        optional(
            "sets",
            words.described("Only members of policies of these sets; missing: of any.")),
        required("starts_at", time), required("until", time), required("reason", text),
        required("actor", text), required("created_at", time), required("break_glass", .boolean),
        optional(
            "members",
            .list(
                of: .object([required("policy", .name), required("member", .name)]),
                count: 0...1_000_000
            ).described("Those that are meant now; not in a listing.")),
    ]).described("A window in which members drain, and webhooks are not told of it.")

    private static let memberMaintenance = Schema.object([
        required("id", count), required("until", time), required("reason", text),
    ])

    private static let event = Schema.object([
        required("id", text.described("Stable, and never another event's.")), required("at", time),
        required("type", .choice(of: EventKind.self)), optional("check", .name),
        optional("policy", .name), optional("member", .name),
        optional("policies", words.described("Those that use the check.")),
        optional("health_change", .reference("HealthChange")),
        optional("route_change", .reference("RouteChange")), optional("deed", .reference("Deed")),
    ]).described("Something that happened: one of `health_change`, `route_change` and `deed`.")

    private static let deed = Schema.object([
        required("action", text), required("actor", text), required("object", text),
        optional("before", .anything.described("Not of edits: those are in the audit log.")),
        optional("after", .anything), optional("message", text), document,
        optional("request_id", text.described("Of the request that did it.")),
    ]).described("What somebody did.")

    private static let fleet = Schema.object([
        required("items", .list(of: .reference("Process"), count: 0...100_000)),
        optional(
            "lost",
            .list(of: .reference("Process"), count: 0...100_000).described(
                "As they were when they were seen last, earliest first; only where it was asked "
                    + "for.")),
    ])

    private static let document = optional(
        "document",
        text.described("The set of the document that was applied, of what an apply did."))

    // MARK: - Installation

    private static let queue = Schema.object([
        required("live", count), required("ready", count), required("leased", count),
        optional("oldest_ready_seconds", .number(0...1e12)),
        required(
            "waiting",
            .object(
                ["under_1s", "under_10s", "under_60s", "longer"].map { required($0, count) }
            ).described("The ready jobs, by how long they have been due.")),
        required(
            "lag",
            .object([
                required("probes", count), optional("p50_seconds", .number(0...1e12)),
                optional("p99_seconds", .number(0...1e12)),
            ]).described("How late the probes of the last two to three minutes began.")),
        optional("next_slot_due", time),
        required(
            "late_slots",
            count.described("Slots due for more than a second: no register keeps up.")),
        optional(
            "oldest_transaction",
            .object([
                required("age_seconds", .number(0...1e12)), required("session", text),
                required("too_old", .boolean),
            ]).described(
                "What holds vacuum back: while it is open, the remains of ended jobs stay.")),
        required(
            "tally",
            .object(
                [
                    "enqueued", "completed", "lost", "void", "rescued", "stale", "superseded",
                    "missed",
                ]
                .map { required($0, count) }
            ).described(
                "Sums over all processes. At any moment enqueued = completed + live + lost + void."
            )),
    ])

    private static let process = Schema.object([
        required("id", text), required("name", text),
        required("roles", .list(of: .choice(of: Role.self), count: 0...3)),
        required("location", text), required("version", text), optional("started_at", time),
        required("seen_at", time), required("claimed", count), required("probing", count),
        optional("paused", text.described("Why it claims nothing at present.")),
        optional(
            "quarantine",
            .object([
                required(
                    "state",
                    .choice(of: Quarantine.State.self).described(
                        "`named`: it does not heed it yet, and still claims. `quarantined`: it claims "
                            + "nothing. `on_trial`: it claims a few jobs at a time, to see whether "
                            + "it is right again. `disputed`: it is contradicted, as are too many "
                            + "others, and goes on.")),
                required("contradicted", count.described("Checks on which it is.")),
                required("probed", count.described("Of so many, within the last minutes.")),
                optional("since", time), optional("until", time),
                optional("times", count.described("How often in a row it was quarantined.")),
            ]).described(
                "Of a worker whose failures its peers do not see. Not there where there is nothing to "
                    + "say.")),
        optional("settings", .reference("SettingsInForce").described("Of a worker only.")),
        optional("sinks", words.described("Those that a register reaches.")),
    ])

    private static let concurrency = Schema.integer(range(WorkerSettings.concurrencyRange))
        .described("The most probes in flight at once.")
    private static let batchSize = Schema.integer(range(WorkerSettings.batchSizeRange))
        .described("The most jobs claimed in one go.")

    private static let logLevel = Schema.choice(of: LogLevel.self)
        .described("The least important level that its process logs.")

    private static func range(_ range: ClosedRange<Int>) -> ClosedRange<Int64> {
        Int64(range.lowerBound)...Int64(range.upperBound)
    }

    private static let settingsInForce = Schema.object([
        required("revision", count.described("Of `/v1/settings/worker`, as far as it knows.")),
        required("concurrency", inForce(concurrency)), required("batch_size", inForce(batchSize)),
        required("paused", inForce(.boolean)), optional("log_level", inForce(logLevel)),
    ]).described("What a worker works by, and what said so.")

    private static func inForce(_ value: Schema) -> Schema {
        .object([
            required("value", value),
            required("from", .choice(of: SettingsInForce.Origin.self)),
        ])
    }

    private static let workerSettings = Schema.object([
        optional("concurrency", concurrency), optional("batch_size", batchSize),
        optional(
            "paused",
            .boolean.described("True: nothing is claimed; what is in flight ends as ever.")),
        optional("log_level", logLevel),
    ]).described("What is set; what is missing is left to wider scopes and the configuration.")

    private static let scopedSettings = Schema.object([
        required("scope", .choice(of: WorkerScope.Kind.self)),
        optional("name", text.described("Of the location or the worker; missing for all.")),
        required("settings", .reference("WorkerSettings")), required("revision", count),
        required("updated_at", time), required("updated_by", text), optional("message", text),
    ])

    private static let liveSettings = Schema.object([
        required("revision", count.described("Rises with every change.")),
        required("items", .list(of: .reference("ScopedSettings"), count: 0...1_000_000)),
    ])

    private static let key = Schema.object([
        required("id", text), required("name", text), required("role", .choice(of: KeyRole.self)),
        required("sets", words.described("Sets whose objects it may write; empty means all.")),
        required("created_at", time), optional("expires_at", time), optional("last_used_at", time),
        optional("revoked_at", time),
        optional(
            "replaced_by", text.described("The id of the key that took its place, once rotated.")),
    ])

    private static let secret = Schema.object([
        required("name", .name), required("created_at", time),
        required("updated_at", time.described("When its value was given last.")),
        required("updated_by", text),
        required("checks", words.described("Checks that name it, the first hundred.")),
        required("check_count", count),
        optional(
            "sealed_with", text.described("The key of `database.secrets_key` that opens it.")),
    ]).described("What is known of a secret. Its value is never shown.")

    private static let auditEntry = Schema.object([
        required("id", count), required("at", time), required("actor", text),
        required("action", text), required("object", text), optional("before", .anything),
        optional("after", .anything), optional("message", text), document,
        optional("request_id", text.described("Of the request that did it.")),
    ])

    // MARK: - Documents

    private static let plan = Schema.object([
        required("dry_run", .boolean.described("True: nothing was changed.")),
        optional("set", text),
        required(
            "counts",
            .object(
                ["create", "update", "rename", "delete", "unchanged"].map { required($0, count) }
            )),
        required("changes", .list(of: .reference("PlanChange"), count: 0...1_000_000)),
        optional(
            "routes",
            .list(
                of: .object([
                    required("policy", text), optional("before", words), optional("after", words),
                    optional("cause", .choice(of: RouteCause.self)),
                ]), count: 0...1_000_000
            ).described(
                "The policies that publish something else then. Without `before` nothing is decided "
                    + "yet; without `after` the policy goes, or waits for its members' first "
                    + "outcomes.")),
        optional(
            "left_over",
            .list(
                of: .object([
                    required("kind", .choice(of: Plan.Kind.self)), required("name", text),
                ]), count: 0...1_000_000
            ).described("In the set and not in the document: `prune` would delete it.")),
    ]).described("What an apply changes.")

    private static let planChange = Schema.object([
        required("kind", .choice(of: Plan.Kind.self)), required("name", text),
        required("action", .choice(["create", "update", "rename", "delete", "unchanged"])),
        optional("renamed_from", text),
        optional(
            "fields",
            .list(
                of: .object([
                    required("path", text), optional("old", .anything), optional("new", .anything),
                ]), count: 0...1_000_000)),
        optional(
            "checks",
            .list(of: .reference("PlanChange"), count: 0...1_000_000).described(
                "The checks that a policy makes.")),
        optional(
            "edited",
            .object([
                required("at", time), required("actor", text), optional("message", text),
            ]).described(
                "What was done to it since the last apply of the set, other than by apply.")
        ),
        optional(
            "trial",
            .object([
                optional("outcome", .choice(of: OutcomeKind.self)),
                optional("reason", .choice(of: Reason.self)), optional("detail", text),
                optional("not_made", text.described("Why it was not probed.")),
            ]).described("What one probe found that was made before anything was stored.")),
    ])

    // MARK: - Problems

    private static let problem = Schema.object([
        required("type", text.shown(as: .string(ProblemKind.notFound.type))),
        required("title", text), required("status", .integer(400...599)),
        optional("detail", text),
        optional(
            "errors",
            .list(
                of: .object([
                    optional("pointer", text.described("A JSON pointer into the body.")),
                    optional("parameter", text), optional("header", text),
                    required("detail", text), optional("line", count), optional("column", count),
                    optional("suggestion", text),
                ]), count: 0...1_000_000
            ).described("All that is wrong, at once.")),
        required("request_id", text),
    ]).described("RFC 9457.")
}
