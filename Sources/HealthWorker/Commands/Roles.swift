import ArgumentParser
import HealthWorkerModel
import HealthWorkerSettings
import HealthWorkerStorage
import Logging

struct RegisterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "register",
        abstract: "Put due checks into the job table; start as many as you like.")

    @OptionGroup var options: RoleOptions

    func run() async throws { try await options.run(.register) }
}

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Claim jobs, probe, and record what was found; start as many as you like.")

    @OptionGroup var options: RoleOptions

    func run() async throws { try await options.run(.worker) }
}

struct APICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api", abstract: "Serve the API; start as many as you like.")

    @OptionGroup var options: RoleOptions

    func run() async throws { try await options.run(.api) }
}

/// One role in a process of its own, until SIGTERM.
struct RoleOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions
    @Option(help: "How long to wait for a database that is not up yet, such as 30s.")
    var wait: TimeSpan = .seconds(0)

    func run(_ role: Role) async throws {
        let settings = try configuration.load()
        let telemetry = Telemetry.start(settings)
        Installation.prepareProcess(telemetry.logger)
        let wait = wait
        let manager = ServiceManager(logger: telemetry.logger)
        let reload = await Reload(
            settings, roles: [role], manager: manager, telemetry
        ) { [configuration] () throws(SettingsError) in try configuration.read() }
        do {
            let consumers =
                role == .api ? try await Consumers(settings, logger: telemetry.logger) : nil
            try await Consumers.serving(consumers) {
                try await Self.run(
                    role, settings, telemetry, waiting: wait, beside: consumers, reload, manager)
            }
        } catch let error as ListenError {
            throw Exit.error(Exit.failed, error.description)
        }
    }

    private static func run(
        _ role: Role, _ settings: Settings, _ telemetry: Telemetry, waiting wait: TimeSpan,
        beside consumers: Consumers?, _ reload: Reload, _ manager: ServiceManager?
    ) async throws {
        // Who has routes of the last time to tell serves on, however long the database is away.
        let patience = consumers?.hasSnapshot == true ? TimeSpan.hours(24 * 3660) : wait
        let deadline = ContinuousClock.now + patience.duration
        let storage = try await Engine.open(
            settings, waiting: patience.duration, telemetry.logger)
        let installation = Installation(
            settings: settings, telemetry: telemetry, storage: storage, roles: [role],
            reload: reload, manager: manager, consumers: consumers, patience: deadline)
        try await installation.run(beside: nil)
        await storage.close()
    }
}

extension TimeSpan: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(argument)
    }
}
