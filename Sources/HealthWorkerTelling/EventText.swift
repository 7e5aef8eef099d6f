import Foundation
package import HealthWorkerModel

/// One event of the API, for people.
package struct EventText: Sendable {
    /// What it is about, where that is one thing.
    package enum Subject: Hashable, Sendable {
        case check(String)
        case policy(String)
    }

    package var at: String
    package var kind: String
    package var subject: Subject?
    package var sentence: String
    /// Who did it, or saw it.
    package var actor: String?

    /// Nil for what is no event.
    package init?(_ json: JSONValue) {
        guard let at = json["at"]?.text, let kind = json["type"]?.shown else { return nil }
        self.at = at
        self.kind = kind
        subject =
            json["check"]?.text.map(Subject.check) ?? json["policy"]?.text.map(Subject.policy)
        if let turn = json["health_change"] {
            let why = [turn["cause"]?.shown, turn["reason"]?.shown].compactMap(\.self)
            sentence =
                "\(json["check"]?.shown ?? "?"): \(turn["from"]?.shown ?? "?") → "
                + "\(turn["to"]?.shown ?? "?") (\(why.joined(separator: ", ")))"
            actor = turn["worker"]?.shown
        } else if let route = json["route_change"] {
            sentence =
                "\(RouteText.values(of: route)), ttl \(route["ttl"]?.shown ?? "?") "
                + "(\(route["cause"]?.shown ?? "?")), generation "
                + (route["generation"]?.shown ?? "?")
        } else if let deed = json["deed"] {
            sentence = Self.sentence(of: deed, member: json["member"]?.shown)
            actor = deed["actor"]?.shown
        } else {
            return nil
        }
    }

    /// `set ams1 drain until 10:00:00: kernel update`.
    private static func sentence(of deed: JSONValue, member: String?) -> String {
        let action = deed["action"]?.shown ?? "?"
        let word = deed["after"] ?? deed["before"]
        var parts = [action.split(separator: ".").last.map(String.init) ?? action]
        if let member {
            parts += [member, word?["word"]?.shown ?? ""]
            if let until = word?["until"]?.text { parts.append("until \(Moments.clock(until))") }
            if word?["break_glass"] == .bool(true) { parts.append("(break-glass)") }
        } else if let members = word?["members"]?.elements.compactMap(\.shown) {
            parts[0] = parts[0].replacingOccurrences(of: "maintenance_", with: "")
            parts.append(members.joined(separator: ", "))
            if let until = word?["until"]?.text,
                ["policy.held", "policy.maintenance_began"].contains(action)
            {
                parts.append("until \(Moments.clock(until))")
            }
        } else if !action.hasPrefix("policy.") {
            parts.append(deed["object"]?.shown ?? "")
            if action.hasPrefix("maintenance."), let selector = word?["selector"]?.shown {
                parts.append("of \(selector)")
            }
        }
        let why = word?["reason"]?.shown ?? deed["message"]?.shown
        return parts.filter { !$0.isEmpty }.joined(separator: " ") + (why.map { ": \($0)" } ?? "")
    }
}
