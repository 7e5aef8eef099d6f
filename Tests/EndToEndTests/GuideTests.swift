import Foundation
import Testing

/// The guides' own commands against the real program: what is written there works.
@Suite struct `The guides` {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Sources/HealthWorker/HealthWorker.docc")

    @Test(
        .timeLimit(.minutes(3)),
        arguments: ["APIByExample", "AutomatingFromCI", "LookingBack", "WhichSwitch"])
    func `run as they are written`(guide: String) async throws {
        let night = try await Night.begin()
        do {
            try await night.until("both members are healthy") {
                try await night.run("status").code == 0
            }
            try await follow(guide, in: night)
        } catch {
            await night.end()
            throw error
        }
        await night.end()
    }

    private func follow(_ guide: String, in night: Night) async throws {
        let text = try String(
            contentsOf: Self.folder.appending(path: "\(guide).md"), encoding: .utf8)
        // One shell, as a reader has one: what a block sets is there in the next.
        let commands = text.split(separator: "```bash\n").dropFirst().compactMap {
            $0.split(separator: "\n```").first
        }
        let script = try night.scratch.write(
            commands.joined(separator: "\n") + "\n", to: "guide.sh")
        let bin = night.scratch.file("bin")
        try FileManager.default.createDirectory(at: bin, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            at: bin.appending(path: "health-worker"), withDestinationURL: Here.healthWorker)
        var environment = night.environment
        environment["PATH"] = "\(bin.path):/usr/bin:/bin"

        let run = try await Program.run(
            URL(filePath: "/bin/bash"),
            ["-c", "cd \"$0\" && exec bash -euo pipefail guide.sh", night.scratch.folder.path],
            in: night.scratch, environment: environment)

        #expect(commands.count > 0)
        #expect(script.lastPathComponent == "guide.sh")
        #expect(run.code == 0, "\(run.text)")
        // Where a refusal is shown, it comes.
        for line in commands.joined(separator: "\n").split(separator: "\n") {
            guard let said = line.split(separator: "|| echo ").dropFirst().first else { continue }
            #expect(run.text.contains(said.filter { !"'\"".contains($0) }), "\(run.text)")
        }
    }
}
