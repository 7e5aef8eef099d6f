import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import StorageConformance
import Testing

/// What PostgreSQL does for the making and the reading of hours: walks along keys, whatever else the
/// history holds.
@Suite struct HoursTests {
    private func plan(
        of sql: String, _ values: [String], on fixture: PostgreSQLFixture
    ) throws -> String {
        try fixture.execute(
            """
            \(PostgreSQLStorage.settings);
            PREPARE asked AS \(sql);
            EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
            EXECUTE asked(\(values.joined(separator: ", ")))
            """
        ).compactMap { $0.first ?? nil }.joined(separator: "\n")
    }

    @Test func `hours are made and read along keys, each outcome once`() async throws {
        let fixture = try await PostgreSQLFixture(clockRuns: true)
        try fixture.execute(
            """
            INSERT INTO checks
                (name, revision, epoch, type, is_enabled, interval_us, slot, timeout_ms,
                 created_at, updated_at, spec)
            SELECT 'web' || n, 1, 1, 'tcp', true, 10000000, n % 256, 5000, 0, 0, '{}'
            FROM generate_series(1, 1000) AS n;
            INSERT INTO check_health (check_id, epoch, health, health_since)
            SELECT check_id, 1, 'healthy', 0
            FROM checks;
            -- Two hundred of each check, one a minute.
            INSERT INTO outcomes
                (job_id, check_id, attempt, epoch, started_at, worker_id, location, outcome)
            SELECT n, n % 1000 + 1, 1, 1, n / 1000 * 60000000::bigint, 1, '', 'success'
            FROM generate_series(0, 199999) AS n;
            INSERT INTO outcome_hours
                (check_id, hour, kept, timeline, successes, failures, inconclusive, times,
                 last_job_id)
            SELECT c, h, 'all', '0h', 60, 0, 0, ',,,,,,', 0
            FROM generate_series(1, 1000) AS c
            CROSS JOIN generate_series(0, 47) AS h;
            INSERT INTO policy_hours
            SELECT p, h, 0, 0, 0, 0, 0, 0, 0, 0, '', 0
            FROM generate_series(1, 1000) AS p
            CROSS JOIN generate_series(0, 47) AS h;
            ANALYZE checks, check_health, outcomes, outcome_hours, policy_hours
            """)

        let cases: [(what: String, sql: String, values: [String], most: Int)] = [
            ("checks", PostgreSQLStorage.checksOfHour, ["47", "500", "1", "50"], 60),
            (
                "outcomes of the second hour", PostgreSQLStorage.outcomesOfHour,
                ["7", "60006", "3600000000", "60"], 60
            ),
            ("hours of a check", PostgreSQLStorage.hoursOfCheck, ["7", "24", "48"], 24),
            ("hours of a policy", PostgreSQLStorage.hoursOfPolicy, ["7", "24", "48"], 24),
        ]
        for (what, sql, values, most) in cases {
            let text = try plan(of: sql, values, on: fixture)

            #expect(!text.contains("Seq Scan"), "\(what): \(text)")
            #expect(!text.contains("Hash"), "\(what): \(text)")
            #expect(!text.contains("Sort Key") || text.contains("Merge Append"), "\(what): \(text)")
            let read = text.matches(of: #/actual rows=([0-9]+) loops=([0-9]+)/#).map { match in
                (Int(match.1) ?? 0) * (Int(match.2) ?? 0)
            }
            #expect((1...most).contains(read.max() ?? 0), "\(what): \(text)")
        }
    }

    @Test func `what is stored and no histogram is told, and no hour is made of it`() async throws {
        let fixture = try await PostgreSQLFixture()
        let storage = try await fixture.open()
        let check = try await storage.put("web")[0].id
        try fixture.execute(
            """
            INSERT INTO outcome_hours
                (check_id, hour, kept, timeline, successes, failures, inconclusive, times,
                 last_job_id)
            VALUES (\(check), 1, 'all', '0h', 0, 0, 0, '?', 0)
            """)

        await #expect(throws: StorageError.failed("\"?\" is no histogram.")) {
            try await storage.checkHours(
                of: check, from: Hour(number: 0), until: Hour(number: 2))
        }
    }
}
