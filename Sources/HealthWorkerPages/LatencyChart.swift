import Foundation
package import HealthWorkerModel
import HealthWorkerTelling

/// How long the last probes of a check took, each phase on top of the one before it, oldest first.
package struct LatencyChart {
    /// Newest first, as the API answers them.
    package var outcomes: [JSONValue]

    package init(_ outcomes: [JSONValue]) {
        self.outcomes = outcomes
    }

    private static let width = 900.0
    private static let height = 190.0
    private static let left = 58.0
    private static let bottom = 22.0
    private static let top = 10.0
    private static let room = 60

    private static let phases = Phases.CodingKeys.allCases.map(\.rawValue)

    package var html: HTML {
        guard !outcomes.isEmpty else {
            return "<p class=\"empty\">No outcome is kept yet.</p>"
        }
        let shown = Array(outcomes.prefix(Self.room).reversed())
        let scale = Self.scale(of: shown.compactMap { total(of: $0) }.sorted())
        let step = (Self.width - Self.left - 8) / Double(Self.room)
        let first = Double(Self.room - shown.count)
        let bars = shown.enumerated().map { index, outcome in
            bar(outcome, at: Self.left + (first + Double(index)) * step, step - 2, scale)
        }
        let lines = [0.0, 0.5, 1.0].map { share -> HTML in
            let y = Self.height - Self.bottom - share * Self.depth
            return """
                <line x1="\(Self.text(Self.left))" x2="\(Self.text(Self.width))" y1="\(Self.text(y))" y2="\(Self.text(y))"/>\
                <text x="\(Self.text(Self.left - 6))" y="\(Self.text(y + 4))" text-anchor="end">\(share == 0 ? "0" : Parts.milliseconds(scale * share))</text>
                """
        }
        return """
            <svg class="chart" role="img" aria-label="\(words(shown))" viewBox="0 0 \(Self.text(Self.width)) \(Self.text(Self.height))">
            \(lines)\(bars)
            <text x="\(Self.text(Self.left + first * step))" y="\(Self.text(Self.height - 6))">\(Moments.clock(shown.first?["started_at"]?.text))</text>\
            <text x="\(Self.text(Self.width - 4))" y="\(Self.text(Self.height - 6))" text-anchor="end">\(Moments.clock(shown.last?["started_at"]?.text))</text>
            </svg>
            \(legend(of: shown))
            """
    }

    private static var depth: Double { height - bottom - top }

    private func total(of outcome: JSONValue) -> Double? { outcome["phases"]?["total"]?.number }

    /// A round figure in microseconds that nearly all are below: one slow probe among many is cut, so that
    /// it does not make the others too small to see.
    private static func scale(of totals: [Double]) -> Double {
        let highest = totals.last ?? 0
        let usual = totals.isEmpty ? 0 : totals[totals.count * 9 / 10]
        let least = max(min(highest, 4 * usual), 1000)
        let power = pow(10, floor(log10(least)))
        return [1, 2, 3, 5, 10].map { $0 * power }.first { $0 >= least } ?? least
    }

    private func bar(
        _ outcome: JSONValue, at x: Double, _ width: Double, _ scale: Double
    ) -> HTML {
        var y = Self.height - Self.bottom
        var pieces: [HTML] = []
        for (index, phase) in Self.phases.enumerated() {
            guard let time = outcome["phases"]?[phase]?.number, time > 0 else { continue }
            let room = y - Self.top
            let height = min(time / scale * Self.depth, room)
            guard height > 0 else { break }
            y -= height
            pieces.append(
                """
                <rect class="p\(index)" x="\(Self.text(x))" y="\(Self.text(y))" width="\(Self.text(width))" height="\(Self.text(height))"/>
                """)
        }
        if let total = total(of: outcome), total > scale {
            pieces.append(
                """
                <rect class="cut" x="\(Self.text(x))" y="\(Self.text(Self.top + 6))" width="\(Self.text(width))" height="3"/>
                """)
        }
        let word = outcome["outcome"]?.text
        if word != OutcomeKind.success.rawValue {
            // At the foot, where every bar can be seen however short it is.
            let kind: Parts.Kind = word == OutcomeKind.failure.rawValue ? "fail" : "unsure"
            pieces.append(
                """
                <rect class="\(kind.name)" x="\(Self.text(x))" y="\(Self.text(Self.height - Self.bottom + 1))" width="\(Self.text(width))" height="5"/>
                """)
        }
        return "<g><title>\(title(of: outcome))</title>\(pieces)</g>\n"
    }

    private func title(of outcome: JSONValue) -> String {
        let phases = Self.phases.compactMap { phase in
            outcome["phases"]?[phase]?.number.map { "\(phase) \(Parts.milliseconds($0))" }
        }
        let words: [String?] = [
            Moments.clock(outcome["started_at"]?.text), outcome["outcome"]?.shown,
            outcome["reason"]?.shown, phases.joined(separator: ", "),
        ]
        return words.compactMap(\.self).filter { !$0.isEmpty }.joined(separator: " ")
    }

    private func words(_ shown: [JSONValue]) -> String {
        let totals = shown.compactMap { total(of: $0) }.sorted()
        guard let last = totals.last else { return "No probe took any time" }
        let median = totals[totals.count / 2]
        return "Time of the last \(shown.count) probes by phase: half took at most "
            + "\(Parts.milliseconds(median)), the slowest \(Parts.milliseconds(last))"
    }

    private func legend(of shown: [JSONValue]) -> HTML {
        var items = Self.phases.enumerated().compactMap { index, phase -> HTML? in
            let times = shown.compactMap { $0["phases"]?[phase]?.number }.sorted()
            guard !times.isEmpty else { return nil }
            let median = times[times.count / 2]
            return """
                <li>\(Self.sample("p\(index)")) \(phase.replacingOccurrences(of: "_", with: " ")) \(Parts.milliseconds(median))</li>
                """
        }
        let totals = shown.compactMap { total(of: $0) }.sorted()
        if !totals.isEmpty {
            items.append(
                "<li>Medians; all phases \(Parts.milliseconds(totals[totals.count / 2])), slowest \(Parts.milliseconds(totals.last))</li>"
            )
        }
        return "<ul class=\"legend\">\(items)</ul>\n"
    }

    private static func sample(_ kind: String) -> HTML {
        """
        <svg width="10" height="10" aria-hidden="true"><rect class="\(kind)" width="10" height="10"/></svg>
        """
    }

    /// A coordinate.
    private static func text(_ number: Double) -> String {
        number == number.rounded() ? "\(Int(number))" : String(format: "%.2f", number)
    }
}
