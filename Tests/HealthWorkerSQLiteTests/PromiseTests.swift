import StorageConformance
import Testing

@Suite struct PromiseTests {
    @Test(arguments: StoragePromise.all)
    func `SQLite keeps the promises of every storage`(_ promise: StoragePromise) async throws {
        try await promise.ask(of: SQLiteFixture())
    }
}
