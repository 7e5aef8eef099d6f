import Foundation
import Testing

/// What a service manager is told through its socket.
@Suite struct `A service manager` {
    @Test(.timeLimit(.minutes(3)), arguments: ["register", "worker", "api"])
    func `hears when a role is ready, lives, reads its configuration and ends`(role: String)
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }
        // A socket of either kind.
        let path =
            role == "api"
            ? "@health-worker-\(UUID().uuidString)" : scratch.file("notify").path
        let manager = try await Manager.start(at: path, in: scratch)
        let settings = [
            "DATABASE_URL": "sqlite:\(scratch.file("x.sqlite").path)", "NOTIFY_SOCKET": path,
            "WATCHDOG_USEC": "2000000",
            "HEALTH_WORKER_API_LISTEN": "127.0.0.1:\(try Here.freePort())",
        ]
        let migrated = try await Program.run(
            Here.healthWorker, ["migrate", "up"], in: scratch, environment: settings)
        #expect(migrated.code == 0, "\(migrated.text)")
        #expect(manager.heard == [], "what is no role tells it nothing")

        let program = try Program(
            Here.healthWorker, [role], environment: settings, log: scratch.file("\(role).log"))
        do {
            try await manager.hears("READY=1")
            try await manager.hears("WATCHDOG=1", times: 3)
            program.send(SIGHUP)
            try await manager.hears("READY=1", times: 2)
            program.send(SIGTERM)
            #expect(await program.end(within: .seconds(60)) == 0)
            try await manager.hears("STOPPING=1")
        } catch {
            print(program.written)
            await program.destroy()
            await manager.stop()
            throw error
        }
        await manager.stop()

        let heard = manager.heard.filter { $0 != "WATCHDOG=1" }
        #expect(heard.count == 4)
        #expect(heard.first == "READY=1")
        #expect(heard.dropFirst().first?.hasPrefix("RELOADING=1 MONOTONIC_USEC=") == true)
        #expect(Array(heard.suffix(2)) == ["READY=1", "STOPPING=1"])
    }

    @Test(.timeLimit(.minutes(3)))
    func `hears no sign of life while a loop hangs, and hears it again when it turns`()
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let manager = try await Manager.start(at: scratch.file("notify").path, in: scratch)
        let port = try Here.freePort()
        let document = try scratch.write(
            """
            format: 1
            checks:
            - name: nobody
              type: tcp
              target: {host: 127.0.0.1, port: \(try Here.freePort())}
              interval: 1s
              timeout: 1s
            """, to: "document.yaml")
        let program = try Program(
            Here.healthWorker,
            ["standalone", "--data-dir", scratch.file("data").path, "--apply", document.path],
            environment: [
                "NOTIFY_SOCKET": scratch.file("notify").path, "WATCHDOG_USEC": "2000000",
                "HEALTH_WORKER_API_LISTEN": "127.0.0.1:\(port)",
            ], log: scratch.file("health-worker.log"))
        do {
            try await manager.hears("WATCHDOG=1", times: 2)

            // Whoever writes waits for the lock, ten seconds at a time.
            let lock = try SQLiteFile(path: scratch.file("data/health-worker.sqlite").path)
                .lock(log: scratch.file("lock.log"))
            let hung = ContinuousClock.now + .seconds(60)
            while !program.written.contains("a loop hangs"), ContinuousClock.now < hung {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(program.written.contains("a loop hangs"))
            #expect(program.isRunning)
            let before = manager.heard.count
            await lock.destroy()
            try await manager.hears("WATCHDOG=1", times: before + 2)
        } catch {
            print(program.written.suffix(4000))
            await program.destroy()
            await manager.stop()
            throw error
        }
        await program.destroy()
        await manager.stop()
    }
}

/// The end of the socket where the service manager listens.
private struct Manager {
    let program: Program

    static func start(at path: String, in scratch: Scratch) async throws -> Manager {
        let program = try Program(
            Here.python,
            [
                "-c",
                """
                import socket, sys
                link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                path = sys.argv[1]
                link.bind("\\0" + path[1:] if path.startswith("@") else path)
                print("bound", flush=True)
                while True:
                    print(link.recv(4096).decode().replace("\\n", " "), flush=True)
                """, path,
            ], log: scratch.file("manager.log"))
        let manager = Manager(program: program)
        try await manager.hears("bound")
        return manager
    }

    /// One datagram after the other, lines with blanks between them.
    var heard: [String] {
        program.written.split(separator: "\n").map(String.init).filter { $0 != "bound" }
    }

    func hears(_ words: String, times: Int = 1) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            let lines = program.written.split(separator: "\n")
            if lines.count(where: { $0 == words }) >= times { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw EndToEndError("\(words) was not heard \(times) times: \(program.written)")
    }

    func stop() async { await program.destroy() }
}
