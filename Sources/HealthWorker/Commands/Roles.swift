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
        let deadline = ContinuousClock.now + wait.duration
        let storage = try await Engine.open(settings, waiting: wait.duration, telemetry.logger)
        let installation = Installation(
            settings: settings, telemetry: telemetry, storage: storage, roles: [role],
            patience: deadline)
        do {
            try await installation.run(beside: nil)
        } catch let error as ListenError {
            throw Exit.error(Exit.failed, error.description)
        }
        await storage.close()
    }
}

extension TimeSpan: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(argument)
    }
}
