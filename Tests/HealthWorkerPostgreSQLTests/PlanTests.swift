import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import StorageConformance
import Testing

/// What PostgreSQL does for the statements that run often: along an index, whatever it knows of the
/// tables.
@Suite struct PlanTests {
    /// What was known of the tables when the statements are planned.
    enum Statistics: CaseIterable {
        case fresh
        case none
        /// Analysed before anything was in them.
        case ofEmptyTables
    }

    /// A fixture with so many checks, each with a live job, 500 of which are visible.
    private func filled(checks: Int, _ statistics: Statistics) async throws -> PostgreSQLFixture {
        let fixture = try await PostgreSQLFixture(clockRuns: true)
        let analyze =
            "ANALYZE checks, check_health, probe_jobs, schedule_slots, policy_members, outcomes"
        try fixture.execute(
            """
            ALTER TABLE probe_jobs SET (autovacuum_enabled = false);
            ALTER TABLE checks SET (autovacuum_enabled = false);
            ALTER TABLE check_health SET (autovacuum_enabled = false);
            \(statistics == .ofEmptyTables ? analyze : "SELECT 1");
            INSERT INTO checks
                (name, revision, epoch, type, is_enabled, interval_us, slot, timeout_ms,
                 created_at, updated_at, spec)
            SELECT 'web' || n, 1, 1, 'tcp', true, 10000000, n % 256, 5000, 0, 0, '{}'
            FROM generate_series(1, \(checks)) AS n;
            INSERT INTO check_health (check_id, epoch, health, health_since)
            SELECT check_id, 1, 'healthy', 0
            FROM checks;
            INSERT INTO schedule_slots (interval_us, slot, due_at)
            SELECT 10000000, n, 0
            FROM generate_series(0, 255) AS n;
            INSERT INTO probe_jobs (check_id, due_at, visible_at, epoch, timeout_ms)
            SELECT check_id, 0, CASE WHEN check_id <= 500 THEN 0 ELSE now_us() + 1000000000 END, 1,
                   5000
            FROM checks;
            \(statistics == .fresh ? analyze : "SELECT 1")
            """)
        return fixture
    }

    private func plan(
        of sql: String, _ values: [String], on fixture: PostgreSQLFixture, isRun: Bool = false
    ) throws -> [String] {
        let literals = values.map { "'\($0)'" }.joined(separator: ", ")
        return try fixture.execute(
            """
            \(PostgreSQLStorage.settings);
            PREPARE asked AS \(sql);
            EXPLAIN (COSTS OFF\(isRun ? ", ANALYZE, TIMING OFF" : "")) EXECUTE asked(\(literals))
            """
        ).compactMap { $0.first ?? nil }
    }

    /// That each of the tables which grow is only reached by looking up what is wanted in it. Of an
    /// empty one nothing can be looked up; its plan is not kept for when it is full.
    private func expectLookups(_ plan: [String], _ what: String, isEmpty: Bool) {
        let text = plan.joined(separator: "\n")
        #expect(!text.contains("Seq Scan on probe_jobs"), "\(what): \(text)")
        #expect(!text.contains("Hash Join"), "\(what): \(text)")
        #expect(!text.contains("Merge Join"), "\(what): \(text)")
        if isEmpty { return }
        for table in ["probe_jobs", "checks", "check_health", "outcomes"] {
            for (line, next) in zip(plan, plan.dropFirst() + [""]) {
                guard line.contains("Scan"),
                    line.hasSuffix(" on \(table)") || line.contains(" on \(table) ")
                else { continue }
                #expect(!line.contains("Seq Scan"), "\(what): \(text)")
                #expect(
                    next.contains("Index Cond") || next.contains("TID Cond"), "\(what): \(text)")
            }
        }
    }

    @Test(arguments: [0, 1000, 100_000], Statistics.allCases)
    func `claiming, completing and enqueueing look up what they want`(
        checks: Int, statistics: Statistics
    ) async throws {
        let fixture = try await filled(checks: checks, statistics)
        let array = { (value: String) in
            "{" + [String](repeating: value, count: 500).joined(separator: ",") + "}"
        }
        let jobs = "{" + (1...500).map(String.init).joined(separator: ",") + "}"
        let found = [jobs] + [String](repeating: array("1"), count: 3) + [array("t")]
        let nothing = array("NULL")

        expectLookups(
            try plan(
                of: PostgreSQLStorage.claimJobs,
                ["0", "|default|", "1", "default", "500", "5000000"], on: fixture), "claim",
            isEmpty: checks == 0)
        expectLookups(
            try plan(
                of: PostgreSQLStorage.completeSteadyJobs,
                found + [String](repeating: nothing, count: 12) + ["1", "500"], on: fixture),
            "complete, steady", isEmpty: checks == 0)
        expectLookups(
            try plan(
                of: PostgreSQLStorage.completeJobs,
                found + [String](repeating: nothing, count: 30) + ["1", "500"], on: fixture),
            "complete", isEmpty: checks == 0)
        expectLookups(
            try plan(of: PostgreSQLStorage.enqueueDueSlots, ["8", "1"], on: fixture), "enqueue",
            isEmpty: checks == 0)
        expectLookups(
            try plan(of: PostgreSQLStorage.oldestLiveJob, ["0"], on: fixture), "oldest",
            isEmpty: checks == 0)
        expectLookups(
            try plan(of: PostgreSQLStorage.expireLostJobs, ["500", "1", "0"], on: fixture),
            "expire lost", isEmpty: checks == 0)
    }

    /// A join of two such parts would be as many steps as the product of both: no index is on them.
    @Test func `no part of a claim or a completion is walked over once for each row of another`()
        async throws
    {
        let fixture = try await filled(checks: 1000, .fresh)
        let jobs = "{" + (1...500).map(String.init).joined(separator: ",") + "}"
        let array = { (value: String) in
            "{" + [String](repeating: value, count: 500).joined(separator: ",") + "}"
        }
        let found = [jobs] + [String](repeating: array("1"), count: 3) + [array("t")]

        let claim = try plan(
            of: PostgreSQLStorage.claimJobs,
            ["0", "|default|", "1", "default", "500", "5000000"], on: fixture, isRun: true)
        let completion = try plan(
            of: PostgreSQLStorage.completeSteadyJobs,
            found + [array("success")] + [String](repeating: "{}", count: 11) + ["1", "500"],
            on: fixture, isRun: true)

        for (plan, what) in [(claim, "claim"), (completion, "completion")] {
            let walks = plan.filter { $0.contains("CTE Scan") }
            #expect(walks.contains { $0.contains("rows=500 loops=1)") }, "\(what): \(plan)")
            for walk in walks {
                #expect(
                    walk.contains("loops=1)") || walk.contains("never executed"),
                    "\(what): \(walk)")
            }
        }
    }

    @Test func `each statement claims, completes and enqueues what the plans were asked for`()
        async throws
    {
        let fixture = try await filled(checks: 10_000, .fresh)
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

    /// An update that touches no index leaves nothing to vacuum but its old version, which the next
    /// one on the page takes away.
    @Test func `claims, counts and ticks touch no index`() async throws {
        let fixture = try await filled(checks: 2000, .fresh)
        let storage = try await fixture.open(process: 1)
        try fixture.execute(
            """
            TRUNCATE probe_jobs;
            INSERT INTO probe_jobs (check_id, due_at, visible_at, epoch, timeout_ms)
            SELECT check_id, 0, 0, 1, 5000
            FROM checks
            """)

        for _ in 0..<10 {
            let claims = try await storage.claim(ClaimRequest(limit: 200))
            _ = try await storage.complete(
                claims.map { claim in
                    var completion = storage.steady(claim, .failure(.connectRefused))
                    completion.decision.state.inARow += 1
                    return completion
                })
            _ = try await storage.enqueueDue(maxSlots: 25)
        }

        await storage.close()
        // What the connections did is counted when their server processes have ended.
        let deadline = ContinuousClock.now + .seconds(30)
        var seen = try updates(on: fixture)
        let expected = ["probe_jobs": 2000, "check_health": 2000, "schedule_slots": 250]
        while expected.contains(where: { (seen[$0.key]?.all ?? 0) < $0.value }), .now < deadline {
            seen = try updates(on: fixture)
        }
        for (table, wanted) in expected {
            let (all, hot) = seen[table] ?? (0, 0)
            #expect(all >= wanted, "\(table)")
            #expect(Double(hot) >= 0.95 * Double(all), "\(table): \(hot) of \(all)")
        }
    }

    private func updates(
        on fixture: PostgreSQLFixture
    ) throws -> [String: (all: Int, hot: Int)] {
        let rows = try fixture.execute(
            """
            SELECT relname, n_tup_upd, n_tup_hot_upd
            FROM pg_stat_user_tables
            WHERE schemaname = current_schema()
            """)
        return Dictionary(
            uniqueKeysWithValues: rows.map { row in
                (row[0] ?? "", (Int(row[1] ?? "") ?? 0, Int(row[2] ?? "") ?? 0))
            })
    }
}
