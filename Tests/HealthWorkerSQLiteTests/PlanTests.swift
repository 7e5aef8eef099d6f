import GRDB
import HealthWorkerModel
import HealthWorkerSQLite
import HealthWorkerStorage
import Testing

/// What SQLite does for the statements that run often: along an index, and without sorting.
@Suite struct PlanTests {
    private func plan(of sql: String, _ count: Int) async throws -> [String] {
        let fixture = try await SQLiteFixture()
        let queue = try DatabaseQueue(path: fixture.path)
        return try await queue.read { db in
            let nothing = StatementArguments([Int?](repeating: nil, count: count))
            return try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + sql, arguments: nothing)
                .map { $0["detail"] as String }
        }
    }

    private func expectWalk(_ plan: [String], along index: String) {
        #expect(plan.first?.contains(index) == true, "\(plan)")
        #expect(!plan.contains { $0.hasPrefix("SCAN") }, "\(plan)")
        #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
    }

    @Test func `a claim walks the live jobs by their key`() async throws {
        expectWalk(
            try await plan(of: SQLiteStorage.claimableJobs, 7),
            along: "SEARCH j USING INTEGER PRIMARY KEY (rowid>?)")
    }

    @Test(arguments: [
        (ObjectFilter(), "sqlite_autoindex_checks_1 (name>?)", 2),
        (ObjectFilter(set: "site"), "checks_of_set (set_name=? AND name>?)", 3),
        (ObjectFilter(type: "tcp"), "checks_of_type (type=? AND name>?)", 3),
        (
            ObjectFilter(selector: LabelSelector(["site": "fra1"])),
            "(label=? AND value=? AND name>?)", 4
        ),
        (
            ObjectFilter(health: .healthy, selector: LabelSelector(["a": "b", "site": "fra1"])),
            "(label=? AND value=? AND name>?)", 7
        ),
        (
            ObjectFilter(
                selector: LabelSelector([
                    .init("old", .isMissing), .init("env", .isNoneOf(["dev"])),
                    .init("site", .isOneOf(["fra1"])),
                ])), "(label=? AND value=? AND name>?)", 7
        ),
        (
            ObjectFilter(selector: LabelSelector([.init("old", .isMissing)])),
            "sqlite_autoindex_checks_1 (name>?)", 3
        ),
        (ObjectFilter(health: .healthy), "sqlite_autoindex_checks_1 (name>?)", 3),
    ])
    func `a page of checks walks along one index`(
        _ filter: ObjectFilter, _ index: String, _ count: Int
    ) async throws {
        let page = ObjectPage(ofChecks: filter, after: nil, limit: 100, in: .sqlite)

        expectWalk(try await plan(of: page.sql, count), along: index)
    }

    @Test func `checks of a rare health are found by it`() async throws {
        let page = ObjectPage(
            ofChecks: ObjectFilter(health: .unhealthy), after: nil, limit: 100, in: .sqlite)

        let plan = try await plan(of: page.sql, 3)

        #expect(plan.first?.contains("check_health_by_health (health=?)") == true, "\(plan)")
        #expect(!plan.contains { $0.hasPrefix("SCAN") }, "\(plan)")
    }

    @Test(arguments: [
        (EventPosition.Source.turn, "health_changes_by_time"), (.route, "route_changes_by_time"),
        (.deed, "audit_log_by_time"),
    ])
    func `a page of events walks along the index by time`(
        _ source: EventPosition.Source, _ index: String
    ) async throws {
        for order in [EventQuery.Order.newestFirst, .oldestFirst] {
            let page = EventPage(
                of: source, EventQuery(order: order, limit: 100), in: .sqlite)

            expectWalk(try await plan(of: page.sql, page.values.count), along: index)
        }
    }

    @Test(arguments: [
        (ObjectFilter(), "sqlite_autoindex_policies_1 (name>?)", 2),
        (ObjectFilter(set: "site"), "policies_of_set (set_name=? AND name>?)", 3),
        (
            ObjectFilter(selector: LabelSelector(["tier": "gold"])),
            "(label=? AND value=? AND name>?)", 4
        ),
    ])
    func `a page of policies walks along one index`(
        _ filter: ObjectFilter, _ index: String, _ count: Int
    ) async throws {
        let page = ObjectPage(ofPolicies: filter, after: nil, limit: 100, in: .sqlite)

        expectWalk(try await plan(of: page.sql, count), along: index)
    }

    @Test(arguments: [
        (SQLiteStorage.outcomesOfCheck, "outcomes_of_check (check_id=? AND rowid<?)", 3),
        (SQLiteStorage.healthChangesOfCheck, "health_changes_of_check (check_id=? AND rowid<?)", 3),
        (SQLiteStorage.healthChanges, "INTEGER PRIMARY KEY (rowid<?)", 2),
        (SQLiteStorage.routesByName, "sqlite_autoindex_policies_1 (name>?)", 2),
    ])
    func `a page of history walks along one index`(
        _ sql: String, _ index: String, _ count: Int
    ) async throws {
        expectWalk(try await plan(of: sql, count), along: index)
    }
}
