import CountsConformance
import HealthWorkerCounters
import Testing

@Suite(.sharedServer) struct PromiseTests {
    @Test(arguments: CountsPromise.all)
    func `the rows alone keep the promises of every count`(_ promise: CountsPromise) async throws {
        try await promise.ask(of: BaseFixture())
    }

    @Test(arguments: CountsPromise.all)
    func `Redis keeps the promises of every count`(_ promise: CountsPromise) async throws {
        let fixture = RedisFixture(try #require(SharedServer.current))

        try await promise.ask(of: fixture)

        // A server that did not count would keep every promise too.
        #expect(fixture.sources.allSatisfy { $0 == .redis || $0 == .untried })
    }
}
