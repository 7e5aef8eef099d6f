package import HealthWorkerModel
import HealthWorkerTelling

/// The report of a month as one file that needs no other: to be opened, sent and printed.
package struct ReportPage {
    private let report: ReportText
    private let selector: String?

    /// - Parameter selector: which policies were asked for; nil: all.
    package init(_ answer: JSONValue, selector: String?) {
        report = ReportText(answer)
        self.selector = selector
    }

    package var html: HTML {
        let which: HTML? = selector.map {
            "<p class=\"dim\">Policies with <code>\($0)</code></p>\n"
        }
        let notes = ReportText.definitions.map { text -> HTML in "<li>\(text)</li>\n" }
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>Availability in \(report.month) · Health Worker</title>
            <style>
            :root { --page: #ffffff; --ink: #1a1f26; --muted: #535d69; --line: #d5dae0; }
            @media (prefers-color-scheme: dark) {
              :root { --page: #0e1216; --ink: #e4e9ef; --muted: #9fabb8; --line: #2c353f; }
            }
            body { background: var(--page); color: var(--ink); max-width: 1100px; margin: 0 auto; padding: 24px 20px;
              font: 15px/1.45 system-ui, sans-serif; }
            h1 { font-size: 22px; margin: 0 0 4px; }
            .big { font-size: 34px; margin: 12px 0 0; font-variant-numeric: tabular-nums; }
            .dim, li, caption { color: var(--muted); }
            li { font-size: 13px; margin: 3px 0; }
            .table { overflow-x: auto; margin: 20px 0; }
            table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
            th, td { text-align: right; padding: 5px 10px; border-top: 1px solid var(--line); white-space: nowrap; }
            th:first-child, td.text { text-align: left; }
            thead th { border-top: 0; font-size: 12px; color: var(--muted); }
            tfoot th, tfoot td { border-top: 2px solid var(--line); font-weight: 600; }
            th small { display: block; font-weight: 400; color: var(--muted); }
            @media print {
              :root { --page: #ffffff; --ink: #000000; --muted: #444444; --line: #bbbbbb; }
              body { max-width: none; padding: 0; font-size: 10pt; }
              .table { overflow: visible; }
              tr { break-inside: avoid; }
            }
            </style>
            </head>
            <body>
            <h1>Availability in \(report.month)</h1>
            \(which)<p class="big">\(report.total.availability)</p>
            <p class="dim">\(count(of: report.lines)), \(report.total.failovers) failovers, \
            \(report.total.falseSwitches) false switches. Times are UTC.</p>
            \(table)
            <ul>
            \(notes)</ul>
            </body>
            </html>

            """
    }

    private func count(of lines: [ReportText.Line]) -> String {
        lines.count == 1 ? "1 policy" : "\(lines.count) policies"
    }

    private static let columns = [
        "Availability", "Measured", "Degraded", "Unknown", "Failovers", "p50", "p95", "longest",
        "False switches",
    ]

    private var table: HTML {
        let heads = Self.columns.map { name -> HTML in "<th scope=\"col\">\(name)</th>" }
        let rows = report.lines.map { row($0, name: $0.policy ?? "?") }
        return """
            <div class="table"><table>
            <thead><tr><th scope="col">Policy</th>\(heads)</tr></thead>
            <tbody>
            \(rows)</tbody>
            <tfoot>
            \(row(report.total, name: "All together"))</tfoot>
            </table></div>
            """
    }

    private func row(_ line: ReportText.Line, name: String) -> HTML {
        let note: HTML? = line.measuredFrom(after: report.from).map { "<small>\($0)</small>" }
        let upTo = line.measuredUpTo
        let cells = [
            line.availability, line.span("measured_seconds"), line.span("degraded_seconds"),
            line.span("unknown_seconds"), line.failovers, line.failoverTime("p50_seconds"),
            line.failoverTime("p95_seconds"), line.failoverTime("max_seconds"),
            line.falseSwitches,
        ].map { text -> HTML in "<td>\(text)</td>" }
        let how: HTML? = upTo.isEmpty ? nil : "<small>times: \(upTo)</small>"
        return "<tr><th scope=\"row\">\(name)\(note)\(how)</th>\(cells)</tr>\n"
    }
}
