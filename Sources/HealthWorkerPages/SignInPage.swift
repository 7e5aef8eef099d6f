/// Where somebody says who it is, by a key of the API.
package struct SignInPage {
    package var visit: Visit
    /// Where to go on to.
    package var next: String
    package var problem: String?

    package init(visit: Visit, next: String, problem: String? = nil) {
        self.visit = visit
        self.next = next
        self.problem = problem
    }

    package var document: HTML {
        let problem: HTML? = problem.map { "<p class=\"said bad\" role=\"alert\">\($0)</p>" }
        return Shell(
            visit: visit, title: "Sign in",
            body: """
                <div class="sheet">
                <h1>Sign in</h1>
                \(problem)
                <form method="post" action="\(Link.signIn)">
                <input type="hidden" name="next" value="\(next)">
                <div class="field"><label for="key">Key of the API</label>
                <input type="password" id="key" name="key" required autofocus autocomplete="current-password" spellcheck="false" aria-describedby="hint">
                <p class="hint" id="hint">One with the role read shows everything; operate and write may do more. <code>health-worker keys create --role operate</code> makes one.</p></div>
                <div class="ends"><button type="submit" class="do">Sign in</button></div>
                </form>
                </div>
                """, isLive: false
        ).document
    }
}

/// Comes back as the same page, asked for by ourselves: a browser sends a strict cookie with that, and
/// not where another site's link led here.
package struct ComeBackPage {
    package var place: String

    package init(place: String) {
        self.place = place
    }

    package var document: HTML {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="refresh" content="0; url=\(place)">
        <title>Health Worker</title>
        </head>
        <body><p><a href="\(place)">Go on</a></p></body>
        </html>

        """
    }
}

/// Says why a page cannot be shown.
package struct ProblemPage {
    package var visit: Visit
    package var title: String
    package var sentence: String
    package var requestID: String

    package init(visit: Visit, title: String, sentence: String, requestID: String) {
        self.visit = visit
        self.title = title
        self.sentence = sentence
        self.requestID = requestID
    }

    package var document: HTML {
        Shell(
            visit: visit, title: title,
            body: """
                <div class="sheet">
                <h1>\(title)</h1>
                <p>\(sentence)</p>
                <p class="dim">Request \(requestID). <a href="\(Link.overview)">Back to the overview</a></p>
                </div>
                """, isLive: false
        ).document
    }
}
