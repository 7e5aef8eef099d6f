import HealthWorkerModel
import HealthWorkerTelling

/// What the API tells of one check, for people.
struct CheckText {
    var check: JSONValue
    var outcomes: [JSONValue]
    var turns: [JSONValue]

    static func target(of check: JSONValue) -> String {
        let target = check["target"]
        let host = target?["host"]?.shown ?? "?"
        guard let port = target?["port"]?.shown else { return host }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    func text(on terminal: Terminal) -> String {
        let observed = check["observed"]
        var lines = [
            "\(check["name"]?.shown ?? "?")  \(check["type"]?.shown ?? "?") "
                + "\(Self.target(of: check))",
            "\(terminal.health(of: check)) since \(Moments.clock(observed?["since"]?.text)), "
                + Moments.relative(observed?["since"]?.text),
        ]
        if check["enabled"] == .bool(false) {
            lines.append("It is paused: nothing is probed, and policies keep its last health.")
        }
        if let why = observed?["stale_because"]?.shown {
            lines.append("Stale since \(Moments.relative(observed?["stale_since"]?.text)): \(why).")
        }
        if let counted = counted { lines.append(counted) }
        if let due = observed?["next_due"]?.text { lines.append("Due \(Moments.relative(due)).") }
        if let maker = observed?["made_by"]?.shown {
            lines.append("Made by the policy \(maker): it is edited there.")
        }
        let policies = observed?["policies"]?.elements.compactMap(\.shown) ?? []
        lines.append(
            policies.isEmpty
                ? "No policy uses it." : "Used by \(policies.joined(separator: ", ")).")
        if !turns.isEmpty {
            lines += ["", "Turns:"]
            lines += turns.map { turn in
                "  \(Moments.clock(turn["at"]?.text))  \(turn["from"]?.shown ?? "?") → "
                    + "\(turn["to"]?.shown ?? "?") (\(Self.why(of: turn)))"
            }
        }
        if !outcomes.isEmpty {
            lines += ["", "Last outcomes:"]
            lines += outcomes.map { "  " + Self.line(of: $0, on: terminal) }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var counted: String? {
        let observed = check["observed"]
        guard let count = observed?["in_a_row"]?.text.flatMap(Int.init), count > 0 else {
            return nil
        }
        if observed?["health"]?.text == Health.unhealthy.rawValue {
            return "\(count) of \(check["rise"]?.shown ?? "?") successes in a row towards healthy."
        }
        return "\(count) of \(check["fall"]?.shown ?? "?") failures in a row towards unhealthy."
    }

    private static func why(of turn: JSONValue) -> String {
        [
            turn["cause"]?.shown, turn["reason"]?.shown,
            turn["worker"]?.shown.map { "seen by \($0)" },
        ]
        .compactMap(\.self).joined(separator: ", ")
    }

    static func line(of outcome: JSONValue, on terminal: Terminal) -> String {
        let word = outcome["outcome"]?.shown ?? "?"
        let coloured =
            switch word {
            case OutcomeKind.success.rawValue: terminal.green(word)
            case OutcomeKind.failure.rawValue: terminal.red(word)
            default: terminal.yellow(word)
            }
        let milliseconds = outcome["phases"]?["total"]?.text.flatMap(Int64.init).map {
            "\($0 / 1000) ms"
        }
        let rest = [
            outcome["reason"]?.shown, outcome["detail"]?.shown, milliseconds,
            outcome["address"]?.shown, outcome["worker"]?.shown.map { "by \($0)" },
            outcome["location"]?.shown.map { "in \($0)" },
        ]
        return "\(Moments.clock(outcome["started_at"]?.text))  \(coloured)  "
            + rest.compactMap(\.self).joined(separator: ", ")
    }
}
