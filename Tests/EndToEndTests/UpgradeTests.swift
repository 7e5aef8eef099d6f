import Foundation
import Testing

/// Two versions of the program on one schema, as real programs under load: nobody has to stop for an
/// upgrade, or to go back.
@Suite(.serialized) struct `An upgrade under load` {
    @Test(.timeLimit(.minutes(6)), arguments: [Engine.postgresql, .sqlite])
    func `misses no probe and errs nowhere, there and back`(engine: Engine) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let target = try await SlowTarget.start(in: scratch, thinking: .milliseconds(20))
        let checks = (0..<Self.checks).map { number in
            """
            - name: web-\(number)
              type: http
              target: {host: 127.0.0.1, port: \(target.port)}
              interval: 10s
            """
        }
        let fleet = try await Fleet.start(
            in: scratch,
            Fleet.Plan(
                engine: engine, workers: ["here", "here"],
                settings: ["HEALTH_WORKER_LOG_FORMAT": "json"],
                document: "format: 1\nchecks:\n" + checks.joined(separator: "\n") + "\n"))
        do {
            try await upgrade(fleet)
        } catch {
            print(fleet.logs)
            await fleet.stop()
            await target.stop()
            throw error
        }
        await fleet.stop()
        await target.stop()
    }

    /// At one probe in ten seconds each: forty a second.
    private static let checks = 400
    private static let present = ["register-1", "register-2", "worker-1", "worker-2", "api"]
    private static let later = ["register-next", "worker-next-1", "worker-next-2", "api-next"]

    private func upgrade(_ fleet: Fleet) async throws {
        let next = try LaterVersion.next.get()
        let overnext = try LaterVersion.overnext.get()
        let timeline = Timeline()
        try await fleet.until("every check was probed") {
            try fleet.database.number("SELECT count(DISTINCT check_id) FROM outcomes")
                == Self.checks
        }
        // A check that is made is due at once and in its slot, which may be the same moment.
        let before = try Tally(fleet)
        timeline.begin("every check was probed")

        // The next version waits for its schema, and says who makes it.
        let early = try await fleet.run(["worker"], by: next)
        #expect(early.code == 75, "\(early.text)")
        #expect(early.text.contains("run: health-worker migrate up"), "\(early.text)")
        try await expectStatus(of: fleet, by: next, 3, "900 adding", "pending")
        let made = try await fleet.run(["migrate", "up"], by: next)
        #expect(made.code == 0, "\(made.text)")
        try await expectStatus(of: fleet, by: next, 0, "900 adding", "99.1.0")
        try await expectStatus(of: fleet, 0, "900 adding", "newer, works from 0.1.0")
        timeline.note("the schema is the next version's")

        // Both versions beside each other.
        try fleet.startRegister("register-next", by: next)
        for name in ["worker-next-1", "worker-next-2"] {
            try fleet.startWorker(name, location: "here", by: next)
        }
        let client = try fleet.startAPI("api-next", by: next)
        try await fleet.until("the next version's API is ready") {
            try await client.get("/readyz", authorized: false).status == 200
        }
        try await probes(
            fleet, by: "worker-1", "worker-2", "worker-next-1", "worker-next-2")
        #expect(try await versions(client) == ["99.1.0", try await ownVersion(fleet)])
        for (server, program) in [(client, Here.healthWorker), (fleet.client, next)] {
            let same = try await fleet.run(
                [
                    "diff", "-f", fleet.scratch.file("document.yaml").path, "--server",
                    "http://127.0.0.1:\(server.port)", "--key-file", server.keyFile.path,
                ], by: program)
            #expect(same.code == 0, "\(same.text)")
        }
        timeline.note("both versions probe, and understand each other")

        // This version starts again, on the newer schema.
        for name in Self.present {
            try await end(name, of: fleet)
            try fleet.startAgain(name)
        }
        try await awaitReady(fleet)
        try await probes(fleet, by: "worker-1", "worker-2")
        timeline.note("this version was started again")

        // The next one alone, and back.
        for name in Self.present { try await end(name, of: fleet) }
        try await probes(fleet, asking: client, by: "worker-next-1", "worker-next-2")
        timeline.note("the next version alone")
        for name in Self.present { try fleet.startAgain(name) }
        try await awaitReady(fleet)
        for name in Self.later { try await end(name, of: fleet) }
        try await probes(fleet, by: "worker-1", "worker-2")
        timeline.note("back again")

        // The version after the next one is too far: this one does not start on its schema.
        let removed = try await fleet.run(["migrate", "up"], by: overnext)
        #expect(removed.code == 0, "\(removed.text)")
        for role in ["worker", "register", "api"] {
            let refused = try await fleet.run([role])
            #expect(refused.code == 75, "\(refused.text)")
            #expect(refused.text.contains("install 99.1.0 or later"), "\(refused.text)")
        }
        try await expectStatus(of: fleet, 0, "901 removing", "newer, works from 99.1.0")
        let valid = try await fleet.run(["migrate", "validate"], by: next)
        #expect(valid.code == 0, "\(valid.text)")
        timeline.note("the version after it")

        for name in Self.present { try await end(name, of: fleet) }
        try expectAccounts(of: fleet, since: before)
        print(timeline.text)
    }

    // MARK: - What is done

    private func end(_ name: String, of fleet: Fleet) async throws {
        fleet.send(SIGTERM, to: name)
        let code = await fleet.end(of: name, within: .seconds(60))
        #expect(code == 0, "\(name)")
    }

    private func awaitReady(_ fleet: Fleet) async throws {
        try await fleet.until("the API is ready") {
            try await fleet.client.get("/readyz", authorized: false).status == 200
        }
    }

    /// Returns once each of these workers has made twenty probes more in its present life.
    private func probes(
        _ fleet: Fleet, asking client: Client? = nil, by workers: String...
    ) async throws {
        var already: [String: Int64] = [:]
        try await fleet.until("\(workers) probe") {
            let seen = try await (client ?? fleet.client).read("/v1/fleet", as: FleetSeen.self)
            var arePresent = true
            for worker in workers {
                guard let id = seen.items.last(where: { $0.name == worker })?.id else {
                    return false
                }
                let count = try fleet.probes(by: id, after: 0)
                let first = already[id] ?? count
                already[id] = first
                if count < first + 20 { arePresent = false }
            }
            return arePresent
        }
    }

    // MARK: - What is seen

    private struct FleetSeen: Decodable {
        struct Process: Decodable {
            var id: String
            var name: String
            var version: String
        }

        var items: [Process]
    }

    private func versions(_ client: Client) async throws -> Set<String> {
        Set(try await client.read("/v1/fleet", as: FleetSeen.self).items.map(\.version))
    }

    private func ownVersion(_ fleet: Fleet) async throws -> String {
        try await fleet.run(["--version"]).text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func expectStatus(
        of fleet: Fleet, by program: URL = Here.healthWorker, _ code: Int32, _ words: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let status = try await fleet.run(["migrate", "status"], by: program)
        #expect(status.code == code, "\(status.text)", sourceLocation: sourceLocation)
        let line = status.text.split(separator: "\n").first { $0.contains(words[0]) } ?? ""
        for word in words {
            #expect(line.contains(word), "\(status.text)", sourceLocation: sourceLocation)
        }
    }

    private struct Tally {
        var missed: Int64
        var superseded: Int64

        init(_ fleet: Fleet) throws {
            missed = try fleet.database.number("SELECT sum(missed) FROM queue_tallies")
            superseded = try fleet.database.number("SELECT sum(superseded) FROM queue_tallies")
        }
    }

    /// After all have ended.
    private func expectAccounts(of fleet: Fleet, since before: Tally) throws {
        func number(_ query: String) throws -> Int64 { try fleet.database.number(query) }
        let after = try Tally(fleet)
        let probes = try number("SELECT count(*) FROM outcomes")
        let errors = try errorLines(of: fleet)

        #expect(after.missed == before.missed)
        #expect(after.superseded == before.superseded)
        #expect(errors == [])
        #expect(try number("SELECT count(*) FROM outcomes WHERE outcome <> 'success'") == 0)
        #expect(
            try number("SELECT count(*) FROM health_changes WHERE to_health <> 'healthy'") == 0)
        #expect(
            try number("SELECT sum(enqueued) - sum(completed + lost + void) FROM queue_tallies")
                == number("SELECT count(*) FROM probe_jobs"))
        #expect(try number("SELECT sum(completed) FROM queue_tallies") == probes)
        #expect(try number("SELECT sum(lost + rescued + stale) FROM queue_tallies") == 0)
        #expect(try number("SELECT count(DISTINCT job_id) FROM outcomes") == probes)
        #expect(
            try number("SELECT count(*) FROM probe_jobs WHERE worker_id IS NOT NULL") == 0)
        let silence = try number(
            """
            SELECT max(started_at - earlier)
            FROM (
                SELECT started_at,
                       lag(started_at) OVER (PARTITION BY check_id ORDER BY job_id) AS earlier
                FROM outcomes
            ) AS pairs
            """)
        print("\(probes) probes, none missed; \(silence / 1000) ms at most between two of a check")
    }

    /// What any role said that is more than something to know.
    private func errorLines(of fleet: Fleet) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: fleet.scratch.folder.path)
            .filter { name in
                name.hasSuffix(".log")
                    && (Self.present + Self.later).contains { name == "\($0).log" }
            }
            .flatMap { name in
                try String(contentsOf: fleet.scratch.file(name), encoding: .utf8)
                    .split(separator: "\n")
                    .filter { line in
                        ["warning", "error", "critical"].contains { level in
                            line.contains("\"level\":\"\(level)\"")
                        }
                    }
                    // Redis that a busy machine keeps from answering in time.
                    .filter { !$0.contains(": nothing is lost") }
                    .map { "\(name): \($0)" }
            }
    }
}
