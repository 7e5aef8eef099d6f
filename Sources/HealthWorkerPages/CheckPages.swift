package import HealthWorkerModel
import HealthWorkerTelling

/// Checks with their health and their last outcomes.
package struct ChecksPage {
    package var visit: Visit
    package var checks: [JSONValue]
    /// Check → its last outcomes.
    package var bars: [String: OutcomeBars]
    package var health: String?
    package var selector: String?
    /// Why nothing is listed.
    package var problem: String?
    package var next: String?

    package init(
        visit: Visit, checks: [JSONValue], bars: [String: OutcomeBars], health: String?,
        selector: String?, problem: String?, next: String?
    ) {
        self.visit = visit
        self.checks = checks
        self.bars = bars
        self.health = health
        self.selector = selector
        self.problem = problem
        self.next = next
    }

    package var document: HTML {
        let choices = Health.allCases.map { word -> HTML in
            let chosen: HTML? = word.rawValue == health ? " selected" : nil
            return "<option value=\"\(word.rawValue)\"\(chosen)>\(word.rawValue)</option>"
        }
        return Shell(
            visit: visit, title: "Checks", current: Link.checks,
            body: """
                <h1>Checks</h1>
                <form class="filter" method="get" action="\(Link.checks)">
                <label>Health <select name="health"><option value="">any</option>\(choices)</select></label>
                <label>Labels <input type="text" name="selector" value="\(selector ?? "")" placeholder="env=prod,tier!=dev"></label>
                <button type="submit">Show</button>
                </form>
                \(Parts.section("checks", nil, list))
                """
        ).document
    }

    private var list: HTML {
        if let problem { return "<p class=\"said bad\">\(problem)</p>" }
        guard !checks.isEmpty else { return "<p class=\"empty\">There is no such check.</p>" }
        let parts = Parts(visit: visit)
        let rows = checks.map { check -> [HTML] in
            let name = check["name"]?.text ?? ""
            let last = check["observed"]?["last_outcome"]
            return [
                Parts.link(Link.check(name), name), parts.health(ofCheck: check),
                parts.moment(check["observed"]?["since"]?.text), bars[name]?.html ?? "–",
                "\(Parts.milliseconds(last?["phases"]?["total"]?.number))",
                "\(last?["reason"]?.shown ?? "–")", "\(CheckWords.target(of: check))",
            ]
        }
        let table = Parts.table(
            "Checks",
            [
                .init("Check"), .init("Health"), .init("Since", "time", isLabelled: true),
                .init("Last outcomes"), .init("Took", "number wide"),
                .init("Reason", "wide"), .init("Target", "wide text"),
            ], rows)
        let more: HTML? = next.map { cursor in
            let kept = [("health", health), ("selector", selector)].compactMap { name, value in
                value.map { "\(name)=\($0.percentEncoded)&" }
            }.joined()
            return """
                <p class="pager"><a href="\(Link.checks)?\(kept)cursor=\(cursor.percentEncoded)">More</a></p>
                """
        }
        return table + (more ?? .nothing)
    }
}

/// How a check is described in few words.
enum CheckWords {
    static func target(of check: JSONValue) -> String {
        let target = check["target"]
        let host = target?["host"]?.shown ?? "?"
        let type = check["type"]?.shown ?? "?"
        let path = check["http"]?["path"]?.shown ?? ""
        let place = host.contains(":") ? "[\(host)]" : host
        let port = target?["port"]?.shown.map { ":\($0)" } ?? ""
        return "\(type)://\(place)\(port)\(path)"
    }
}

/// One check: what it is found to be, how long its probes take, and what was found last.
package struct CheckPage {
    package var visit: Visit
    package var check: JSONValue
    /// Newest first.
    package var outcomes: [JSONValue]
    package var turns: [JSONValue]
    /// Of the last 30 days, oldest first.
    package var hours: [CheckHour]

    package init(
        visit: Visit, check: JSONValue, outcomes: [JSONValue], turns: [JSONValue],
        hours: [CheckHour] = []
    ) {
        self.hours = hours
        self.visit = visit.at(set: check["observed"]?["set"]?.text)
        self.check = check
        self.outcomes = outcomes
        self.turns = turns
    }

    private var name: String { check["name"]?.text ?? "" }
    private var observed: JSONValue? { check["observed"] }
    private var isPaused: Bool { check["enabled"] == .bool(false) }

    package var document: HTML {
        Shell(
            visit: visit, title: name, current: Link.checks,
            body: """
                \(Parts.section("check", nil, head))\
                \(Parts.section("latency", "Time by phase", LatencyChart(outcomes).html))\
                \(Parts.section("turns", "Turns of its health", turnsTable))\
                \(Parts.section("outcomes", "Last outcomes", outcomesTable))
                """
        ).document
    }

    private var head: HTML {
        let parts = Parts(visit: visit)
        let policies = (observed?["policies"]?.words ?? []).map { Parts.link(Link.policy($0), $0) }
        let description: HTML? = check["description"]?.shown.map { "<p class=\"lead\">\($0)</p>" }
        let stale: HTML? = observed?["stale_because"]?.shown.map {
            "<p class=\"said warn\">Stale since \(parts.moment(observed?["stale_since"]?.text)): \($0).</p>"
        }
        let paused: HTML? =
            isPaused
            ? "<p class=\"said warn\">It is paused: nothing is probed, and policies keep its last health.</p>"
            : nil
        return """
            <h1>\(name)</h1>
            \(description)\(actions)\(paused)\(stale)
            \(Parts.facts([
                ("Health", parts.health(ofCheck: check)),
                ("Since", parts.moment(observed?["since"]?.text)),
                ("Counted", counted),
                ("Last outcomes", OutcomeBars(OutcomeBars.bars(of: outcomes)).html),
                ("Healthy in 30 days", Uptime(hours).html),
                ("Target", "<code>\(CheckWords.target(of: check))</code>"),
                ("Probed every", interval),
                ("Due", observed?["next_due"]?.text.map { parts.moment($0) }),
                ("Certificate ends", certificate),
                ("Used by", Parts.list(policies, or: "no policy")),
                ("Made by", observed?["made_by"]?.text.map { Parts.link(Link.policy($0), $0) }),
                ("Set", observed?["set"]?.shown.map { "\($0)" }),
                ("Labels", labels),
            ]))
            """
    }

    private var actions: HTML? {
        var buttons: [HTML] = []
        if visit.mayOperate, !isPaused {
            buttons.append(
                """
                <form method="post" action="\(Link.order("probe", Link.check(name)))"><button type="submit">Probe now</button></form>
                """)
        }
        // What a policy made is edited there.
        if visit.mayWrite, observed?["made_by"] == nil {
            buttons.append(
                isPaused
                    ? Parts.button(Link.order("enable", Link.check(name)), "Enable…")
                    : Parts.button(Link.order("pause", Link.check(name)), "Pause…"))
        }
        return buttons.isEmpty ? nil : "<div class=\"actions\">\(buttons)</div>"
    }

    private var counted: HTML {
        let count = Int(observed?["in_a_row"]?.number ?? 0)
        if observed?["health"]?.text == Health.unhealthy.rawValue {
            return "\(count) of \(check["rise"]?.shown ?? "?") successes in a row towards healthy"
        }
        return "\(count) of \(check["fall"]?.shown ?? "?") failures in a row towards unhealthy"
    }

    private var interval: HTML? {
        check["interval"]?.shown.map { interval in
            let fast = check["fast_interval"]?.shown.map { ", every \($0) while it counts" } ?? ""
            return "\(interval)\(fast)"
        }
    }

    private var certificate: HTML? {
        let parts = Parts(visit: visit)
        return outcomes.lazy.compactMap { $0["certificate_end"]?.text }.first
            .map { parts.moment($0) }
    }

    private var labels: HTML? {
        guard case .object(let labels)? = check["labels"], !labels.isEmpty else { return nil }
        return
            "\(labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.shown ?? "")" }.joined(separator: ", "))"
    }

    private var turnsTable: HTML {
        guard !turns.isEmpty else { return "<p class=\"empty\">Its health has never turned.</p>" }
        let parts = Parts(visit: visit)
        return Parts.table(
            "Turns of its health",
            [
                .init("When", "time"), .init("From"), .init("To", isLabelled: true),
                .init("Why", "text"),
                .init("Seen by", "wide"),
            ],
            turns.map { turn in
                let why = [turn["cause"]?.shown, turn["reason"]?.shown].compactMap(\.self)
                return [
                    parts.moment(turn["at"]?.text), parts.health(turn["from"]?.text),
                    parts.health(turn["to"]?.text), "\(why.joined(separator: ", "))",
                    "\(turn["worker"]?.shown ?? "–")",
                ]
            })
    }

    private var outcomesTable: HTML {
        guard !outcomes.isEmpty else { return "<p class=\"empty\">No outcome is kept yet.</p>" }
        let parts = Parts(visit: visit)
        return Parts.table(
            "Last outcomes",
            [
                .init("Began", "time"), .init("Outcome"), .init("Found", "text"),
                .init("Took", "number"), .init("Address", "wide"), .init("By", "wide"),
                .init("Location", "wide"),
            ],
            outcomes.prefix(30).map { outcome in
                let found = [
                    outcome["reason"]?.shown, outcome["http_status"]?.shown.map { "status \($0)" },
                    outcome["detail"]?.shown,
                ].compactMap(\.self).joined(separator: ", ")
                return [
                    parts.clock(outcome["started_at"]?.text),
                    parts.outcome(outcome["outcome"]?.text), "\(found)",
                    "\(Parts.milliseconds(outcome["phases"]?["total"]?.number))",
                    "\(outcome["address"]?.shown ?? "–")", "\(outcome["worker"]?.shown ?? "–")",
                    "\(outcome["location"]?.shown ?? "–")",
                ]
            })
    }
}

extension OutcomeBars {
    /// - Parameter outcomes: as the API answers them, newest first.
    static func bars(of outcomes: [JSONValue]) -> [Bar] {
        outcomes.reversed().compactMap { outcome in
            outcome["outcome"]?.text.flatMap(OutcomeKind.init).map { kind in
                Bar(
                    kind,
                    title: [
                        Moments.clock(outcome["started_at"]?.text), kind.rawValue,
                        outcome["reason"]?.shown ?? "",
                        Parts.milliseconds(outcome["phases"]?["total"]?.number),
                    ].filter { !$0.isEmpty }.joined(separator: " "))
            }
        }
    }
}
