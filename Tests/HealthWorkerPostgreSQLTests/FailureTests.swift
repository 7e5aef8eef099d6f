import Foundation
import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import StorageConformance
import Testing

/// What a caller is told when the server is not there, or not as it should be.
@Suite struct FailureTests {
    private func failure(
        opening url: String, prepared: Bool = true
    ) async -> StorageError? {
        do {
            let storage = try await PostgreSQLStorage.open(
                url: url, process: 1, version: PostgreSQLFixture.version,
                usesPreparedStatements: prepared, logger: PostgreSQLFixture.logger)
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
        #expect(error?.isFailed(containing: "28P01") == true, "\(error as Any)")
        #expect("\(error as Any)".contains("sesame") == false)
    }

    @Test func `a missing database names the command that makes it`() async throws {
        let server = try TestServer()

        let error = await failure(opening: server.url { $0.path = "/nowhere" })

        #expect(error?.isFailed(containing: "createdb nowhere") == true, "\(error as Any)")
    }

    @Test func `a server that is not there is named by its address alone`() async throws {
        let server = try TestServer()

        // Port 1 is nobody's on a machine that runs tests.
        let error = await failure(opening: server.url { $0.port = 1 })

        #expect(error?.isUnavailable(containing: "127.0.0.1:1/postgres") == true, "\(error as Any)")
        #expect("\(error as Any)".contains("secret") == false)
    }

    @Test func `a server that is too old names its version and the oldest that will do`()
        async throws
    {
        let server = try ScriptedServer(version: "13.14 (Debian 13.14-1)")
        defer { server.stop() }

        let error = await failure(opening: "postgresql://ann:secret@127.0.0.1:\(server.port)/hw")

        #expect(
            error
                == .failed(
                    "The database 127.0.0.1:\(server.port)/hw is PostgreSQL 13; Health Worker needs "
                        + "14 or later."))
    }

    @Test func `of several servers the first that accepts writing is used`() async throws {
        let fixture = try await PostgreSQLFixture()
        let server = try TestServer()
        let port = server.address.port ?? 0
        // Nobody is at port 1; the second is there, the third is never asked.
        let url = fixture.url.replacing(
            "127.0.0.1:\(port)", with: "127.0.0.1:1,127.0.0.1:\(port),nowhere.invalid:5432")

        let storage = try await PostgreSQLStorage.open(
            url: url, process: 1, version: PostgreSQLFixture.version,
            logger: PostgreSQLFixture.logger)
        try await storage.put("web")

        #expect(try await storage.queueStatus().live == 1)
        await storage.close()
    }

    @Test(.timeLimit(.minutes(10)))
    func `a server that accepts and says nothing does not keep the next one from its turn`()
        async throws
    {
        let fixture = try await PostgreSQLFixture()
        let silent = try SilentServer()
        defer { silent.stop() }
        let port = try TestServer().address.port ?? 0
        let url =
            fixture.url.replacing(
                "127.0.0.1:\(port)", with: "127.0.0.1:\(silent.port),127.0.0.1:\(port)")
            + "&connect_timeout=5"

        let storage = try await PostgreSQLStorage.open(
            url: url, process: 1, version: PostgreSQLFixture.version, poolSize: 1,
            logger: PostgreSQLFixture.logger)

        #expect(try await storage.queueStatus().live == 0)
        #expect(silent.callers() == 1)
        // Another connection is made, and the silent one is not asked again.
        try fixture.cutConnections()
        try await fixture.waitForSessions(\.isEmpty)
        #expect(try await storage.queueStatus().live == 0)
        #expect(silent.callers() == 0)
        await storage.close()
        let alone = await failure(
            opening: "postgresql://127.0.0.1:\(silent.port)/hw?connect_timeout=2")
        #expect(
            alone?.isUnavailable(containing: "127.0.0.1:\(silent.port)/hw") == true,
            "\(alone as Any)")
        #expect(alone?.isUnavailable(containing: "within 2 s") == true, "\(alone as Any)")
    }

    @Test func `what one of several servers says is told before another's silence`() async throws {
        let server = try TestServer()
        let port = server.address.port ?? 0
        let url = server.url { $0.password = "sesame" }.replacing(
            "127.0.0.1:\(port)", with: "127.0.0.1:1,127.0.0.1:\(port)")

        let error = await failure(opening: url)

        // Whoever is silent may come back: trying again helps.
        #expect(error?.isUnavailable(containing: "28P01") == true, "\(error as Any)")
        #expect(
            error?.isUnavailable(containing: "The database 127.0.0.1:\(port)/postgres ") == true,
            "\(error as Any)")
    }

    @Test func `what all servers refuse is final, and names the first of them`() async throws {
        let server = try TestServer()
        let port = server.address.port ?? 0
        let url = server.url { $0.password = "sesame" }.replacing(
            "127.0.0.1:\(port)", with: "127.0.0.1:\(port),localhost:\(port)")

        let error = await failure(opening: url)

        #expect(
            error?.isFailed(containing: "The database 127.0.0.1:\(port)/postgres ") == true,
            "\(error as Any)")
        #expect(error?.isFailed(containing: "28P01") == true, "\(error as Any)")
    }

    @Test(arguments: [
        "postgresql://user:pa/ssword@127.0.0.1:1/db", "postgresql://user:12/ssword@127.0.0.1:1/db",
        "postgresql://user:pa@ssword@127.0.0.1:1/db", "postgresql://user:pa@127.0.0.1:99999/db",
        "postgresql://user:pa@127.0.0.1:1,127.0.0.1:0/db",
    ])
    func `a URL with a port that is none, or an unescaped password, is not quoted`(_ url: String)
        async throws
    {
        let error = await failure(opening: url)

        #expect(
            error
                == .failed(
                    "The database's URL cannot be read; write postgresql://USER:PASSWORD@HOST:PORT/"
                        + "DATABASE, with every special character of user and password as %XX and "
                        + "a port from 1 to 65535."))
    }

    @Test func `a host that does not exist is unavailable`() async throws {
        let server = try TestServer()

        let error = await failure(opening: server.url { $0.host = "nowhere.invalid" })

        #expect(error?.isUnavailable(containing: "nowhere.invalid") == true, "\(error as Any)")
    }

    @Test func `a read-only server says so`() async throws {
        let fixture = try await PostgreSQLFixture()

        let error = await failure(
            opening: fixture.url + "%20-cdefault_transaction_read_only%3Don")

        #expect(error?.isUnavailable(containing: "read-only") == true, "\(error as Any)")
    }

    @Test(arguments: ["mysql://root@127.0.0.1/x", "postgresql://me:s%ZZecret@127.0.0.1/x", "x"])
    func `what is no URL of PostgreSQL is not quoted`(_ url: String) async throws {
        let error = await failure(opening: url)

        #expect(error?.isFailed(containing: "database's URL") == true, "\(error as Any)")
        #expect("\(error as Any)".contains("ecret") == false)
    }

    @Test func `a statement that takes too long is cancelled and its connection dropped`()
        async throws
    {
        let fixture = try await PostgreSQLFixture()
        let storage = try await fixture.open(poolSize: 1, statementLimit: .seconds(5))
        try fixture.letClockHang()

        let error = await #expect(throws: StorageError.self) { try await storage.now() }

        #expect(
            error?.isUnavailable(containing: "did not answer within 5000 ms") == true,
            "\(error as Any)")
        try await fixture.waitForSessions { !$0.contains("active") }
        try await fixture.age(by: .zero)
        _ = try await storage.now()
        await storage.close()
    }

    @Test func `a call whose backend is killed is unavailable, and the next one works`()
        async throws
    {
        let fixture = try await PostgreSQLFixture()
        let storage = try await fixture.open(poolSize: 1)
        try fixture.letClockHang()

        async let answer = storage.now()
        try await fixture.waitForSessions { $0.contains("active") }
        try fixture.cutConnections()
        let result: Result<Timestamp, any Error>
        do { result = .success(try await answer) } catch { result = .failure(error) }

        let error = #expect(throws: StorageError.self) { try result.get() }
        #expect(error?.isUnavailable() == true, "\(error as Any)")
        try await fixture.age(by: .zero)
        _ = try await storage.now()
        await storage.close()
    }

    @Test func `a connection that was closed while it was idle costs no call`() async throws {
        let fixture = try await PostgreSQLFixture()
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
        let fixture = try await PostgreSQLFixture()
        let storage = try await fixture.open()
        await storage.close()

        let error = await #expect(throws: StorageError.self) { try await storage.ping() }

        #expect(error?.isUnavailable(containing: "closed") == true, "\(error as Any)")
        try await fixture.waitForSessions { $0.isEmpty }
    }

    @Test func `a table that is gone names the command`() async throws {
        let fixture = try await PostgreSQLFixture()
        let storage = try await fixture.open()
        try fixture.execute("DROP TABLE probe_jobs")

        let error = await #expect(throws: StorageError.self) { try await storage.queueStatus() }

        #expect(error?.isAboutSchema(containing: "health-worker migrate up") == true)
        await storage.close()
    }
}

extension PostgreSQLFixture {
    /// Until the clock is set again every statement that asks for the time waits.
    func letClockHang() throws {
        try execute(
            """
            CREATE OR REPLACE FUNCTION now_us() RETURNS bigint
                LANGUAGE sql
                STABLE
                BEGIN ATOMIC
                    SELECT pg_sleep(60);
                    SELECT 0::bigint;
                END
            """)
    }

    func cutConnections() throws {
        try execute(
            """
            SELECT pg_terminate_backend(pid)
            FROM pg_stat_activity
            WHERE application_name = '\(schema)'
            """)
    }

    /// Asks the server what this fixture's storages do, until it is what is waited for.
    func waitForSessions(_ isWanted: ([String]) -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(300)
        while ContinuousClock.now < end {
            let states = try execute(
                "SELECT state FROM pg_stat_activity WHERE application_name = '\(schema)'")
            if isWanted(states.compactMap { $0[0] }) { return }
            await Task.yield()
        }
        throw SetUpError(description: "The sessions of \(schema) are never what is waited for.")
    }
}
