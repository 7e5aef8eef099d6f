import ArgumentParser
import HealthWorkerModel
import HealthWorkerTelling
import NIOHTTP1

struct MaintenanceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maintenance",
        abstract: "Windows in which members drain and nobody is woken for it.",
        subcommands: [Start.self, List.self, End.self], aliases: ["maintenances"])

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Begin a maintenance of members with some labels, or order one for later.",
            discussion: """
                These members are not published meanwhile, and webhooks are not told that they leave \
                and come back; health is measured and shown all the same. Members that come to have \
                these labels later are meant, too. One that would leave a family without a healthy \
                published member is refused; --break-glass does it all the same, and is written to \
                the audit log.
                """)

        @OptionGroup var options: ClientOptions
        @Argument(
            help: """
                Members with these labels, such as site=fra1; those of the policy count for each of \
                its members.
                """)
        var selector: String
        @Option(name: .customLong("for"), help: "It ends so long after it begins, such as 2h.")
        var span: TimeSpan?
        @Option(help: "It ends at this moment, such as 2026-01-31T10:00:00+01:00.")
        var until: String?
        @Option(help: "It begins at this moment; by default now.")
        var at: String?
        @Option(
            name: [.customShort("m"), .customLong("reason")], help: "Why; it is shown with it.")
        var reason: String
        @Flag(help: "Also if it leaves a family without a healthy published member.")
        var breakGlass = false

        func validate() throws {
            guard (span == nil) != (until == nil) else {
                throw ValidationError("Say when it ends: --for 2h or --until MOMENT, one of them.")
            }
        }

        func run() async throws {
            var body: [String: JSONValue] = [
                "selector": .string(selector), "reason": .string(reason),
            ]
            body["for"] = span.map { .string($0.description) }
            body["until"] = until.map { .string($0) }
            body["starts_at"] = at.map { .string($0) }
            if breakGlass { body["break_glass"] = .bool(true) }
            let answer = try await options.client().call(
                .POST, "/v1/maintenances", body: try JSONValue.object(body).compact
            ).json()
            print("\(answer["id"]?.shown ?? "?"): \(MaintenanceText.line(of: answer))")
            MaintenanceCommand.showMembers(of: answer)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List maintenances, newest first.")

        @OptionGroup var options: ClientOptions
        @Option(help: "Only of this state: active, upcoming or past.")
        var state: MaintenanceState?
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let query = state.map { "?state=\($0.rawValue)" } ?? ""
            let found = try await options.client().all("/v1/maintenances\(query)")
            if output.format == .name {
                for maintenance in found { print(maintenance["id"]?.shown ?? "") }
                return
            }
            try output.format.show(found) {
                Table(
                    ["ID", "STATE", "MEMBERS", "BEGINS", "ENDS", "BY", "WHY"],
                    $0.map { maintenance in
                        [
                            maintenance["id"]?.shown ?? "?", maintenance["state"]?.shown ?? "?",
                            maintenance["selector"]?.shown ?? "?",
                            Moments.relative(maintenance["starts_at"]?.text),
                            Moments.relative(maintenance["until"]?.text),
                            maintenance["actor"]?.shown ?? "?",
                            maintenance["reason"]?.shown ?? "",
                        ]
                    })
            }
        }
    }

    struct End: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a maintenance now, or call off one that is still to come.")

        @OptionGroup var options: ClientOptions
        @Argument(help: "Its id.")
        var id: Int
        @Option(name: [.customShort("m"), .customLong("message")], help: "Why, for the audit log.")
        var message: String?

        func run() async throws {
            let query = message.map { "?message=\($0.percentEncoded)" } ?? ""
            let answer = try await options.client().call(
                .DELETE, "/v1/maintenances/\(id)\(query)"
            ).json()
            print("ended: \(answer["selector"]?.shown ?? "?"): \(answer["reason"]?.shown ?? "")")
            MaintenanceCommand.showMembers(of: answer)
        }
    }

    /// `www: fra1, fra2`, a line for each policy.
    private static func showMembers(of maintenance: JSONValue) {
        var members: [String: [String]] = [:]
        for meant in maintenance["members"]?.elements ?? [] {
            members[meant["policy"]?.shown ?? "?", default: []].append(
                meant["member"]?.shown ?? "?")
        }
        for (policy, names) in members.sorted(by: { $0.key < $1.key }) {
            print("  \(policy): \(names.joined(separator: ", "))")
        }
    }
}

extension MaintenanceState: ExpressibleByArgument {}
