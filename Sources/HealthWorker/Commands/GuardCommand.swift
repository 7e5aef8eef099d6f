import ArgumentParser
import HealthWorkerModel
import HealthWorkerTelling
import NIOHTTP1

struct GuardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard",
        abstract: "Members that are published although they turned unhealthy.",
        discussion: """
            Where more than half of the published members (of at least 10) turn unhealthy within a \
            minute and no second location confirms it, the eye is more likely to be broken than they \
            are: they stay published for two minutes, unless somebody releases them.
            """,
        subcommands: [List.self, Release.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "List what is held, by what and until when.")

        @OptionGroup var options: ClientOptions
        @Option(name: [.customShort("o"), .customLong("output")], help: "table, json or yaml.")
        var format: ListingFormat = .table

        func run() async throws {
            let answer = try await options.client().get("/v1/guard")
            guard format == .table else { return try format.show(answer) }
            let holds = answer["items"]?.elements ?? []
            if holds.isEmpty { return print("Nothing is held.") }
            print(
                Table(
                    ["POLICY", "MEMBER", "BY", "SINCE", "UNTIL"],
                    holds.map { hold in
                        [
                            hold["policy"]?.shown ?? "?", hold["member"]?.shown ?? "?",
                            hold["by"]?.shown ?? "?", Moments.relative(hold["since"]?.text),
                            hold["until"]?.text.map { Moments.relative($0) } ?? "released by hand",
                        ]
                    }
                ).text)
        }
    }

    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let held members leave as their health says.",
            discussion: "Members that turn unhealthy afterwards may be held anew.")

        @OptionGroup var options: ClientOptions
        @Argument(help: "Only of these policies; without any, of all.")
        var policies: [String] = []
        @Option(name: [.customShort("m"), .customLong("message")], help: "Why, for the audit log.")
        var message: String?

        func run() async throws {
            let client = try options.client()
            let query = message.map { "?message=\($0.percentEncoded)" } ?? ""
            if policies.isEmpty {
                let answer = try await client.call(.POST, "/v1/guard/release\(query)").json()
                for name in answer["policies"]?.elements.compactMap(\.shown) ?? [] {
                    print("\(name): released")
                }
            }
            var failure: (any Error)?
            for policy in policies {
                do {
                    let answer = try await client.call(
                        .POST, "/v1/policies/\(policy.percentEncoded)/release\(query)")
                    print(PolicyText.line(of: try answer.json()["route"], policy: policy))
                } catch {
                    // The hold of one may just have ended: those of the others are to end all the same.
                    failure = failure ?? error
                }
            }
            if let failure { throw failure }
        }
    }
}
