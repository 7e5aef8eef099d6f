package import HealthWorkerModel
import HealthWorkerTelling

/// What happened, with who did it.
struct EventsTable {
    let visit: Visit
    var events: [JSONValue]
    /// What all of them are about, and need not be told.
    var isOfOneObject = false

    var html: HTML {
        guard !events.isEmpty else { return "<p class=\"empty\">Nothing happened.</p>" }
        let parts = Parts(visit: visit)
        let told = events.compactMap(EventText.init)
        var columns: [Parts.Column] = [
            .init("When", "time"), .init("What"), .init("About"), .init("Happened", "text"),
            .init("By", "wide text"),
        ]
        if isOfOneObject { columns.remove(at: 2) }
        let rows = told.map { event -> [HTML] in
            var row: [HTML] = [
                parts.moment(event.at), kind(event), about(event), sentence(event),
                event.actor.map { "\($0)" } ?? "–",
            ]
            if isOfOneObject { row.remove(at: 2) }
            return row
        }
        return Parts.table("What happened", columns, rows)
    }

    private func about(_ event: EventText) -> HTML {
        switch event.subject {
        case .check(let name)?: Parts.link(Link.check(name), name)
        case .policy(let name)?: Parts.link(Link.policy(name), name)
        case nil: "–"
        }
    }

    private func sentence(_ event: EventText) -> HTML {
        guard case .check(let name)? = event.subject, event.kind == "health", !isOfOneObject,
            event.sentence.hasPrefix("\(name): ")
        else { return "\(event.sentence)" }
        return "\(String(event.sentence.dropFirst(name.count + 2)))"
    }

    private func kind(_ event: EventText) -> HTML {
        switch event.kind {
        case "health" where event.sentence.contains("→ unhealthy"):
            Parts.mark("bad", "▲", event.kind)
        case "health" where event.sentence.contains("→ healthy"):
            Parts.mark("good", "●", event.kind)
        case "route": Parts.mark("warn", "⇄", event.kind)
        case "health": Parts.mark("dim", "○", event.kind)
        default: Parts.mark("dim", "✎", event.kind)
        }
    }
}

/// Everything that happened, a page at a time.
package struct ChangesPage {
    package var visit: Visit
    package var events: [JSONValue]
    /// The kind that is asked for; nil: all.
    package var kind: String?
    package var next: String?

    package init(visit: Visit, events: [JSONValue], kind: String?, next: String?) {
        self.visit = visit
        self.events = events
        self.kind = kind
        self.next = next
    }

    package var document: HTML {
        let older: HTML? = next.map {
            "<p class=\"pager\"><a href=\"\(Link.changes)?\(query)cursor=\($0.percentEncoded)\">Older</a></p>"
        }
        return Shell(
            visit: visit, title: "Changes", current: Link.changes,
            body: """
                <h1>Changes</h1>
                <p class="lead">Turns of health, new routes, and what people did, newest first.</p>
                <form class="filter" method="get" action="\(Link.changes)">
                <label>Only <select name="type">\(options)</select></label>
                <button type="submit">Show</button>
                </form>
                \(Parts.section("changes", nil, EventsTable(visit: visit, events: events).html + (older ?? .nothing)))
                """
        ).document
    }

    private var query: String { kind.map { "type=\($0)&" } ?? "" }

    private var options: HTML {
        let kinds = visit.eventKinds.map { word -> HTML in
            let chosen: HTML? = word == kind ? " selected" : nil
            return "<option value=\"\(word)\"\(chosen)>\(word)</option>"
        }
        return "<option value=\"\">everything</option>\(kinds)"
    }
}
