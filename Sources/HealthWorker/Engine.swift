import ArgumentParser
import Foundation
import HealthWorkerCounters
import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerQueue
import HealthWorkerSQLite
import HealthWorkerSettings
import HealthWorkerStorage
import Logging

#if MySQL
    import HealthWorkerMySQL
#endif

/// Picks the driver that `database.url` names.
enum Engine {
    /// Opens the storage for one process, which gets an id of its own at each start. One that is away,
    /// or whose schema is not there yet, is tried again until `patience` is over.
    ///
    /// Exits: 75 when the schema does not fit, 5 when the storage cannot be reached.
    static func open(
        _ settings: Settings, waiting patience: Duration = .zero, _ logger: Logger? = nil
    ) async throws -> any Storage {
        try await patiently(until: .now + patience, logger) { () throws(StorageError) in
            try await openOnce(settings, logger)
        }
    }

    /// What `call` answers. A storage that is away, or whose schema is not there yet, is asked again
    /// until `deadline`.
    ///
    /// Exits: as ``open(_:waiting:_:)``.
    static func patiently<Value>(
        until deadline: ContinuousClock.Instant, _ logger: Logger?,
        _ call: () async throws(StorageError) -> Value
    ) async throws -> Value {
        try await patiently(until: deadline, for: { $0.mayPass }, call) {
            logger?.warning("waiting for the storage", metadata: ["error": "\($0)"])
        }
    }

    /// As above, for errors that `mayPass`; the first one is told.
    static func patiently<Value>(
        until deadline: ContinuousClock.Instant, for mayPass: (StorageError) -> Bool,
        _ call: () async throws(StorageError) -> Value, telling tell: (StorageError) -> Void
    ) async throws -> Value {
        try await reporting {
            var failures = 0
            while true {
                do throws(StorageError) {
                    return try await call()
                } catch {
                    guard mayPass(error), ContinuousClock.now < deadline else { throw error }
                    if failures == 0 { tell(error) }
                    failures += 1
                    try await Task.sleep(for: Backoff.delay(after: failures))
                }
            }
        }
    }

    private static func openOnce(
        _ settings: Settings, _ logger: Logger?
    ) async throws(StorageError) -> any Storage {
        switch settings.database.url {
        case .sqlite(let path):
            return try await SQLiteStorage.open(
                path: path, process: .random(), version: Version.program)
        case .postgresql(let url):
            return try await PostgreSQLStorage.open(
                url: url, process: .random(), version: Version.program,
                poolSize: settings.database.poolSize,
                usesPreparedStatements: settings.database.preparedStatements,
                logger: logger ?? Logger(label: "health-worker"))
        case .mysql(let url):
            #if MySQL
                return try await MySQLStorage.open(
                    url: url, process: .random(), version: Version.program,
                    poolSize: settings.database.poolSize,
                    logger: logger ?? Logger(label: "health-worker"))
            #else
                throw withoutMySQL
            #endif
        }
    }

    /// Opens what carries out migrations, whatever the schema is.
    static func migrator(_ settings: Settings) async throws -> Migrator {
        try await reporting {
            switch settings.database.url {
            case .sqlite(let path):
                return try SQLiteSchema.migrator(path: path, version: Version.program)
            case .postgresql(let url):
                return try PostgreSQLSchema.migrator(url: url, version: Version.program)
            case .mysql(let url):
                #if MySQL
                    return try MySQLSchema.migrator(url: url, version: Version.program)
                #else
                    throw withoutMySQL
                #endif
            }
        }
    }

    #if !MySQL
        private static let withoutMySQL = StorageError.failed(
            "database.url names a MySQL or MariaDB server, and this build carries no driver for "
                + "them; build it anew with WITH_MYSQL=1 swift build (it needs libmariadb-dev), or "
                + "name a postgresql: or sqlite: database.")
    #endif

    /// The counts in Redis, where `redis.url` names one; exits 78 where that cannot be used.
    static func redis(_ settings: Settings, _ logger: Logger) throws -> RedisCounts? {
        try redisURL(settings).map { RedisCounts($0, logger: logger) }
    }

    /// The board of the fleet, where `redis.url` names a Redis; exits 78 where that cannot be used.
    static func board(
        _ settings: Settings, of process: ProcessID, _ logger: Logger
    ) throws -> RedisBoard? {
        try redisURL(settings).map {
            RedisBoard($0, process: process, window: Fleet.window, logger: logger)
        }
    }

    private static func redisURL(_ settings: Settings) throws -> RedisURL? {
        guard let text = settings.redis.url else { return nil }
        do {
            return try RedisURL(text)
        } catch {
            throw Exit.error(Exit.configuration, "redis.url: \(error)")
        }
    }

    /// Turns what a storage throws into a sentence on standard error and an exit code.
    static func reporting<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as StorageError {
            let code =
                switch error {
                case .unavailable: Exit.unreachable
                case .refused: Exit.refused
                case .schema: Exit.schema
                case .failed: Exit.failed
                }
            throw Exit.error(code, error.description)
        }
    }
}

extension StorageError {
    /// Whether waiting may help: the storage is away, or nobody has migrated it yet.
    fileprivate var mayPass: Bool {
        switch self {
        case .unavailable, .schema: true
        case .refused, .failed: false
        }
    }
}

extension ProcessID {
    /// An id that no process had before, and that JSON readers keep exact.
    static func random() -> ProcessID {
        ProcessID(Int64.random(in: 1..<(1 << 53)))
    }
}
