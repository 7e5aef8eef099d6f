import CPostgreSQL
import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import Testing

@Suite struct StatusTests {
    @Test func `the status names who keeps the database from forgetting ended jobs`() async throws {
        let fixture = try await PostgreSQLFixture()
        let storage = try await fixture.open()
        let link = PQconnectdb(fixture.url)
        defer { PQfinish(link) }
        PQclear(PQexec(link, "BEGIN ISOLATION LEVEL REPEATABLE READ"))
        PQclear(PQexec(link, "SELECT txid_current()"))
        let wanted = "pid \(PQbackendPID(link)) \(fixture.schema)"

        // Others' transactions are shorter, and may have begun earlier.
        let deadline = ContinuousClock.now + .seconds(40)
        var seen: OpenTransaction?
        while seen?.session != wanted, .now < deadline {
            seen = try await storage.queueStatus().oldestTransaction
        }

        #expect(seen?.session == wanted)
        #expect((seen?.age ?? .zero) > .zero)
        #expect(seen?.isTooOld == false)
        await storage.close()
    }
}
