import Foundation
import HealthWorkerModel
import HealthWorkerTelling

/// Small things that stand on several pages.
struct Parts {
    let visit: Visit

    /// `12m 5s ago`, with the moment itself for who wants to know.
    func moment(_ text: String?) -> HTML {
        guard let text else { return "–" }
        return """
            <time datetime="\(text)" title="\(text)">\(Moments.relative(text, now: visit.now))</time>
            """
    }

    /// `03:14:05`, with the date where it is not today's.
    func clock(_ text: String?) -> HTML {
        guard let text else { return "–" }
        return """
            <time datetime="\(text)" title="\(text)">\(Moments.clock(text, now: visit.now))</time>
            """
    }

    func health(_ word: String?, isPaused: Bool = false, isStale: Bool = false) -> HTML {
        let mark: HTML =
            switch word {
            case Health.healthy.rawValue: Self.mark("good", "●", "healthy")
            case Health.unhealthy.rawValue: Self.mark("bad", "▲", "unhealthy")
            default: Self.mark("dim", "○", word ?? "unknown")
            }
        let paused: HTML? = isPaused ? Self.mark("dim", "‖", "paused") : nil
        let stale: HTML? = isStale ? Self.mark("warn", "◆", "stale") : nil
        return "\(mark) \(paused) \(stale)"
    }

    func health(ofCheck check: JSONValue) -> HTML {
        health(
            check["observed"]?["health"]?.text, isPaused: check["enabled"] == .bool(false),
            isStale: check["observed"]?["stale"]?.isTrue ?? false)
    }

    func outcome(_ word: String?) -> HTML {
        switch word {
        case OutcomeKind.success.rawValue: Self.mark("good", "●", "success")
        case OutcomeKind.failure.rawValue: Self.mark("bad", "▲", "failure")
        default: Self.mark("warn", "◆", word ?? "?")
        }
    }

    /// A word with a shape beside its colour, for who sees no colours.
    static func mark(_ kind: Kind, _ shape: String, _ word: String) -> HTML {
        "<span class=\"mark \(kind.name)\"><span aria-hidden=\"true\">\(shape)</span> \(word)</span>"
    }

    /// A class of the style.
    struct Kind: ExpressibleByStringLiteral {
        var name: String
        init(stringLiteral value: StaticString) { name = value.description }
    }

    static func link(_ place: String, _ text: String) -> HTML {
        "<a href=\"\(place)\">\(text)</a>"
    }

    static func list(_ pieces: [HTML], or nothing: HTML = "–") -> HTML {
        guard let first = pieces.first else { return nothing }
        return pieces.dropFirst().reduce(first) { $0 + ", " + $1 }
    }

    static func milliseconds(_ microseconds: Double?) -> String {
        guard let microseconds else { return "–" }
        let milliseconds = microseconds / 1000
        return milliseconds < 10
            ? String(format: "%.1f ms", milliseconds) : "\(Int(milliseconds.rounded())) ms"
    }

    /// A table that can be scrolled by itself where it is too wide, by keys too. On a narrow screen a row
    /// becomes a few lines.
    static func table(_ name: String, _ columns: [Column], _ rows: [[HTML]]) -> HTML {
        let heads = columns.map { column -> HTML in
            "<th scope=\"col\" class=\"\(column.kind.name)\">\(column.name)</th>"
        }
        let lines = rows.map { row -> HTML in
            let cells = zip(columns, row).enumerated().map { index, cell -> HTML in
                let (column, value) = cell
                let label: HTML? = column.isLabelled ? " data-label=\"\(column.name)\"" : nil
                // A moment is no name of a row.
                return index == 0 && !column.kind.name.hasPrefix("time")
                    ? "<th scope=\"row\" class=\"\(column.kind.name)\">\(value)</th>"
                    : "<td class=\"\(column.kind.name)\"\(label)>\(value)</td>"
            }
            return "<tr>\(cells)</tr>\n"
        }
        return """
            <div class="table" role="region" aria-label="\(name)" tabindex="0"><table>
            <thead><tr>\(heads)</tr></thead>
            <tbody>
            \(lines)</tbody></table></div>

            """
    }

    struct Column {
        var name: String
        var kind: Kind
        var isLabelled: Bool

        /// - Parameters:
        ///   - kind: `wide` leaves it out on narrow screens.
        ///   - isLabelled: whether its name stands before each value on narrow screens, where nothing stands
        ///     above it.
        init(_ name: String, _ kind: Kind = "", isLabelled: Bool = false) {
            self.name = name
            self.kind = kind
            self.isLabelled = isLabelled
        }
    }

    /// A part of the page that the script can renew by itself.
    static func section(_ id: String, _ title: String?, _ body: HTML) -> HTML {
        let head: HTML? = title.map { "<h2 id=\"\(id)-title\">\($0)</h2>" }
        let labelled: HTML? = title.map { _ in " aria-labelledby=\"\(id)-title\"" }
        return """
            <section id="\(id)"\(labelled)>
            \(head)
            \(body)
            </section>

            """
    }

    static func facts(_ facts: [(String, HTML?)]) -> HTML {
        let items = facts.compactMap { name, value -> HTML? in
            value.map { "<div><dt>\(name)</dt><dd>\($0)</dd></div>\n" }
        }
        return "<dl class=\"facts\">\n\(items)</dl>\n"
    }

    static func button(_ place: String, _ text: String) -> HTML {
        "<a class=\"button\" href=\"\(place)\">\(text)</a>"
    }
}
