import Foundation
package import HealthWorkerModel
import HealthWorkerTelling

/// Policies with what each of them publishes.
package struct PoliciesPage {
    package var visit: Visit
    package var policies: [JSONValue]
    package var next: String?
    /// So many checks of the installation are not fresh.
    package var staleChecks: Int

    package init(visit: Visit, policies: [JSONValue], next: String?, staleChecks: Int) {
        self.visit = visit
        self.policies = policies
        self.next = next
        self.staleChecks = staleChecks
    }

    package var document: HTML {
        Shell(
            visit: visit, title: "Policies", current: Link.policies,
            body: """
                <h1>Policies</h1>
                <p class="lead">Who is published now, policy by policy.</p>
                \(Parts.section("policies", nil, "\(stale)\(list)"))
                """
        ).document
    }

    private var stale: HTML? {
        guard staleChecks > 0 else { return nil }
        let checks = staleChecks == 1 ? "1 check is" : "\(staleChecks) checks are"
        return """
            <p class="said warn">The health of \(checks) not fresh: policies go by what was known last. <a href="\(Link.overview)">What is wrong now</a></p>

            """
    }

    private var list: HTML {
        guard !policies.isEmpty else { return "<p class=\"empty\">There is no policy.</p>" }
        let parts = Parts(visit: visit)
        let rows = policies.map { policy -> [HTML] in
            let name = policy["name"]?.text ?? ""
            let route = policy["observed"]?["route"]
            return [
                Parts.link(Link.policy(name), name), Self.state(of: policy),
                "\(route.map(RouteText.values) ?? "nothing yet")",
                parts.moment(route?["decided_at"]?.text), "\(route?["cause"]?.shown ?? "–")",
                "\(policy["type"]?.shown ?? "?")",
                "\(policy["members"]?.elements.count ?? 0)",
            ]
        }
        let more: HTML? = next.map {
            "<p class=\"pager\"><a href=\"\(Link.policies)?cursor=\($0.percentEncoded)\">More</a></p>"
        }
        return Parts.table(
            "Policies",
            [
                .init("Policy"), .init("State"), .init("Published", "text"),
                .init("Since", "time", isLabelled: true), .init("Because", "wide"),
                .init("Type", "wide"),
                .init("Members", "number wide"),
            ], rows) + (more ?? .nothing)
    }

    static func state(of policy: JSONValue) -> HTML {
        let observed = policy["observed"]
        let unprotected = observed?["unprotected"]?.words ?? []
        var marks: [HTML] = []
        if observed?["route"] == nil {
            marks.append(Parts.mark("warn", "◆", "waiting"))
        } else if !unprotected.isEmpty {
            marks.append(Parts.mark("bad", "▲", "nothing healthy"))
        } else if !(observed?["held"]?.elements ?? []).isEmpty {
            marks.append(Parts.mark("bad", "▲", "unhealthy and held"))
        } else {
            marks.append(Parts.mark("good", "●", "healthy"))
        }
        if observed?["freeze"] != nil { marks.append(Parts.mark("warn", "✎", "frozen")) }
        if policy["mode"]?.text == PolicyMode.observe.rawValue {
            marks.append(Parts.mark("dim", "○", "observe only"))
        }
        return marks.dropFirst().reduce(marks[0]) { $0 + " " + $1 }
    }
}

/// One policy: who is published and why, who is out and why, since when, what its sinks have, and
/// what would happen if a member died.
package struct PolicyPage {
    /// What would be if one member were unhealthy from now on.
    package struct Loss: Sendable {
        package var member: String
        package var simulation: JSONValue

        package init(member: String, simulation: JSONValue) {
            self.member = member
            self.simulation = simulation
        }
    }

    package var visit: Visit
    package var policy: JSONValue
    package var evaluation: JSONValue
    package var overrides: [JSONValue]
    package var deliveries: JSONValue
    package var losses: [Loss]
    /// Published members that were not tried: there are many of them.
    package var untried: Int
    package var events: [JSONValue]
    /// Check → why its health is not fresh.
    package var stale: [String: String]

    package init(
        visit: Visit, policy: JSONValue, evaluation: JSONValue, overrides: [JSONValue],
        deliveries: JSONValue, losses: [Loss], untried: Int, events: [JSONValue],
        stale: [String: String]
    ) {
        self.visit = visit.at(set: policy["observed"]?["set"]?.text)
        self.policy = policy
        self.evaluation = evaluation
        self.overrides = overrides
        self.deliveries = deliveries
        self.losses = losses
        self.untried = untried
        self.events = events
        self.stale = stale
    }

    /// The check of each member that has one, by the member's name.
    package static func checks(of policy: JSONValue) -> [String: String] {
        let name = policy["name"]?.text ?? ""
        var checks: [String: String] = [:]
        for member in policy["members"]?.elements ?? [] {
            guard let own = member["name"]?.text else { continue }
            checks[own] =
                member["check"]?.text
                ?? (policy["member_check"] == nil ? nil : "\(name).\(own)")
        }
        return checks
    }

    private var name: String { policy["name"]?.text ?? "" }
    private var route: JSONValue? { evaluation["route"] }
    private var verdicts: [JSONValue] { evaluation["members"]?.elements ?? [] }
    private var published: [JSONValue] { verdicts.filter { $0["published"]?.isTrue ?? false } }
    private var parts: Parts { Parts(visit: visit) }

    package var document: HTML {
        Shell(
            visit: visit, title: name, current: Link.policies,
            body: """
                \(Parts.section("policy", nil, head))\
                \(Parts.section("members", "Members", members))\
                \(Parts.section("losses", "If a member died", ifOneDied))\
                \(Parts.section("sinks", "Sinks", sinks))\
                \(Parts.section("overrides", "Overrides", OverridesTable(visit: visit, overrides: overrides, isOfOnePolicy: true).html))\
                \(Parts.section("lately", "Lately", EventsTable(visit: visit, events: events).html))
                """
        ).document
    }

    // MARK: - What is decided

    private var head: HTML {
        let description: HTML? = policy["description"]?.shown.map {
            "<p class=\"lead\">\($0)</p>"
        }
        let spec = [
            policy["type"]?.shown, "ttl \(route?["ttl"]?.shown ?? policy["ttl"]?.shown ?? "?") s",
            policy["mode"]?.text == PolicyMode.observe.rawValue
                ? "observed only: nothing is written" : nil,
            policy["observed"]?["set"]?.shown.map { "set \($0)" },
        ].compactMap(\.self).joined(separator: " · ")
        return """
            <h1>\(name)</h1>
            <p class="lead">\(spec)</p>
            \(description)\(verdict)\(doubt)\(freeze)\(actions)
            """
    }

    private var verdict: HTML {
        guard let route else {
            return """
                <div class="verdict warn">Nothing is published yet: it waits for the first outcomes of its members.</div>
                """
        }
        let unprotected = evaluation["unprotected"]?.words ?? []
        let held = (evaluation["held"]?.elements ?? []).map(HoldText.line)
        let isWrong = !unprotected.isEmpty || !held.isEmpty
        let kind: Parts.Kind = isWrong ? "bad" : doubtful.isEmpty ? "good" : "warn"
        let values = (route["records"]?.elements ?? []).map { record -> HTML in
            let member = record["name"]?.shown ?? ""
            let named: HTML? = member.isEmpty ? nil : " (\(member))"
            return "<strong>\(record["value"]?.shown ?? "?")</strong>\(named)"
        }
        let again: HTML? = evaluation["look_again_at"]?.text.map {
            " Looked at again \(parts.moment($0)) though nothing turns."
        }
        let warning: HTML? =
            unprotected.isEmpty
            ? nil : " <strong>Nothing healthy of \(unprotected.joined(separator: ", ")).</strong>"
        let hold: HTML? =
            held.isEmpty
            ? nil : " <strong>Unhealthy, and held: \(held.joined(separator: "; ")).</strong>"
        return """
            <div class="verdict \(kind.name)">Published: \(Parts.list(values, or: "nothing")).\(warning)\(hold)
            Decided \(parts.moment(route["decided_at"]?.text)) (\(route["cause"]?.shown ?? "?"), generation \(route["generation"]?.shown ?? "?")).\(again)</div>
            """
    }

    /// Members of whom nothing new is known, by name, with why.
    private var doubtful: [(member: String, why: String)] {
        if stale.isEmpty { return [] }
        return Self.checks(of: policy).compactMap { member, check in
            stale[check].map { (member: member, why: $0) }
        }.sorted { $0.member < $1.member }
    }

    private var doubt: HTML? {
        let doubtful = doubtful
        if doubtful.isEmpty { return nil }
        let told = doubtful.prefix(5).map { "\($0.member) (\($0.why))" }.joined(separator: ", ")
        let rest = doubtful.count > 5 ? " and \(doubtful.count - 5) more" : ""
        return """
            <p class="said warn">Not fresh: the health of \(told)\(rest). The last that was known counts.</p>
            """
    }

    private var freeze: HTML? {
        evaluation["freeze"].map { freeze in
            let end: HTML =
                freeze["until"]?.text.map { "ends \(parts.moment($0))" } ?? "has no end"
            return """
                <p class="said warn">Frozen by \(freeze["actor"]?.shown ?? "?"), and that \(end): \(freeze["reason"]?.shown ?? "")</p>
                """
        }
    }

    private var actions: HTML? {
        guard visit.mayOperate else { return nil }
        let place = Link.policy(name)
        var buttons = [Parts.button(Link.order("override", place), "Override a member…")]
        buttons.append(
            evaluation["freeze"] == nil
                ? Parts.button(Link.order("freeze", place), "Freeze…")
                : Parts.button(Link.order("thaw", place), "Thaw…"))
        let reasons = Set(verdicts.compactMap { $0["reason"]?.text.flatMap(VerdictReason.init) })
        if !reasons.isDisjoint(with: [.failbackDelay, .failbackByHand]) {
            buttons.append(Parts.button(Link.order("failback", place), "Fail back now…"))
        }
        if !reasons.isDisjoint(with: [.reattachDelay, .reattachByHand]) {
            buttons.append(Parts.button(Link.order("reattach", place), "Take members back…"))
        }
        return "<div class=\"actions\">\(buttons)</div>"
    }

    // MARK: - Members

    private var members: HTML {
        guard !verdicts.isEmpty else {
            return "<p class=\"empty\">Nothing has been decided of its members yet.</p>"
        }
        var columns: [Parts.Column] = [
            .init("Member"), .init("Route"), .init("Why", "text"),
            .init("Measured", isLabelled: true), .init("Since", "time", isLabelled: true),
            .init("Value"), .init("Tier", "number wide"),
            .init("Weight", "number wide"), .init("Check", "wide"), .init("Flags", "wide"),
        ]
        if visit.mayOperate { columns.append(.init("Order", "wide")) }
        let specs = Dictionary(
            (policy["members"]?.elements ?? []).compactMap { spec in
                spec["name"]?.text.map { ($0, spec) }
            }, uniquingKeysWith: { first, _ in first })
        let checks = Self.checks(of: policy)
        let rows = verdicts.map { verdict -> [HTML] in
            let member = verdict["name"]?.text ?? ""
            let spec = specs[member]
            let check = checks[member]
            let isStale = check.map { stale[$0] != nil } ?? false
            let isIn = verdict["published"]?.isTrue ?? false
            let reason = verdict["reason"]?.text.flatMap(VerdictReason.init)
            let maintenance = MaintenanceText.sentence(of: verdict).map { " \($0)" } ?? ""
            let flags = (verdict["flags"]?.words ?? []).joined(separator: ", ")
            var row: [HTML] = [
                "\(member)",
                isIn ? Parts.mark("good", "●", "in") : Parts.mark("warn", "○", "out"),
                "\(reason?.sentence ?? verdict["reason"]?.shown ?? "?")\(reason == .maintenance ? maintenance : "")",
                verdict["measured"].map { parts.health($0.text, isStale: isStale) } ?? "–",
                parts.moment(verdict["since"]?.text), "\(verdict["value"]?.shown ?? "?")",
                "\(spec?["priority"]?.shown ?? "–")", "\(spec?["weight"]?.shown ?? "–")",
                check.map { Parts.link(Link.check($0), $0) } ?? "none",
                "\(flags.isEmpty ? "–" : flags)",
            ]
            if visit.mayOperate {
                let place = Link.order("override", Link.policy(name))
                row.append(
                    "<a href=\"\(place)?member=\(member.percentEncoded)\" aria-label=\"Override \(member)\">Override…</a>"
                )
            }
            return row
        }
        return Parts.table("Members", columns, rows)
    }

    // MARK: - Losses

    private var ifOneDied: HTML {
        var lines: [HTML] = []
        for exposure in evaluation["exposures"]?.elements ?? [] {
            if let line = sentence(of: exposure) {
                lines.append("<li>\(Parts.mark("bad", "▲", "exposed")) \(line)</li>\n")
            }
        }
        lines += losses.map(sentence)
        if untried > 0 {
            lines.append(
                "<li class=\"dim\">\(untried) more published members were not tried.</li>\n")
        }
        if lines.isEmpty {
            return "<p class=\"empty\">Nothing is published that could die.</p>"
        }
        let sentence: HTML =
            evaluation["protected"]?.isTrue ?? false
            ? "<p>It would get over the loss of any one member by itself.</p>"
            : "<p>The loss of one member would be felt.</p>"
        return "\(sentence)<ul class=\"troubles\">\n\(lines)</ul>\n"
    }

    private func sentence(of loss: Loss) -> HTML {
        let changes = loss.simulation["changes"]?.elements ?? []
        let unprotected = loss.simulation["unprotected"]?.words ?? []
        let isUnnoticed = loss.simulation["unnoticed"]?.words.contains(loss.member) ?? false
        let after = RouteText.values(of: loss.simulation)
        let consequence: HTML =
            if isUnnoticed {
                "nobody would notice: no check watches it"
            } else if changes.isEmpty {
                "nothing would change: \(after) stays published"
            } else {
                "<strong>\(after)</strong> would be published (\(changes.last?["cause"]?.shown ?? "?"))"
            }
        let warning: HTML? =
            unprotected.isEmpty
            ? nil : ", and nothing healthy of \(unprotected.joined(separator: ", "))"
        let mark =
            isUnnoticed || !unprotected.isEmpty
            ? Parts.mark("bad", "▲", loss.member) : Parts.mark("good", "●", loss.member)
        return "<li>\(mark): \(consequence)\(warning).</li>\n"
    }

    private func sentence(of exposure: JSONValue) -> HTML? {
        let members = (exposure["members"]?.words ?? []).joined(separator: ", ")
        return switch exposure["reason"]?.text.flatMap(Protection.Reason.init) {
        case .waiting: "Nothing is published yet."
        case .unprotected: "Something is published that is not healthy, as it is."
        case .noSpare: "Without \(members) nothing healthy would be left."
        case .unwatched: "No check watches \(members): nobody would notice."
        case .forced: "An override keeps \(members) published, whatever is measured."
        case .simple: "A simple policy publishes every enabled member, healthy or not."
        case .frozen: "It is frozen: nothing would change."
        case .observed: "It is observed only: what is decided is written nowhere."
        case nil: nil
        }
    }

    // MARK: - Sinks

    private var sinks: HTML {
        let publications = deliveries["publications"]?.elements ?? []
        let items = deliveries["items"]?.elements ?? []
        let letters = deliveries["dead_letters"]?.elements ?? []
        guard !publications.isEmpty || !items.isEmpty || !letters.isEmpty else {
            return """
                <p class="empty">It is published to no sink: consumers pull it from <code>/v1/routes/\(name)</code>.</p>
                """
        }
        func found(_ place: JSONValue, in told: [JSONValue]) -> JSONValue? {
            told.last { $0["sink"] == place["sink"] && $0["name"] == place["name"] }
        }
        var shown = publications
        // Of a place that the policy names no more.
        for item in items + letters where found(item, in: shown) == nil { shown.append(item) }
        let rows = shown.map { place in
            row(
                place, isNamed: found(place, in: publications) != nil,
                waiting: found(place, in: items), givenUp: found(place, in: letters))
        }
        return Parts.table(
            "Sinks",
            [
                .init("Sink"), .init("Name"), .init("State"),
                .init("Waits since", "time", isLabelled: true),
                .init("Attempts", "number wide"), .init("Last error", "text", isLabelled: true),
            ], rows)
    }

    private func row(
        _ place: JSONValue, isNamed: Bool, waiting: JSONValue?, givenUp: JSONValue?
    ) -> [HTML] {
        let state: HTML =
            if place["difference"] != nil {
                Parts.mark("bad", "▲", "holds something else")
            } else if waiting != nil || (isNamed && place["in_sync"]?.isTrue != true) {
                Parts.mark("warn", "◆", "not in sync")
            } else if !isNamed {
                Parts.mark("dim", "○", "not published any more")
            } else if policy["mode"]?.text == PolicyMode.observe.rawValue {
                Parts.mark("dim", "○", "observed only")
            } else if route == nil {
                Parts.mark("dim", "○", "nothing to tell yet")
            } else {
                Parts.mark("good", "●", "in sync")
            }
        let letter: HTML? = givenUp.map { _ in " \(Parts.mark("bad", "▲", "given up"))" }
        let wrong = [
            place["difference"]?.shown, waiting?["last_error"]?.shown,
            givenUp?["last_error"]?.shown,
        ].compactMap(\.self).first
        return [
            "\(place["sink"]?.shown ?? "?")", "\(place["name"]?.shown ?? "–")",
            "\(state)\(letter)", parts.moment((waiting ?? givenUp)?["since"]?.text),
            "\(waiting?["attempt"]?.shown ?? "–")", "\(wrong ?? "–")",
        ]
    }
}
