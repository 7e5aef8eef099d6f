import ArgumentParser
import Foundation
import HealthWorkerModel
import HealthWorkerTelling
import NIOHTTP1

struct FleetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet",
        abstract: "The processes that run, and what workers go by while they do.",
        subcommands: [
            List.self, ListSettings.self, SetSettings.self, Pause.self, Resume.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the processes that run, and what each worker goes by.")

        @OptionGroup var options: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await options.client().get("/v1/fleet")
            try output.format.show(answer["items"]?.elements ?? []) {
                Table(
                    [
                        "NAME", "ROLES", "LOCATION", "VERSION", "SEEN", "CLAIMED", "PROBING",
                        "CONCURRENCY", "BATCH", "LOG", "PAUSED",
                    ],
                    $0.map { process in
                        let settings = process["settings"]
                        return [
                            process["name"]?.text ?? "?",
                            (process["roles"]?.elements ?? []).compactMap(\.text)
                                .joined(separator: ","),
                            process["location"]?.text ?? "?", process["version"]?.text ?? "?",
                            process["seen_at"]?.text ?? "?", process["claimed"]?.text ?? "-",
                            process["probing"]?.text ?? "-",
                            Self.cell(of: settings?["concurrency"]),
                            Self.cell(of: settings?["batch_size"]),
                            Self.cell(of: settings?["log_level"]),
                            QuarantineText.line(of: process) ?? process["paused"]?.text ?? "-",
                        ]
                    })
            }
        }

        /// A value, and who set it where that was not the configuration.
        private static func cell(of setting: JSONValue?) -> String {
            guard let value = setting?["value"]?.text else { return "-" }
            let origin = setting?["from"]?.text ?? "configuration"
            return origin == "configuration" ? value : "\(value) (\(origin))"
        }
    }

    struct ListSettings: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "settings", abstract: "List what is set, for whom and by whom.")

        @OptionGroup var options: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await options.client().get("/v1/settings/worker")
            try output.format.show(answer["items"]?.elements ?? []) {
                Table(
                    [
                        "SCOPE", "NAME", "CONCURRENCY", "BATCH", "LOG", "PAUSED", "SET", "BY",
                        "WHY",
                    ],
                    $0.map { entry in
                        let settings = entry["settings"]
                        return [
                            entry["scope"]?.text ?? "?", entry["name"]?.text ?? "-",
                            settings?["concurrency"]?.text ?? "-",
                            settings?["batch_size"]?.text ?? "-",
                            settings?["log_level"]?.text ?? "-", settings?["paused"]?.text ?? "-",
                            entry["updated_at"]?.text ?? "?", entry["updated_by"]?.text ?? "?",
                            entry["message"]?.text ?? "",
                        ]
                    })
            }
        }
    }

    struct SetSettings: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: "Set what workers go by; they take it up within 2 s.",
            discussion: "A worker's name beats its location, which beats all, value by value.")

        @OptionGroup var edit: SettingsEdit
        @Option(help: "The most probes in flight at once.")
        var concurrency: Int?
        @Option(help: "The most jobs claimed in one go.")
        var batchSize: Int?
        @Option(help: "Whether nothing is claimed: true or false.")
        var paused: Bool?
        @Option(help: "The least important level that their processes log.")
        var logLevel: LogLevel?
        @Option(help: "Say nothing of concurrency, batch_size, paused or log_level any more.")
        var unset: [WorkerSettings.CodingKeys] = []

        func validate() throws {
            let isSaid = [concurrency != nil, batchSize != nil, paused != nil, logLevel != nil]
            guard isSaid.contains(true) || !unset.isEmpty else {
                throw ValidationError(
                    "Say what to set: --concurrency, --batch-size, --paused, --log-level or --unset."
                )
            }
        }

        func run() async throws {
            try await edit.carryOut { settings in
                if let concurrency { settings[.concurrency] = .integer(Int64(concurrency)) }
                if let batchSize { settings[.batchSize] = .integer(Int64(batchSize)) }
                if let paused { settings[.isPaused] = .bool(paused) }
                if let logLevel { settings[.logLevel] = .string(logLevel.rawValue) }
                for key in unset { settings[key] = nil }
            }
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let workers claim nothing more; what is in flight ends as ever.")

        @OptionGroup var edit: SettingsEdit

        func run() async throws {
            try await edit.carryOut { $0[.isPaused] = .bool(true) }
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a pause back.",
            discussion: """
                It takes back what was said for just these workers. Where another scope pauses some of \
                them as well, that is said; `fleet set --name NAME --paused false` makes an exception of one.
                """)

        @OptionGroup var edit: SettingsEdit

        func run() async throws {
            let others = try await edit.carryOut { $0[.isPaused] = nil }
            for entry in others where entry["settings"]?["paused"] == .bool(true) {
                let scope = [entry["scope"]?.text, entry["name"]?.text].compactMap(\.self)
                print(
                    "Still paused: \(scope.joined(separator: " ")), by "
                        + "\(entry["updated_by"]?.text ?? "?").")
            }
        }
    }
}

/// Which workers settings are for, and the change of these.
struct SettingsEdit: ParsableArguments {
    typealias Settings = [WorkerSettings.CodingKeys: JSONValue]

    @OptionGroup var options: ClientOptions
    @Option(help: "The workers of this name.")
    var name: String?
    @Option(help: "The workers of this location.")
    var location: String?
    @Flag(help: "All workers.")
    var all = false
    @Option(name: .short, help: "Why, for the fleet and the audit log.")
    var message: String?

    func validate() throws {
        guard [name != nil, location != nil, all].count(where: \.self) == 1 else {
            throw ValidationError(
                "Say which workers: --name NAME, --location LOCATION or --all, one of them.")
        }
    }

    private var scope: WorkerScope {
        if let name { return .name(name) }
        if let location { return .location(location) }
        return .all
    }

    private var path: String {
        let root = "/v1/settings/worker"
        return switch scope {
        case .all: "\(root)/all"
        case .location(let name): "\(root)/locations/\(name.percentEncoded)"
        case .name(let name): "\(root)/names/\(name.percentEncoded)"
        }
    }

    private static func isWorker(_ process: JSONValue) -> Bool {
        process["roles"]?.elements.contains(.string("worker")) ?? false
    }

    private func isMeant(_ process: JSONValue) -> Bool {
        Self.isWorker(process)
            && scope.admits(process["name"]?.text ?? "", at: process["location"]?.text ?? "")
    }

    /// Reads what is set, changes it and puts it back; refused where somebody else changed it
    /// meanwhile.
    /// - Returns: what else is set for some of the same workers.
    @discardableResult
    func carryOut(_ change: (inout Settings) -> Void) async throws -> [JSONValue] {
        let client = try options.client()
        let items = try await client.get("/v1/settings/worker")["items"]?.elements ?? []
        let isMine: (JSONValue) -> Bool = {
            $0["scope"]?.text == scope.kind.rawValue && $0["name"]?.text ?? "" == scope.name
        }
        let stored = items.first(where: isMine)
        var settings: Settings = [:]
        for key in WorkerSettings.CodingKeys.allCases {
            settings[key] = stored?["settings"]?[key.rawValue]
        }
        let before = settings
        change(&settings)
        let target = path + (message.map { "?message=\($0.percentEncoded)" } ?? "")
        let condition =
            stored?["revision"]?.text.map { (name: "If-Match", value: "\"\($0)\"") }
            ?? (name: "If-None-Match", value: "*")
        if settings == before {
            print("\(scope): as it was.")
        } else if settings.isEmpty {
            _ = try await client.call(.DELETE, target, headers: [condition])
            print("\(scope): nothing is set any more; workers take it up within 2 s.")
        } else {
            let body = JSONValue.object(
                Dictionary(uniqueKeysWithValues: settings.map { ($0.key.rawValue, $0.value) }))
            _ = try await client.call(
                .PUT, target, headers: [condition],
                body: String(decoding: try JSONEncoder().encode(body), as: UTF8.self))
            let said = WorkerSettings.CodingKeys.allCases.compactMap { key in
                settings[key]?.text.map { "\(key.rawValue) \($0)" }
            }
            print("\(scope): \(said.joined(separator: ", ")); workers take it up within 2 s.")
        }
        let running = try await client.get("/v1/fleet")["items"]?.elements ?? []
        if !running.contains(where: isMeant) {
            print("No worker that runs is meant by that at present.")
        }
        let workers = running.filter(Self.isWorker).map {
            (name: $0["name"]?.text ?? "", location: $0["location"]?.text ?? "")
        }
        return items.filter { item in
            guard !isMine(item), let kind = WorkerScope.Kind(rawValue: item["scope"]?.text ?? "")
            else { return false }
            return scope.meets(WorkerScope(kind, item["name"]?.text ?? ""), among: workers)
        }
    }
}

extension LogLevel: ExpressibleByArgument {}

extension WorkerSettings.CodingKeys: ExpressibleByArgument {
    package init?(argument: String) {
        self.init(rawValue: argument)
    }
}
