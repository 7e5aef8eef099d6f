import Foundation
import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import StorageConformance
import Testing

/// `sslmode` of the database's URL, against a server with a certificate for `localhost` that lets
/// nobody in without TLS, and against one that has none.
@Suite struct SSLModeTests {
    /// One way to connect. Files are named as in the folder of the server.
    struct Connecting: CustomTestStringConvertible, Sendable {
        var parameters: String
        var host = "localhost"
        var hasTLS = true
        /// Parts of the one sentence that is said; empty: it works.
        var said: [String] = []

        var testDescription: String {
            "\(parameters) to \(host), \(hasTLS ? "with" : "without") TLS"
        }
    }

    static let right: [Connecting] = [
        Connecting(parameters: "sslmode=prefer"),
        Connecting(parameters: "sslmode=require"),
        Connecting(parameters: "sslmode=verify-ca&sslrootcert=authority.crt"),
        Connecting(parameters: "sslmode=verify-full&sslrootcert=authority.crt"),
        // Whose certificate it is, is not asked.
        Connecting(parameters: "sslmode=verify-ca&sslrootcert=authority.crt", host: "127.0.0.1"),
        Connecting(parameters: "sslmode=disable", hasTLS: false),
        Connecting(parameters: "sslmode=prefer", hasTLS: false),
    ]

    static let wrong: [Connecting] = [
        Connecting(
            parameters: "sslmode=disable",
            said: [
                "nobody in as postgres from here without TLS",
                "sslmode=require (or verify-full)", "add a line to its pg_hba.conf",
            ]),
        Connecting(
            parameters: "sslmode=require", hasTLS: false,
            said: ["does not speak TLS", "turn ssl on", "sslmode=disable"]),
        Connecting(
            parameters: "sslmode=verify-ca&sslrootcert=stranger.crt",
            said: ["no authority in sslrootcert", "name the right file"]),
        Connecting(
            parameters: "sslmode=verify-full&sslrootcert=stranger.crt",
            said: ["no authority in sslrootcert", "name the right file"]),
        Connecting(
            parameters: "sslmode=verify-full&sslrootcert=authority.crt", host: "127.0.0.1",
            said: ["for another name", "sslmode=verify-ca"]),
        Connecting(
            parameters: "sslmode=verify-full&sslrootcert=nowhere.crt",
            said: ["authority", "cannot be read", "nowhere.crt"]),
        Connecting(
            parameters: "sslmode=always", said: ["parameter", "mend database.url", "always"]),
        Connecting(
            parameters: "ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2",
            said: ["parameter", "mend database.url", "protocol version range"]),
        Connecting(
            parameters: "keepalives_idle=soon", hasTLS: false,
            said: ["parameter", "mend database.url", "soon"]),
    ]

    private func url(of way: Connecting) throws -> (text: String, shown: String) {
        let tls = try TestServer(
            named: "HEALTH_WORKER_TEST_POSTGRESQL_TLS", kind: "postgresql-tls")
        let server = way.hasTLS ? tls : try TestServer()
        let files = try #require(
            tls.address.queryItems?.first { $0.name == "sslrootcert" }?.value.map {
                URL(filePath: $0).deletingLastPathComponent().path
            })
        let text = server.url {
            $0.host = way.host
            $0.percentEncodedQuery = way.parameters.replacing(
                "sslrootcert=", with: "sslrootcert=\(files)/")
        }
        return (text, "\(way.host):\(server.address.port ?? 0)/postgres")
    }

    /// - Throws: What connecting does.
    private func connect(_ url: String) async throws {
        _ = try await PostgreSQLSchema.migrator(url: url, version: PostgreSQLFixture.version)
            .status()
    }

    @Test(arguments: right) func `a right mode works`(_ way: Connecting) async throws {
        try await connect(url(of: way).text)
    }

    @Test(arguments: wrong)
    func `a wrong mode is one sentence with the address and what to do`(_ way: Connecting)
        async throws
    {
        let (url, address) = try url(of: way)

        let error = await #expect(throws: StorageError.self) { try await connect(url) }

        for part in way.said + [address] {
            #expect(error?.isFailed(containing: part) == true, "\(part): \(error as Any)")
        }
        #expect("\(error as Any)".contains("secret") == false)
        #expect("\(error as Any)".contains("\n") == false)
    }

    @Test func `the whole storage works through TLS`() async throws {
        let server = try TestServer(
            named: "HEALTH_WORKER_TEST_POSTGRESQL_TLS", kind: "postgresql-tls")
        let database = "test_" + UUID().uuidString.lowercased().filter { $0 != "-" }
        try server.execute("CREATE DATABASE \(database)")
        let url = server.url { $0.path = "/\(database)" }
        _ = try await PostgreSQLSchema.migrator(url: url, version: PostgreSQLFixture.version).up()

        let storage = try await PostgreSQLStorage.open(
            url: url, process: 1, version: PostgreSQLFixture.version,
            logger: PostgreSQLFixture.logger)
        try await storage.put((0..<300).map { "web\($0)" })
        let claims = try await storage.claim(ClaimRequest(limit: 500))
        let report = try await storage.complete(claims.map { storage.steady($0) })

        #expect(report.accepted.count == 300)
        await storage.close()
    }
}
