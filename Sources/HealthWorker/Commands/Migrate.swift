import ArgumentParser
import HealthWorkerModel
import HealthWorkerSettings
import HealthWorkerStorage

struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the schema up to date, or say how it stands.",
        subcommands: [Up.self, ShowStatus.self, Validate.self], defaultSubcommand: Up.self)

    struct Up: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Apply the migrations that are pending.")

        @OptionGroup var options: ConfigurationOptions
        @Flag(help: "Say what would be applied, apply nothing, and exit 3 if anything would be.")
        var dryRun = false
        @Flag(help: "Print the SQL of what is pending.")
        var showSQL = false
        @Option(help: "How long to wait for a database that is not up yet, such as 30s.")
        var wait: TimeSpan = .seconds(0)

        func run() async throws {
            let migrator = try await Engine.migrator(try options.load())
            // A schema that does not fit will not fit later either.
            try await Engine.patiently(
                until: .now + wait.duration,
                for: { if case .unavailable = $0 { true } else { false } },
                { () throws(StorageError) in _ = try await migrator.pending() },
                telling: { Exit.say("Waiting for the database: \($0)") })
            try await Engine.reporting { () async throws in
                if showSQL {
                    for migration in try await migrator.pending() { print(migration.sql) }
                }
                let done = try await migrator.up(dryRun: dryRun)
                for migration in done {
                    print(
                        "\(dryRun ? "would apply" : "applied") "
                            + "\(migration.number) \(migration.name)")
                }
                if done.isEmpty { print("The schema is up to date.") }
                if dryRun, !done.isEmpty { throw Exit.no }
            }
        }
    }

    struct ShowStatus: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status",
            abstract: "List the migrations; exit 3 when some are pending.")

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let migrator = try await Engine.migrator(try options.load())
            try await Engine.reporting { () async throws in
                let steps = try await migrator.status()
                print(
                    Table(
                        ["MIGRATION", "STATE", "AT", "BY"],
                        steps.map { ["\($0.number) \($0.name)"] + $0.state.cells }
                    ).text)
                if steps.contains(where: { $0.state == .pending }) { throw Exit.no }
            }
        }
    }

    struct Validate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether this program can run on the schema as it is.")

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let migrator = try await Engine.migrator(try options.load())
            try await Engine.reporting { () async throws in
                try await migrator.validate()
                print("This program can run on the schema as it is.")
            }
        }
    }
}

extension MigrationState {
    fileprivate var cells: [String] {
        switch self {
        case .pending: ["pending", "-", "-"]
        case .applied(let at, let program): ["applied", at.description, program]
        case .changed(let at, let program): ["applied with another text", at.description, program]
        case .newer(let at, let program, let oldest):
            ["newer, works from \(oldest)", at.description, program]
        }
    }
}
