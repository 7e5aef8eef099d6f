import ArgumentParser
import Foundation
import HealthWorkerRouting
import HealthWorkerSettings

/// The option that every command takes.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: "The configuration file (default: /etc/health-worker/worker.toml where it exists).")
    var path: String?

    /// The settings in force, or every fault on standard error and exit 78.
    ///
    /// `flags` are options of the command that stand for keys, `flagNames` what they are called: they
    /// win over everything else.
    func load(
        flags: [String: String] = [:], flagNames: [String: String] = [:]
    ) throws -> Settings {
        do {
            return try read(flags: flags, flagNames: flagNames)
        } catch {
            throw Exit.error(Exit.configuration, error.description)
        }
    }

    /// As `load`, for a process that runs and goes on whatever is wrong.
    func read(
        flags: [String: String] = [:], flagNames: [String: String] = [:]
    ) throws(SettingsError) -> Settings {
        try Settings.load(
            file: path, environment: ProcessInfo.processInfo.environment, flags: flags,
            flagNames: flagNames, sinks: SinkTable.types)
    }
}
