import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import Testing

/// What PostgreSQL does for a page of a listing: a walk along one index, which ends with the page.
@Suite struct ListingPlanTests {
    private static let checks = 20_000

    @Test func `a page of checks by any filter reads no more than it must`() async throws {
        let fixture = try await PostgreSQLFixture()
        try fixture.execute(
            """
            INSERT INTO checks
                (name, revision, epoch, set_name, type, is_enabled, interval_us, slot, timeout_ms,
                 created_at, updated_at, spec)
            SELECT 'web' || lpad(n::text, 6, '0'), 1, 1, 'set' || n % 200, 'tcp', true, 10000000,
                   n % 256, 5000, 0, 0, '{}'
            FROM generate_series(1, \(Self.checks)) AS n;
            INSERT INTO check_labels (label, value, name, check_id)
            SELECT l.label, CASE l.label WHEN 'env' THEN 'prod' ELSE 'site' || check_id % 10 END,
                   name, check_id
            FROM checks
            CROSS JOIN (VALUES ('env'), ('site')) AS l (label);
            INSERT INTO check_health (check_id, epoch, health, health_since)
            SELECT check_id, 1, CASE WHEN check_id % 100 = 0 THEN 'unhealthy' ELSE 'healthy' END, 0
            FROM checks;
            ANALYZE checks, check_labels, check_health
            """)
        let half = "web010000"

        let cases: [(what: String, filter: ObjectFilter, index: String, most: Int)] = [
            ("all", ObjectFilter(), "checks_name_key", 101),
            ("of a set", ObjectFilter(set: "set1"), "checks_of_set", 101),
            ("of a type", ObjectFilter(type: "tcp"), "checks_", 101),
            (
                "with a label", ObjectFilter(selector: try LabelSelector("env=prod")),
                "check_labels_pkey", 101
            ),
            (
                // Every check has the first label, and one in ten the second one.
                "with two labels",
                ObjectFilter(selector: try LabelSelector("env=prod,site=site3")),
                "check_labels_pkey", 1200
            ),
            (
                // Nine in ten have it: what is left out is seen row by row.
                "with a label and without another",
                ObjectFilter(selector: try LabelSelector("env=prod,site!=site3")),
                "check_labels_pkey", 240
            ),
            (
                "with one of two labels, and a third one",
                ObjectFilter(selector: try LabelSelector("env,!old,site in (site1,site2,site3)")),
                "checks_name_key", 1200
            ),
            ("healthy", ObjectFilter(health: .healthy), "checks_name_key", 120),
        ]
        for (what, filter, index, most) in cases {
            let page = ObjectPage(ofChecks: filter, after: half, limit: 101, in: .postgresql)

            let plan = try fixture.execute(
                """
                \(PostgreSQLStorage.settings);
                PREPARE asked AS \(page.sql);
                EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
                EXECUTE asked(\(literals(of: page)))
                """
            ).compactMap { $0.first ?? nil }

            let text = plan.joined(separator: "\n")
            #expect(!text.contains("Seq Scan"), "\(what): \(text)")
            #expect(!text.contains("Sort"), "\(what): \(text)")
            #expect(!text.contains("Hash"), "\(what): \(text)")
            #expect(text.contains(" using \(index)"), "\(what): \(text)")
            let read = text.matches(of: #/actual rows=([0-9]+) loops=([0-9]+)/#).map { match in
                (Int(match.1) ?? 0) * (Int(match.2) ?? 0)
            }
            #expect((1...most).contains(read.max() ?? 0), "\(what): \(text)")
        }
    }

    @Test func `checks of a rare health are found by it`() async throws {
        let fixture = try await PostgreSQLFixture()
        let page = ObjectPage(
            ofChecks: ObjectFilter(health: .unhealthy), after: nil, limit: 100, in: .postgresql)

        let plan = try fixture.execute(
            """
            INSERT INTO checks
                (name, revision, epoch, type, is_enabled, interval_us, slot, timeout_ms, created_at,
                 updated_at, spec)
            SELECT 'web' || n, 1, 1, 'tcp', true, 10000000, n % 256, 5000, 0, 0, '{}'
            FROM generate_series(1, \(Self.checks)) AS n;
            INSERT INTO check_health (check_id, epoch, health, health_since)
            SELECT check_id, 1, CASE WHEN check_id % 1000 = 0 THEN 'unhealthy' ELSE 'healthy' END, 0
            FROM checks;
            ANALYZE checks, check_health;
            \(PostgreSQLStorage.settings);
            PREPARE asked AS \(page.sql);
            EXPLAIN (COSTS OFF) EXECUTE asked(\(literals(of: page)))
            """
        ).compactMap { $0.first ?? nil }.joined(separator: "\n")

        #expect(plan.contains("check_health_by_health"), "\(plan)")
        #expect(!plan.contains("Seq Scan"), "\(plan)")
    }

    private func literals(of page: ObjectPage) -> String {
        page.values.map { value in
            switch value {
            case .text(let text): "'\(text)'"
            case .number(let number): "'\(number)'"
            }
        }.joined(separator: ", ")
    }
}
