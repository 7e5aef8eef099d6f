import Foundation
import Testing

/// Workers whose networks are really cut, while they go on to claim jobs and to store what they find:
/// no reference target tells them that it is they who are in trouble.
@Suite(.serialized) struct `A worker that is cut off and does not know it` {
    private static let checks = (1...12).map { "c\($0)" }

    private static func document(locations: String) -> String {
        """
        format: 1
        checks:
        """
            + checks.enumerated().map { index, name in
                """

                - name: \(name)
                  type: http
                  target: {host: 192.0.2.\(index + 1), port: 8080}
                  locations: [\(locations)]
                  interval: 1s
                  fast_interval: 1s
                  timeout: 1s
                  fall: 5
                """
            }.joined() + "\n"
    }

    /// Workers at these locations, each in a network of its own, that see all targets.
    private func follow(
        _ locations: [String], _ body: (Cables, Fleet) async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let networks = try Cables(workers: locations.count, targets: Self.checks.count)
        defer { networks.remove() }
        let target = try networks.serve(scratch)
        let fleet = try await Fleet.start(
            in: scratch,
            Fleet.Plan(
                engine: .sqlite, registers: 1, workers: [],
                document: Self.document(locations: Set(locations).sorted().joined(separator: ", "))
            ))
        do {
            for (number, location) in locations.enumerated() {
                try fleet.startWorker(
                    "worker-\(number)", location: location,
                    by: networks.entrance(of: number, fleet.scratch))
            }
            for check in Self.checks { try await fleet.awaitHealth("healthy", of: check) }
            try await body(networks, fleet)
        } catch {
            print(fleet.logs)
            await fleet.stop()
            await target.destroy()
            throw error
        }
        await fleet.stop()
        await target.destroy()
    }

    @Test(.timeLimit(.minutes(10)))
    func `is found out by its peers, named and quarantined, and turns nothing`() async throws {
        try await follow(["default", "default", "default"]) { networks, fleet in
            let name = "worker-2"
            let id = try await fleet.processes([name])

            try networks.cut(2)

            try await fleet.until("it is quarantined", within: .seconds(300)) {
                try await fleet.quarantine(of: name) == ["quarantined"]
            }
            // It claims nothing more, and what it had in flight is over.
            try await fleet.until("it holds nothing") {
                try fleet.database.number(
                    "SELECT count(*) FROM probe_jobs WHERE worker_id = \(id)") == 0
            }
            let moment = try fleet.databaseTime()
            try await fleet.until("the others have its jobs") {
                try fleet.database.number(
                    """
                    SELECT count(*) FROM (
                        SELECT check_id FROM outcomes
                        WHERE outcome = 'success' AND started_at > \(moment)
                        GROUP BY check_id HAVING count(*) >= 2
                    ) AS probed
                    """) == 12
            }
            #expect(try fleet.probes(by: id, after: moment) == 0)
            #expect(try fleet.turnsToUnhealthy() == 0)

            // It says so itself, and everybody else.
            let status = try await fleet.run(["status"] + fleet.connection)
            #expect(status.code == 3)
            #expect(status.text.contains("worker \(name): is quarantined until "), "\(status)")
            #expect(try fleet.tell("fleet", "list").contains("contradicted by its peers on"))
            #expect(fleet.log(of: name).contains("this worker is quarantined"))
            #expect(fleet.log(of: "register-1").contains("a worker is quarantined"))
            let events = try await fleet.client.get("/v1/events?type=quarantine").body
            let told = String(decoding: events, as: UTF8.self)
            #expect(told.contains("worker.quarantined") && told.contains(name), "\(told)")

            // Killed, it goes on with what it has to serve, though its network is back.
            try networks.mend(2)
            await fleet.kill(name)
            try fleet.startAgain(name)
            var again = ""
            try await fleet.until("it is back") {
                let known = try fleet.database.rows(
                    "SELECT process_id FROM processes WHERE presence LIKE '%\(name)%'")
                again = known.map { $0[0] }.first { $0 != id } ?? ""
                return !again.isEmpty
            }
            let since = try fleet.databaseTime()
            for check in Self.checks { try await fleet.awaitOutcome(of: check) }
            #expect(try await fleet.quarantine(of: name).contains("quarantined"))
            #expect(try fleet.probes(by: again, after: since) == 0)

            // Ended and started again, it works.
            fleet.send(SIGTERM, to: name)
            #expect(await fleet.end(of: name, within: .seconds(60)) == 0)
            try fleet.startAgain(name)
            try await fleet.until("it works") {
                try fleet.database.number(
                    """
                    SELECT count(*) FROM outcomes
                    WHERE outcome = 'success' AND started_at > \(since)
                      AND worker_id IN (
                          SELECT process_id FROM processes
                          WHERE presence LIKE '%\(name)%' AND process_id NOT IN (\(id), \(again))
                      )
                    """) > 0
            }
            #expect(try fleet.turnsToUnhealthy() == 0)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `turns nothing with its whole location while another location sees the targets`()
        async throws
    {
        try await follow(["fra1", "ams1", "ams1"]) { networks, fleet in
            let ids = try await fleet.processes(["worker-1", "worker-2"])
            let moment = try fleet.databaseTime()

            for number in 1...2 { try networks.cut(number) }

            // They have found a failure of each check, and of some more than would turn it alone: of two
            // out of three one goes on.
            let failures = "FROM outcomes WHERE outcome = 'failure' AND started_at > \(moment)"
            try await fleet.until("the cut off fail everywhere", within: .seconds(300)) {
                try fleet.database.number(
                    "SELECT count(DISTINCT check_id) \(failures) AND worker_id IN (\(ids))") == 12
                    && fleet.database.number("SELECT count(*) \(failures)") >= 84
            }
            try await fleet.until("they are said to disagree", within: .seconds(300)) {
                try await fleet.run(["status"] + fleet.connection).text
                    .contains("fleet workers: disagree")
            }

            #expect(try fleet.turnsToUnhealthy() == 0)
            let quarantined =
                try await fleet.quarantine(of: "worker-1")
                + fleet.quarantine(of: "worker-2")
            #expect(quarantined.count { $0 == "quarantined" } <= 1)
        }
    }
}

/// A site that loses most of its targets at once, seen from one location.
@Suite(.serialized) struct `Targets that seem to die together` {
    private static var document: String {
        """
        format: 1
        policies:
        - name: www
          type: detach
          member_check: {type: http, target: {port: 8080}, interval: 2s, fast_interval: 1s,
                         timeout: 2s, fall: 2}
          members:
        """
            + (1...12).map { "\n  - {name: m\($0), value: 192.0.2.\($0)}" }.joined() + "\n"
    }

    @Test(.timeLimit(.minutes(5)))
    func `stay published until somebody looks, or two minutes are over`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let networks = try Cables(workers: 1, targets: 12)
        defer { networks.remove() }
        let target = try networks.serve(scratch)
        let fleet = try await Fleet.start(
            in: scratch,
            Fleet.Plan(engine: .sqlite, registers: 1, workers: [], document: Self.document))
        do {
            try fleet.startWorker(
                "worker-0", location: "default", by: networks.entrance(of: 0, fleet.scratch))
            try await follow(networks, fleet)
        } catch {
            print(fleet.logs)
            await fleet.stop()
            await target.destroy()
            throw error
        }
        await fleet.stop()
        await target.destroy()
    }

    private func follow(_ networks: Cables, _ fleet: Fleet) async throws {
        let all = (1...12).map { "m\($0)" }
        for member in all { try await fleet.awaitHealth("healthy", of: "www.\(member)") }
        _ = try await fleet.route { $0.records.map(\.name) == all }

        try networks.silence(1...9)
        for member in all.prefix(9) {
            try await fleet.awaitHealth("unhealthy", of: "www.\(member)")
        }
        // Of twelve six may go before the guard acts; which, depends on which turned first.
        var held: [String] = []
        try await fleet.until("the last that turned are held") {
            held = try await fleet.client.read("/v1/guard", as: HoldsSeen.self).items.map(\.member)
            return held.count >= 3
        }

        let member = try #require(held.last)
        let route = try await fleet.route { _ in true }
        #expect(Set(route.records.map(\.name)) == Set(held + all.suffix(3)))
        #expect(try fleet.tell("guard", "status").contains(member))
        let status = try await fleet.run(["status"] + fleet.connection)
        #expect(status.code == 3)
        #expect(status.text.contains("publishes an unhealthy member: \(member) by guard until"))
        #expect(status.text.contains("health-worker guard release www"))
        let explained = try fleet.tell("policies", "explain", "www")
        #expect(explained.contains("Held: \(member) by guard until"))
        #expect(explained.contains("unhealthy, and held: too many turned at once"))
        let logs = fleet.log(of: "worker-0") + fleet.log(of: "register-1")
        #expect(logs.contains("guard holds unhealthy members of www published"))

        // That one of them holds nothing keeps none of the others.
        let released = try await fleet.run(
            ["guard", "release", "nowhere", "www", "-m", "the hall is dark"] + fleet.connection)
        #expect(released.code != 0)
        #expect(
            released.text.contains("publishes 192.0.2.10, 192.0.2.11, 192.0.2.12, ttl"),
            "\(released.text)")
        let history = try fleet.tell("history", "www", "--since", "1h")
        #expect(history.contains("  by guard"), "\(history)")
        #expect(history.contains("the hall is dark  by key:"), "\(history)")
        #expect(try fleet.tell("guard", "status") == "Nothing is held.")
    }

    private struct HoldsSeen: Decodable {
        struct Hold: Decodable { var member: String }
        var items: [Hold]
    }
}

extension Fleet {
    /// What a command needs to reach the API.
    fileprivate var connection: [String] {
        ["--server", "http://127.0.0.1:\(client.port)", "--key-file", client.keyFile.path]
    }

    fileprivate func turnsToUnhealthy() throws -> Int64 {
        try database.number("SELECT count(*) FROM health_changes WHERE to_health = 'unhealthy'")
    }

    /// Where the processes of this name stand of which there is something to say.
    fileprivate func quarantine(of name: String) async throws -> [String] {
        struct Seen: Decodable {
            struct Process: Decodable {
                var name: String
                var quarantine: Quarantine?
            }
            struct Quarantine: Decodable { var state: String }
            var items: [Process]
        }
        return try await client.read("/v1/fleet", as: Seen.self).items
            .filter { $0.name == name }.compactMap(\.quarantine?.state)
    }

    /// The ids of processes with these names, as a list for SQL.
    fileprivate func processes(_ names: [String]) async throws -> String {
        var ids: [String] = []
        try await until("all workers are known") {
            ids = try database.rows("SELECT process_id, presence FROM processes")
                .filter { row in names.contains { row[1].contains("\"\($0)\"") } }
                .map { $0[0] }
            return ids.count == names.count
        }
        return ids.joined(separator: ", ")
    }
}

/// The targets' network, which has an address for each of them, and one for each worker with a cable
/// of its own to it. What the roles share is a file, so that nothing else is cut.
private struct Cables {
    private let target: String
    private let workers: [String]

    init(workers count: Int, targets: Int) throws {
        // Tests run beside each other in one process.
        let own = "\(getpid())-\(Int.random(in: 0..<1_000_000))"
        target = "hw-targets-\(own)"
        workers = (0..<count).map { "hw-worker\($0)-\(own)" }
        try ip("netns add \(target)")
        try ip("-n \(target) link set lo up")
        for number in 1...targets {
            try ip("-n \(target) address add 192.0.2.\(number)/32 dev lo")
        }
        for (number, worker) in workers.enumerated() {
            for command in [
                "netns add \(worker)", "-n \(worker) link set lo up",
                "-n \(worker) link add v0 type veth peer name v\(number) netns \(target)",
                "-n \(worker) address add 198.51.100.\(4 * number + 1)/30 dev v0",
                "-n \(target) address add 198.51.100.\(4 * number + 2)/30 dev v\(number)",
                "-n \(worker) link set v0 up", "-n \(target) link set v\(number) up",
                "-n \(worker) route add 192.0.2.0/24 via 198.51.100.\(4 * number + 2)",
            ] {
                try ip(command)
            }
        }
    }

    /// A web server at every address of the targets.
    func serve(_ scratch: Scratch) throws -> Program {
        let folder = scratch.file("www")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return try Program(
            URL(filePath: "/usr/sbin/ip"),
            [
                "netns", "exec", target, Here.python.path, "-m", "http.server", "8080",
                "--directory", folder.path,
            ], log: scratch.file("targets.log"))
    }

    /// A program that is `health-worker` in the network of a worker.
    func entrance(of number: Int, _ scratch: Scratch) throws -> URL {
        let file = try scratch.write(
            """
            #!/bin/sh
            exec /usr/sbin/ip netns exec \(workers[number]) \(Here.healthWorker.path) "$@"

            """, to: "enter-\(number)")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        return file
    }

    /// The far end of a worker's cable is pulled out: its packets go nowhere, and nobody is told.
    func cut(_ number: Int) throws { try ip("-n \(target) link set v\(number) down") }

    /// It is put back.
    func mend(_ number: Int) throws { try ip("-n \(target) link set v\(number) up") }

    /// Nobody answers at the addresses of these targets.
    func silence(_ numbers: ClosedRange<Int>) throws {
        for number in numbers { try ip("-n \(target) address del 192.0.2.\(number)/32 dev lo") }
    }

    func remove() {
        for network in workers + [target] { try? ip("netns delete \(network)") }
    }

    private func ip(_ arguments: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/sbin/ip")
        process.arguments = arguments.split(separator: " ").map(String.init)
        _ = try process.output()
    }
}
