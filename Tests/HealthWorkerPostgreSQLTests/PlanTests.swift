import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import Testing

/// What PostgreSQL does for the statements that run often: along an index, whatever it knows of the
/// tables.
@Suite struct PlanTests {
    /// A fixture with many checks, each with a live job, 500 of which are visible.
    private func full(isAnalyzed: Bool) async throws -> PostgreSQLFixture {
        let fixture = try await PostgreSQLFixture(clockRuns: true)
        try fixture.execute(
            """
            ALTER TABLE probe_jobs SET (autovacuum_enabled = false);
            ALTER TABLE checks SET (autovacuum_enabled = false);
            INSERT INTO checks
                (name, revision, epoch, type, is_enabled, interval_us, slot, timeout_ms,
                 created_at, updated_at, spec)
            SELECT 'web' || n, 1, 1, 'tcp', true, 10000000, n % 256, 5000, 0, 0, '{}'
            FROM generate_series(1, 10000) AS n;
            INSERT INTO check_health (check_id, epoch, health, health_since)
            SELECT check_id, 1, 'healthy', 0
            FROM checks;
            INSERT INTO schedule_slots (interval_us, slot, due_at)
            SELECT 10000000, n, 0
            FROM generate_series(0, 255) AS n;
            INSERT INTO probe_jobs (check_id, due_at, visible_at, epoch, timeout_ms)
            SELECT check_id, 0, CASE WHEN check_id <= 500 THEN 0 ELSE now_us() + 1000000000 END, 1,
                   5000
            FROM checks
            """)
        if isAnalyzed {
            try fixture.execute("ANALYZE checks, check_health, probe_jobs, schedule_slots")
        }
        return fixture
    }

    private func plan(
        of sql: String, _ values: [String], on fixture: PostgreSQLFixture
    ) throws -> String {
        let literals = values.map { "'\($0)'" }.joined(separator: ", ")
        return try fixture.execute(
            """
            \(PostgreSQLStorage.settings);
            PREPARE asked AS \(sql);
            EXPLAIN (COSTS OFF) EXECUTE asked(\(literals))
            """
        ).compactMap { $0.first ?? nil }.joined(separator: "\n")
    }

    @Test(arguments: [true, false])
    func `a claim walks the live jobs by their key`(isAnalyzed: Bool) async throws {
        let fixture = try await full(isAnalyzed: isAnalyzed)

        let plan = try plan(
            of: PostgreSQLStorage.claimJobs,
            ["0", "|default|", "1", "default", "500", "5000000"], on: fixture)

        #expect(plan.contains("Index Scan using probe_jobs_pkey"), "\(plan)")
        #expect(plan.contains("Tid Scan on probe_jobs"), "\(plan)")
        #expect(!plan.contains("Seq Scan on probe_jobs"), "\(plan)")
    }

    @Test(arguments: [true, false])
    func `a completion finds its jobs by their key`(isAnalyzed: Bool) async throws {
        let fixture = try await full(isAnalyzed: isAnalyzed)
        let jobs = "{" + (1...500).map(String.init).joined(separator: ",") + "}"
        let ones = "{" + (1...500).map { _ in "1" }.joined(separator: ",") + "}"

        let plan = try plan(
            of: PostgreSQLStorage.completeJobs,
            [jobs, ones] + [String](repeating: "{}", count: 32) + ["1", "500"], on: fixture)

        #expect(plan.contains("Index Scan using probe_jobs_pkey"), "\(plan)")
        #expect(!plan.contains("Seq Scan on probe_jobs"), "\(plan)")
        #expect(!plan.contains("Seq Scan on checks"), "\(plan)")
        #expect(!plan.contains("Seq Scan on check_health"), "\(plan)")
    }

    @Test(arguments: [true, false])
    func `a register finds the checks of its slots by an index`(isAnalyzed: Bool) async throws {
        let fixture = try await full(isAnalyzed: isAnalyzed)

        let plan = try plan(of: PostgreSQLStorage.enqueueDueSlots, ["8", "1"], on: fixture)

        #expect(plan.contains("checks_of_slot"), "\(plan)")
        #expect(!plan.contains("Seq Scan on probe_jobs"), "\(plan)")
        #expect(!plan.contains("Seq Scan on checks"), "\(plan)")
    }

    @Test func `each statement claims, completes and enqueues what the plans were asked for`()
        async throws
    {
        let fixture = try await full(isAnalyzed: true)
        let storage = try await fixture.open(process: 1)

        let claims = try await storage.claim(ClaimRequest(limit: 1000))
        let report = try await storage.complete(claims.map { storage.steady($0) })
        let enqueued = try await storage.enqueueDue(maxSlots: 256)

        #expect(claims.count == 500)
        #expect(report.accepted.count == 500)
        #expect(enqueued.enqueued == 500)
        #expect(enqueued.superseded == 9500)
        await storage.close()
    }
}
