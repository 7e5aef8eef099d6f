import CMySQL
import Foundation
import HealthWorkerModel
import HealthWorkerMySQL
import HealthWorkerStorage
import Logging
import StorageConformance
import Synchronization

/// A database of its own on the server that `scripts/servers` started, or the user's. Its clock
/// stands still until it is moved, so that a slow machine is not a slow storage.
final class MySQLFixture: ServerFixture {
    static let version = ProgramVersion(0, 1, 0)
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    let database: String
    let server: TestServer
    /// Where the clock stands; nil: it runs.
    private let time: Clock?

    private final class Clock: Sendable {
        private let moment = Mutex(
            Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000)))

        func now() -> Timestamp { moment.withLock { $0 } }
        func advance(by duration: Duration) { moment.withLock { $0 = $0 + duration } }
    }

    /// - Parameters:
    ///   - isMigrated: False: the database is there and empty.
    ///   - clockRuns: True: the database's own clock, as in production.
    init(
        on server: TestServer? = nil, isMigrated: Bool = true, clockRuns: Bool = false
    ) async throws {
        self.server = try server ?? TestServer()
        database = "test_" + UUID().uuidString.lowercased().filter { $0 != "-" }
        time = clockRuns ? nil : Clock()
        try self.server.execute("CREATE DATABASE \(database)")
        guard isMigrated else { return }
        _ = try await migrator().up()
    }

    deinit {
        // A server that a test has broken keeps it.
        _ = try? server.execute("DROP DATABASE \(database)")
    }

    /// Whoever asks for the server's transactions again and again sees old ones for ever: InnoDB looks
    /// anew only once nobody has asked for 100 ms. A time by chance, as several tests ask.
    static func untilTransactionsAreReadAnew() async throws {
        try await Task.sleep(for: .milliseconds(.random(in: 150...400)))
    }

    var url: String { server.url { $0.path = "/\(database)" } }

    func migrator(version: ProgramVersion = MySQLFixture.version) throws -> Migrator {
        try MySQLSchema.migrator(url: url, version: version)
    }

    func open(
        process: ProcessID = 1, version: ProgramVersion = MySQLFixture.version, poolSize: Int = 2,
        statementLimit: Duration = .seconds(30)
    ) async throws -> MySQLStorage {
        let clock = time.map { time -> @Sendable () -> Timestamp in { time.now() } }
        return try await MySQLStorage.open(
            url: url, process: process, version: version, poolSize: poolSize,
            statementLimit: statementLimit, time: clock, logger: Self.logger)
    }

    func storage(process: ProcessID) async throws -> any Storage {
        try await open(process: process)
    }

    /// Every statement gets the time from the session: moving it on ages all that is stored,
    /// whatever column or document it stands in.
    func age(by duration: Duration) async throws {
        time?.advance(by: duration)
    }

    func loseEvaluations() async throws {
        try execute("DELETE FROM evaluations")
    }

    func leaveEvaluation(of policy: PolicyID) async throws {
        try execute(
            "INSERT INTO evaluations (policy_id, due_at, cause) VALUES (\(policy), 0, 'turned')")
    }

    func leaveJobsBehind(timeout: Duration, locations: [String]) async throws {
        let location = locations.isEmpty ? "NULL" : "'|\(locations.joined(separator: "|"))|'"
        try execute(
            "UPDATE probe_jobs SET timeout_ms = \(timeout.milliseconds), location = \(location)")
    }

    /// Statements past the storage, on a connection of their own.
    @discardableResult
    func execute(_ sql: String) throws -> [[String?]] {
        try server.execute("USE \(database); \(sql)")
    }
}

/// The server that the tests are told of.
struct TestServer: Sendable {
    let address: URLComponents

    /// - Throws: Where there is none: a suite that is skipped would look like one that passed.
    init() throws {
        guard let url = ProcessInfo.processInfo.environment["HEALTH_WORKER_TEST_MARIADB"],
            let address = URLComponents(string: url)
        else {
            throw SetUpError(
                description: "There is no MariaDB to test with; start it: "
                    + "eval \"$(scripts/servers start mariadb)\"")
        }
        self.address = address
    }

    init(url: String) throws {
        guard let address = URLComponents(string: url) else {
            throw SetUpError(description: "\(url) is no URL")
        }
        self.address = address
    }

    func url(_ change: (inout URLComponents) -> Void = { _ in }) -> String {
        var changed = address
        change(&changed)
        return changed.string ?? ""
    }

    /// - Returns: the rows of the last statement.
    @discardableResult
    func execute(_ sql: String) throws -> [[String?]] {
        try TestConnection(to: self).execute(sql)
    }
}

/// A connection past the driver, closed with the last reference to it.
final class TestConnection {
    private let link: UnsafeMutablePointer<MYSQL>

    init(to server: TestServer) throws {
        guard let link = mysql_init(nil) else { throw SetUpError(description: "no memory") }
        self.link = link
        let address = server.address
        let socket = address.queryItems?.first { $0.name == "socket" }?.value
        let isMade =
            mysql_real_connect(
                link, socket == nil ? address.host : nil, address.user, address.password, nil,
                UInt32(address.port ?? 3306), socket, UInt(CLIENT_MULTI_STATEMENTS)) != nil
        if !isMade { throw error(after: "connecting") }
    }

    deinit {
        mysql_close(link)
    }

    /// - Returns: the rows of the last statement.
    @discardableResult
    func execute(_ sql: String) throws -> [[String?]] {
        guard mysql_query(link, sql) == 0 else { throw error(after: sql) }
        var rows: [[String?]] = []
        while true {
            if let result = mysql_store_result(link) {
                rows = []
                while let row = mysql_fetch_row(result) {
                    rows.append(
                        (0..<Int(mysql_num_fields(result))).map { column in
                            row[column].map { String(cString: $0) }
                        })
                }
                mysql_free_result(result)
            }
            switch mysql_next_result(link) {
            case 0: continue
            case -1: return rows
            default: throw error(after: sql)
            }
        }
    }

    /// - Returns: the rows of a single statement, by the names of their columns.
    func table(_ sql: String) throws -> [[String: String]] {
        guard mysql_query(link, sql) == 0, let result = mysql_store_result(link) else {
            throw error(after: sql)
        }
        defer { mysql_free_result(result) }
        let count = Int(mysql_num_fields(result))
        let names = (0..<count).map { String(cString: mysql_fetch_fields(result)[$0].name) }
        var rows: [[String: String]] = []
        while let row = mysql_fetch_row(result) {
            var named: [String: String] = [:]
            for (column, name) in names.enumerated() {
                named[name] = row[column].map { String(cString: $0) }
            }
            rows.append(named)
        }
        return rows
    }

    private func error(after sql: String) -> SetUpError {
        SetUpError(description: "\(String(cString: mysql_error(link))) after: \(sql)")
    }
}

struct SetUpError: Error, CustomStringConvertible {
    let description: String
}
