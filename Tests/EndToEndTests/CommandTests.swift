import Foundation
import Testing

/// What people and scripts see of the commands: sentences and exit codes.
@Suite struct `The commands` {
    private func run(
        _ arguments: [String], in scratch: Scratch, environment: [String: String] = [:]
    ) async throws -> (code: Int32?, text: String) {
        try await Program.run(
            Here.healthWorker, arguments, in: scratch, environment: environment)
    }

    @Test func `a wrong configuration names keys and lines, exits 78 and starts nothing`()
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let file = try scratch.write(
            """
            [api]
            lissten = "127.0.0.1:1"
            [worker]
            concurrency = 0
            """, to: "worker.toml")

        let check = try await run(["config", "check", "--config", file.path], in: scratch)
        let start = try await run(
            ["standalone", "--config", file.path, "--data-dir", scratch.file("data").path],
            in: scratch)

        #expect(check.code == 78)
        #expect(check.text.contains("worker.toml:2: api.lissten: "))
        #expect(check.text.contains("did you mean api.listen?"))
        #expect(check.text.contains("worker.toml:4: worker.concurrency: "))
        #expect(start.code == 78)
        #expect(start.text == check.text)
        #expect(!FileManager.default.fileExists(atPath: scratch.file("data").path))
    }

    @Test func `settings are shown with their sources, and secrets are not`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let file = try scratch.write(
            "[worker]\nlocation = \"fra1\"\n[secrets]\nshop = \"hunter2\"\n", to: "worker.toml")

        let shown = try await run(
            ["config", "show", "--config", file.path], in: scratch,
            environment: ["HEALTH_WORKER_LOG_LEVEL": "debug"])

        #expect(shown.code == 0)
        #expect(shown.text.contains("worker.toml:2"))
        #expect(shown.text.contains("HEALTH_WORKER_LOG_LEVEL"))
        #expect(!shown.text.contains("hunter2"))
    }

    @Test func `a database that cannot be opened is named with what to do`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let missing = scratch.file("nowhere/x.sqlite").path
        let other = try scratch.write("this is a text", to: "text.sqlite").path

        let folder = try await run(
            ["migrate"], in: scratch, environment: ["DATABASE_URL": "sqlite:\(missing)"])
        let text = try await run(
            ["keys", "list"], in: scratch, environment: ["DATABASE_URL": "sqlite:\(other)"])

        #expect(folder.code == 1)
        #expect(folder.text.contains(scratch.file("nowhere").path))
        #expect(folder.text.contains("create it"))
        #expect(text.code == 1)
        #expect(text.text.contains("\(other) is not an SQLite database"))
    }

    @Test func `a schema that is too old exits 75 and names the command`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let url = ["DATABASE_URL": "sqlite:\(scratch.file("x.sqlite").path)"]

        let before = try await run(["keys", "list"], in: scratch, environment: url)
        let pending = try await run(["migrate", "status"], in: scratch, environment: url)
        let dry = try await run(["migrate", "up", "--dry-run"], in: scratch, environment: url)
        let up = try await run(["migrate"], in: scratch, environment: url)
        let after = try await run(["migrate", "status"], in: scratch, environment: url)
        let keys = try await run(["keys", "list"], in: scratch, environment: url)

        #expect(before.code == 75)
        #expect(before.text.contains("health-worker migrate up"))
        #expect(pending.code == 3)
        #expect(dry.code == 3)
        #expect(up.code == 0)
        #expect(after.code == 0)
        #expect(keys.code == 0)
    }

    @Test
    func `an invalid document tells every problem with its line, exits 65 and stores nothing`()
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let file = try scratch.write(
            """
            format: 1
            checks:
            - name: web
              type: http
              target: {hots: 127.0.0.1}
              intervall: 5s
            """, to: "bad.yaml")

        let applied = try await run(
            [
                "standalone", "--data-dir", scratch.file("data").path, "--apply", file.path,
                "--once",
            ], in: scratch)

        #expect(applied.code == 65)
        #expect(applied.text.contains("bad.yaml:5: "))
        #expect(applied.text.contains("bad.yaml:6: "))
        #expect(!FileManager.default.fileExists(atPath: scratch.file("data").path))
    }

    @Test func `what init prints can be applied`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        for kind in ["check", "failover", "detach"] {
            let printed = try await run(["init", kind], in: scratch)
            #expect(printed.code == 0)
            _ = try scratch.write(printed.text, to: "\(kind).yaml")
        }
        let installation = try await Installation.start(in: scratch, port: try Here.freePort())
        defer { installation.program.send(SIGKILL) }
        let client = [
            "--server", "http://127.0.0.1:\(installation.port)", "--key-file",
            scratch.file("data/admin.key").path,
        ]

        for kind in ["check", "failover", "detach"] {
            let file = ["-f", scratch.file("\(kind).yaml").path]
            let diff = try await run(["diff"] + file + client, in: scratch)
            let apply = try await run(["apply"] + file + client, in: scratch)
            let again = try await run(["diff"] + file + client, in: scratch)
            #expect(diff.code == 3, "\(kind): \(diff.text)")
            #expect(apply.code == 0, "\(kind): \(apply.text)")
            #expect(again.code == 0, "\(kind): \(again.text)")
        }
        let exported = try await run(["export"] + client, in: scratch)
        _ = try scratch.write(exported.text, to: "export.yaml")
        let back = try await run(
            ["diff", "-f", scratch.file("export.yaml").path] + client, in: scratch)
        #expect(back.code == 0, "\(back.text)")
    }

    @Test func `a client says who does not answer, and that a key is needed`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let installation = try await Installation.start(in: scratch, port: try Here.freePort())
        defer { installation.program.send(SIGKILL) }
        let server = "http://127.0.0.1:\(installation.port)"

        let nobody = try await run(
            ["status", "--server", "http://127.0.0.1:\(try Here.freePort())"], in: scratch)
        let keyless = try await run(
            ["status", "--server", server], in: scratch, environment: ["HOME": "/nonexistent"])
        let wrong = try await run(
            ["status", "--server", server], in: scratch,
            environment: ["HEALTH_WORKER_KEY": "hw_aaaa_bbbb"])
        let usage = try await run(["status", "--sever", server], in: scratch)

        #expect(nobody.code == 5)
        #expect(nobody.text.contains("cannot be reached"))
        #expect(keyless.code == 4)
        #expect(keyless.text.contains("--key-file"))
        #expect(wrong.code == 4)
        #expect(!wrong.text.contains("bbbb"))
        #expect(usage.code == 64)
    }

    @Test func `the queue is shown to people, and nothing in it needs them`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let document = try scratch.write(
            """
            format: 1
            checks:
            - name: here
              type: tcp
              target: {host: 127.0.0.1, port: \(try Here.freePort())}
            """, to: "here.yaml")
        let installation = try await Installation.start(
            in: scratch, port: try Here.freePort(), apply: document)
        defer { installation.program.send(SIGKILL) }

        let shown = try await run(
            [
                "queue", "--server", "http://127.0.0.1:\(installation.port)", "--key-file",
                scratch.file("data/admin.key").path,
            ], in: scratch)

        #expect(shown.code == 0, "\(shown.text)")
        for word in ["LIVE", "LEASED", "READY", "Lag of the last", "ENQUEUED", "RESCUED", "MISSED"]
        {
            #expect(shown.text.contains(word), "\(shown.text)")
        }
    }

    @Test func `a second signal ends a drain at once`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let hole = try BlackHole()
        let document = try scratch.write(
            """
            format: 1
            checks:
            - name: slow
              type: http
              target: {host: 127.0.0.1, port: \(hole.port)}
              interval: 60s
              timeout: 60s
            """, to: "slow.yaml")
        let installation = try await Installation.start(
            in: scratch, port: try Here.freePort(), apply: document)
        try await hole.awaitConnection()

        installation.program.send(SIGTERM)
        let draining = await installation.program.end(within: .seconds(1))
        installation.program.send(SIGTERM)
        let ended = await installation.program.end(within: .seconds(30))

        #expect(draining == nil)
        #expect(ended == 1)
    }
}

/// Accepts connections and never says a word.
private struct BlackHole {
    let port: Int
    private let descriptor: Int32

    init() throws {
        port = try Here.freePort()
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = in_port_t(port).bigEndian
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0, listen(descriptor, 16) == 0 else { throw POSIXError(.EADDRINUSE) }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    func awaitConnection() async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if accept(descriptor, nil, nil) >= 0 { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw EndToEndError("nobody connected")
    }
}
