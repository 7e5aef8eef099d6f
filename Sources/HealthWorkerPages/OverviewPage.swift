import Foundation
package import HealthWorkerModel
package import HealthWorkerTelling

/// What is wrong now, first; then how much there is of everything, and what happened last.
package struct OverviewPage {
    package struct Counts: Sendable {
        package var checks = 0
        package var healthy = 0
        package var unhealthy = 0
        package var unknown = 0
        package var stale = 0
        package var paused = 0
        package var policies = 0
        package var waiting = 0
        package var unprotected = 0
        package var frozen = 0
        package var holding = 0

        package init() {}
    }

    /// How much is wrong that is not told one by one. Of many checks and policies only some are read: what
    /// is wrong with the others is known by number.
    package struct Untold: Hashable, Sendable {
        package var unhealthy: Int
        package var stale: Int
        package var policies: Int
        /// More than are told of what was read.
        package var others = 0

        package var all: Int { unhealthy + stale + policies + others }

        /// - Parameters:
        ///   - checks: those that were read.
        ///   - policies: those that were read.
        package init(of counts: Counts, checks: [JSONValue], policies: [JSONValue]) {
            let isWhole = checks.count >= counts.checks
            let unhealthySeen = checks.count { check in
                check["observed"]?["health"]?.text == Health.unhealthy.rawValue
                    && check["enabled"] != .bool(false)
            }
            unhealthy = isWhole ? 0 : max(0, counts.unhealthy - unhealthySeen)
            let staleSeen = checks.count { $0["observed"]?["stale"]?.isTrue ?? false }
            stale = isWhole ? 0 : max(0, counts.stale - staleSeen)
            let policiesSeen = policies.reduce(0) { $0 + Self.faults(of: $1) }
            self.policies =
                policies.count >= counts.policies
                ? 0 : max(0, counts.waiting + counts.unprotected + counts.holding - policiesSeen)
        }

        /// For how many of these counts it stands.
        private static func faults(of policy: JSONValue) -> Int {
            let observed = policy["observed"]
            let found = [
                observed?["route"] == nil,
                !(observed?["unprotected"]?.elements ?? []).isEmpty,
                !(observed?["held"]?.elements ?? []).isEmpty,
            ]
            return found.count { $0 }
        }
    }

    package var visit: Visit
    package var troubles: [Trouble]
    package var untold: Untold
    package var counts: Counts
    package var fleet: [JSONValue]
    package var queue: JSONValue
    package var events: [JSONValue]

    package init(
        visit: Visit, troubles: [Trouble], untold: Untold, counts: Counts, fleet: [JSONValue],
        queue: JSONValue, events: [JSONValue]
    ) {
        self.visit = visit
        self.troubles = troubles
        self.untold = untold
        self.counts = counts
        self.fleet = fleet
        self.queue = queue
        self.events = events
    }

    package var document: HTML {
        let wrong = troubles.count(where: \.isWrong) + untold.all
        return Shell(
            visit: visit, title: wrong == 0 ? "Overview" : "\(wrong) wrong", current: Link.overview,
            body: """
                \(Parts.section("now", nil, now(wrong)))\
                \(Parts.section("counts", nil, tiles))\
                \(Parts.section("lately", "Lately", EventsTable(visit: visit, events: events).html))
                """
        ).document
    }

    // MARK: - Now

    private func now(_ wrong: Int) -> HTML {
        let isPublished =
            untold.policies > 0 || troubles.contains { $0.rank <= .published }
        let kind: Parts.Kind = wrong == 0 ? "good" : isPublished ? "bad" : "warn"
        let sentence =
            switch wrong {
            case 0: counts.checks == 0 ? "Nothing is checked yet." : "Nothing is wrong."
            case 1: "1 thing is wrong."
            default: "\(wrong) things are wrong."
            }
        let groups = Trouble.Rank.allCases.compactMap(group)
        let rest: [(count: Int, place: String, what: String)] = [
            (untold.unhealthy, "\(Link.checks)?health=unhealthy", "unhealthy checks"),
            (untold.stale, Link.checks, "checks whose health is not fresh"),
            (untold.policies, Link.policies, "troubles with what policies publish"),
            (untold.others, Link.checks, "troubles"),
        ]
        let more = rest.filter { $0.count > 0 }.map { rest -> HTML in
            "<p>And \(rest.count) more <a href=\"\(rest.place)\">\(rest.what)</a>.</p>\n"
        }
        return """
            <div class="verdict \(kind.name)"><h1>\(sentence)</h1></div>
            \(groups)\(more)
            """
    }

    private func group(_ rank: Trouble.Rank) -> HTML? {
        let found = troubles.filter { $0.rank == rank }
        guard !found.isEmpty else { return nil }
        let lines = found.map { trouble -> HTML in
            let place = Self.place(of: trouble)
            let name = trouble.name
            // The name says already whom it is about.
            let whom = trouble.name.replacingOccurrences(of: "/", with: " ") + " "
            let sentence =
                trouble.kind == "override" && trouble.sentence.hasPrefix(whom)
                ? String(trouble.sentence.dropFirst(whom.count)) : trouble.sentence
            let remedy: HTML? =
                rank == .installation
                ? trouble.remedy.map { " <code>\($0)</code>" } : nil
            return """
                <li>\(mark(rank, trouble.kind)) <a href="\(place)">\(name)</a> \(sentence)\(remedy)</li>

                """
        }
        return """
            <h3>\(title(of: rank))</h3>
            <ul class="troubles">
            \(lines)</ul>

            """
    }

    private func mark(_ rank: Trouble.Rank, _ kind: String) -> HTML {
        switch rank {
        case .installation, .published: Parts.mark("bad", "▲", kind)
        case .out: Parts.mark("bad", "▲", kind)
        case .doubtful: Parts.mark("warn", "◆", kind)
        case .exposed: Parts.mark("dim", "◇", kind)
        case .byHand: Parts.mark("dim", "✎", kind)
        }
    }

    private func title(of rank: Trouble.Rank) -> String {
        switch rank {
        case .installation: "Nothing is probed, or probes are late"
        case .published: "Published without being healthy"
        case .out: "Unhealthy"
        case .doubtful: "Not known for sure"
        case .exposed: "Well, with nothing in reserve"
        case .byHand: "By hand"
        }
    }

    private static func place(of trouble: Trouble) -> String {
        switch trouble.kind {
        case "check": Link.check(trouble.name)
        case "policy": Link.policy(trouble.name)
        case "override":
            Link.policy(trouble.name.split(separator: "/").first.map(String.init) ?? "")
        case "maintenance": Link.overrides
        default: Link.fleet
        }
    }

    // MARK: - How much

    private var tiles: HTML {
        let lag = queue["lag"]?["p99_seconds"]?.number
        let workers = fleet.count { $0["roles"]?.words.contains("worker") ?? false }
        return """
            <ul class="tiles">
            \(tile(Link.checks, "\(counts.checks)", counts.checks == 1 ? "check" : "checks", checkWords))
            \(tile(Link.policies, "\(counts.policies)", counts.policies == 1 ? "policy" : "policies", policyWords))
            \(tile(Link.fleet, "\(fleet.count)", fleet.count == 1 ? "process" : "processes", "\(workers) of them probing"))
            \(tile(Link.fleet, lag.map { "\(Int(($0 * 1000).rounded())) ms" } ?? "–", "lag of probes, p99", "\(queue["live"]?.shown ?? "0") jobs live, \(queue["ready"]?.shown ?? "0") ready"))
            </ul>

            """
    }

    private func tile(_ place: String, _ figure: String, _ name: String, _ more: String) -> HTML {
        """
        <li><a href="\(place)"><strong>\(figure)</strong> \(name)</a><span class="more">\(more)</span></li>
        """
    }

    private var checkWords: String {
        Self.words([
            (counts.healthy, "healthy"), (counts.unhealthy, "unhealthy"),
            (counts.unknown, "unknown"), (counts.stale, "stale"), (counts.paused, "paused"),
        ])
    }

    private var policyWords: String {
        let words = Self.words([
            (counts.unprotected, "unprotected"), (counts.waiting, "without a route"),
            (counts.holding, "holding what is unhealthy"), (counts.frozen, "frozen"),
        ])
        return words.isEmpty && counts.policies > 0 ? "each publishes something healthy" : words
    }

    private static func words(_ counted: [(Int, String)]) -> String {
        counted.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    }
}
