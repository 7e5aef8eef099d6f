import StorageConformance
import Testing

@Suite struct PromiseTests {
    @Test(arguments: StoragePromise.all)
    func `MySQL keeps the promises of every storage`(_ promise: StoragePromise) async throws {
        try await promise.ask(of: MySQLFixture())
    }
}
