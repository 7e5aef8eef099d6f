import Foundation
import HealthWorkerModel
import HealthWorkerMySQL
import HealthWorkerStorage
import StorageConformance
import Testing

/// Outcomes are in parts by day, which the house-keeping makes and drops.
@Suite struct PruningTests {
    private func probe(_ storage: MySQLStorage, _ check: CheckID, times: Int) async throws {
        for _ in 0..<times {
            try await storage.enqueueNow(check)
            let claims = try await storage.claim(ClaimRequest(limit: 10))
            _ = try await storage.complete(claims.map { storage.steady($0) })
        }
    }

    @Test func `a day that is not kept any more is dropped, and days to come are made`()
        async throws
    {
        let fixture = try await MySQLFixture()
        let storage = try await fixture.open()
        let check = try await storage.put("web")[0].id
        try await probe(storage, check, times: 3)
        let first = try await storage.pruneOutcomes(keep: .hours(48), limit: 100)
        let made = try fixture.parts()

        try await fixture.age(by: .hours(24))
        try await probe(storage, check, times: 2)
        let early = try await storage.pruneOutcomes(keep: .hours(48), limit: 100)
        let keptEarly = try await storage.outcomes(of: check, before: nil, limit: 10).count
        try await fixture.age(by: .hours(48))
        let late = try await storage.pruneOutcomes(keep: .hours(48), limit: 100)
        let keptLate = try await storage.outcomes(of: check, before: nil, limit: 10).count
        let left = try fixture.parts()

        // Dropped outcomes are not counted.
        #expect(first + early + late == 0)
        #expect(made.count == 4)
        #expect(made.last == "later")
        #expect(keptEarly == 5)
        #expect(keptLate == 2)
        #expect(!left.contains(made[0]))
        #expect(left.contains(made[1]))
        #expect(left.last == "later")
        #expect(left.count >= 4)
        await storage.close()
    }

    @Test func `where the user may not change tables outcomes are deleted one by one`()
        async throws
    {
        let fixture = try await MySQLFixture(clockRuns: true)
        let user = "p" + fixture.database.suffix(16)
        try fixture.execute(
            """
            CREATE USER \(user) IDENTIFIED BY 'secret';
            GRANT SELECT, INSERT, UPDATE, DELETE ON \(fixture.database).* TO \(user)
            """)
        let url = fixture.server.url {
            ($0.user, $0.password, $0.path) = (user, "secret", "/\(fixture.database)")
        }
        let storage = try await MySQLStorage.open(
            url: url, process: 1, version: MySQLFixture.version, logger: MySQLFixture.logger)
        let check = try await storage.put("web")[0].id
        try await probe(storage, check, times: 3)

        let pruned = try await storage.pruneOutcomes(keep: .zero, limit: 2)
        await storage.close()
        try fixture.execute("DROP USER \(user)")

        #expect(pruned == 2)
        #expect(try fixture.parts() == ["later"])
    }
}

extension MySQLFixture {
    fileprivate func parts() throws -> [String] {
        try execute(
            """
            SELECT partition_name
            FROM information_schema.partitions
            WHERE table_schema = '\(database)'
              AND table_name = 'outcomes'
            ORDER BY partition_ordinal_position
            """
        ).compactMap { $0[0] }
    }
}
