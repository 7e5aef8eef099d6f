import Foundation
import GRDB
import HealthWorkerModel
import HealthWorkerSQLite
import HealthWorkerStorage
import StorageConformance
import Synchronization

/// A database in a folder of its own, which goes with the fixture. Its host's clock stands still
/// until it is moved, so that a slow machine is not a slow storage.
final class SQLiteFixture: StorageFixture {
    static let version = ProgramVersion(0, 1, 0)

    let folder: URL
    private let time = Mutex(HostClock.systemTime())

    /// - Parameter isMigrated: False: there is a folder and no file yet.
    init(isMigrated: Bool = true) async throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("health-worker-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        if isMigrated { _ = try await migrator().up() }
    }

    deinit {
        // What is left in the temporary folder is the system's to clean.
        try? FileManager.default.removeItem(at: folder)
    }

    var path: String { folder.appendingPathComponent("health.sqlite").path }

    func migrator(version: ProgramVersion = SQLiteFixture.version) throws -> Migrator {
        try SQLiteSchema.migrator(path: path, version: version)
    }

    func open(
        process: ProcessID = 1, version: ProgramVersion = SQLiteFixture.version
    ) async throws -> SQLiteStorage {
        // The closure keeps the fixture, and so the file, as long as the storage lives.
        try await SQLiteStorage.open(path: path, process: process, version: version) {
            self.time.withLock { $0 }
        }
    }

    func storage(process: ProcessID) async throws -> any Storage {
        try await open(process: process)
    }

    /// The host's clock is the storage's, so that moving it on ages all that is stored. It never goes
    /// back: for that the stored times are moved on instead.
    func age(by duration: Duration) async throws {
        if duration >= .zero {
            time.withLock { $0 = $0 + duration }
        } else {
            try execute(Self.momentColumns.map { "UPDATE \($0) SET \($1) = \($1) + ?" }) {
                [(.zero - duration).microseconds]
            }
        }
    }

    func loseEvaluations() async throws {
        try execute(["DELETE FROM evaluations"])
    }

    func leaveEvaluation(of policy: PolicyID) async throws {
        try execute(
            ["INSERT INTO evaluations (policy_id, due_at, cause) VALUES (\(policy), 0, 'turned')"])
    }

    func leaveJobsBehind(timeout: Duration, locations: [String]) async throws {
        let location = locations.isEmpty ? "NULL" : "'|\(locations.joined(separator: "|"))|'"
        try execute(
            ["UPDATE probe_jobs SET timeout_ms = \(timeout.milliseconds), location = \(location)"])
    }

    /// Every column that holds a moment, but for the clock's own.
    static let momentColumns = [
        ("checks", "created_at"), ("checks", "updated_at"), ("check_health", "health_since"),
        ("check_health", "run_since"), ("check_health", "inconclusive_since"),
        ("health_changes", "at"), ("outcomes", "started_at"), ("schedule_slots", "due_at"),
        ("probe_jobs", "due_at"), ("probe_jobs", "visible_at"), ("policies", "created_at"),
        ("policies", "updated_at"), ("overrides", "created_at"), ("overrides", "until_at"),
        ("evaluations", "due_at"), ("routes", "decided_at"), ("routes", "look_again_at"),
        ("route_changes", "decided_at"), ("route_outbox", "since"), ("route_outbox", "visible_at"),
        ("processes", "seen_at"), ("duties", "until_at"), ("api_keys", "created_at"),
        ("api_keys", "expires_at"), ("api_keys", "last_used_at"), ("api_keys", "revoked_at"),
        ("audit_log", "at"), ("settings", "updated_at"), ("secrets", "created_at"),
        ("secrets", "updated_at"), ("sink_holdings", "delivered_at"), ("dead_letters", "since"),
        ("dead_letters", "given_up_at"), ("health_changes", "noticed_at"),
        ("route_arrivals", "applied_at"), ("route_arrivals", "observed_at"),
        ("maintenances", "starts_at"), ("maintenances", "ends_at"), ("maintenances", "created_at"),
        ("outcome_hours", "seen_at"),
    ]

    /// Statements past the storage, on a connection of their own.
    func execute(
        _ statements: [String], _ values: () -> StatementArguments = { [] }
    ) throws {
        try connect().write { db in
            for statement in statements {
                try db.execute(sql: statement, arguments: values())
            }
        }
    }

    func rows(_ sql: String) throws -> [Row] {
        try connect().read { try Row.fetchAll($0, sql: sql) }
    }

    private func connect() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        return try DatabaseQueue(path: path, configuration: configuration)
    }
}
