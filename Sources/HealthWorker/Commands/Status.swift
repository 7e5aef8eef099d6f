import ArgumentParser
import HealthWorkerModel

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what is wrong now, first things first; exit 3 if anything is.",
        discussion: """
            First what keeps everything from being probed, then what is published without being \
            healthy, then what is out, and last what will want somebody later.
            """)

    @OptionGroup var options: ClientOptions
    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: "table, json, yaml, or name: what is wrong, by name.")
    var format: ListingFormat = .table

    func run() async throws {
        let seen = try await Observation(of: try options.client())
        let troubles = seen.troubles.sorted { $0.rank < $1.rank }
        switch format {
        case .json, .yaml: try format.show(.array(troubles.map(\.json)))
        case .name: for trouble in troubles { print("\(trouble.kind)/\(trouble.name)") }
        case .table: print(seen.text(troubles, on: .standardOutput))
        }
        if troubles.contains(where: \.isWrong) { throw Exit.no }
    }
}

/// One thing that wants somebody.
struct Trouble {
    enum Rank: Int, Comparable {
        /// Nothing is probed, or decided.
        case installation
        /// Consumers get something that is not healthy.
        case published
        /// A target is out, and others serve.
        case out
        /// What is known is not fresh.
        case doubtful
        /// All is well, and would not be after one loss.
        case exposed
        /// Somebody's word holds over what is measured: not wrong, and to be known.
        case byHand

        static func < (left: Rank, right: Rank) -> Bool { left.rawValue < right.rawValue }
    }

    var rank: Rank
    var kind: String
    var name: String
    var sentence: String
    /// The command that shows or does more.
    var remedy: String?

    /// An operator's word is what somebody wants, and no fault; nor is a policy without a spare.
    var isWrong: Bool { rank != .byHand && rank != .exposed }

    var json: JSONValue {
        var members: [String: JSONValue] = [
            "kind": .string(kind), "name": .string(name), "sentence": .string(sentence),
            "wrong": .bool(isWrong),
        ]
        if let remedy { members["remedy"] = .string(remedy) }
        return .object(members)
    }
}

/// Everything that `status` looks at, read once.
private struct Observation {
    private let fleet: [JSONValue]
    private let policies: [JSONValue]
    private let checks: [JSONValue]
    private let overrides: [JSONValue]
    private let sinks: [JSONValue]
    private let queue: JSONValue

    init(of client: APIClient) async throws {
        fleet = try await client.get("/v1/fleet")["items"]?.elements ?? []
        policies = try await client.all("/v1/policies")
        checks = try await client.all("/v1/checks")
        overrides = try await client.all("/v1/overrides")
        sinks = try await client.get("/v1/sinks")["items"]?.elements ?? []
        queue = try await client.get("/v1/queue")
    }

    func text(_ troubles: [Trouble], on terminal: Terminal) -> String {
        var lines = [
            "\(checks.count) checks, \(policies.count) policies, \(overrides.count) overrides, "
                + "\(fleet.count) processes, \(queue["live"]?.shown ?? "?") jobs live"
        ]
        if !troubles.contains(where: \.isWrong) {
            lines.append(terminal.green("Nothing is wrong."))
        }
        for trouble in troubles {
            let line = "\(trouble.kind) \(trouble.name): \(trouble.sentence)"
            lines.append(
                trouble.rank <= .published
                    ? terminal.red(line) : trouble.isWrong ? terminal.yellow(line) : line)
            if let remedy = trouble.remedy { lines.append(terminal.dim("    \(remedy)")) }
        }
        return lines.joined(separator: "\n")
    }

    var troubles: [Trouble] {
        ofFleet + ofQueue + sinks.compactMap(trouble(ofSink:))
            + policies.flatMap(troubles(ofPolicy:))
            + checks.flatMap(troubles(ofCheck:))
            + overrides.map(trouble(ofOverride:))
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
        for process in fleet {
            guard let paused = process["paused"]?.shown else { continue }
            troubles.append(
                Trouble(
                    rank: .doubtful, kind: "worker", name: process["name"]?.shown ?? "?",
                    sentence: "claims nothing: \(paused)", remedy: "health-worker fleet settings"))
        }
        return troubles
    }

    private var ofQueue: [Trouble] {
        Queue.troubles(of: queue).map {
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
                    + (observed?["route"].map(PolicyText.values) ?? "nothing"), explain)
        }
        for hold in observed?["held"]?.elements ?? [] {
            add(
                .published, "publishes an unhealthy member: " + PolicyText.line(ofHold: hold),
                "health-worker guard release \(name)")
        }
        // What is told of all policies of its kind, or above, is not told again.
        if let sentence = PolicyText.exposure(
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
            sentence: PolicyText.line(ofOverride: override),
            remedy: "health-worker override clear \(policy) \(member)")
    }
}
