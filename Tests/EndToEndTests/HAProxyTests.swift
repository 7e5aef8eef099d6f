import Foundation
import Testing

/// A real HAProxy that follows our routes by `agent-check`.
@Suite(.serialized) struct `HAProxy` {
    @Test(.timeLimit(.minutes(5)))
    func `follows health, drain, maintenance and weight, and keeps them when we are gone`()
        async throws
    {
        let agentPort = try Here.freePort()
        var pair = try await ConsumedPair.start(settings: [
            "HEALTH_WORKER_AGENT_LISTEN": "127.0.0.1:\(agentPort)"
        ])
        let proxy = try RunningHAProxy(
            pair.scratch, targetPort: pair.targetPort, agentPort: agentPort)
        do {
            try await live(through: &pair, proxy)
        } catch {
            print(proxy.transcript, proxy.program.written, pair.installation.program.written)
            await proxy.program.destroy()
            await pair.end()
            throw error
        }
        print(proxy.transcript)
        await proxy.program.destroy()
        await pair.end()
    }

    private func live(through pair: inout ConsumedPair, _ proxy: RunningHAProxy) async throws {
        let (fra1, ams1) = ("fra1", "ams1")
        try await pair.until("both serve, by their weights") {
            try proxy.state(of: fra1) == "up ready 100" && proxy.state(of: ams1) == "up ready 50"
        }
        proxy.note("both healthy")

        await pair.targets.kill("127.0.0.1")
        try await pair.until("the dead one is down, and the other has all the weight") {
            try proxy.state(of: fra1).hasPrefix("down")
                && proxy.state(of: ams1) == "up ready 100"
        }
        proxy.note("fra1 killed")
        #expect(try proxy.lastWord(to: fra1).contains("unhealthy"))

        try await pair.targets.start("127.0.0.1")
        try await pair.until("it serves again") {
            try proxy.state(of: fra1) == "up ready 100" && proxy.state(of: ams1) == "up ready 50"
        }
        proxy.note("fra1 started again")

        try await pair.tell("override", "set", "drain", "www", ams1, "--for", "2h", "-m", "work")
        try await pair.until("it drains") { try proxy.state(of: ams1).hasPrefix("up drain") }
        proxy.note("ams1 drained")
        try await pair.tell("override", "clear", "www", ams1)
        try await pair.until("it is ready again") { try proxy.state(of: ams1) == "up ready 50" }
        proxy.note("ams1's override cleared")

        try await pair.tell("override", "set", "down", "www", ams1, "--for", "2h", "-m", "work")
        try await pair.until("it is down") { try proxy.state(of: ams1).hasPrefix("down ready") }
        proxy.note("ams1 overridden down")
        try await pair.tell("override", "clear", "www", ams1)
        try await pair.until("it is up again") { try proxy.state(of: ams1) == "up ready 50" }

        try await apply(", enabled: false", to: pair)
        try await pair.until("it is in maintenance") {
            try proxy.state(of: ams1).contains("maint")
        }
        proxy.note("ams1 disabled")
        try await apply("", to: pair)
        try await pair.until("it is out of maintenance") {
            try proxy.state(of: ams1) == "up ready 50"
        }
        proxy.note("ams1 enabled")

        // We die while one is down: HAProxy asks in vain, and keeps all as it was.
        try await pair.tell("override", "set", "down", "www", ams1, "--for", "2h", "-m", "work")
        try await pair.until("it is down") { try proxy.state(of: ams1).hasPrefix("down ready") }
        pair.installation.program.send(SIGKILL)
        #expect(await pair.installation.program.end(within: .seconds(30)) == -SIGKILL)
        for member in [fra1, ams1] {
            try await pair.until("HAProxy has asked in vain") {
                try proxy.agentStatus(of: member).hasPrefix("L4")
            }
        }
        proxy.note("health-worker killed with SIGKILL")
        #expect(try proxy.state(of: fra1) == "up ready 100")
        #expect(try proxy.state(of: ams1).hasPrefix("down ready"))

        try await pair.installation.startAgain()
        try await pair.tell("override", "clear", "www", ams1)
        try await pair.until("it follows again") { try proxy.state(of: ams1) == "up ready 50" }
        proxy.note("health-worker started again, override cleared")
    }

    private func apply(_ second: String, to pair: ConsumedPair) async throws {
        let document = try pair.scratch.write(
            ConsumedPair.document(targetPort: pair.targetPort, second), to: "changed.yaml")
        try await pair.tell("apply", "--no-probe", "-f", document.path)
    }
}

/// HAProxy with a server for each member, which has no checks of its own.
private final class RunningHAProxy {
    let program: Program
    private let socket: String
    private var lines: [String] = []

    var transcript: String { lines.joined(separator: "\n") }

    init(_ scratch: Scratch, targetPort: Int, agentPort: Int) throws {
        // The path of a socket is short.
        socket = "/tmp/hw-haproxy-\(UUID().uuidString.prefix(8)).sock"
        let servers = [("fra1", "127.0.0.1"), ("ams1", "127.0.0.2")].map { name, address in
            "    server \(name) \(address):\(targetPort) weight 100 agent-check agent-inter 200ms "
                + "agent-addr 127.0.0.1 agent-port \(agentPort) agent-send \"www/\(name)\\n\""
        }
        let configuration = try scratch.write(
            """
            global
                nbthread 1
                stats socket \(socket) level admin
            defaults
                mode http
                timeout connect 5s
                timeout client 5s
                timeout server 5s
                timeout check 2s
            backend www
            \(servers.joined(separator: "\n"))

            """, to: "haproxy.cfg")
        program = try Program(
            URL(filePath: "/usr/sbin/haproxy"), ["-db", "-f", configuration.path],
            log: scratch.file("haproxy.log"))
    }

    deinit {
        unlink(socket)
    }

    /// What `set server` and the agent's words move: `up|down|…`, `ready|drain|maint`, and the weight.
    func state(of server: String) throws -> String {
        let rows = try ask("show servers state www").split(separator: "\n")
        let names = try #require(rows.first { $0.hasPrefix("# ") }).dropFirst(2).split(
            separator: " ")
        let values = try #require(rows.first { $0.contains(" \(server) ") })
            .split(separator: " ")
        let row = Dictionary(uniqueKeysWithValues: zip(names, values))
        let operation =
            row["srv_op_state"] == "2" ? "up" : row["srv_op_state"] == "0" ? "down" : "?"
        let flags = Int(row["srv_admin_state"] ?? "") ?? 0
        let administration = flags & 0x07 != 0 ? "maint" : flags & 0x18 != 0 ? "drain" : "ready"
        return "\(operation) \(administration) \(row["srv_uweight"] ?? "?")"
    }

    func lastWord(to server: String) throws -> String { try stat("last_agt", of: server) }

    func agentStatus(of server: String) throws -> String {
        // "* L4CON" while the next one is under way.
        try stat("agent_status", of: server).replacing("* ", with: "")
    }

    func note(_ what: String) {
        let states = ["fra1", "ams1"].map { server in
            let state = (try? state(of: server)) ?? "?"
            return "\(server): \(state) (\((try? stat("status", of: server)) ?? "?"))"
        }
        lines.append("\(what)  →  \(states.joined(separator: ", "))")
    }

    private func stat(_ field: String, of server: String) throws -> String {
        let rows = try ask("show stat").split(separator: "\n")
        let names = try #require(rows.first).dropFirst(2).split(separator: ",")
        let values = try #require(rows.first { $0.hasPrefix("www,\(server),") })
            .split(separator: ",", omittingEmptySubsequences: false)
        let place = try #require(names.firstIndex { $0 == field })
        return String(values[place])
    }

    private func ask(_ command: String) throws -> String {
        let process = Process()
        process.executableURL = Here.python
        process.arguments = [
            "-c",
            """
            import socket, sys
            link = socket.socket(socket.AF_UNIX)
            link.connect(sys.argv[1])
            link.sendall(sys.argv[2].encode() + b"\\n")
            while text := link.recv(65536):
                sys.stdout.write(text.decode())
            """, socket, command,
        ]
        return try process.output()
    }
}
