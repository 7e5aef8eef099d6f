import Foundation
import HealthWorkerModel
import HealthWorkerSQLite
import HealthWorkerStorage
import StorageConformance
import Synchronization
import Testing

@Suite struct OpeningTests {
    private func failure(opening path: String) async -> String? {
        do {
            let storage = try await SQLiteStorage.open(
                path: path, process: 1, version: SQLiteFixture.version)
            await storage.close()
            return nil
        } catch .failed(let why) {
            return why
        } catch {
            return "another case: \(error)"
        }
    }

    @Test func `a missing folder is named`() async throws {
        let why = await failure(opening: "/nowhere/to/be/found/health.sqlite")

        #expect(why == "The folder /nowhere/to/be/found of the database does not exist; create it.")
    }

    @Test func `a folder is no database`() async throws {
        let fixture = try await SQLiteFixture(isMigrated: false)

        let why = await failure(opening: fixture.folder.path)

        #expect(why == "\(fixture.folder.path) is a folder; name a file in it for the database.")
    }

    @Test func `a file of another kind is no database, and stays as it is`() async throws {
        let fixture = try await SQLiteFixture(isMigrated: false)
        let text = String(repeating: "This is a text file.\n", count: 100)
        try text.write(toFile: fixture.path, atomically: true, encoding: .utf8)

        let why = await failure(opening: fixture.path)

        #expect(why?.hasPrefix("\(fixture.path) is not an SQLite database") == true)
        #expect(try String(contentsOfFile: fixture.path, encoding: .utf8) == text)
    }

    @Test func `a file that is not a database cannot be migrated either`() async throws {
        let fixture = try await SQLiteFixture(isMigrated: false)
        try "text, and long enough to be read as a header of a database file".write(
            toFile: fixture.path, atomically: true, encoding: .utf8)

        await #expect(throws: StorageError.self) { try await fixture.migrator().up() }
    }

    @Test func `a closed storage says so`() async throws {
        let storage = try await SQLiteFixture().open()
        await storage.close()

        let error = await #expect(throws: StorageError.self) { try await storage.ping() }

        guard case .unavailable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        await #expect(throws: StorageError.self) { try await storage.queueStatus() }
    }

    @Test func `what was written is there when it is opened again`() async throws {
        let fixture = try await SQLiteFixture()
        let storage = try await fixture.open(process: 1)
        let checks = try await storage.put("web")
        await storage.close()

        let again = try await fixture.open(process: 2)

        #expect(try await again.checks(named: ["web"]) == checks)
        #expect(try await again.queueStatus().live == 1)
    }

    @Test func `time does not go back when the host's clock does, nor stand still`() async throws {
        let fixture = try await SQLiteFixture()
        let noon = Timestamp(seconds: 1_800_000_000)
        let wall = Mutex(noon)
        let first = try await SQLiteStorage.open(
            path: fixture.path, process: 1, version: SQLiteFixture.version,
            hostTime: { wall.withLock { $0 } })
        try await first.put("web")
        await first.close()
        wall.withLock { $0 = noon - .hours(1) }

        let second = try await SQLiteStorage.open(
            path: fixture.path, process: 2, version: SQLiteFixture.version,
            hostTime: { wall.withLock { $0 } })
        let before = try await second.now()
        var after = before
        while after == before { after = try await second.now() }

        #expect(before >= noon)
        #expect(after > before)
        #expect(after < noon + .minutes(10))
        withExtendedLifetime(fixture) {}
    }
}
