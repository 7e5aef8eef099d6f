import CPostgreSQL
import Foundation
import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import Logging
import StorageConformance
import Synchronization

/// A schema of its own on the server that `scripts/servers` started. Its clock stands still until
/// it is moved, so that a slow machine is not a slow storage.
final class PostgreSQLFixture: ServerFixture {
    static let version = ProgramVersion(0, 1, 0)
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    let schema: String
    private let server: TestServer
    /// Where the clock stands, in microseconds; nil: it runs.
    private let time: Mutex<Int64?>

    /// - Parameters:
    ///   - isMigrated: False: the schema is there and empty.
    ///   - clockRuns: True: the database's own clock, as in production.
    init(isMigrated: Bool = true, clockRuns: Bool = false) async throws {
        server = try TestServer()
        schema = "test_" + UUID().uuidString.lowercased().filter { $0 != "-" }
        time = Mutex(clockRuns ? nil : Int64(Date().timeIntervalSince1970 * 1_000_000))
        try server.execute("CREATE SCHEMA \(schema)")
        guard isMigrated else { return }
        _ = try await migrator().up()
        try setClock()
    }

    var url: String { server.url(search: schema) }

    func migrator(version: ProgramVersion = PostgreSQLFixture.version) throws -> Migrator {
        try PostgreSQLSchema.migrator(url: url, version: version)
    }

    func open(
        process: ProcessID = 1, version: ProgramVersion = PostgreSQLFixture.version,
        poolSize: Int = 2, usesPreparedStatements: Bool = true,
        statementLimit: Duration = .seconds(30)
    ) async throws -> PostgreSQLStorage {
        try await PostgreSQLStorage.open(
            url: url, process: process, version: version, poolSize: poolSize,
            usesPreparedStatements: usesPreparedStatements, statementLimit: statementLimit,
            logger: Self.logger)
    }

    /// Ten thousand outcomes a second are not deleted one by one.
    var prunesByParts: Bool { true }

    func storage(process: ProcessID) async throws -> any Storage {
        try await open(process: process)
    }

    /// `now_us` is the only place where a statement learns the time: moving it on ages all that is
    /// stored, whatever column or document it stands in.
    func age(by duration: Duration) async throws {
        time.withLock { $0 = $0.map { $0 + duration.microseconds } }
        try setClock()
    }

    private func setClock() throws {
        guard let time = time.withLock({ $0 }) else { return }
        try execute(
            """
            CREATE OR REPLACE FUNCTION now_us() RETURNS bigint
                LANGUAGE sql
                STABLE
                PARALLEL SAFE
                RETURN \(time)::bigint
            """)
    }

    func loseEvaluations() async throws {
        try execute("DELETE FROM evaluations")
    }

    func leaveEvaluation(of policy: PolicyID) async throws {
        try execute(
            """
            INSERT INTO evaluations (policy_id, due_at, cause)
            VALUES (\(policy), now_us(), 'turned')
            """)
    }

    func leaveJobsBehind(timeout: Duration, locations: [String]) async throws {
        let location = locations.isEmpty ? "NULL" : "'|\(locations.joined(separator: "|"))|'"
        try execute(
            "UPDATE probe_jobs SET timeout_ms = \(timeout.milliseconds), location = \(location)")
    }

    /// Statements past the storage, on a connection of their own.
    @discardableResult
    func execute(_ sql: String) throws -> [[String?]] {
        try server.execute("SET search_path TO \(schema); \(sql)")
    }
}

/// The server that the tests are told of.
struct TestServer {
    let address: URLComponents

    /// - Throws: Where there is none: a suite that is skipped would look like one that passed.
    init(
        named name: String = "HEALTH_WORKER_TEST_POSTGRESQL", kind: String = "postgresql"
    ) throws {
        guard let url = ProcessInfo.processInfo.environment[name],
            let address = URLComponents(string: url)
        else {
            throw MissingServer(kind: kind)
        }
        self.address = address
    }

    func url(search schema: String) -> String {
        url {
            $0.percentEncodedQuery =
                "application_name=\(schema)&options=-csearch_path%3D\(schema)"
        }
    }

    func url(_ change: (inout URLComponents) -> Void = { _ in }) -> String {
        var changed = address
        change(&changed)
        return changed.string ?? ""
    }

    @discardableResult
    func execute(_ sql: String) throws -> [[String?]] {
        let link = PQconnectdb(url())
        defer { PQfinish(link) }
        guard PQstatus(link) == CONNECTION_OK else {
            throw SetUpError(description: String(cString: PQerrorMessage(link)))
        }
        let result = PQexec(link, sql)
        defer { PQclear(result) }
        guard [PGRES_COMMAND_OK, PGRES_TUPLES_OK].contains(PQresultStatus(result)) else {
            throw SetUpError(description: String(cString: PQresultErrorMessage(result)))
        }
        return (0..<PQntuples(result)).map { row in
            (0..<PQnfields(result)).map { column in
                PQgetisnull(result, row, column) == 1
                    ? nil : String(cString: PQgetvalue(result, row, column))
            }
        }
    }
}

struct MissingServer: Error, CustomStringConvertible {
    let kind: String

    var description: String {
        "There is no \(kind) to test with; start it: eval \"$(scripts/servers start postgresql "
            + "pgbouncer)\""
    }
}

struct SetUpError: Error, CustomStringConvertible {
    let description: String
}
