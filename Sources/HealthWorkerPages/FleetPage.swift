package import HealthWorkerModel
import HealthWorkerTelling

/// The processes that run, and how much waits for them.
package struct FleetPage {
    package var visit: Visit
    package var fleet: JSONValue
    package var queue: JSONValue

    package init(visit: Visit, fleet: JSONValue, queue: JSONValue) {
        self.visit = visit
        self.fleet = fleet
        self.queue = queue
    }

    package var document: HTML {
        let lost = fleet["lost"]?.elements ?? []
        let gone: HTML? =
            lost.isEmpty
            ? nil
            : Parts.section(
                "lost", "Lost within the hour",
                "<p>They were seen last then, and did not say that they end.</p>"
                    + processes(lost, "Lost processes", areLost: true))
        return Shell(
            visit: visit, title: "Fleet", current: Link.fleet,
            body: """
                \(Parts.section("queue", nil, "<h1>Fleet and queue</h1>" + waiting))\
                \(Parts.section("processes", "Processes", processes(fleet["items"]?.elements ?? [], "Processes")))\
                \(gone)\
                \(Parts.section("tally", "What became of jobs", tally))
                """
        ).document
    }

    private var waiting: HTML {
        let sentences = Troubles.sentences(ofQueue: queue).map { sentence -> HTML in
            "<p class=\"said bad\">\(sentence)</p>\n"
        }
        let seconds = { (value: JSONValue?) -> String in
            value?.number.map { "\(Int(($0 * 1000).rounded())) ms" } ?? "–"
        }
        func tile(_ figure: String, _ name: String, _ more: String) -> HTML {
            "<li><strong>\(figure)</strong> \(name)<span class=\"more\">\(more)</span></li>\n"
        }
        let waiting = queue["waiting"]
        return """
            \(sentences)<ul class="tiles">
            \(tile(queue["live"]?.shown ?? "0", "jobs live", "\(queue["leased"]?.shown ?? "0") leased, \(queue["ready"]?.shown ?? "0") ready"))\
            \(tile(seconds(queue["lag"]?["p99_seconds"]), "lag of probes, p99", "p50 \(seconds(queue["lag"]?["p50_seconds"])), of \(queue["lag"]?["probes"]?.shown ?? "0") probes"))\
            \(tile(waiting?["longer"]?.shown ?? "0", "due for over 60 s", "\(waiting?["under_60s"]?.shown ?? "0") for over 10 s, \(waiting?["under_10s"]?.shown ?? "0") for over 1 s"))\
            \(tile(queue["late_slots"]?.shown ?? "0", "late slots", "due for over a second"))
            </ul>

            """
    }

    private func processes(
        _ items: [JSONValue], _ name: String, areLost: Bool = false
    ) -> HTML {
        guard !items.isEmpty else {
            return """
                <p class="said bad">No process is seen: nothing is probed, and nothing is decided.</p>
                """
        }
        let parts = Parts(visit: visit)
        return Parts.table(
            name,
            [
                .init("Process"), .init("Roles"), .init("State"),
                .init("Probing", "number", isLabelled: true),
                .init("Claimed", "number wide"), .init("Location", "wide"),
                .init("Started", "time wide"), .init("Seen", "time", isLabelled: true),
                .init("Version", "wide"),
            ],
            items.map { process in
                [
                    "\(process["name"]?.shown ?? "?")",
                    "\((process["roles"]?.words ?? []).joined(separator: ", "))",
                    state(of: process, isLost: areLost),
                    "\(process["probing"]?.shown ?? "0")", "\(process["claimed"]?.shown ?? "0")",
                    "\(process["location"]?.shown ?? "–")",
                    parts.moment(process["started_at"]?.text),
                    parts.moment(process["seen_at"]?.text), "\(process["version"]?.shown ?? "?")",
                ]
            })
    }

    private func state(of process: JSONValue, isLost: Bool) -> HTML {
        // What it said of itself was before.
        if isLost { return Parts.mark("bad", "▲", "lost") }
        if let line = QuarantineText.line(of: process) { return Parts.mark("bad", "‖", line) }
        guard let paused = process["paused"]?.shown else { return Parts.mark("good", "●", "works") }
        return Parts.mark("warn", "‖", "claims nothing: \(paused)")
    }

    private var tally: HTML {
        let names = [
            "enqueued", "completed", "lost", "void", "rescued", "stale", "superseded", "missed",
        ]
        return Parts.facts(
            names.map { name in (name, "\(queue["tally"]?[name]?.shown ?? "0")") })
    }
}
