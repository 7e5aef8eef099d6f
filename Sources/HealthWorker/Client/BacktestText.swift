import HealthWorkerModel
import HealthWorkerTelling

/// What the API tells of a backtest, for people.
struct BacktestText {
    private let answer: JSONValue
    /// How many spells are listed.
    private static let most = 20

    init(_ answer: JSONValue) {
        self.answer = answer
    }

    var text: String {
        let name = answer["check"]?.shown ?? "?"
        guard let from = answer["from"]?.text else {
            return "\(name): no outcomes are kept of that time.\n"
        }
        var text =
            "\(name): \(answer["outcomes"]?.shown ?? "?") outcomes since \(Moments.clock(from))"
        text += answer["complete"] == .bool(false) ? ", the newest of more\n\n" : "\n\n"
        text +=
            Table(
                ["", "FALL", "RISE", "INTERVAL", "FAST", "UNHEALTHY", "TIMES", "OF"],
                [row("as it is", "as_it_is"), row("tried", "tried")]
            ).text
        let spells = answer["tried"]?["spells"]?.elements ?? []
        if !spells.isEmpty {
            text += "\nUnhealthy as tried:\n"
            for spell in spells.prefix(Self.most) { text += "  \(Self.line(of: spell))\n" }
            if spells.count > Self.most { text += "  and \(spells.count - Self.most) before\n" }
        }
        return text
    }

    private func row(_ title: String, _ key: String) -> [String] {
        let watched = answer[key]
        return [
            title, watched?["fall"]?.shown ?? "?", watched?["rise"]?.shown ?? "?",
            watched?["interval"]?.shown ?? "?", watched?["fast_interval"]?.shown ?? "?",
            Self.span(watched?["unhealthy_seconds"]), watched?["times_unhealthy"]?.shown ?? "?",
            Self.span(watched?["known_seconds"]),
        ]
    }

    private static func line(of spell: JSONValue) -> String {
        guard let from = spell["from"]?.text.flatMap(Timestamp.init),
            let first = spell["first_failure"]?.text.flatMap(Timestamp.init)
        else { return "?" }
        let until = spell["until"]?.text.flatMap(Timestamp.init)
        let lasted = until.map { "for \(TimeSpan(whole($0 - from)))" } ?? "to the end"
        return "\(Moments.clock(from.description))  \(lasted), found out after "
            + "\(TimeSpan(whole(from - first))) (\(spell["reason"]?.shown ?? "?"))"
    }

    private static func span(_ seconds: JSONValue?) -> String {
        switch seconds {
        case .integer(let whole): TimeSpan.seconds(whole).description
        case .number(let number): TimeSpan.seconds(Int64(number.rounded())).description
        default: "?"
        }
    }

    private static func whole(_ duration: Duration) -> Duration {
        .seconds((duration.milliseconds + 500) / 1000)
    }
}
