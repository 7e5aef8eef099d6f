import Foundation
import GRDB
import HealthWorkerModel
import HealthWorkerSQLite
import HealthWorkerStorage
import Migrations
import StorageConformance
import Testing

@Suite struct MigrationTests {
    @Test func `a new database gets every migration, and the next run none`() async throws {
        let fixture = try await SQLiteFixture(isMigrated: false)
        let migrator = try fixture.migrator()

        let planned = try await migrator.up(dryRun: true)
        let existsAfterDryRun = FileManager.default.fileExists(atPath: fixture.path)
        let done = try await migrator.up()
        let again = try await migrator.up()

        #expect(planned == migrator.migrations)
        #expect(!existsAfterDryRun)
        #expect(done == migrator.migrations)
        #expect(again.isEmpty)
        try await migrator.validate()
    }

    @Test func `two that migrate at once do each migration once`() async throws {
        let fixture = try await SQLiteFixture(isMigrated: false)
        let first = try fixture.migrator()
        let second = try fixture.migrator()

        async let one = first.up()
        async let other = second.up()
        let done = try await one + other

        #expect(done.map(\.number).sorted() == first.migrations.map(\.number))
        try await first.validate()
    }

    @Test func `a database without its last migration names the command`() async throws {
        let fixture = try await SQLiteFixture()
        let last = try #require(try fixture.migrator().migrations.last)
        try fixture.execute(["DELETE FROM schema_migrations WHERE number = \(last.number)"])

        let error = await #expect(throws: StorageError.self) { try await fixture.open() }

        #expect(error?.isAboutSchema(containing: "health-worker migrate up") == true)
        #expect(try await fixture.migrator().pending() == [last])
        #expect(last.sql.contains("CREATE "))
    }

    @Test func `a database that is missing names the command`() async throws {
        let fixture = try await SQLiteFixture(isMigrated: false)

        let error = await #expect(throws: StorageError.self) { try await fixture.open() }

        #expect(error?.isAboutSchema(containing: "health-worker migrate up") == true)
        #expect(!FileManager.default.fileExists(atPath: fixture.path))
        #expect(try await fixture.migrator().status().allSatisfy { $0.state == .pending })
    }

    @Test func `a migration that was done with another text is refused`() async throws {
        let fixture = try await SQLiteFixture()
        try fixture.execute(["UPDATE schema_migrations SET checksum = '0' WHERE number = 2"])
        let migrator = try fixture.migrator()

        let error = await #expect(throws: StorageError.self) { try await migrator.validate() }
        await #expect(throws: StorageError.self) { try await migrator.up() }

        #expect(error?.isAboutSchema(containing: "Migration 2 (queue)") == true)
        let states = try await migrator.status().map(\.state)
        guard case .changed = states[1] else {
            Issue.record("migration 2 is \(states[1])")
            return
        }
    }

    @Test func `a later schema is used while it allows this version`() async throws {
        let fixture = try await SQLiteFixture()
        try fixture.execute([
            "INSERT INTO schema_migrations VALUES (99, 'later', '1', 0, '0.2.0', '0.1.0')"
        ])

        try await fixture.migrator().validate()
        let storage = try await fixture.open()
        try await storage.ping()

        #expect(
            try await fixture.migrator().status().last?.state
                == .newer(
                    at: Timestamp(microseconds: 0), by: "0.2.0",
                    compatibleFrom: ProgramVersion(0, 1, 0)))
    }

    @Test func `a later schema that needs a later version names it`() async throws {
        let fixture = try await SQLiteFixture()
        try fixture.execute([
            "INSERT INTO schema_migrations VALUES (98, 'later', '1', 0, '0.3.1', '0.3.0')",
            "INSERT INTO schema_migrations VALUES (99, 'last', '1', 0, '0.3.1', '0.2.0')",
        ])

        let error = await #expect(throws: StorageError.self) { try await fixture.open() }

        #expect(error?.isAboutSchema(containing: "install 0.3.0 or later") == true)
        try await fixture.migrator(version: ProgramVersion(0, 3, 0)).validate()
    }

    @Test func `every file of the folder is carried, and nothing else`() throws {
        let folder = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Migrations/SQLite")

        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let carried = try SQLiteSchema.migrations()

        #expect(!files.isEmpty)
        #expect(carried.map(\.number) == files.sorted().compactMap { Int($0.prefix(3)) })
        #expect(
            carried.map { migration in
                String(repeating: "0", count: 3 - "\(migration.number)".count)
                    + "\(migration.number)_\(migration.name).sql"
            } == files.sorted())
        for (file, migration) in zip(files.sorted(), carried) {
            let text = try String(
                contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
            #expect(text == migration.sql)
        }
        #expect(embedded_migration_count() >= carried.count)
    }

    @Test func `a migration without its oldest version is a defect`() {
        #expect(throws: StorageError.self) {
            try Migration(number: 1, name: "x", sql: "CREATE TABLE x (y);")
        }
        #expect(throws: StorageError.self) {
            try Migration(number: 1, name: "x", sql: "-- compatible_from: soon\nSELECT 1;")
        }
    }

    @Test(arguments: [
        ("0.1.0", ProgramVersion(0, 1, 0)), ("10.20.30", ProgramVersion(10, 20, 30)),
        ("0.2.0-dev", ProgramVersion(0, 2, 0)), ("1.0.0+4", ProgramVersion(1, 0, 0)),
        ("1.0", nil), ("v1.0.0", nil), ("1..0", nil), ("", nil),
    ])
    func `a version is three numbers`(_ text: String, _ version: ProgramVersion?) {
        #expect(ProgramVersion(text) == version)
    }

    @Test func `the tables have the columns that the design names`() async throws {
        let fixture = try await SQLiteFixture()
        let wanted = [
            "checks": "revision epoch",
            "check_health": """
            check_id epoch health health_since in_a_row run_since run_worker_id corroborated \
            inconclusive_since change_id
            """,
            "probe_jobs": """
            job_id check_id due_at visible_at attempt worker_id avoid_worker_id location timeout_ms
            """,
            "evaluations": "id policy_id due_at cause change_id",
            "routes": "policy_id evaluation generation policy_revision inputs answer",
        ]

        for (table, columns) in wanted {
            let names = try fixture.rows("SELECT name FROM pragma_table_info('\(table)')")
                .map { $0["name"] as String }
            #expect(Set(columns.split(separator: " ").map(String.init)).isSubset(of: names))
        }
        let tables = try fixture.rows("SELECT name FROM pragma_table_list WHERE schema = 'main'")
            .map { $0["name"] as String }
        #expect(
            Set(tables).isSuperset(of: [
                "checks", "policies", "policy_members", "publications", "schedule_slots",
                "probe_jobs", "check_health", "outcomes", "health_changes", "evaluations", "routes",
                "route_changes", "route_outbox", "overrides", "processes", "queue_tallies",
                "duties", "api_keys", "audit_log", "schema_migrations", "installation",
                "sink_holdings", "dead_letters",
            ]))
    }

    @Test func `every table checks the types of its columns`() async throws {
        let fixture = try await SQLiteFixture()

        let loose = try fixture.rows(
            """
            SELECT name
            FROM pragma_table_list
            WHERE schema = 'main'
              AND strict = 0
              AND name NOT LIKE 'sqlite_%'
            """)

        #expect(loose.isEmpty)
    }
}

extension StorageError {
    func isAboutSchema(containing text: String) -> Bool {
        if case .schema(let why) = self { why.contains(text) } else { false }
    }
}
