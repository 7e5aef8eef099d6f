import HealthWorkerModel
import HealthWorkerTelling

/// A route's arrival at one place, for people.
enum ArrivalText {
    /// `dns www.example.com: applied 0.08 s after it was decided, seen after 0.11 s; 2.90 s after fra1
    /// was noticed`.
    static func line(of arrival: JSONValue, in timeline: JSONValue?) -> String {
        let place = "\(arrival["sink"]?.shown ?? "?") \(arrival["name"]?.shown ?? "?")"
        let decided = timeline?["decided_at"]
        var line = "\(place): applied"
        if let span = span(from: decided, to: arrival["applied_at"]) {
            line += " \(span) after it was decided"
        }
        switch arrival["state"]?.text {
        case "observed":
            line += ", seen"
            if let span = span(from: decided, to: arrival["observed_at"]) {
                line += " after \(span)"
            }
            if let span = span(from: timeline?["noticed_at"], to: arrival["observed_at"]) {
                line += "; \(span) after \(timeline?["member"]?.shown ?? "?") was noticed"
            }
        case "not_observed": line += ", and not seen: \(arrival["found"]?.shown ?? "?")"
        case "replaced": line += ", and replaced before it was seen"
        case "awaited": line += ", not seen yet"
        case "unknown": line += "; who looked for it ended before it was seen"
        default: break
        }
        return line
    }

    private static func span(from start: JSONValue?, to end: JSONValue?) -> String? {
        guard let start = start?.text.flatMap(Timestamp.init),
            let end = end?.text.flatMap(Timestamp.init)
        else { return nil }
        let hundredths = max(0, (end - start).milliseconds) / 10
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) s"
    }
}
