import HealthWorkerModel
import HealthWorkerTelling

/// What the API tells of one policy and its route, for people.
struct PolicyText {
    var policy: JSONValue
    var evaluation: JSONValue
    var overrides: [JSONValue]
    /// Nil where it was not asked for.
    var deliveries: JSONValue?

    private var name: String { policy["name"]?.shown ?? "?" }

    /// `acme-www publishes 192.0.2.10, ttl 30 (failover, generation 1764170000)`.
    static func line(of route: JSONValue?, policy: String) -> String {
        guard let route else {
            return "\(policy) has no route yet: it waits for the first outcomes"
        }
        return
            "\(policy) publishes \(RouteText.values(of: route)), ttl \(route["ttl"]?.shown ?? "?") "
            + "(\(route["cause"]?.shown ?? "?"), generation \(route["generation"]?.shown ?? "?"))"
    }

    func text(on terminal: Terminal) -> String {
        let route = evaluation["route"]
        var lines = ["\(name)  \(policy["type"]?.shown ?? "?"), \(policy["mode"]?.shown ?? "live")"]
        lines.append(Self.line(of: route, policy: name))
        if let decided = route?["decided_at"]?.text {
            lines.append("Decided at \(Moments.clock(decided)), \(Moments.relative(decided)).")
        }
        let unprotected = evaluation["unprotected"]?.elements.compactMap(\.shown) ?? []
        if !unprotected.isEmpty {
            lines.append(
                terminal.red(
                    "Nothing healthy is published of \(unprotected.joined(separator: ", "))."))
        }
        if let freeze = evaluation["freeze"] { lines.append(Self.line(ofFreeze: freeze, terminal)) }
        lines += (evaluation["held"]?.elements ?? []).map {
            terminal.red("Held: " + HoldText.line(of: $0))
        }
        if let sentence = ExposureText.sentence(evaluation) {
            lines.append(terminal.yellow("Not protected: \(sentence)."))
        } else if evaluation["protected"] == .bool(true) {
            lines.append("Protected: it would get over the loss of any one member by itself.")
        }
        if let moment = evaluation["look_again_at"]?.text {
            lines.append(
                "It is looked at again at \(Moments.clock(moment)), \(Moments.relative(moment)), "
                    + "though nothing turns.")
        }
        lines += ["", members(on: terminal).text]
        if !overrides.isEmpty { lines += ["", "Overrides:"] }
        lines += overrides.map { "  " + OverrideText.line(of: $0) }
        let maintained = verdicts.compactMap { member in
            MaintenanceText.sentence(of: member).map { "  \(member["name"]?.shown ?? "?") \($0)" }
        }
        if !maintained.isEmpty { lines += ["", "In maintenance:"] + maintained }
        let waiting = deliveries?["items"]?.elements ?? []
        if !waiting.isEmpty { lines += ["", "Not yet delivered:"] }
        lines += waiting.map { "  " + Self.line(ofDelivery: $0) }
        let remedies = self.remedies
        if !remedies.isEmpty {
            lines += ["", "What would do it now:"] + remedies.map { "  " + $0 }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var verdicts: [JSONValue] { evaluation["members"]?.elements ?? [] }

    private func members(on terminal: Terminal) -> Table {
        Table(
            ["MEMBER", "VALUE", "IN", "WHY", "MEASURED", "SINCE", "FLAGS"],
            verdicts.map { member in
                let reason = member["reason"]?.text.flatMap(VerdictReason.init)
                let measured = member["measured"]?.shown ?? "-"
                let flags = member["flags"]?.elements.compactMap(\.shown) ?? []
                return [
                    member["name"]?.shown ?? "?", member["value"]?.shown ?? "?",
                    member["published"] == .bool(true)
                        ? terminal.green("in") : terminal.yellow("out"),
                    reason?.sentence ?? member["reason"]?.shown ?? "?",
                    measured == Health.unhealthy.rawValue ? terminal.red(measured) : measured,
                    Moments.relative(member["since"]?.text),
                    flags.isEmpty ? "-" : flags.joined(separator: ","),
                ]
            })
    }

    private var remedies: [String] {
        var remedies: [String] = []
        for member in verdicts {
            guard let reason = member["reason"]?.text.flatMap(VerdictReason.init),
                let remedy = reason.remedy(policy: name, member: member["name"]?.shown ?? "")
            else { continue }
            if !remedies.contains(remedy) { remedies.append(remedy) }
        }
        return remedies
    }

    private static func line(ofFreeze freeze: JSONValue, _ terminal: Terminal) -> String {
        return terminal.yellow("Frozen \(OverrideText.end(of: freeze))")
            + " by \(freeze["actor"]?.shown ?? "?"): \(freeze["reason"]?.shown ?? "")"
    }

    static func line(ofDelivery delivery: JSONValue) -> String {
        let error = delivery["last_error"]?.shown.map { ": \($0)" } ?? ""
        return "\(delivery["sink"]?.shown ?? "?") \(delivery["name"]?.shown ?? "?"), generation "
            + "\(delivery["generation"]?.shown ?? "?"), since "
            + "\(Moments.relative(delivery["since"]?.text)), attempt "
            + "\(delivery["attempt"]?.shown ?? "?")\(error)"
    }
}
