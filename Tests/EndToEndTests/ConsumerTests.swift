import Foundation
import Testing

/// Programs that send traffic by our routes, while the database is gone.
@Suite(.serialized) struct `A consumer without a key` {
    @Test(.timeLimit(.minutes(5)))
    func
        `is told the last known routes while PostgreSQL is down, also by a process that starts then`()
        async throws
    {
        let scratch = try Scratch()
        let consuming = Consuming(port: try Here.freePort())
        let targetPort = try Here.freePort()
        let targets = try Targets(scratch, port: targetPort)
        try await targets.start("127.0.0.1")
        try await targets.start("127.0.0.2")
        let fleet = try await Fleet.start(
            in: scratch,
            Fleet.Plan(
                registers: 1, workers: ["fra1"],
                settings: [
                    "HEALTH_WORKER_CONSUMER_LISTEN": "127.0.0.1:\(consuming.port)",
                    "HEALTH_WORKER_CONSUMER_SNAPSHOT": scratch.file("routes.json").path,
                ], document: ConsumedPair.document(targetPort: targetPort)))
        do {
            try await live(through: fleet, consuming)
        } catch {
            print(fleet.logs)
            await fleet.stop()
            await targets.stop()
            throw error
        }
        await fleet.stop()
        await targets.stop()
        scratch.remove()
    }

    private func live(through fleet: Fleet, _ consuming: Consuming) async throws {
        let both = ["127.0.0.1", "127.0.0.2"]
        try await fleet.until("both are told, and fresh") {
            let told = try await consuming.route()
            return told?.route.values == both && told?.staleSeconds == nil
        }
        try fleet.tell("override", "set", "drain", "www", "ams1", "--for", "2h", "-m", "work")
        try await fleet.until("one is told, and kept in the file") {
            let told = try await consuming.route()
            let file = try String(contentsOf: fleet.scratch.file("routes.json"), encoding: .utf8)
            return told?.route.values == ["127.0.0.1"] && file.contains(#""reason":"drained""#)
        }
        let before = try #require(try await consuming.route()).route

        // The database goes, as of a power cut: every single answer is the last known one.
        try fleet.postgreSQL.crash()
        var answers = 0
        try await fleet.until("it is marked stale") {
            let told = try #require(try await consuming.route())
            answers += 1
            #expect(told.route.values == ["127.0.0.1"])
            return told.staleSeconds != nil
        }
        let stale = try #require(try await consuming.route())
        #expect(stale.route.generation == before.generation)
        #expect(stale.route.stale == true)
        #expect((stale.route.age_seconds ?? 0) >= 5)
        #expect(try await consuming.get("/v1/routes/www/members/fra1/health").status == 200)
        #expect(try await consuming.get("/v1/routes/www/members/ams1/health").status == 503)
        print("\(answers) answers while PostgreSQL was down, until they were marked stale")

        // A process that starts while there is no database tells what the last one left behind.
        await fleet.kill("api")
        try fleet.startAgain("api")
        var first: (route: Consuming.Route, staleSeconds: Int?)?
        try await fleet.until("the new process tells routes") {
            first = try await consuming.route()
            return first != nil
        }
        #expect(first?.route.values == ["127.0.0.1"])
        #expect(first?.route.generation == before.generation)
        #expect(first?.staleSeconds != nil)
        #expect(try await consuming.get("/v1/routes/www/members/ams1/health").status == 503)
        #expect(try await consuming.get("/livez").status == 200)
        await #expect(throws: (any Error).self, "there is no API without a database") {
            _ = try await fleet.client.get("/livez", authorized: false)
        }

        // It comes back, and with it everything.
        try fleet.server.restart(crashes: false)
        try await fleet.until("the routes are fresh, and the API is there") {
            let told = try await consuming.route()
            let ready = try await fleet.client.get("/readyz", authorized: false)
            return told?.staleSeconds == nil && told?.route.values == ["127.0.0.1"]
                && ready.status == 200
        }
        try fleet.tell("override", "clear", "www", "ams1")
        try await fleet.until("both are told again") {
            try await consuming.route()?.route.values == both
        }
    }
}
