package import HealthWorkerModel
import HealthWorkerTelling

/// Overrides with their ends.
struct OverridesTable {
    let visit: Visit
    var overrides: [JSONValue]
    var isOfOnePolicy = false

    var html: HTML {
        guard !overrides.isEmpty else {
            return "<p class=\"empty\">No override holds.</p>"
        }
        let parts = Parts(visit: visit)
        var columns: [Parts.Column] = [.init("Policy")]
        if isOfOnePolicy { columns = [] }
        columns += [
            .init("Member"), .init("Word"), .init("Ends", "time", isLabelled: true),
            .init("Why", "text"),
            .init("By", "wide text"), .init("Since", "time wide"),
        ]
        if visit.mayOperate { columns.append(.init("Order")) }
        let rows = overrides.map { override -> [HTML] in
            let policy = override["policy"]?.text ?? ""
            let id = override["id"]?.shown ?? ""
            var row: [HTML] = isOfOnePolicy ? [] : [Parts.link(Link.policy(policy), policy)]
            let glass: HTML? =
                override["break_glass"]?.isTrue == true
                ? " \(Parts.mark("bad", "▲", "break-glass"))" : nil
            row += [
                "\(override["member"]?.shown ?? "?")",
                Parts.mark("warn", "✎", override["word"]?.shown ?? "?") + (glass ?? .nothing),
                override["until"]?.text.map { parts.moment($0) } ?? "never",
                "\(override["reason"]?.shown ?? "")", "\(override["actor"]?.shown ?? "?")",
                parts.moment(override["created_at"]?.text),
            ]
            if visit.mayOperate {
                row.append(
                    "<a href=\"\(Link.overrides)/\(id)/clear\" aria-label=\"Clear the override of \(override["member"]?.shown ?? "?")\">Clear…</a>"
                )
            }
            return row
        }
        return Parts.table("Overrides", columns, rows)
    }
}

/// Every override that holds.
package struct OverridesPage {
    package var visit: Visit
    package var overrides: [JSONValue]
    package var next: String?

    package init(visit: Visit, overrides: [JSONValue], next: String?) {
        self.visit = visit
        self.overrides = overrides
        self.next = next
    }

    package var document: HTML {
        let more: HTML? = next.map {
            "<p class=\"pager\"><a href=\"\(Link.overrides)?cursor=\($0.percentEncoded)\">More</a></p>"
        }
        return Shell(
            visit: visit, title: "Overrides", current: Link.overrides,
            body: """
                <h1>Overrides</h1>
                <p class="lead">What operators say of members, whatever is measured, and until when.</p>
                \(Parts.section("overrides", nil, OverridesTable(visit: visit, overrides: overrides).html + (more ?? .nothing)))
                """
        ).document
    }
}
