import Foundation
import HealthWorkerModel
import HealthWorkerMySQL
import HealthWorkerStorage
import StorageConformance
import TestServers
import Testing

/// What happens when the server itself goes, or is set to read alone: on one that nobody else uses.
@Suite(.serialized) struct BrokenServerTests {
    @Test func `what was answered is there after the server was killed, and calls go on`()
        async throws
    {
        let own = try StartedServer("mariadb")
        let fixture = try await MySQLFixture(on: TestServer(url: own.url), clockRuns: true)
        let storage = try await fixture.open(poolSize: 2)
        try await storage.put("a", "b", "c")
        let claims = try await storage.claim(ClaimRequest(limit: 2))
        let first = try await storage.complete([storage.steady(claims[0])])

        try own.restart(signal: "KILL")

        // Those that the pool still holds are found to be closed before they are lent.
        let second = try await storage.complete(claims.map { storage.steady($0) })
        let status = try await storage.queueStatus()
        #expect(first.accepted == [claims[0].job])
        #expect(second.accepted == [claims[1].job])
        #expect(status.tally.completed == 2)
        #expect(status.tally.stale == 1)
        #expect(status.tally.enqueued == 3)
        #expect(status.live == 1)
        await storage.close()
    }

    @Test func `ids go on from where they were after the server was started again`() async throws {
        let own = try StartedServer("mariadb")
        let fixture = try await MySQLFixture(on: TestServer(url: own.url), clockRuns: true)
        let storage = try await fixture.open()
        let last = try #require(try await storage.put("a", "b").map(\.id).max())
        let lastJob = try #require(try await storage.claim(ClaimRequest(limit: 9)).map(\.job).max())
        _ = try await storage.write(
            WriteBatch([.deleteCheck("a"), .deleteCheck("b")], actor: "ann"))

        try own.restart()

        let check = try await storage.put("c")[0]
        let job = try #require(try await storage.claim(ClaimRequest(limit: 9)).first?.job)
        #expect(check.id > last)
        #expect(job > lastJob)
        await storage.close()
    }

    @Test func `ids are known where several servers give them in turns`() async throws {
        let own = try StartedServer("mariadb")
        let fixture = try await MySQLFixture(on: TestServer(url: own.url))
        try fixture.server.execute(
            "SET GLOBAL auto_increment_increment = 3; SET GLOBAL auto_increment_offset = 2")
        let storage = try await fixture.open()

        let checks = try await storage.put((0..<6).map { "web\($0)" })

        #expect(checks.map(\.id.rawValue).allSatisfy { $0 % 3 == 2 })
        #expect(Set(checks.map(\.id)).count == 6)
        #expect(try await storage.checks(ids: checks.map(\.id)).map(\.spec.name).count == 6)
        await storage.close()
    }

    @Test func `a server that is down is unavailable until it is back`() async throws {
        let own = try StartedServer("mariadb")
        let fixture = try await MySQLFixture(on: TestServer(url: own.url))
        let storage = try await fixture.open(poolSize: 1)
        try fixture.server.execute("SHUTDOWN")

        let end = ContinuousClock.now + .seconds(30)
        var seen: StorageError?
        while seen == nil, ContinuousClock.now < end {
            do { _ = try await storage.checks(named: ["a"]) } catch { seen = error }
        }
        #expect(seen?.isUnavailable() == true, "\(seen as Any)")
        await storage.close()
    }

    @Test func `a server that only reads says so, and so do calls that were under way`()
        async throws
    {
        let own = try StartedServer("mariadb")
        let fixture = try await MySQLFixture(on: TestServer(url: own.url))
        // Whoever may do everything may also write to a server that only reads.
        try fixture.server.execute(
            """
            CREATE USER app@'127.0.0.1' IDENTIFIED BY 'secret';
            GRANT ALL ON \(fixture.database).* TO app@'127.0.0.1'
            """)
        let url = fixture.server.url {
            ($0.user, $0.path) = ("app", "/\(fixture.database)")
        }
        let storage = try await MySQLStorage.open(
            url: url, process: 1, version: MySQLFixture.version, logger: MySQLFixture.logger)
        try fixture.server.execute("SET GLOBAL read_only = 1")

        let writing = await #expect(throws: StorageError.self) { try await storage.put("a") }
        let pinging = await #expect(throws: StorageError.self) { try await storage.ping() }
        let opening = await #expect(throws: StorageError.self) {
            try await MySQLStorage.open(
                url: url, process: 1, version: MySQLFixture.version, logger: MySQLFixture.logger)
        }
        try fixture.server.execute("SET GLOBAL read_only = 0")

        for error in [writing, pinging, opening] {
            #expect(error?.isUnavailable(containing: "is read-only") == true, "\(error as Any)")
        }
        try await storage.put("a")
        await storage.close()
    }
}
