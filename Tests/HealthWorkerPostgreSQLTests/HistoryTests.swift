import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import StorageConformance
import Testing

@Suite struct HistoryTests {
    private let noon = Timestamp(seconds: 1_767_268_800)

    @Test func `parts are made for the time to come, and each begins where the last one ends`() {
        let midnight = Timestamp(seconds: 1_767_312_000)
        let partitions = OutcomePartitions([.init(name: "a", end: midnight)])

        let missing = partitions.missing(at: noon, keeping: .hours(24 * 7))

        #expect(OutcomePartitions.length(keeping: .hours(24 * 7)) == .hours(21))
        #expect(missing.count == 2)
        #expect(missing.allSatisfy { $0 > midnight })
        #expect(missing == missing.sorted())
        #expect((missing.last ?? noon) >= noon + .hours(42))
    }

    @Test func `a part goes when all of it is too old, and the last one never`() {
        let partitions = OutcomePartitions(
            (0..<4).map { .init(name: "\($0)", end: noon - .hours(Int64(3 - $0))) })

        let outdated = partitions.outdated(at: noon, keeping: .hours(2))

        #expect(outdated.map(\.name) == ["0", "1"])
        #expect(partitions.outdated(at: noon + .hours(900), keeping: .hours(2)).count == 3)
    }

    @Test func `what was written beyond the last part ends where the parts to follow begin`() {
        for (last, end) in [(noon - .hours(90), noon + .seconds(2)), (noon + .hours(1), noon)] {
            var partitions = OutcomePartitions([.init(name: "a", end: last)])

            let aside = partitions.setAside(at: noon) { "\($0.microseconds)" }
            let missing = partitions.missing(at: noon, keeping: .hours(8))

            #expect(aside?.end == max(end, last + .seconds(2)))
            #expect(partitions.parts.last == aside)
            #expect(missing.count >= 1 && missing.allSatisfy { $0 > (aside?.end ?? noon) })
        }
    }

    @Test func `what was set aside holds up nothing, and becomes a part when it can`() async throws
    {
        let fixture = try await PostgreSQLFixture()
        let storage = try await fixture.open()
        try await storage.put("web")
        try await fixture.age(by: .hours(24 * 7))
        let first = try await storage.claim(ClaimRequest(limit: 10))
        _ = try await storage.complete(first.map { storage.steady($0) })
        let id = try #require(first.first?.check)
        let end = try await storage.now().microseconds / 1_000_000 + 2
        let aside = "outcomes_\(end)"
        try fixture.execute(
            """
            ALTER TABLE outcomes DETACH PARTITION outcomes_default;
            ALTER TABLE outcomes_default RENAME TO \(aside);
            CREATE TABLE outcomes_default PARTITION OF outcomes DEFAULT;
            CREATE TABLE outcomes_\(end + 9) PARTITION OF outcomes
                FOR VALUES FROM (\(end)000000) TO (\(end + 9)000000)
            """)
        // Somebody copies it, which takes hours.
        let held = HeldTransaction(fixture, "SELECT count(*) FROM \(aside)")

        await #expect(throws: StorageError.self) {
            try await storage.pruneOutcomes(keep: .hours(24 * 30), limit: 1000)
        }
        try await storage.enqueueNow(id)
        let second = try await storage.claim(ClaimRequest(limit: 10))
        _ = try await storage.complete(second.map { storage.steady($0) })
        let meanwhile = try await storage.outcomes(of: id, before: nil, limit: 10)
        held.end()
        _ = try await storage.pruneOutcomes(keep: .hours(24 * 30), limit: 1000)

        #expect(meanwhile.map(\.job) == second.map(\.job))
        #expect(try fixture.execute("SELECT count(*) FROM outcomes_default") == [["0"]])
        let jobs = try await storage.outcomes(of: id, before: nil, limit: 10).map(\.job)
        #expect(jobs == second.map(\.job) + first.map(\.job))
        await storage.close()
    }

    @Test func `what was set aside goes when it is too old`() async throws {
        let fixture = try await PostgreSQLFixture()
        let storage = try await fixture.open()
        let old = try await storage.now().microseconds / 1_000_000 - 9 * 3600
        try fixture.execute("CREATE TABLE outcomes_\(old) (LIKE outcomes)")

        _ = try await storage.pruneOutcomes(keep: .hours(8), limit: 1000)

        #expect(
            try fixture.execute("SELECT to_regclass('outcomes_\(old)') IS NULL") == [["t"]])
        await storage.close()
    }

    @Test func `outcomes that came while no register ran get a part of their own`() async throws {
        let fixture = try await PostgreSQLFixture()
        let storage = try await fixture.open()
        try await storage.put("web")
        // A week without a register: beyond every part.
        try await fixture.age(by: .hours(24 * 7))
        let claims = try await storage.claim(ClaimRequest(limit: 10))
        _ = try await storage.complete(claims.map { storage.steady($0) })
        #expect(try fixture.execute("SELECT count(*) FROM outcomes_default") == [["1"]])

        _ = try await storage.pruneOutcomes(keep: .hours(24 * 30), limit: 1000)
        _ = try await storage.pruneOutcomes(keep: .hours(24 * 30), limit: 1000)

        #expect(try fixture.execute("SELECT count(*) FROM outcomes_default") == [["0"]])
        #expect(try fixture.execute("SELECT count(*) FROM outcomes") == [["1"]])
        let id = try #require(claims.first?.check)
        #expect(try await storage.outcomes(of: id, before: nil, limit: 10).count == 1)
        await storage.close()
    }

    @Test func `two registers at once divide the history once`() async throws {
        let fixture = try await PostgreSQLFixture()
        let storages = [try await fixture.open(process: 1), try await fixture.open(process: 2)]

        try await withThrowingTaskGroup(of: Void.self) { group in
            for storage in storages {
                group.addTask { _ = try await storage.pruneOutcomes(keep: .hours(8), limit: 1000) }
            }
            try await group.waitForAll()
        }

        let parts = try fixture.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'outcomes'::regclass")
        try await fixture.age(by: .hours(24 * 10))
        _ = try await storages[0].pruneOutcomes(keep: .hours(8), limit: 1000)
        let later = try fixture.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'outcomes'::regclass")
        #expect(parts != [["1"]])
        #expect((later.first?.first??.count ?? 9) <= 3)
        for storage in storages { await storage.close() }
    }
}
