import Foundation
import HealthWorkerModel
import HealthWorkerMySQL
import HealthWorkerStorage
import StorageConformance
import Testing

/// What a caller is told when the server is not there, or not as it should be.
@Suite struct FailureTests {
    private func failure(opening url: String) async -> StorageError? {
        do {
            let storage = try await MySQLStorage.open(
                url: url, process: 1, version: MySQLFixture.version, logger: MySQLFixture.logger)
            await storage.close()
            return nil
        } catch {
            return error
        }
    }

    @Test func `a wrong password names the user and the setting, and no password`() async throws {
        let server = try TestServer()

        let error = await failure(opening: server.url { $0.password = "sesame" })

        #expect(error?.isFailed(containing: "check database.url") == true, "\(error as Any)")
        #expect(error?.isFailed(containing: "(1045)") == true, "\(error as Any)")
        #expect("\(error as Any)".contains("sesame") == false)
    }

    @Test func `a missing database names the command that makes it`() async throws {
        let server = try TestServer()

        let error = await failure(opening: server.url { $0.path = "/nowhere" })

        #expect(error?.isFailed(containing: "CREATE DATABASE nowhere") == true, "\(error as Any)")
    }

    @Test func `a server that is not there is named by its address alone`() async throws {
        let server = try TestServer()

        // Port 1 is nobody's on a machine that runs tests.
        let error = await failure(opening: server.url { ($0.host, $0.port) = ("127.0.0.1", 1) })

        #expect(error?.isUnavailable(containing: "127.0.0.1:1/") == true, "\(error as Any)")
        #expect("\(error as Any)".contains("secret") == false)
    }

    @Test func `a host that does not exist is unavailable`() async throws {
        let server = try TestServer()

        let error = await failure(opening: server.url { $0.host = "nowhere.invalid" })

        #expect(error?.isUnavailable(containing: "nowhere.invalid") == true, "\(error as Any)")
    }

    @Test func `a server without TLS is not spoken to where the URL asks for it`() async throws {
        let server = try TestServer()
        guard try server.execute("SELECT @@have_ssl")[0][0] == "DISABLED" else { return }

        for mode in ["required", "VERIFY_IDENTITY"] {
            let error = await failure(
                opening: server.url { $0.percentEncodedQuery = "ssl-mode=\(mode)" })

            #expect(error?.isFailed(containing: "does not speak TLS") == true, "\(error as Any)")
        }
    }

    @Test(arguments: [
        ("postgresql://root@127.0.0.1/x", "does not begin with mysql://"),
        ("mysql://me:s%ZZecret@127.0.0.1/x", "cannot be read"),
        ("mysql://me:secret@127.0.0.1", "names no database"),
        ("mysql://127.0.0.1/x", "cannot be read"),
        ("mysql://me:secret@/x", "names no host"),
        ("mysql://me:secret@127.0.0.1/x?ssl-mode=secret", "DISABLED, PREFERRED, REQUIRED"),
        ("mysql://me:secret@127.0.0.1/x?sslmode=secret", "there are: socket, ssl-mode"),
        ("secret", "does not begin with mysql://"),
    ])
    func `what is no URL of MySQL is told and not quoted`(
        _ url: String, _ sentence: String
    ) async throws {
        let error = await failure(opening: url)

        #expect(error?.isFailed(containing: sentence) == true, "\(error as Any)")
        #expect("\(error as Any)".contains("ecret") == false)
    }

    @Test func `a server that is too old is told with what is needed`() {
        let old = [
            ServerVersion(number: 100_509, isMariaDB: true),
            ServerVersion(number: 50_744, isMariaDB: false),
        ].map(\.refusal)

        #expect(
            old == [
                "MariaDB 10.5.9; Health Worker needs 10.6 or later.",
                "MySQL 5.7.44; Health Worker needs 8.0.4 or later.",
            ])
        #expect(ServerVersion(number: 100_600, isMariaDB: true).refusal == nil)
        #expect(ServerVersion(number: 80_004, isMariaDB: false).refusal == nil)
    }

    @Test func `a statement that takes too long is cancelled and its connection dropped`()
        async throws
    {
        let fixture = try await MySQLFixture()
        let storage = try await fixture.open(poolSize: 1, statementLimit: .seconds(5))
        // Reading it takes a minute, without a lock that the server would give up waiting for.
        try fixture.execute("RENAME TABLE api_keys TO kept_keys")
        try fixture.execute(
            """
            CREATE VIEW api_keys AS
            SELECT k.* FROM (SELECT SLEEP(60) AS slept) AS s LEFT JOIN kept_keys AS k ON TRUE
            """)

        let error = await #expect(throws: StorageError.self) { try await storage.keys() }

        #expect(
            error?.isUnavailable(containing: "did not answer within 5000 ms") == true,
            "\(error as Any)")
        try await fixture.waitForSessions { $0.isEmpty }
        try fixture.execute("DROP VIEW api_keys")
        try fixture.execute("RENAME TABLE kept_keys TO api_keys")
        #expect(try await storage.keys().isEmpty)
        await storage.close()
    }

    @Test func `a call whose connection is killed is unavailable, and the next one works`()
        async throws
    {
        let fixture = try await MySQLFixture()
        let storage = try await fixture.open(poolSize: 1)

        let result = try await fixture.holding("checks") {
            async let answer = storage.checks(named: ["web"])
            try await fixture.waitForSessions { $0.contains { $0 != "Sleep" } }
            try fixture.cutConnections()
            do { return Result<[Check], any Error>.success(try await answer) } catch {
                return .failure(error)
            }
        }

        let error = #expect(throws: StorageError.self) { try result.get() }
        #expect(error?.isUnavailable() == true, "\(error as Any)")
        _ = try await storage.now()
        await storage.close()
    }

    @Test func `a connection that was closed while it was idle costs no call`() async throws {
        let fixture = try await MySQLFixture()
        let storage = try await fixture.open(poolSize: 1)
        try await storage.put("web")

        for _ in 0..<3 {
            try fixture.cutConnections()
            try await fixture.waitForSessions { $0.isEmpty }
            #expect(try await storage.queueStatus().live == 1)
        }
        await storage.close()
    }

    @Test func `a closed storage says so`() async throws {
        let fixture = try await MySQLFixture()
        let storage = try await fixture.open()
        await storage.close()

        let error = await #expect(throws: StorageError.self) { try await storage.ping() }

        #expect(error?.isUnavailable(containing: "closed") == true, "\(error as Any)")
        try await fixture.waitForSessions { $0.isEmpty }
    }

    @Test func `a table that is gone names the command`() async throws {
        let fixture = try await MySQLFixture()
        let storage = try await fixture.open()
        try fixture.execute("DROP TABLE probe_jobs")

        let error = await #expect(throws: StorageError.self) { try await storage.queueStatus() }

        #expect(error?.isAboutSchema(containing: "health-worker migrate up") == true)
        await storage.close()
    }

    @Test func `a user who may not write is told what to be granted`() async throws {
        let fixture = try await MySQLFixture()
        let user = "u" + fixture.database.suffix(16)
        try fixture.execute(
            """
            CREATE USER \(user) IDENTIFIED BY 'secret';
            GRANT SELECT ON \(fixture.database).* TO \(user)
            """)

        let error = await failure(
            opening: fixture.server.url {
                ($0.user, $0.password, $0.path) = (user, "secret", "/\(fixture.database)")
            })
        try fixture.execute("DROP USER \(user)")

        #expect(error?.isFailed(containing: "grant it") == true, "\(error as Any)")
    }
}

extension MySQLFixture {
    /// Runs `body` while another connection has a table for itself.
    func holding<Value>(
        _ table: String, _ body: () async throws -> Value
    ) async throws -> Value {
        let holder = try TestConnection(to: server)
        try holder.execute("LOCK TABLES \(database).\(table) WRITE")
        let value = try await body()
        try holder.execute("UNLOCK TABLES")
        return value
    }

    func cutConnections() throws {
        let sessions = try server.execute(
            "SELECT id FROM information_schema.processlist WHERE db = '\(database)'")
        for id in sessions.compactMap({ $0[0] }) {
            // One that ended meanwhile is no error.
            _ = try? server.execute("KILL \(id)")
        }
    }

    /// Asks the server what this fixture's storages do, until it is what is waited for.
    func waitForSessions(_ isWanted: ([String]) -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(300)
        while ContinuousClock.now < end {
            let states = try server.execute(
                "SELECT command FROM information_schema.processlist WHERE db = '\(database)'")
            if isWanted(states.compactMap { $0[0] }) { return }
            await Task.yield()
        }
        throw SetUpError(
            description: "The sessions of \(database) are never what is waited for.")
    }
}
