import HealthWorkerModel

/// The phases of a probe as bars on one line of time, each beginning where the one before ended.
struct Waterfall {
    private struct Bar {
        var name: String
        var start: Int64
        var length: Int64
    }

    private let bars: [Bar]
    private let total: Int64
    private let reason: String?

    /// - Parameter reason: Why the probe was no success; it ended in its last phase.
    init(_ phases: Phases, failedFor reason: String?) {
        var bars: [Bar] = []
        var start: Int64 = 0
        for case (let key, let length?) in phases.inOrder {
            bars.append(Bar(name: key.rawValue, start: start, length: length))
            start += length
        }
        self.bars = bars
        total = phases.total
        self.reason = reason
    }

    /// One line for each phase that was reached, and one for the sum; none where none was.
    func lines(on terminal: Terminal) -> [String] {
        guard let last = bars.indices.last else { return [] }
        let width = max(10, min(60, terminal.columns - Self.margin - (reason?.count ?? 0) - 3))
        var lines = bars.enumerated().map { index, bar in
            let drawn = Self.drawn(bar.start, bar.length, of: max(1, total), width: width)
            let hasFailed = index == last && reason != nil
            let end = hasFailed ? terminal.red(" ✗ \(reason ?? "")") : ""
            let color = hasFailed ? terminal.red : terminal.blue
            return Self.label(bar.name, bar.length) + drawn.blank + color(drawn.bar) + end
        }
        lines.append(Self.label("total", total).trimmedRight)
        return lines
    }

    private static let margin = 25

    private static func label(_ name: String, _ length: Int64) -> String {
        let time = shown(length)
        return "  " + name + String(repeating: " ", count: 11 - name.count)
            + String(repeating: " ", count: max(0, 8 - time.count)) + time + "  "
    }

    /// Three figures, in µs, ms or s.
    static func shown(_ microseconds: Int64) -> String {
        func three(_ value: Double, _ unit: String) -> String {
            let places = value < 10 ? 100.0 : value < 100 ? 10.0 : 1.0
            let number = (value * places).rounded() / places
            var text = "\(number)"
            if places == 1 { text = String(Int64(number)) }
            while places > 1, text.split(separator: ".")[1].count < (places == 100 ? 2 : 1) {
                text += "0"
            }
            return "\(text) \(unit)"
        }
        if microseconds < 1000 { return "\(microseconds) µs" }
        if microseconds < 999_500 { return three(Double(microseconds) / 1000, "ms") }
        return three(Double(microseconds) / 1_000_000, "s")
    }

    /// A bar in eighths of a character; even the shortest phase can be seen.
    private static func drawn(
        _ start: Int64, _ length: Int64, of total: Int64, width: Int
    ) -> (blank: String, bar: String) {
        let cells = Int64(width)
        let blank = min(cells - 1, start * cells / total)
        let eighths = max(1, min((cells - blank) * 8, (length * cells * 8 + total / 2) / total))
        let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
        return (
            String(repeating: " ", count: Int(blank)),
            String(repeating: "█", count: Int(eighths / 8)) + parts[Int(eighths % 8)]
        )
    }
}

extension String {
    fileprivate var trimmedRight: String {
        String(reversed().drop { $0 == " " }.reversed())
    }
}
