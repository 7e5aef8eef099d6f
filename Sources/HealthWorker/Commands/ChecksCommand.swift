import ArgumentParser
import HealthWorkerModel
import HealthWorkerTelling
import NIOCore
import NIOHTTP1

struct ChecksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checks", abstract: "What is probed, and what was found.",
        subcommands: [
            List.self, Get.self, Explain.self, Probe.self, Backtest.self, Pause.self, Resume.self,
            Delete.self,
        ],
        aliases: ["check"])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List checks with their health and why.")

        @OptionGroup var options: ClientOptions
        @OptionGroup var selecting: SelectingOptions
        @Option(help: "Only checks of this health: healthy, unhealthy or unknown.")
        var health: Health?
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var path = "/v1/checks" + selecting.query
            if let health { path += (path.contains("?") ? "&" : "?") + "health=\(health.rawValue)" }
            let terminal = Terminal.standardOutput
            try output.format.show(try await options.client().all(path)) {
                Table(
                    ["NAME", "HEALTH", "SINCE", "TYPE", "TARGET", "SET", "LAST OUTCOME"],
                    $0.map { check in
                        let observed = check["observed"]
                        let outcome = observed?["last_outcome"]
                        return [
                            check["name"]?.shown ?? "?", terminal.health(of: check),
                            Moments.relative(observed?["since"]?.text),
                            check["type"]?.shown ?? "?", CheckText.target(of: check),
                            observed?["set"]?.shown ?? "-",
                            outcome?["reason"]?.shown ?? outcome?["outcome"]?.shown ?? "-",
                        ]
                    })
            }
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one check as it is written, with what is observed of it.")

        @OptionGroup var options: ClientOptions
        @Argument(help: "The check's name.")
        var name: String
        @Option(name: [.customShort("o"), .customLong("output")], help: "yaml, json or name.")
        var format: ListingFormat = .yaml

        func run() async throws {
            let check = try await options.client().get("/v1/checks/\(name.percentEncoded)")
            if format == .name { print(check["name"]?.shown ?? "") } else { try format.show(check) }
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say why a check is held to be what it is, with its last outcomes and turns.")

        @OptionGroup var options: ClientOptions
        @Argument(help: "The check's name.")
        var name: String

        func run() async throws {
            let client = try options.client()
            let path = "/v1/checks/\(name.percentEncoded)"
            let check = try await client.get(path)
            let outcomes =
                try await client.get("\(path)/outcomes?limit=10")["items"]?.elements ?? []
            let turns =
                try await client.get("\(path)/health-changes?limit=5")["items"]?.elements ?? []
            print(
                CheckText(check: check, outcomes: outcomes, turns: turns)
                    .text(on: .standardOutput), terminator: "")
        }
    }

    struct Probe: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a worker probe a check now, and say what it found.",
            discussion: """
                The outcome counts like any other. Exit codes: 0 success · 3 failure · 1 inconclusive, \
                or not known within the time.
                """)

        @OptionGroup var options: ClientOptions
        @Argument(help: "The check's name.")
        var name: String
        @Option(help: "How long to wait for the outcome, a minute at most.")
        var wait: TimeSpan = .seconds(30)

        func run() async throws {
            let answer = try await options.client().call(
                .POST, "/v1/checks/\(name.percentEncoded)/probe?wait=\(wait.description)",
                timeout: .seconds(90), waiting: "probing \(name)"
            ).json()
            guard let outcome = answer["found"] else {
                throw Exit.error(
                    Exit.failed,
                    "\(name): no outcome yet: \(answer["because"]?.shown ?? "it has not ended")")
            }
            print(CheckText.line(of: outcome, on: .standardOutput))
            switch outcome["outcome"]?.text.flatMap(OutcomeKind.init) {
            case .success: break
            case .failure: throw Exit.no
            default: throw Exit.failed
            }
        }
    }

    struct Backtest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what health would have been with another interval, fall or rise.",
            discussion: """
                Decided from the outcomes that are kept. Between two of them the target is taken to \
                have been as it was found, so that a shorter interval is an estimate.
                """)

        @OptionGroup var options: ClientOptions
        @Argument(help: "The check's name.")
        var name: String
        @Option(help: "Failures in a row that would turn it unhealthy.")
        var fall: Int?
        @Option(help: "Successes in a row that would turn it healthy.")
        var rise: Int?
        @Option(help: "From one probe to the next, such as 5s.")
        var interval: TimeSpan?
        @Option(help: "The same while a turn is counted.")
        var fastInterval: TimeSpan?
        @Option(help: "How far to look back.")
        var since: TimeSpan = .hours(24 * 7)
        @Option(name: [.customShort("o"), .customLong("output")], help: "table, json or yaml.")
        var format: ListingFormat = .table

        func run() async throws {
            var body: [String: JSONValue] = ["since": .string(since.description)]
            if let fall { body["fall"] = .integer(Int64(fall)) }
            if let rise { body["rise"] = .integer(Int64(rise)) }
            if let interval { body["interval"] = .string(interval.description) }
            if let fastInterval { body["fast_interval"] = .string(fastInterval.description) }
            let answer = try await options.client().call(
                .POST, "/v1/checks/\(name.percentEncoded)/backtest",
                body: try JSONValue.object(body).compact, timeout: .seconds(120),
                waiting: "reading the outcomes of \(name)"
            ).json()
            if format == .table {
                print(BacktestText(answer).text, terminator: "")
            } else {
                try format.show(answer)
            }
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop probing checks; policies keep their last health.")

        @OptionGroup var change: CheckChange

        func run() async throws { try await change.patch("{\"enabled\": false}", "paused") }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Probe checks again; they are unknown until their first outcome.")

        @OptionGroup var change: CheckChange

        func run() async throws { try await change.patch("{\"enabled\": true}", "probed again") }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete checks that no policy uses.")

        @OptionGroup var change: CheckChange

        func run() async throws {
            let client = try change.options.client()
            for name in change.names {
                _ = try await client.call(.DELETE, change.path(of: name))
                print("\(name): deleted")
            }
        }
    }
}

/// Checks that are changed, one after the other.
struct CheckChange: ParsableArguments {
    @OptionGroup var options: ClientOptions
    @Argument(help: "The checks' names.")
    var names: [String]
    @Option(name: [.customShort("m"), .customLong("message")], help: "Why, for the audit log.")
    var message: String?

    func path(of name: String) -> String {
        "/v1/checks/\(name.percentEncoded)"
            + (message.map { "?message=\($0.percentEncoded)" } ?? "")
    }

    func patch(_ body: String, _ done: String) async throws {
        let client = try options.client()
        for name in names {
            _ = try await client.call(
                .PATCH, path(of: name), body: body, type: "application/merge-patch+json")
            print("\(name): \(done)")
        }
    }
}

extension Health: ExpressibleByArgument {}

extension Terminal {
    /// The health of a check of the API, coloured, with what makes it doubtful.
    func health(of check: JSONValue) -> String {
        let observed = check["observed"]
        let word = observed?["health"]?.shown ?? "?"
        let coloured =
            switch word {
            case Health.healthy.rawValue: green(word)
            case Health.unhealthy.rawValue: red(word)
            default: yellow(word)
            }
        if check["enabled"] == .bool(false) { return coloured + " " + yellow("(paused)") }
        return observed?["stale"] == .bool(true) ? coloured + " " + yellow("(stale)") : coloured
    }
}
