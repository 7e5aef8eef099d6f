import Foundation
import GRDB
import HealthWorkerModel
import HealthWorkerSQLite
import HealthWorkerStorage
import StorageConformance
import Testing

@Suite struct SharingTests {
    @Test(.timeLimit(.minutes(10)))
    func `a ping does not wait for another connection's long write`() async throws {
        let fixture = try await SQLiteFixture()
        let storage = try await fixture.open()
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: fixture.path, configuration: configuration)
        try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }

        // It would be busy for ten seconds, and then fail.
        await #expect(throws: Never.self) { try await storage.ping() }

        try await other.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    }

    @Test func `a ping finds a file that can no longer be written`() async throws {
        let fixture = try await SQLiteFixture()
        let storage = try await fixture.open()
        // From here on there is a connection to read with.
        try await storage.ping()

        // The superuser, who may write whatever its permissions say, cannot write a file either that
        // is not there.
        try FileManager.default.removeItem(atPath: fixture.path)

        let error = await #expect(throws: StorageError.self) { try await storage.ping() }
        guard case .failed(let why) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(why.hasPrefix("The database \(fixture.path) cannot be written; check that"))
    }

    @Test func `many processes that open a new file at once all get it`() async throws {
        let fixture = try await SQLiteFixture(isMigrated: false)

        let checks = try await withThrowingTaskGroup(of: Int.self) { group in
            for process in 1...8 {
                group.addTask {
                    _ = try await fixture.migrator().up()
                    let storage = try await fixture.open(process: ProcessID(Int64(process)))
                    try await storage.put("web\(process)")
                    let seen = try await storage.checks(
                        matching: ObjectFilter(), after: nil, limit: 10)
                    await storage.close()
                    return seen.count
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }

        #expect(checks.max() == 8)
        #expect(try fixture.rows("SELECT name FROM checks").count == 8)
    }

    @Test func `a batch of which one completion fails leaves nothing`() async throws {
        let fixture = try await SQLiteFixture()
        let storage = try await fixture.open()
        let checks = try await storage.put("a", "b", "c")
        let claims = try await storage.claim(ClaimRequest(limit: 10))
        let before = try await storage.queueStatus()
        try fixture.execute([
            """
            CREATE TRIGGER refuse BEFORE INSERT ON outcomes WHEN NEW.check_id = \(checks[1].id)
            BEGIN SELECT RAISE(ABORT, 'refused by the test'); END
            """
        ])

        await #expect(throws: StorageError.self) {
            try await storage.complete(claims.map { storage.steady($0) })
        }

        #expect(try await storage.queueStatus().tally == before.tally)
        #expect(try await storage.queueStatus().live == 3)
        #expect(try await storage.outcomes(of: checks[0].id, before: nil, limit: 10).isEmpty)
        try fixture.execute(["DROP TRIGGER refuse"])
        let report = try await storage.complete(claims.map { storage.steady($0) })
        #expect(report.accepted == Set(claims.map(\.job)))
    }

    @Test func `a write of which the last statement fails leaves nothing`() async throws {
        let fixture = try await SQLiteFixture()
        let storage = try await fixture.open()
        try fixture.execute([
            """
            CREATE TRIGGER refuse BEFORE INSERT ON audit_log
            BEGIN SELECT RAISE(ABORT, 'refused by the test'); END
            """
        ])

        await #expect(throws: StorageError.self) { try await storage.put("web") }

        #expect(try await storage.checks(named: ["web"]).isEmpty)
        #expect(try await storage.queueStatus().live == 0)
        #expect(try await storage.queueStatus().tally == Tally())
        #expect(try await storage.nextSlotDue() == nil)
    }

    @Test func `an idle poll writes nothing`() async throws {
        let fixture = try await SQLiteFixture()
        let storage = try await fixture.open()
        try await storage.put("web")
        _ = try await storage.claim(ClaimRequest(limit: 10))
        let before = try fixture.rows("SELECT last_at FROM storage_clock")

        _ = try await storage.claim(ClaimRequest(limit: 10))
        _ = try await storage.claimDeliveries(to: ["dns"], limit: 10, lease: .seconds(10))
        _ = try await storage.expireLost(limit: 10)
        _ = try await storage.insertMissedEvaluations()
        try await storage.ping()

        #expect(try fixture.rows("SELECT last_at FROM storage_clock") == before)
    }
}
