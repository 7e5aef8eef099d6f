import ArgumentParser
import HealthWorkerModel
import HealthWorkerTelling
import NIOHTTP1

struct SinksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sinks", abstract: "What receives routes, and whether they reach it.",
        subcommands: [List.self, Test.self, Retry.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List sinks, who reaches them, and how much waits for each.")

        @OptionGroup var options: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await options.client().get("/v1/sinks")
            try output.format.show(answer["items"]?.elements ?? []) {
                Table(
                    [
                        "NAME", "TYPE", "REACHED BY", "PENDING", "FAILING", "DEAD", "LAST ERROR",
                    ],
                    $0.map { sink in
                        [
                            sink["name"]?.text ?? "?", sink["type"]?.text ?? "-",
                            (sink["reached_by"]?.elements ?? []).compactMap(\.text)
                                .joined(separator: ","),
                            sink["pending"]?.text ?? "?", sink["failing"]?.text ?? "?",
                            sink["dead_letters"]?.text ?? "?", sink["last_error"]?.text ?? "",
                        ]
                    })
            }
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look at a sink, and at what would keep it from taking routes.",
            discussion: """
                Nothing changes there; a webhook gets a test message. Exits with 3 where something has to be \
                mended.
                """)

        @OptionGroup var options: ClientOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The sink's name.")
        var name: String

        func run() async throws {
            let answer = try await options.client().call(
                .POST, "/v1/sinks/\(name.percentEncoded)/test", waiting: "asking \(name)"
            ).json()
            let findings = answer["findings"]?.elements ?? []
            try output.format.show(findings) {
                Table(
                    ["FINDING", "WHAT", "MENDED BY"],
                    $0.map { finding in
                        [
                            finding["finding"]?.text ?? "?", finding["sentence"]?.text ?? "?",
                            finding["mend"]?.text ?? "",
                        ]
                    })
            }
            if answer["good"] != .bool(true) { throw Exit.no }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deliver at once what waits for a sink, dead letters included.",
            discussion: """
                Of a sink that is told of every change, all from the oldest dead letter on are told again.
                """)

        @OptionGroup var options: ClientOptions
        @Argument(help: "The sink's name.")
        var name: String
        @Option(help: "Only what this policy publishes.")
        var policy: String?

        func run() async throws {
            let query = policy.map { "?policy=\($0.percentEncoded)" } ?? ""
            let answer = try await options.client().call(
                .POST, "/v1/sinks/\(name.percentEncoded)/retry\(query)"
            ).json()
            print("\(name): \(answer["retried"]?.text ?? "?") publications are due now.")
        }
    }
}
