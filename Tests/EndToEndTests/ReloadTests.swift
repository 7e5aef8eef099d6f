import Foundation
import Testing

/// A configuration that changes while the process runs.
@Suite struct `Reading the configuration anew` {
    @Test(.timeLimit(.minutes(3)))
    func `takes up what can change, names what cannot, and takes nothing of a wrong file`()
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let running = try await Configured.start(in: scratch, worker: "concurrency = 10")
        do {
            try await change(running)
        } catch {
            print(running.program.written)
            await running.program.destroy()
            throw error
        }
        await running.program.destroy()
    }

    private func change(_ running: Configured) async throws {
        #expect(try await running.concurrency() == 10)
        #expect(!running.program.written.contains(#""level":"info""#))

        // Each in its way: at once, and at the next start.
        try running.configure(
            "[log]\nlevel = \"info\"\n[worker]\nconcurrency = 20\nlocation = \"fra1\"\n"
                + "[api.limits]\nper_address = 1\n")
        running.program.send(SIGHUP)
        try await running.until("the worker goes by it") { try await running.concurrency() == 20 }
        try await running.until("so does the API") {
            try await running.client.get("/", authorized: false).status == 429
        }
        try await running.until("the log tells of each key") { running.keys.count == 4 }
        #expect(
            running.keys == [
                "api.limits.per_address": "a setting was taken up 1",
                "log.level": "a setting was taken up info",
                "worker.concurrency": "a setting was taken up 20",
                "worker.location": "a setting needs a restart of this process fra1",
            ])
        #expect(running.program.written.contains(#""message":"working by other settings""#))
        #expect(running.program.written.contains("worker.toml:6"))

        // Two faults, and a right value beside them.
        try running.configure(
            "[log]\nlevel = \"loud\"\n[worker]\nconcurency = 30\n[api.limits]\nper_address = 0\n")
        running.program.send(SIGHUP)
        let file = running.file.path
        for fault in [
            "\(file):4: log.level: ", "\(file):6: worker.concurency: unknown key; did you mean",
        ] {
            try await running.until("the log says \(fault)") {
                running.messages.contains { $0["problem"]?.hasPrefix(fault) == true }
            }
        }
        #expect(running.program.isRunning)
        #expect(try await running.concurrency() == 20)
        try await running.until("the API limits as before") {
            try await running.client.get("/", authorized: false).status == 429
        }

        // Mended. What waits for a restart is said again; what was taken away has its default, which the
        // level had already.
        try running.configure("[worker]\nlocation = \"fra1\"\n")
        let said = running.messages.count
        running.program.send(SIGHUP)
        try await running.until("the worker has its default") {
            try await running.concurrency() == 1000
        }
        try await running.until("the log tells of it") {
            running.messages.dropFirst(said).contains { $0["changes"] == "3" }
        }
        let again = running.messages.dropFirst(said).first { $0["key"] == "worker.location" }
        #expect(again?["message"] == "a setting needs a restart of this process")

        running.program.send(SIGTERM)
        #expect(await running.program.end(within: .seconds(60)) == 0)
    }

    @Test(.timeLimit(.minutes(3)))
    func `leaves the log level to who set it for the worker, until that is taken back`()
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let running = try await Configured.start(in: scratch, worker: "concurrency = 10")
        do {
            try await changeLevel(running, in: scratch)
        } catch {
            print(running.program.written)
            await running.program.destroy()
            throw error
        }
        await running.program.destroy()
    }

    private func changeLevel(_ running: Configured, in scratch: Scratch) async throws {
        func fleet(_ words: String...) async throws -> String {
            let run = try await Program.run(
                Here.healthWorker,
                ["fleet"] + words + [
                    "--server", "http://127.0.0.1:\(running.client.port)", "--key-file",
                    running.client.keyFile.path,
                ], in: scratch)
            #expect(run.code == 0, "\(run.text)")
            return run.text
        }
        func answersAreLogged(after count: Int) async throws -> Bool {
            _ = try await running.client.get("/v1/fleet")
            return running.messages.dropFirst(count).contains { $0["level"] == "debug" }
        }
        #expect(running.messages.allSatisfy { $0["level"] != "debug" })

        let said = try await fleet("set", "--all", "--log-level", "debug", "-m", "ticket 7")
        #expect(said == "all workers: log_level debug; workers take it up within 2 s.\n")
        try await running.until("answers are logged") { try await answersAreLogged(after: 0) }
        #expect(try await fleet("list").contains("debug (all)"))
        #expect(try await fleet("settings").contains("ticket 7"))

        // The file is read anew, and says less.
        try running.configure("[log]\nlevel = \"warning\"\n[worker]\nconcurrency = 20\n")
        running.program.send(SIGHUP)
        try await running.until("the file was read") { try await running.concurrency() == 20 }
        let read = running.messages.count
        try await running.until("answers are still logged") {
            try await answersAreLogged(after: read)
        }

        _ = try await fleet("set", "--all", "--unset", "log_level")
        try await running.until("the file's level holds again") {
            let count = running.messages.count
            return try await !answersAreLogged(after: count)
        }
        #expect(try await !fleet("list").contains("debug"))
    }

    @Test(.timeLimit(.minutes(3)))
    func `is what SIGHUP asks for at a terminal, too, and its end is an end`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let port = try Here.freePort()
        let file = try scratch.write("[api]\nlisten = \"127.0.0.1:\(port)\"\n", to: "worker.toml")
        let script = try scratch.write(
            """
            import os, pty, select, signal, sys, time
            child, terminal = pty.fork()
            if child == 0:
                os.execv(sys.argv[1], sys.argv[1:])
            seen = b""
            def wait_for(words):
                global seen
                deadline = time.monotonic() + 50
                while words not in seen and time.monotonic() < deadline:
                    if select.select([terminal], [], [], 1)[0]:
                        seen += os.read(terminal, 65536)
                if words not in seen:
                    os.kill(child, signal.SIGKILL)
                    sys.exit(f"never written: {words}; but {seen.decode()}")
            wait_for(b"Server started")
            os.kill(child, signal.SIGHUP)
            wait_for(b"the configuration was read anew")
            # Who closes this end hangs up.
            os.close(terminal)
            print("ended with", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
            """, to: "terminal.py")

        let run = try await Program.run(
            Here.python,
            [
                script.path, Here.healthWorker.path, "standalone", "--config", file.path,
                "--data-dir", scratch.file("data").path,
            ], in: scratch)

        #expect(run.text.contains("ended with 0"), "\(run.text)")
    }
}

/// A `standalone` that goes by a file.
private struct Configured {
    let file: URL
    let client: Client
    let program: Program

    static func start(in scratch: Scratch, worker: String) async throws -> Configured {
        let client = Client(port: try Here.freePort(), keyFile: scratch.file("data/admin.key"))
        let file = try scratch.write("", to: "worker.toml")
        try text(client, "[log]\nlevel = \"warning\"\n[worker]\n\(worker)\n").write(
            to: file, atomically: true, encoding: .utf8)
        let running = Configured(
            file: file, client: client,
            program: try Program(
                Here.healthWorker,
                [
                    "standalone", "--config", file.path, "--data-dir",
                    scratch.file("data").path,
                ], environment: ["HEALTH_WORKER_LOG_FORMAT": "json"],
                log: scratch.file("health-worker.log")))
        try await running.until("it is ready") {
            try await client.get("/readyz", authorized: false).status == 200
        }
        return running
    }

    private static func text(_ client: Client, _ more: String) -> String {
        "[api]\nlisten = \"127.0.0.1:\(client.port)\"\n" + more
    }

    func configure(_ more: String) throws {
        try Self.text(client, more).write(to: file, atomically: true, encoding: .utf8)
    }

    /// Of the worker in it, as the fleet shows it.
    func concurrency() async throws -> Int? {
        struct Fleet: Decodable {
            struct Process: Decodable { var settings: Settings? }
            struct Settings: Decodable { var concurrency: Concurrency }
            struct Concurrency: Decodable { var value: Int }
            var items: [Process]
        }
        return try await client.read("/v1/fleet", as: Fleet.self)
            .items.first?.settings?.concurrency.value
    }

    var messages: [[String: String]] {
        program.written.split(separator: "\n").compactMap {
            try? JSONDecoder().decode([String: String].self, from: Data($0.utf8))
        }
    }

    /// What the log says of each key, with its value.
    var keys: [String: String] {
        Dictionary(
            messages.compactMap { line in
                line["key"].map { ($0, "\(line["message"] ?? "") \(line["value"] ?? "")") }
            }, uniquingKeysWith: { $1 })
    }

    func until(_ what: String, _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline, program.isRunning {
            if (try? await isSo()) == true { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw EndToEndError("waited in vain: \(what)")
    }
}
