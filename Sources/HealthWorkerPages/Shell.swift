import HealthWorkerTelling

/// What surrounds every page.
struct Shell {
    let visit: Visit
    var title: String
    /// Of the navigation, where this page belongs.
    var current: String?
    var body: HTML
    /// Whether the script renews it as things happen.
    var isLive = true

    private static let places: [(String, String)] = [
        (Link.overview, "Overview"), (Link.policies, "Policies"), (Link.checks, "Checks"),
        (Link.overrides, "Overrides"), (Link.changes, "Changes"), (Link.fleet, "Fleet"),
    ]

    var document: HTML {
        let done: HTML? = visit.done.map {
            "<p class=\"said good\" role=\"status\">\($0.sentence)</p>"
        }
        let live: HTML? =
            isLive
            ? """
            <div class="live" id="live" hidden>
            <span id="live-state" role="status"></span> <span id="live-time"></span>
            <button type="button" id="live-pause">Pause updates</button>
            </div>

            """ : nil
        let marker: HTML? =
            isLive
            ? " data-live=\"\(Link.live)\" data-events=\"\(visit.eventKinds.joined(separator: " "))\""
            : nil
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(title) · Health Worker</title>
            <link rel="icon" type="image/svg+xml" href="\(visit.assets.path(.icon))">
            <link rel="stylesheet" href="\(visit.assets.path(.style))">
            <script src="\(visit.assets.path(.script))" defer></script>
            </head>
            <body>
            <a class="skip" href="#main">Skip to the content</a>
            <header>
            <a class="brand" href="\(Link.overview)">Health Worker</a>
            \(navigation)\(live)\(account)
            </header>
            <main id="main" tabindex="-1"\(marker)>
            \(done)\(body)
            </main>
            <footer>Times are UTC. Health Worker \(visit.version) ·
            <a href="/docs">API</a> · <a href="/openapi.json">its description</a></footer>
            </body>
            </html>

            """
    }

    private var navigation: HTML? {
        guard visit.visitor != nil else { return nil }
        let links = Self.places.map { place, name -> HTML in
            let mark: HTML? = place == current ? " aria-current=\"page\"" : nil
            return "<li><a href=\"\(place)\"\(mark)>\(name)</a></li>\n"
        }
        return """
            <nav aria-label="Pages"><ul>
            \(links)</ul></nav>

            """
    }

    private var account: HTML? {
        guard let visitor = visit.visitor else { return nil }
        let out: HTML? =
            visitor.hasSession
            ? """
            <form method="post" action="\(Link.signOut)"><button type="submit">Sign out</button></form>
            """ : nil
        return """
            <div class="account"><span class="actor" title="\(visitor.actor)">\(visitor.actor) (\(visitor.role))</span>
            \(out)</div>
            """
    }
}
