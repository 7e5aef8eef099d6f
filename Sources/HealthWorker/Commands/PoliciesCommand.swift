import ArgumentParser
import Foundation
import HealthWorkerModel
import HealthWorkerTelling
import NIOCore
import NIOHTTP1

struct PoliciesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policies", abstract: "How members are published, and why.",
        subcommands: [List.self, Get.self, Explain.self, Simulate.self, Watch.self, Delete.self],
        aliases: ["policy"])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List policies with what they publish.")

        @OptionGroup var options: ClientOptions
        @OptionGroup var selecting: SelectingOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let policies = try await options.client().all("/v1/policies" + selecting.query)
            try output.format.show(policies) {
                Table(
                    [
                        "NAME", "TYPE", "MODE", "SET", "PUBLISHES", "CAUSE", "SINCE", "FROZEN",
                        "PROTECTED",
                    ],
                    $0.map { policy in
                        let observed = policy["observed"]
                        let route = observed?["route"]
                        return [
                            policy["name"]?.shown ?? "?", policy["type"]?.shown ?? "?",
                            policy["mode"]?.shown ?? "?", observed?["set"]?.shown ?? "-",
                            route.map(RouteText.values) ?? "-", route?["cause"]?.shown ?? "-",
                            Moments.relative(route?["decided_at"]?.text),
                            observed?["freeze"].map { $0["reason"]?.shown ?? "yes" } ?? "-",
                            Self.protection(observed),
                        ]
                    })
            }
        }

        /// `yes`, or `no:` and why.
        private static func protection(_ observed: JSONValue?) -> String {
            if observed?["protected"] == .bool(true) { return "yes" }
            let reasons = observed?["exposures"]?.elements.compactMap { $0["reason"]?.shown } ?? []
            return reasons.isEmpty ? "-" : "no: " + reasons.joined(separator: ", ")
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one policy as it is written, with its route.")

        @OptionGroup var options: ClientOptions
        @Argument(help: "The policy's name.")
        var name: String
        @Option(name: [.customShort("o"), .customLong("output")], help: "yaml, json or name.")
        var format: ListingFormat = .yaml

        func run() async throws {
            let policy = try await options.client().get("/v1/policies/\(name.percentEncoded)")
            if format == .name {
                print(policy["name"]?.shown ?? "")
            } else {
                try format.show(policy)
            }
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say who is published, who is not and why, and what would change it.")

        @OptionGroup var options: ClientOptions
        @Argument(help: "The policy's name.")
        var name: String
        @Option(name: [.customShort("o"), .customLong("output")], help: "table, json or yaml.")
        var format: ListingFormat = .table

        func run() async throws {
            let client = try options.client()
            let encoded = name.percentEncoded
            let evaluation = try await client.get("/v1/policies/\(encoded)/evaluation")
            guard format == .table else { return try format.show(evaluation) }
            print(
                PolicyText(
                    policy: try await client.get("/v1/policies/\(encoded)"), evaluation: evaluation,
                    overrides: try await client.all("/v1/overrides?policy=\(encoded)"),
                    deliveries: try await client.get("/v1/routes/\(encoded)/deliveries")
                ).text(on: .standardOutput), terminator: "")
        }
    }

    struct Simulate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what would be published if members' health were another.")

        @OptionGroup var options: ClientOptions
        @Argument(help: "The policy's name.")
        var name: String
        @Option(help: "A member that would be unhealthy; may be given several times.")
        var unhealthy: [String] = []
        @Option(help: "A member that would be healthy; may be given several times.")
        var healthy: [String] = []
        @Option(help: "How far to look ahead, such as 10m: what delays and ends bring is decided.")
        var after: TimeSpan?
        @Option(name: [.customShort("o"), .customLong("output")], help: "table, json or yaml.")
        var format: ListingFormat = .table

        func run() async throws {
            var body: [String: JSONValue] = [:]
            for (key, members) in [("unhealthy", unhealthy), ("healthy", healthy)]
            where !members.isEmpty {
                body[key] = .object(["members": .array(members.map { .string($0) })])
            }
            if let after { body["after"] = .string(after.description) }
            let simulation = try await options.client().call(
                .POST, "/v1/policies/\(name.percentEncoded)/simulate",
                body: try JSONValue.object(body).compact
            ).json()
            guard format == .table else { return try format.show(simulation) }
            let changes = simulation["changes"]?.elements ?? []
            for change in changes {
                print(
                    "\(Moments.clock(change["decided_at"]?.text))  "
                        + PolicyText.line(of: change, policy: name))
            }
            if changes.isEmpty {
                print("\(name) goes on to publish \(RouteText.values(of: simulation))")
            }
            let unprotected = simulation["unprotected"]?.elements.compactMap(\.shown) ?? []
            if !unprotected.isEmpty {
                print(
                    "Nothing healthy would be published of \(unprotected.joined(separator: ", ")).")
            }
        }
    }

    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a policy's route, and each new one as it is decided.",
            discussion: """
                Goes on until it is interrupted. With --for it ends after that time, with 3 if no new \
                route came; with --once it ends with 0 at the first new route.
                """)

        @OptionGroup var options: ClientOptions
        @Argument(help: "The policy's name.")
        var name: String
        @Option(name: .customLong("for"), help: "How long to watch, such as 10m.")
        var limit: TimeSpan?
        @Flag(help: "End at the first new route.")
        var once = false

        func run() async throws {
            let client = try options.client()
            let end = limit.map { ContinuousClock.now + $0.duration }
            var tag: String?
            var isNew = false
            while true {
                let left = end.map { $0 - ContinuousClock.now } ?? .seconds(30)
                guard left > .zero else { break }
                let wait = max(1, min(30_000, left.components.seconds * 1000 + 999))
                let answer = try await client.call(
                    .GET, "/v1/routes/\(name.percentEncoded)?wait=\(wait)ms",
                    headers: tag.map { [(name: "If-None-Match", value: $0)] } ?? [],
                    timeout: .seconds(45), waiting: "watching \(name)")
                guard answer.status == 200 else { continue }
                isNew = tag != nil
                tag = answer.headers.first(name: "ETag")
                let route = try answer.json()
                say(
                    "\(Moments.clock(route["decided_at"]?.text))  "
                        + PolicyText.line(of: route, policy: name))
                if isNew, once { return }
            }
            if !isNew { throw Exit.no }
        }

        /// Unbuffered, as it is watched while it happens.
        private func say(_ line: String) {
            FileHandle.standardOutput.write(Data((line + "\n").utf8))
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a policy and the checks that it made; sinks keep what they hold.")

        @OptionGroup var order: PolicyOrder

        func run() async throws {
            _ = try await order.options.client().call(
                .DELETE, "/v1/policies/\(order.policy.percentEncoded)\(order.query)")
            print("\(order.policy): deleted")
        }
    }
}

struct RoutesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes", abstract: "The members published now.",
        subcommands: [List.self, Get.self], defaultSubcommand: List.self, aliases: ["route"])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List routes by policy.")

        @OptionGroup var options: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let routes = try await options.client().all("/v1/routes")
            if output.format == .name {
                for route in routes { print(route["policy"]?.shown ?? "") }
                return
            }
            try output.format.show(routes) {
                Table(
                    ["POLICY", "PUBLISHES", "TTL", "CAUSE", "GENERATION", "DECIDED", "MODE"],
                    $0.map { route in
                        [
                            route["policy"]?.shown ?? "?", RouteText.values(of: route),
                            route["ttl"]?.shown ?? "?", route["cause"]?.shown ?? "?",
                            route["generation"]?.shown ?? "?",
                            Moments.relative(route["decided_at"]?.text),
                            route["mode"]?.shown ?? "?",
                        ]
                    })
            }
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the values that a policy publishes now, one a line.")

        @OptionGroup var options: ClientOptions
        @Argument(help: "The policy's name.")
        var policy: String
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let route = try await options.client().get("/v1/routes/\(policy.percentEncoded)")
            switch output.format {
            case .json, .yaml: try output.format.show(route)
            case .name: print(route["policy"]?.shown ?? "")
            case .table:
                for record in route["records"]?.elements ?? [] {
                    print(record["value"]?.shown ?? "")
                }
            }
        }
    }
}
