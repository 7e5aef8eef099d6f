import Foundation
import Testing

/// What somebody who was woken up does: every command against the real program, while a real target
/// is gone.
@Suite(.serialized) struct `A night` {
    @Test(.timeLimit(.minutes(3)))
    func `is told, explained, overridden and ended by commands alone`() async throws {
        let night = try await Night.begin()
        do {
            try await live(through: night)
        } catch {
            print(night.transcript)
            await night.end()
            throw error
        }
        print(night.transcript)
        await night.end()
    }

    private func live(through night: Night) async throws {
        // Nothing is wrong.
        try await night.until("the first tier is published") {
            try await night.run("routes", "get", "www").text == "127.0.0.1\n"
        }
        try await night.until("both members are healthy") {
            try await night.run("status").code == 0
        }
        #expect(try await night.run("status").text.contains("Nothing is wrong."))

        // The first tier dies; somebody watches.
        let watch = try night.start("policies", "watch", "www", "--once", "--for", "60s")
        try await night.until("the watch shows what is published") {
            watch.written.contains("www publishes 127.0.0.1")
        }
        await night.targets.kill("127.0.0.1")
        #expect(await watch.end(within: .seconds(70)) == 0)
        night.note("policies watch www --once", watch.written)
        #expect(watch.written.contains("www publishes 127.0.0.2, ttl 30 (failover"))

        let status = try await night.run("status")
        #expect(status.code == 3)
        #expect(status.text.contains("check www.fra1: is unhealthy since"))
        #expect(status.text.contains("connect_refused"))
        #expect(status.text.contains("health-worker checks explain www.fra1"))
        let check = try await night.run("checks", "explain", "www.fra1")
        #expect(check.text.contains("healthy → unhealthy"))
        #expect(check.text.contains("Used by www."))
        let explained = try await night.run("policies", "explain", "www")
        #expect(explained.text.contains("fra1    127.0.0.1  out  unhealthy"))
        #expect(explained.text.contains("ams1    127.0.0.2  in   healthy"))

        // The only healthy member is not taken out by mistake.
        let refused = try await night.run(
            "override", "set", "down", "www", "ams1", "--for", "2h", "-m", "kernel update")
        #expect(refused.code == 6)
        #expect(refused.text.contains("without a healthy published member"))
        #expect(refused.text.contains("--break-glass"))
        let endless = try await night.run(
            "override", "set", "drain", "www", "ams1", "-m", "kernel update")
        #expect(endless.code == 64)
        #expect(endless.text.contains("--for 2h, --until MOMENT or --permanent"))

        // The target is back, and the policy waits for somebody.
        let early = try await night.run("failback", "www")
        #expect(early.code == 6)
        #expect(early.text.contains("no better tier waits to come back"))
        try await night.targets.start("127.0.0.1")
        try await night.until("the better tier waits") {
            try await night.run("policies", "explain", "www").text.contains(
                "healthy, and waits for a failback by hand")
        }
        #expect(
            try await night.run("policies", "explain", "www").text.contains(
                "health-worker failback www"))
        let simulated = try await night.run("policies", "simulate", "www", "--unhealthy", "ams1")
        #expect(simulated.text.contains("www publishes 127.0.0.1"))
        let back = try await night.run("failback", "www", "-m", "the target is well")
        #expect(back.code == 0)
        #expect(back.text.contains("www publishes 127.0.0.1, ttl 30 (failback"))

        // Somebody works on the other one meanwhile.
        let override = try await night.run(
            "override", "set", "drain", "www", "ams1", "--for", "2h", "-m", "kernel update")
        #expect(override.code == 0)
        #expect(override.text.contains("www ams1 drain until"))
        let listed = try await night.run("override", "list")
        #expect(listed.text.contains("kernel update"))
        #expect(listed.text.contains("in 2h 0m") || listed.text.contains("in 1h 59m"))
        let known = try await night.run("status")
        #expect(known.code == 0)
        #expect(known.text.contains("override www/ams1"))
        #expect(try await night.run("override", "clear", "www", "ams1").code == 0)
        let none = try await night.run("override", "clear", "www", "ams1")
        #expect(none.code == 6)
        #expect(none.text.contains("override list"))

        let frozen = try await night.run("freeze", "www", "--for", "1h", "-m", "launch")
        #expect(frozen.code == 0)
        #expect(try await night.run("status").text.contains("is frozen by"))
        #expect(try await night.run("thaw", "www").code == 0)
        let thawed = try await night.run("thaw", "www")
        #expect(thawed.code == 6)
        #expect(thawed.text.contains("is not frozen"))

        // A worker dies, and nobody is told by it.
        let worker = try night.startWorker()
        try await night.until("the second worker is known") {
            try await night.run("fleet", "list").text.contains("night-worker")
        }
        await worker.destroy()
        try await night.until("the second worker is missed") {
            try await night.run("history", "www", "--since", "2h").text.contains(
                "worker night-worker (default) was seen last")
        }

        // What happened, with who did it.
        let history = try await night.run("history", "www", "--since", "2h")
        for words in [
            "www.fra1: healthy → unhealthy", "127.0.0.2, ttl 30 (failover)", "failback",
            "set ams1 drain", "kernel update", "frozen: launch", "thawed",
            "shop: created www.fra1, www.ams1, www  by standalone --apply", "night-worker",
        ] {
            #expect(history.text.contains(words), "\(words) in \(history.text)")
        }
        #expect(history.text.contains("by key:"))
        #expect(try await night.run("history", "nobody").code == 1)

        // Nothing new comes within the time.
        #expect(try await night.run("policies", "watch", "www", "--for", "1s").code == 3)
    }
}

/// An installation with a failover of two real targets, and what was said in it.
final class Night: @unchecked Sendable {  // one test at a time appends to the transcript
    let scratch: Scratch
    let targets: Targets
    let installation: Installation
    private(set) var transcript = ""

    private init(_ scratch: Scratch, _ targets: Targets, _ installation: Installation) {
        self.scratch = scratch
        self.targets = targets
        self.installation = installation
    }

    static func begin() async throws -> Night {
        let scratch = try Scratch()
        let port = try Here.freePort()
        let targets = try Targets(scratch, port: port)
        try await targets.start("127.0.0.1")
        try await targets.start("127.0.0.2")
        let document = try scratch.write(
            """
            format: 1
            set: shop
            policies:
            - name: www
              type: failover
              failback: manual
              ttl_degraded: 30
              member_check:
                type: http
                target: {port: \(port)}
                interval: 1s
                timeout: 1s
                fall: 2
                rise: 1
              members:
              - {name: fra1, value: 127.0.0.1, priority: 10, labels: {site: fra1}}
              - {name: ams1, value: 127.0.0.2, priority: 20, labels: {site: ams1}}
            """, to: "shop.yaml")
        return Night(
            scratch, targets,
            try await Installation.start(
                in: scratch, port: try Here.freePort(), apply: document))
    }

    var environment: [String: String] {
        [
            "HEALTH_WORKER_SERVER": "http://127.0.0.1:\(installation.port)",
            "HEALTH_WORKER_KEY_FILE": scratch.file("data/admin.key").path,
        ]
    }

    func run(_ arguments: String...) async throws -> (code: Int32?, text: String) {
        let result = try await Program.run(
            Here.healthWorker, arguments, in: scratch, environment: environment)
        note(
            arguments.map { $0.contains(" ") ? "'\($0)'" : $0 }.joined(separator: " "),
            result.text
                + (result.code == 0 ? "" : "[exit \(result.code.map(String.init) ?? "-")]\n"))
        return result
    }

    func start(_ arguments: String...) throws -> Program {
        try Program(
            Here.healthWorker, arguments, environment: environment, log: scratch.file("watch.log"))
    }

    /// A second worker on the installation's database.
    func startWorker() throws -> Program {
        try Program(
            Here.healthWorker, ["worker"],
            environment: [
                "DATABASE_URL": "sqlite:\(scratch.file("data").path)/health-worker.sqlite",
                "HEALTH_WORKER_WORKER_NAME": "night-worker",
            ], log: scratch.file("worker.log"))
    }

    /// What was said is told once, however often it was asked for.
    func note(_ command: String, _ said: String) {
        let entry = "$ health-worker \(command)\n\(said)\n"
        if !transcript.hasSuffix(entry) { transcript += entry }
    }

    func until(_ what: String, _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        let before = transcript
        while ContinuousClock.now < deadline {
            if try await isSo() { return }
            transcript = before
            try await Task.sleep(for: .milliseconds(100))
        }
        throw EndToEndError("not within a minute: \(what)")
    }

    func end() async {
        await installation.program.destroy()
        await targets.stop()
        scratch.remove()
    }
}
