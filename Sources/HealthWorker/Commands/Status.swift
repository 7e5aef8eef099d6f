import ArgumentParser
import HealthWorkerModel
import HealthWorkerTelling

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what is wrong now, first things first; exit 3 if anything is.",
        discussion: """
            First what keeps everything from being probed, then what is published without being \
            healthy, then what is out, and last what will want somebody later.
            """)

    @OptionGroup var options: ClientOptions
    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: "table, json, yaml, or name: what is wrong, by name.")
    var format: ListingFormat = .table

    func run() async throws {
        let seen = try await Observation(of: try options.client())
        let troubles = seen.troubles
        switch format {
        case .json, .yaml: try format.show(.array(troubles.map(\.json)))
        case .name: for trouble in troubles { print("\(trouble.kind)/\(trouble.name)") }
        case .table: print(seen.text(troubles, on: .standardOutput))
        }
        if troubles.contains(where: \.isWrong) { throw Exit.no }
    }
}

/// Everything that `status` looks at, read once.
private struct Observation {
    private let seen: Troubles

    init(of client: APIClient) async throws {
        seen = Troubles(
            fleet: try await client.get("/v1/fleet")["items"]?.elements ?? [],
            policies: try await client.all("/v1/policies"),
            checks: try await client.all("/v1/checks"),
            overrides: try await client.all("/v1/overrides"),
            maintenances: try await client.all("/v1/maintenances?state=active"),
            sinks: try await client.get("/v1/sinks")["items"]?.elements ?? [],
            queue: try await client.get("/v1/queue"))
    }

    var troubles: [Trouble] { seen.inOrder }

    func text(_ troubles: [Trouble], on terminal: Terminal) -> String {
        var lines = [
            "\(seen.checks.count) checks, \(seen.policies.count) policies, "
                + "\(seen.overrides.count) overrides, \(seen.fleet.count) processes, "
                + "\(seen.queue["live"]?.shown ?? "?") jobs live"
        ]
        if !troubles.contains(where: \.isWrong) {
            lines.append(terminal.green("Nothing is wrong."))
        }
        for trouble in troubles {
            let line = "\(trouble.kind) \(trouble.name): \(trouble.sentence)"
            lines.append(
                trouble.rank <= .published
                    ? terminal.red(line) : trouble.isWrong ? terminal.yellow(line) : line)
            if let remedy = trouble.remedy { lines.append(terminal.dim("    \(remedy)")) }
        }
        return lines.joined(separator: "\n")
    }
}
