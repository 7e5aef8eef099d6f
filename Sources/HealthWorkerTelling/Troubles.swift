package import HealthWorkerModel

/// What is wrong now, by everything that the API tells of an installation.
package struct Troubles {
    package var fleet: [JSONValue]
    package var policies: [JSONValue]
    package var checks: [JSONValue]
    package var overrides: [JSONValue]
    /// Those that are active.
    package var maintenances: [JSONValue]
    package var sinks: [JSONValue]
    package var queue: JSONValue

    package init(
        fleet: [JSONValue], policies: [JSONValue], checks: [JSONValue], overrides: [JSONValue],
        maintenances: [JSONValue], sinks: [JSONValue], queue: JSONValue
    ) {
        self.fleet = fleet
        self.policies = policies
        self.checks = checks
        self.overrides = overrides
        self.maintenances = maintenances
        self.sinks = sinks
        self.queue = queue
    }

    /// First things first.
    package var inOrder: [Trouble] {
        let all =
            ofFleet + ofQueue + sinks.compactMap(trouble(ofSink:))
            + policies.flatMap(troubles(ofPolicy:))
            + checks.flatMap(troubles(ofCheck:)) + overrides.map(trouble(ofOverride:))
            + maintenances.map(trouble(ofMaintenance:))
        return all.sorted { $0.rank < $1.rank }
    }

    private var ofFleet: [Trouble] {
        var troubles: [Trouble] = []
        for role in ["register", "worker"]
        where !fleet.contains(where: {
            $0["roles"]?.elements.contains(.string(role)) ?? false
        }) {
            troubles.append(
                Trouble(
                    rank: .installation, kind: "fleet", name: role,
                    sentence: "no \(role) is running: nothing is probed",
                    remedy: "health-worker \(role)"))
        }
        let disputed = fleet.filter(QuarantineText.isDisputed).compactMap { $0["name"]?.shown }
        if !disputed.isEmpty {
            troubles.append(
                Trouble(
                    rank: .doubtful, kind: "fleet", name: "workers",
                    sentence:
                        "disagree: others do not see what \(disputed.joined(separator: ", ")) "
                        + "see, on most of their checks; too many to quarantine them",
                    remedy: "health-worker fleet list"))
        }
        for process in fleet where !QuarantineText.isDisputed(process) {
            if let line = QuarantineText.line(of: process) {
                troubles.append(
                    Trouble(
                        rank: .doubtful, kind: "worker", name: process["name"]?.shown ?? "?",
                        sentence: "is \(line); look at its way to the targets",
                        remedy: "health-worker fleet list"))
                continue
            }
            guard let paused = process["paused"]?.shown else { continue }
            troubles.append(
                Trouble(
                    rank: .doubtful, kind: "worker", name: process["name"]?.shown ?? "?",
                    sentence: "claims nothing: \(paused)", remedy: "health-worker fleet settings"))
        }
        return troubles
    }

    private var ofQueue: [Trouble] {
        Self.sentences(ofQueue: queue).map {
            Trouble(
                rank: .installation, kind: "queue", name: "jobs", sentence: $0,
                remedy: "health-worker queue")
        }
    }

    /// A sink that does not take routes: what traffic follows is older than what is decided.
    private func trouble(ofSink sink: JSONValue) -> Trouble? {
        func count(_ key: String) -> Int { sink[key]?.text.flatMap(Int.init) ?? 0 }
        let (failing, dead) = (count("failing"), count("dead_letters"))
        guard failing + dead > 0 else { return nil }
        let name = sink["name"]?.shown ?? "?"
        return Trouble(
            rank: .published, kind: "sink", name: name,
            sentence: failing > 0
                ? "does not take what \(failing) publications have for it: "
                    + (sink["last_error"]?.shown ?? "?")
                : "has not taken \(dead) routes, which were given up",
            remedy: failing > 0
                ? "health-worker sinks test \(name)" : "health-worker sinks retry \(name)")
    }

    private func troubles(ofPolicy policy: JSONValue) -> [Trouble] {
        let name = policy["name"]?.shown ?? "?"
        let observed = policy["observed"]
        let explain = "health-worker policies explain \(name)"
        var troubles: [Trouble] = []
        func add(_ rank: Trouble.Rank, _ sentence: String, _ remedy: String) {
            troubles.append(
                Trouble(
                    rank: rank, kind: "policy", name: name, sentence: sentence, remedy: remedy))
        }
        let unprotected = observed?["unprotected"]?.elements.compactMap(\.shown) ?? []
        if observed?["route"] == nil {
            add(.published, "has no route yet: nothing is published", explain)
        } else if !unprotected.isEmpty {
            add(
                .published,
                "publishes nothing healthy of \(unprotected.joined(separator: ", ")): "
                    + (observed?["route"].map(RouteText.values) ?? "nothing"), explain)
        }
        for hold in observed?["held"]?.elements ?? [] {
            add(
                .published, "publishes an unhealthy member: " + HoldText.line(of: hold),
                "health-worker guard release \(name)")
        }
        // What is told of all policies of its kind, or above, is not told again.
        if let sentence = ExposureText.sentence(
            observed, without: [.waiting, .unprotected, .simple, .frozen, .observed, .forced])
        {
            add(.exposed, "is not protected: \(sentence)", explain)
        }
        if let freeze = observed?["freeze"] {
            let end = freeze["until"]?.text.map { "ends \(Moments.relative($0))" } ?? "has no end"
            add(
                .byHand,
                "is frozen by \(freeze["actor"]?.shown ?? "?") and that \(end): "
                    + (freeze["reason"]?.shown ?? ""), "health-worker thaw \(name)")
        }
        return troubles
    }

    private func troubles(ofCheck check: JSONValue) -> [Trouble] {
        guard let observed = check["observed"] else { return [] }
        let name = check["name"]?.shown ?? "?"
        let explain = "health-worker checks explain \(name)"
        var troubles: [Trouble] = []
        if observed["health"]?.text == Health.unhealthy.rawValue {
            let outcome = observed["last_outcome"]
            let why = [outcome?["reason"]?.shown, outcome?["detail"]?.shown].compactMap(\.self)
            troubles.append(
                Trouble(
                    rank: .out, kind: "check", name: name,
                    sentence: "is unhealthy since \(Moments.clock(observed["since"]?.text)), "
                        + Moments.relative(observed["since"]?.text)
                        + (why.isEmpty ? "" : ": \(why.joined(separator: ", "))"),
                    remedy: explain))
        }
        if observed["stale"] == .bool(true) {
            troubles.append(
                Trouble(
                    rank: .doubtful, kind: "check", name: name,
                    sentence: "is stale: \(observed["stale_because"]?.shown ?? "not probed")",
                    remedy: explain))
        }
        return troubles
    }

    private func trouble(ofOverride override: JSONValue) -> Trouble {
        let policy = override["policy"]?.shown ?? "?"
        let member = override["member"]?.shown ?? "?"
        return Trouble(
            rank: .byHand, kind: "override", name: "\(policy)/\(member)",
            sentence: OverrideText.line(of: override),
            remedy: "health-worker override clear \(policy) \(member)")
    }

    private func trouble(ofMaintenance maintenance: JSONValue) -> Trouble {
        let id = maintenance["id"]?.shown ?? "?"
        return Trouble(
            rank: .byHand, kind: "maintenance", name: id,
            sentence: MaintenanceText.line(of: maintenance),
            remedy: "health-worker maintenance end \(id)")
    }

    /// What needs somebody, one sentence each.
    package static func sentences(ofQueue queue: JSONValue) -> [String] {
        var troubles: [String] = []
        let count = { (value: JSONValue?) in value?.text.flatMap(Double.init) ?? 0 }
        if count(queue["late_slots"]) > 0 {
            troubles.append(
                "\(queue["late_slots"]?.text ?? "?") slots are late: start a register, or more")
        }
        let waiting = count(queue["waiting"]?["under_60s"]) + count(queue["waiting"]?["longer"])
        if waiting > 0 {
            troubles.append(
                "\(Int(waiting)) jobs have been due for more than 10 s: start more workers, or "
                    + "raise worker.concurrency")
        }
        let transaction = queue["oldest_transaction"]
        if transaction?["too_old"] == .bool(true) {
            troubles.append(
                "a transaction has been open for \(Int(count(transaction?["age_seconds"]))) s "
                    + "(\(transaction?["session"]?.text ?? "?")): the database cannot forget ended "
                    + "jobs meanwhile; end it before it hurts")
        }
        return troubles
    }
}
