import ArgumentParser
import Foundation
import HealthWorkerRouting
import HealthWorkerSettings

struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check or show the configuration.",
        subcommands: [Check.self, Show.self, Sample.self], defaultSubcommand: Show.self)

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether the configuration is right: every fault, or nothing and exit 0.")

        @OptionGroup var options: ConfigurationOptions

        func run() throws {
            _ = try options.load()
            print("The configuration is right.")
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show every key with its value and where it came from; secrets are hidden.")

        @OptionGroup var options: ConfigurationOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            try output.format.show(try options.load().show(), name: \.key) { shown in
                Table(
                    ["KEY", "VALUE", "FROM"],
                    shown.map { setting in
                        let from = setting.source.description
                        return [
                            setting.key, setting.value,
                            setting.readFrom.map { "\(from), read from \($0)" } ?? from,
                        ]
                    })
            }
        }
    }

    struct Sample: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a configuration file with every key, its default and what it does.")

        func run() {
            print(Settings.sample(sinks: SinkTable.types), terminator: "")
        }
    }
}
