import ArgumentParser
import HealthWorkerModel
import HealthWorkerTelling
import NIOHTTP1

struct OverrideCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "override", abstract: "An operator's word over measured health.",
        subcommands: [Set.self, List.self, Clear.self], aliases: ["overrides"])

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what counts for members, whatever is measured.",
            discussion: """
                up: healthy · down: out at once · drain: not published any more, and consumers that \
                can tell let sessions end. All members are meant or none. One that would leave a \
                family without a healthy published member is refused; --break-glass does it all the \
                same, and is written to the audit log.
                """)

        @OptionGroup var options: ClientOptions
        @Argument(help: "up, down or drain.")
        var word: OverrideWord
        @OptionGroup var whose: OverrideMembers
        @OptionGroup var end: OrderEnd
        @Option(
            name: [.customShort("m"), .customLong("reason")], help: "Why; it is shown with it.")
        var reason: String
        @Flag(help: "Also if it leaves a family without a healthy published member.")
        var breakGlass = false

        func run() async throws {
            let client = try options.client()
            var body = end.members.merging(whose.body) { first, _ in first }
            body["word"] = .string(word.rawValue)
            body["reason"] = .string(reason)
            if breakGlass { body["break_glass"] = .bool(true) }
            let answer = try await client.call(
                .POST, "/v1/overrides", body: try JSONValue.object(body).compact
            ).json()
            let overrides = answer["items"]?.elements ?? []
            for override in overrides { print(OverrideText.line(of: override)) }
            try await client.showRoutes(of: overrides)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the overrides that hold.")

        @OptionGroup var options: ClientOptions
        @Option(help: "Only of this policy.")
        var policy: String?
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let query = policy.map { "?policy=\($0.percentEncoded)" } ?? ""
            let overrides = try await options.client().all("/v1/overrides\(query)")
            if output.format == .name {
                for override in overrides { print(override["id"]?.shown ?? "") }
                return
            }
            try output.format.show(overrides) {
                Table(
                    ["ID", "POLICY", "MEMBER", "WORD", "ENDS", "BY", "SINCE", "WHY"],
                    $0.map { override in
                        [
                            override["id"]?.shown ?? "?", override["policy"]?.shown ?? "?",
                            override["member"]?.shown ?? "?", override["word"]?.shown ?? "?",
                            override["until"]?.text.map { Moments.relative($0) } ?? "never",
                            override["actor"]?.shown ?? "?",
                            Moments.relative(override["created_at"]?.text),
                            override["reason"]?.shown ?? "",
                        ]
                    })
            }
        }
    }

    struct Clear: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End overrides: what is measured counts again.",
            discussion: """
                A policy alone means all of its overrides, a selector those of all members with such \
                labels. All that are meant end together, or none.
                """)

        @OptionGroup var options: ClientOptions
        @OptionGroup var whose: OverrideMembers
        @Option(name: [.customShort("m"), .customLong("message")], help: "Why, for the audit log.")
        var message: String?

        func run() async throws {
            let client = try options.client()
            let answer = try await client.call(
                .DELETE, "/v1/overrides?\(whose.query(and: message))"
            ).json()
            let cleared = answer["items"]?.elements ?? []
            for override in cleared { print("cleared: \(OverrideText.line(of: override))") }
            try await client.showRoutes(of: cleared)
        }
    }
}

/// Whose overrides are meant: members of one policy, or those with some labels.
struct OverrideMembers: ParsableArguments {
    @Argument(help: "The policy's name; with --selector it may be left out.")
    var policy: String?
    @Argument(help: "Its members.")
    var members: [String] = []
    @Option(
        name: [.customShort("l"), .long],
        help: """
            Members with these labels, such as site=fra1; those of the policy count for each of its \
            members.
            """)
    var selector: String?

    func validate() throws {
        guard policy != nil || selector != nil else {
            throw ValidationError(
                "Say whose: POLICY MEMBER …, or --selector, such as --selector site=fra1.")
        }
        guard selector == nil || members.isEmpty else {
            throw ValidationError("Name members, or give a selector: not both.")
        }
    }

    var body: [String: JSONValue] {
        var body: [String: JSONValue] = [:]
        body["policy"] = policy.map { .string($0) }
        body["selector"] = selector.map { .string($0) }
        if !members.isEmpty { body["members"] = .array(members.map { .string($0) }) }
        return body
    }

    /// The same as parts of a URL, with what is said to it.
    func query(and message: String?) -> String {
        let parts =
            [("policy", policy), ("selector", selector), ("message", message)]
            + members.map { ("member", $0) }
        return parts.compactMap { key, value in value.map { "\(key)=\($0.percentEncoded)" } }
            .joined(separator: "&")
    }
}

extension APIClient {
    /// Says what the policies of these overrides publish now.
    fileprivate func showRoutes(of overrides: [JSONValue]) async throws {
        for policy in Set(overrides.compactMap { $0["policy"]?.text }).sorted() {
            let evaluation = try await get("/v1/policies/\(policy.percentEncoded)/evaluation")
            print(PolicyText.line(of: evaluation["route"], policy: policy))
        }
    }
}

extension OverrideWord: ExpressibleByArgument {}
