import HealthWorkerModel
import HealthWorkerMySQL
import HealthWorkerStorage
import StorageConformance
import Testing

/// What the server does for the statements that run often: along an index, whatever it knows of the
/// tables, and every row of a batch by its key.
@Suite struct PlanTests {
    /// How many rows the tables have, and whether the server has counted them.
    enum Size: CaseIterable {
        case empty, small, full, fullAndAnalyzed
    }

    /// A fixture with many checks, each with a live job, 500 of which are visible.
    private func fixture(_ size: Size) async throws -> MySQLFixture {
        let fixture = try await MySQLFixture(clockRuns: true)
        if size == .empty { return fixture }
        if size == .small {
            let storage = try await fixture.open()
            try await storage.put("a", "b", "c")
            await storage.close()
            return fixture
        }
        try fixture.execute(
            """
            CREATE TABLE numbers (n INT NOT NULL PRIMARY KEY);
            INSERT INTO numbers
            WITH RECURSIVE up (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM up WHERE n < 99)
            SELECT n FROM up;
            INSERT INTO checks
                (check_id, name, revision, epoch, type, is_enabled, interval_us, slot, timeout_ms,
                 created_at, updated_at, spec)
            SELECT 1 + a.n * 100 + b.n, CONCAT('web', a.n * 100 + b.n), 1, 1, 'tcp', 1, 10000000,
                   (a.n * 100 + b.n) % 256, 5000, 0, 0, '{}'
            FROM numbers AS a
            CROSS JOIN numbers AS b;
            INSERT INTO check_health (check_id, epoch, health, health_since)
            SELECT check_id, 1, 'healthy', 0
            FROM checks;
            INSERT INTO schedule_slots (interval_us, slot, due_at)
            SELECT DISTINCT interval_us, slot, 0
            FROM checks;
            INSERT INTO probe_jobs (check_id, due_at, visible_at, epoch, timeout_ms)
            SELECT check_id, 0,
                   CASE WHEN check_id <= 500 THEN 0 ELSE 9000000000000000 END, 1, 5000
            FROM checks
            ORDER BY check_id
            """)
        if size == .fullAndAnalyzed {
            try fixture.execute("ANALYZE TABLE checks, check_health, probe_jobs, schedule_slots")
        }
        return fixture
    }

    /// How each table is read, by its alias or name.
    private func plan(
        of sql: String, _ values: [String], on fixture: MySQLFixture
    ) throws -> [String: [String: String]] {
        var parts = sql.split(separator: "?", omittingEmptySubsequences: false)
        var literal = String(parts.removeFirst())
        for (value, part) in zip(values, parts) { literal += value + part }
        let connection = try TestConnection(to: fixture.server)
        try connection.execute("USE \(fixture.database); SET NAMES utf8mb4 COLLATE utf8mb4_bin")
        let rows = try connection.table("EXPLAIN " + literal)
        return Dictionary(
            rows.map { ($0["table"] ?? "", $0) }, uniquingKeysWith: { first, _ in first })
    }

    private static let pairs =
        "'[" + (1...500).map { "[\($0),1]" }.joined(separator: ",") + "]'"

    @Test(arguments: Size.allCases)
    func `a claim walks the live jobs by their key`(_ size: Size) async throws {
        let fixture = try await fixture(size)

        let plan = try plan(
            of: MySQLStorage.lockClaimableJobs,
            ["1", "1000000", "'|default|'", "0", "1", "'default'", "500"], on: fixture)

        #expect(plan["probe_jobs"]?["key"] == "PRIMARY", "\(plan)")
        #expect(plan["probe_jobs"]?["Extra"]?.contains("filesort") != true, "\(plan)")
    }

    @Test(arguments: Size.allCases)
    func `every row of a batch is looked up by its key`(_ size: Size) async throws {
        let fixture = try await fixture(size)
        let statements: [(sql: String, values: [String], tables: [String])] = [
            (MySQLStorage.claimedChecks, [Self.pairs], ["c", "h"]),
            (MySQLStorage.takeJobs, [Self.pairs, "1", "1", "1", "'default'"], ["j"]),
            (MySQLStorage.lockEndingJobs, [Self.pairs], ["j"]),
            (MySQLStorage.deleteJobs, [Self.pairs], ["j"]),
            (MySQLStorage.lockHealth, [Self.pairs], ["h"]),
            (MySQLStorage.lockSlots, ["'[[10000000,1],[10000000,2]]'", "8"], ["s"]),
        ]
        for (sql, values, tables) in statements {
            let plan = try plan(of: sql, values, on: fixture)

            for table in tables {
                #expect(plan[table]?["type"] == "eq_ref", "\(sql)\n\(plan)")
                #expect(plan[table]?["key"] == "PRIMARY", "\(sql)\n\(plan)")
            }
        }
    }

    @Test(arguments: Size.allCases)
    func `a register finds the checks of its slots by an index`(_ size: Size) async throws {
        let fixture = try await fixture(size)

        let plan = try plan(
            of: MySQLStorage.checksOfSlots, ["'[[10000000,1],[10000000,2]]'"], on: fixture)

        #expect(plan["c"]?["key"] == "checks_of_slot", "\(plan)")
        #expect(plan["j"]?["type"] == "eq_ref", "\(plan)")
        #expect(plan["j"]?["key"] == "probe_jobs_of_check", "\(plan)")
    }

    @Test(arguments: [
        (ObjectFilter(), "checks_name", "o"),
        (ObjectFilter(set: "site"), "checks_of_set", "o"),
        (ObjectFilter(selector: LabelSelector(["site": "fra1"])), "PRIMARY", "l"),
        (ObjectFilter(health: .unhealthy), "check_health_by_health", "h"),
        (ObjectFilter(health: .healthy), "checks_name", "o"),
    ])
    func `a page of checks walks along one index`(
        _ filter: ObjectFilter, _ index: String, _ table: String
    ) async throws {
        let fixture = try await fixture(.fullAndAnalyzed)
        let page = ObjectPage(ofChecks: filter, after: "web5", limit: 100, in: .mysql)
        let values = page.values.map { value in
            switch value {
            case .text(let text): "'\(text)'"
            case .number(let number): "\(number)"
            }
        }

        let plan = try plan(of: page.sql, values, on: fixture)

        #expect(plan[table]?["key"] == index, "\(plan)")
        #expect(plan.values.allSatisfy { $0["type"] != "ALL" }, "\(plan)")
        if filter.health != .unhealthy {
            #expect(plan[table]?["Extra"]?.contains("filesort") != true, "\(plan)")
        }
    }

    @Test(arguments: [
        (MySQLStorage.outcomesOfCheck, "outcomes", "outcomes_of_check", ["1", "9", "10"]),
        (
            MySQLStorage.healthChangesOfCheck, "health_changes", "health_changes_of_check",
            ["1", "9", "10"]
        ),
        (MySQLStorage.healthChanges, "health_changes", "PRIMARY", ["9", "10"]),
        (MySQLStorage.routesByName, "p", "policies_name", ["''", "10"]),
    ])
    func `a page of history walks along one index`(
        _ sql: String, _ table: String, _ index: String, _ values: [String]
    ) async throws {
        let fixture = try await fixture(.full)

        let plan = try plan(of: sql, values, on: fixture)

        #expect(plan[table]?["key"] == index, "\(plan)")
        #expect(plan[table]?["Extra"]?.contains("filesort") != true, "\(plan)")
    }

    @Test func `each statement claims, completes and enqueues what the plans were asked for`()
        async throws
    {
        let fixture = try await fixture(.fullAndAnalyzed)
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
