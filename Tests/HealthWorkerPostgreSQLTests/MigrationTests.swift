import Foundation
import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import StorageConformance
import Testing

@Suite struct MigrationTests {
    @Test func `a new database gets every migration, and the next run none`() async throws {
        let fixture = try await PostgreSQLFixture(isMigrated: false)
        let migrator = try fixture.migrator()

        let planned = try await migrator.up(dryRun: true)
        let tables = try fixture.execute(
            "SELECT 1 FROM pg_tables WHERE schemaname = '\(fixture.schema)'")
        let done = try await migrator.up()
        let again = try await migrator.up()

        #expect(planned == migrator.migrations)
        #expect(tables.isEmpty)
        #expect(done == migrator.migrations)
        #expect(done.map(\.number) == Set(done.map(\.number)).sorted())
        #expect(again.isEmpty)
        try await migrator.validate()
    }

    @Test func `two that migrate at once do each migration once`() async throws {
        let fixture = try await PostgreSQLFixture(isMigrated: false)
        let first = try fixture.migrator()
        let second = try fixture.migrator()

        async let one = first.up()
        async let other = second.up()
        let done = try await one + other

        #expect(done.map(\.number).sorted() == first.migrations.map(\.number))
        try await first.validate()
    }

    @Test func `an empty database names the command`() async throws {
        let fixture = try await PostgreSQLFixture(isMigrated: false)

        let error = await #expect(throws: StorageError.self) { try await fixture.open() }

        #expect(error?.isAboutSchema(containing: "health-worker migrate up") == true)
        #expect(try await fixture.migrator().status().allSatisfy { $0.state == .pending })
    }

    @Test func `a database without its last migration names the command`() async throws {
        let fixture = try await PostgreSQLFixture()
        let last = try #require(try fixture.migrator().migrations.last)
        try fixture.execute("DELETE FROM schema_migrations WHERE number = \(last.number)")

        let error = await #expect(throws: StorageError.self) { try await fixture.open() }

        #expect(error?.isAboutSchema(containing: "health-worker migrate up") == true)
        #expect(try await fixture.migrator().pending() == [last])
    }

    @Test func `a migration that was done with another text is refused`() async throws {
        let fixture = try await PostgreSQLFixture()
        try fixture.execute("UPDATE schema_migrations SET checksum = '0' WHERE number = 2")
        let migrator = try fixture.migrator()

        let error = await #expect(throws: StorageError.self) { try await migrator.validate() }
        await #expect(throws: StorageError.self) { try await migrator.up() }

        #expect(error?.isAboutSchema(containing: "Migration 2 (queue)") == true)
    }

    @Test func `a later schema that needs a later version names it`() async throws {
        let fixture = try await PostgreSQLFixture()
        try fixture.execute(
            "INSERT INTO schema_migrations VALUES (99, 'last', '1', 0, '0.3.1', '0.3.0')")

        let error = await #expect(throws: StorageError.self) { try await fixture.open() }

        #expect(error?.isAboutSchema(containing: "install 0.3.0 or later") == true)
    }

    @Test func `a migration that fails leaves nothing behind`() async throws {
        let fixture = try await PostgreSQLFixture(isMigrated: false)
        try fixture.execute("CREATE TABLE outcomes (x integer)")

        await #expect(throws: StorageError.self) { try await fixture.migrator().up() }

        let tables = try fixture.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = '\(fixture.schema)'")
        #expect(tables == [["outcomes"]])
    }

    @Test func `every file of the folder is carried, and the numbers mean the same everywhere`()
        throws
    {
        let folder = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Migrations")

        let files = try FileManager.default.contentsOfDirectory(
            atPath: folder.appendingPathComponent("PostgreSQL").path)
        let others = try FileManager.default.contentsOfDirectory(
            atPath: folder.appendingPathComponent("SQLite").path)
        let carried = try PostgreSQLSchema.migrations()

        #expect(files.sorted() == others.sorted())
        #expect(carried.count == files.count)
        #expect(carried.map(\.number) == files.sorted().compactMap { Int($0.prefix(3)) })
        for (file, migration) in zip(files.sorted(), carried) {
            let text = try String(
                contentsOf: folder.appendingPathComponent("PostgreSQL/\(file)"), encoding: .utf8)
            #expect(text == migration.sql)
        }
    }

    @Test func `the clock is the database's, to the microsecond`() async throws {
        let fixture = try await PostgreSQLFixture(clockRuns: true)
        let storage = try await fixture.open()

        let before = try #require(
            try fixture.execute("SELECT extract(epoch FROM clock_timestamp())")[0][0])
        let now = try await storage.now()
        let after = try #require(
            try fixture.execute("SELECT extract(epoch FROM clock_timestamp())")[0][0])

        let wall = try [before, after].map { text in
            let parts = text.split(separator: ".")
            return try #require(Int64(parts[0] + parts[1]))
        }
        #expect((wall[0]...wall[1]).contains(now.microseconds))
        await storage.close()
    }
}
