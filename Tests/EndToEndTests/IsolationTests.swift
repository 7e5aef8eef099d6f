import Foundation
import Testing

/// A worker whose network is really taken away: it lives in a network of its own, with one cable to the
/// network of its targets.
@Suite(.serialized) struct `A worker that loses its network` {
    @Test(.timeLimit(.minutes(3)))
    func `turns nothing, claims nothing and goes on when the network is back`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let networks = try Networks()
        defer { networks.remove() }
        let roles = Roles(scratch: scratch, networks: networks)
        do {
            try await follow(roles, networks, scratch)
        } catch {
            print(roles.logs)
            await roles.stop()
            throw error
        }
        await roles.stop()
    }

    private func follow(_ roles: Roles, _ networks: Networks, _ scratch: Scratch) async throws {
        let target = try roles.serve(at: "192.0.2.2", "target")
        _ = try roles.serve(at: "192.0.2.3", "reference")
        try await roles.start(
            """
            format: 1
            checks:
            - name: web
              type: http
              target: {host: 192.0.2.2, port: 8080}
              interval: 1s
              fast_interval: 1s
              timeout: 1s
              confirm: none
              fall: 2
              rise: 1
            """)
        try await roles.until("healthy") { $0.health == "healthy" }

        // The cable is there, and nobody answers at its other end.
        try networks.silence()
        try await roles.until("isolated") { $0.reason == "worker_isolated" }
        try await roles.until("paused") { _ in
            try await roles.paused() == "isolated: no reference target answers"
        }
        try networks.answer()
        try await roles.until("probing again") { $0.outcome == "success" }

        // The worker's own end of the cable is gone.
        try networks.cut()
        try await roles.until("paused") { _ in try await roles.paused() != nil }
        try networks.mend()
        try await roles.until("probing again") { try await roles.paused() == nil && $0.isFresh }
        #expect(try await roles.changes() == ["healthy"])

        // Now it is the target, and the reference answers.
        await target.destroy()
        try await roles.until("unhealthy") { $0.health == "unhealthy" }
        #expect(try await roles.changes() == ["unhealthy", "healthy"])
    }
}

/// Two networks, `worker` (192.0.2.1) and `target` (192.0.2.2 and .3), and a cable between them.
private struct Networks {
    let worker = "hw-worker-\(getpid())"
    let target = "hw-target-\(getpid())"

    init() throws {
        for command in [
            "netns add \(worker)", "netns add \(target)",
            "-n \(worker) link add v0 type veth peer name v1 netns \(target)",
            "-n \(worker) link set lo up", "-n \(target) link set lo up",
            "-n \(worker) address add 192.0.2.1/24 dev v0", "-n \(worker) link set v0 up",
            "-n \(target) link set v1 up",
        ] {
            try ip(command)
        }
        try answer()
    }

    func answer() throws {
        for address in ["192.0.2.2/24", "192.0.2.3/24"] {
            try ip("-n \(target) address add \(address) dev v1")
        }
    }

    func silence() throws { try ip("-n \(target) address flush dev v1") }
    func cut() throws { try ip("-n \(worker) link set v0 down") }
    func mend() throws { try ip("-n \(worker) link set v0 up") }

    func remove() {
        for network in [worker, target] { try? ip("netns delete \(network)") }
    }

    private func ip(_ arguments: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/sbin/ip")
        process.arguments = arguments.split(separator: " ").map(String.init)
        _ = try process.output()
    }
}

/// Register and API beside the tests, and a worker in its network; SQLite is what they share.
private final class Roles {
    private let scratch: Scratch
    private let networks: Networks
    private let client: Client
    private var running: [Program] = []

    init(scratch: Scratch, networks: Networks) {
        self.scratch = scratch
        self.networks = networks
        client = Client(
            port: (try? Here.freePort()) ?? 0, keyFile: scratch.file("admin.key"))
    }

    private var environment: [String: String] {
        [
            "HEALTH_WORKER_DATABASE_URL": "sqlite:\(scratch.file("data.sqlite").path)",
            "HEALTH_WORKER_API_LISTEN": "127.0.0.1:\(client.port)",
            "HEALTH_WORKER_WORKER_REFERENCE_TARGETS": "192.0.2.3:8080,192.0.2.9:1",
        ]
    }

    /// A web server in the target's network.
    func serve(at address: String, _ name: String) throws -> Program {
        try FileManager.default.createDirectory(
            at: scratch.file("www"), withIntermediateDirectories: true)
        return try launch(
            URL(filePath: "/usr/sbin/ip"),
            [
                "netns", "exec", networks.target, Here.python.path, "-m", "http.server", "8080",
                "--bind", address, "--directory", scratch.file("www").path,
            ], name)
    }

    func start(_ document: String) async throws {
        _ = try command(["migrate", "up"])
        let key = try command(["keys", "create", "--role", "admin", "--name", "test"])
        _ = try scratch.write(key, to: "admin.key")
        for role in ["register", "api"] { _ = try launch(Here.healthWorker, [role], role) }
        _ = try launch(
            URL(filePath: "/usr/sbin/ip"),
            ["netns", "exec", networks.worker, Here.healthWorker.path, "worker"], "worker")
        let file = try scratch.write(document, to: "checks.yaml")
        try await until("the API is ready") {
            try await client.get("/readyz", authorized: false).status == 200
        }
        _ = try command([
            "apply", "-f", file.path, "--server", "http://127.0.0.1:\(client.port)", "--key-file",
            scratch.file("admin.key").path,
        ])
    }

    private func launch(
        _ executable: URL, _ arguments: [String], _ name: String
    ) throws -> Program {
        let program = try Program(
            executable, arguments, environment: environment, log: scratch.file("\(name).log"))
        running.append(program)
        return program
    }

    private func command(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = Here.healthWorker
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("HEALTH_WORKER_")
        }.merging(environment) { $1 }
        return try process.output()
    }

    func stop() async {
        for program in running { await program.destroy() }
    }

    var logs: String { running.map { "── \($0.log.path)\n\($0.written)" }.joined(separator: "\n") }

    // MARK: - What is seen

    struct Seen {
        var health: String
        var outcome: String?
        var reason: String?
        /// Whether something was found out within the last seconds.
        var isFresh: Bool
    }

    func until(_ what: String, _ isSo: (Seen) async throws -> Bool) async throws {
        try await until(what) {
            let health = try await client.read("/v1/checks/web/health", as: Health.self)
            let outcomes = try await client.read(
                "/v1/checks/web/outcomes?limit=1", as: Outcomes.self)
            let last = outcomes.items.first
            return try await isSo(
                Seen(
                    health: health.health, outcome: last?.outcome, reason: last?.reason,
                    isFresh: last?.outcome == "success" && health.inconclusiveSince == nil))
        }
    }

    private func until(_ what: String, _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            // Nobody answers before the API listens.
            if (try? await isSo()) == true { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw EndToEndError("waited in vain: \(what)")
    }

    /// What health turned to, the latest first.
    func changes() async throws -> [String] {
        try await client.read("/v1/checks/web/health-changes", as: HealthChangesSeen.self).items
            .map(\.to)
    }

    /// Why the worker claims nothing.
    func paused() async throws -> String? {
        let fleet = try await client.read("/v1/fleet", as: FleetSeen.self)
        return fleet.items.first { $0.roles == ["worker"] }?.paused
    }

    private struct Health: Decodable {
        var health: String
        var inconclusiveSince: String?
    }

    private struct Outcomes: Decodable {
        struct Outcome: Decodable {
            var outcome: String
            var reason: String?
        }
        var items: [Outcome]
    }

    private struct FleetSeen: Decodable {
        struct Process: Decodable {
            var roles: [String]
            var paused: String?
        }
        var items: [Process]
    }
}
