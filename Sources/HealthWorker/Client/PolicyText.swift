import HealthWorkerModel

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
        return "\(policy) publishes \(values(of: route)), ttl \(route["ttl"]?.shown ?? "?") "
            + "(\(route["cause"]?.shown ?? "?"), generation \(route["generation"]?.shown ?? "?"))"
    }

    static func values(of route: JSONValue) -> String {
        let values = route["records"]?.elements.compactMap { $0["value"]?.shown } ?? []
        return values.isEmpty ? "nothing" : values.joined(separator: ", ")
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
            terminal.red("Held: " + Self.line(ofHold: $0))
        }
        if let sentence = Self.exposure(evaluation) {
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
        lines += overrides.map { "  " + Self.line(ofOverride: $0) }
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

    static func line(ofOverride override: JSONValue) -> String {
        let end =
            override["until"]?.text.map {
                "until \(Moments.clock($0)) (\(Moments.relative($0)))"
            } ?? "without end"
        return "\(override["policy"]?.shown ?? "?") \(override["member"]?.shown ?? "?") "
            + "\(override["word"]?.shown ?? "?") \(end), by \(override["actor"]?.shown ?? "?"): "
            + (override["reason"]?.shown ?? "")
    }

    private static func line(ofFreeze freeze: JSONValue, _ terminal: Terminal) -> String {
        let end =
            freeze["until"]?.text.map {
                "until \(Moments.clock($0)) (\(Moments.relative($0)))"
            } ?? "without end"
        return terminal.yellow("Frozen \(end)")
            + " by \(freeze["actor"]?.shown ?? "?"): \(freeze["reason"]?.shown ?? "")"
    }

    /// `fra1 by guard until 10:00:00 (in 90 s)`.
    static func line(ofHold hold: JSONValue) -> String {
        let end =
            hold["until"]?.text.map { "until \(Moments.clock($0)) (\(Moments.relative($0)))" }
            ?? "until a person releases it"
        return "\(hold["member"]?.shown ?? "?") by \(hold["by"]?.shown ?? "?") \(end)"
    }

    /// What keeps a policy from getting over a loss; nil: nothing, or it was not asked.
    ///
    /// - Parameter without: Reasons that are told elsewhere.
    static func exposure(
        _ told: JSONValue?, without: Set<Protection.Reason> = []
    ) -> String? {
        let sentences = (told?["exposures"]?.elements ?? []).compactMap { exposure -> String? in
            let reason = exposure["reason"]?.text.flatMap(Protection.Reason.init)
            if let reason, without.contains(reason) { return nil }
            let members = exposure["members"]?.elements.compactMap(\.shown) ?? []
            let few = members.prefix(5).joined(separator: ", ")
            let rest = members.count > 5 ? " and \(members.count - 5) more" : ""
            return reason?.sentence(about: few + rest) ?? exposure["reason"]?.shown
        }
        return sentences.isEmpty ? nil : sentences.joined(separator: "; ")
    }

    static func line(ofDelivery delivery: JSONValue) -> String {
        let error = delivery["last_error"]?.shown.map { ": \($0)" } ?? ""
        return "\(delivery["sink"]?.shown ?? "?") \(delivery["name"]?.shown ?? "?"), generation "
            + "\(delivery["generation"]?.shown ?? "?"), since "
            + "\(Moments.relative(delivery["since"]?.text)), attempt "
            + "\(delivery["attempt"]?.shown ?? "?")\(error)"
    }
}
