import Foundation
import HealthWorkerModel
import HealthWorkerMySQL
import HealthWorkerStorage
import StorageConformance
import Testing

@Suite struct StatusTests {
    @Test func `the status names who keeps the database from forgetting ended jobs`() async throws {
        let fixture = try await MySQLFixture()
        let storage = try await fixture.open()
        let other = try TestConnection(to: fixture.server)
        try other.execute(
            "USE \(fixture.database); SET time_zone = '+05:00'; START TRANSACTION; "
                + "SELECT count(*) FROM checks")
        let id = try #require(try other.execute("SELECT CONNECTION_ID()")[0][0])

        // Others' transactions are shorter, and may have begun earlier.
        let end = ContinuousClock.now + .seconds(30)
        var seen: OpenTransaction?
        while seen?.session.hasPrefix("connection \(id) ") != true, .now < end {
            seen = try await storage.queueStatus().oldestTransaction
            try await MySQLFixture.untilTransactionsAreReadAnew()
        }

        #expect(seen?.session.hasPrefix("connection \(id) ") == true, "\(seen as Any)")
        // The server tells whole seconds.
        #expect((.zero...Duration.seconds(60)).contains(seen?.age ?? .seconds(-1)))
        withExtendedLifetime(other) {}
        await storage.close()
    }

    @Test func `a user who is not shown others' transactions has a status all the same`()
        async throws
    {
        let fixture = try await MySQLFixture()
        let user = "u" + fixture.database.suffix(16)
        try fixture.execute(
            """
            CREATE USER \(user) IDENTIFIED BY 'secret';
            GRANT ALL ON \(fixture.database).* TO \(user)
            """)
        let storage = try await MySQLStorage.open(
            url: fixture.server.url {
                ($0.user, $0.password, $0.path) = (user, "secret", "/\(fixture.database)")
            }, process: 1, version: MySQLFixture.version, logger: MySQLFixture.logger)
        try await storage.put("a")

        let status = try await storage.queueStatus()
        try fixture.execute("DROP USER \(user)")

        #expect(status.live == 1)
        #expect(status.oldestTransaction == nil)
        await storage.close()
    }
}
