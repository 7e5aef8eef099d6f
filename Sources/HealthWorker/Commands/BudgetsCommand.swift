import ArgumentParser
import HealthWorkerModel
import HealthWorkerTelling
import NIOHTTP1

struct BudgetsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "budgets",
        abstract: "How many members may leave by themselves within a time.",
        discussion: """
            Members that turn unhealthy beyond that stay published until `health-worker guard release`.
            """,
        subcommands: [List.self, Set.self, Delete.self], defaultSubcommand: List.self,
        aliases: ["budget"])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the safety budgets.")

        @OptionGroup var options: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let budgets = try await options.client().get("/v1/budgets")["items"]?.elements ?? []
            try output.format.show(budgets) {
                Table(
                    ["NAME", "SELECTOR", "AT MOST", "WINDOW"],
                    $0.map { budget in
                        [
                            budget["name"]?.shown ?? "?", budget["selector"]?.shown ?? "?",
                            budget["at_most"]?.shown
                                ?? "\(budget["at_most_percent"]?.shown ?? "?") %",
                            budget["window"]?.shown ?? "?",
                        ]
                    })
            }
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set a safety budget.",
            discussion: "health-worker budgets set fra1 -l site=fra1 --at-most 2 --window 1h")

        @OptionGroup var options: ClientOptions
        @Argument(help: "Its name.")
        var name: String
        @Option(
            name: [.customShort("l"), .customLong("selector")],
            help: "The members that are meant, by labels, theirs and their policy's.")
        var selector: String
        @Option(help: "So many of them may leave within the window.")
        var atMost: Int?
        @Option(help: "So many of a hundred of those that are published.")
        var atMostPercent: Int?
        @Option(help: "The time that counts together, such as 1h.")
        var window: TimeSpan = .hours(1)
        @Option(name: [.customShort("m"), .customLong("message")], help: "Why, for the audit log.")
        var message: String?

        func validate() throws {
            guard (atMost == nil) != (atMostPercent == nil) else {
                throw ValidationError("Say --at-most N or --at-most-percent N, one of them.")
            }
        }

        func run() async throws {
            var body: [String: JSONValue] = [
                "selector": .string(selector), "window": .string(window.description),
            ]
            if let atMost { body["at_most"] = .integer(Int64(atMost)) }
            if let atMostPercent { body["at_most_percent"] = .integer(Int64(atMostPercent)) }
            _ = try await options.client().call(
                .PUT, BudgetsCommand.path(name, message), body: try JSONValue.object(body).compact)
            print("\(name): set")
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a safety budget away; what it holds stays held until it is released.")

        @OptionGroup var options: ClientOptions
        @Argument(help: "Its name.")
        var name: String
        @Option(name: [.customShort("m"), .customLong("message")], help: "Why, for the audit log.")
        var message: String?

        func run() async throws {
            _ = try await options.client().call(.DELETE, BudgetsCommand.path(name, message))
            print("\(name): deleted")
        }
    }

    private static func path(_ name: String, _ message: String?) -> String {
        "/v1/budgets/\(name.percentEncoded)"
            + (message.map { "?message=\($0.percentEncoded)" } ?? "")
    }
}
