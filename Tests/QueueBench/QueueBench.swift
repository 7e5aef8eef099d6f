import ArgumentParser
import Foundation
import HealthWorkerCounters
import HealthWorkerMetrics
import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerQueue
import HealthWorkerSQLite
import HealthWorkerStorage
import Logging
import Metrics
import ServiceLifecycle
import StorageConformance

#if MySQL
    import HealthWorkerMySQL
#endif

/// The queue without probes, for `scripts/bench queue`: the program's own register, worker and
/// storage in real processes, and a prober that has its answer ready.
@main
struct QueueBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue-bench", abstract: "Measure the queue without probes.",
        subcommands: [Fill.self, Process.self, Statements.self])

    static let logger = Logger(label: "queue-bench")

    static func open(
        _ url: String, process: ProcessID, connections: Int = 4
    ) async throws -> any Storage {
        if let path = path(of: url) {
            return try await SQLiteStorage.open(path: path, process: process, version: version)
        }
        #if MySQL
            if url.hasPrefix("mysql:") {
                return try await MySQLStorage.open(
                    url: url, process: process, version: version, poolSize: connections,
                    logger: logger)
            }
        #endif
        return try await PostgreSQLStorage.open(
            url: url, process: process, version: version, poolSize: connections, logger: logger)
    }

    static func migrator(_ url: String) throws -> Migrator {
        if let path = path(of: url) {
            return try SQLiteSchema.migrator(path: path, version: version)
        }
        #if MySQL
            if url.hasPrefix("mysql:") {
                return try MySQLSchema.migrator(url: url, version: version)
            }
        #endif
        return try PostgreSQLSchema.migrator(url: url, version: version)
    }

    private static func path(of url: String) -> String? {
        url.hasPrefix("sqlite:") ? String(url.dropFirst("sqlite:".count)) : nil
    }

    private static let version = ProgramVersion(999, 0, 0)
}

/// Brings a database to the schema and puts checks into it, as an operator would.
struct Fill: AsyncParsableCommand {
    @Option var url: String
    @Option var checks: Int
    @Option(help: "Checks of a web server at this port; without it, of a port that nobody asks.")
    var httpPort: Int?

    func run() async throws {
        _ = try await QueueBench.migrator(url).up()
        let storage = try await QueueBench.open(url, process: 1)
        for first in stride(from: 0, to: checks, by: 1000) {
            let names = (first..<min(first + 1000, checks)).map { "web-\($0)" }
            _ = try await storage.write(
                WriteBatch(
                    names.map { name in
                        .putCheck(
                            CheckSpec(
                                name: name, type: httpPort == nil ? .tcp : .http,
                                target: Target(host: "127.0.0.1", port: httpPort ?? 1)), set: nil)
                    }, actor: "bench"))
        }
        await storage.close()
    }
}

/// One process, with the roles that are named, until its standard input ends.
///
/// It says `ready`, and answers each line it reads with one of JSON: what was seen since the line
/// before.
struct Process: AsyncParsableCommand {
    @Option var url: String
    @Option(help: "Counts in Redis; without it, from the rows.") var redis: String?
    @Flag var register = false
    @Flag var worker = false
    @Option var location = "default"
    @Option var concurrency = 1000
    @Option var batch = 500
    @Option(help: "The share of probes that fail, 0 … 1.") var failing = 0.0
    @Flag(help: "Read each check when it is first claimed, as the program does.") var cold = false

    func run() async throws {
        LoggingSystem.bootstrap { label in
            var handler = LogfmtLogHandler(label: label)
            handler.logLevel = .warning
            return handler
        }
        let readings = Readings()
        MetricsSystem.bootstrap(
            MultiplexMetricsHandler(factories: [PrometheusMetricsFactory(), readings]))

        let opened = try await QueueBench.open(
            url, process: ProcessID(Int64.random(in: 1..<(1 << 53))))
        let storage = cold ? opened : try await remembering(opened)
        let evaluator = PolicyEvaluator(storage: storage)
        let fleet = Fleet(me: storage.process)
        let enqueued = WakeSignal()
        let counts: any Counts =
            if let redis {
                RedisCounts(try RedisURL(redis), logger: QueueBench.logger)
            } else {
                BaseCounts()
            }
        let roles: [Role] = (register ? [.register] : []) + (worker ? [.worker] : [])
        let presence = Presence(
            name: "bench", roles: roles, location: location, version: "bench")
        let heartbeat = Heartbeat(
            storage: storage, fleet: fleet, presence: { presence }, logger: QueueBench.logger)
        await heartbeat.step()

        let prober = NullProber(failing: failing)
        var services: [any Service] = [heartbeat]
        if worker {
            services.append(
                Worker(
                    storage: storage, counts: counts, evaluator: evaluator,
                    prober: { _ in prober }, fleet: fleet,
                    limits: Worker.Limits(
                        location: location, concurrency: concurrency, batchSize: batch),
                    enqueued: enqueued, logger: QueueBench.logger))
        }
        if register {
            services.append(
                Register(
                    storage: storage, evaluator: evaluator, enqueued: enqueued,
                    logger: QueueBench.logger))
        }
        let group = ServiceGroup(services: services, logger: QueueBench.logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask {
                say("ready")
                for await _ in lines() {
                    say(readings.takeText())
                }
                await group.triggerGracefulShutdown()
            }
            try await tasks.waitForAll()
        }
        await storage.close()
    }

    private func remembering(_ storage: some Storage) async throws -> any Storage {
        let checks = try await storage.checks(matching: ObjectFilter(), after: nil, limit: 1)
        guard let check = checks.first else { return storage }
        return RememberingStorage(base: storage, check: check)
    }

    /// Waits for each on a thread of its own.
    private func lines() -> AsyncStream<String> {
        AsyncStream { continuation in
            Thread.detachNewThread {
                while let line = readLine() { continuation.yield(line) }
                continuation.finish()
            }
        }
    }

    private func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
}

/// Has its answer ready.
struct NullProber: Prober {
    let failing: Double

    func probe(_ check: CheckSpec) async -> ProbeReport {
        if failing > 0, Double.random(in: 0..<1) < failing {
            return ProbeReport(outcome: .failure(.connectRefused), address: "127.0.0.1:1")
        }
        return ProbeReport(
            outcome: .success, address: "127.0.0.1:1",
            phases: Phases(connect: 150, write: 20, firstByte: 300), httpStatus: 200)
    }
}

/// A worker reads a check once in its life and after each edit; in a drain every job would be the
/// first of its check. All checks of the bench are alike, so this one knows them.
struct RememberingStorage<Base: Storage>: ForwardingStorage {
    let base: Base
    let check: Check

    func checks(ids: [CheckID]) async throws(StorageError) -> [Check] {
        ids.map { id in
            var check = check
            check.id = id
            return check
        }
    }
}
