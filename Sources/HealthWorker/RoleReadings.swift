import HealthWorkerCounters
import HealthWorkerMetrics
import HealthWorkerModel
import HealthWorkerQueue
import HealthWorkerSettings
import HealthWorkerStorage

/// What one process tells Prometheus beside what it counts: of itself and its roles, and as a register
/// or an API of the whole installation.
///
/// Workers do not tell of the installation: there may be a hundred of them, and each would count all
/// checks at each scrape.
struct RoleReadings: Sendable {
    private let engine: String
    private let worker: Worker?
    private let register: Register?
    private let counts: RedisCounts?
    private let stored: LatestReadings

    /// - Parameter counts: Of a worker, where `redis.url` names a Redis.
    init(
        _ settings: Settings, storage: any Storage, board: (any FleetBoard)?, roles: [Role],
        worker: Worker?, register: Register?, counts: RedisCounts?
    ) {
        engine = settings.database.url.engine
        self.worker = worker
        self.register = register
        self.counts = counts
        let tellsOfAll = roles.contains(.register) || roles.contains(.api)
        let checkLimit = settings.metrics.perCheck ? settings.metrics.perCheckLimit : nil
        stored = LatestReadings {
            guard tellsOfAll else {
                try await storage.ping()
                return []
            }
            return try await InstallationFigures.read(
                from: storage, board: board, window: Fleet.window, checkLimit: checkLimit
            ).readings
        }
    }

    func now() async -> [Reading] {
        let build = Reading(.buildInfo, 1, ["version": Version.current, "engine": engine])
        return await stored.latest() + [build] + ProcessReadings.now() + ofWorker + ofRegister
    }

    private var ofWorker: [Reading] {
        guard let activity = worker?.activity else { return [] }
        var readings = [
            Reading(.workerConcurrency, activity.settings.concurrency.value),
            Reading(.workerClaimed, activity.claimed), Reading(.workerProbing, activity.probing),
            Reading(.workerPaused, activity.paused == nil ? 0 : 1),
        ]
        if let counts {
            let isWithout = if case .base = counts.source { true } else { false }
            readings.append(Reading(.countingWithoutRedis, isWithout ? 1 : 0))
        }
        return readings
    }

    private var ofRegister: [Reading] {
        guard let register else { return [] }
        let ages = register.stepAges.map { step, age in
            Reading.Sample(age.seconds, ["step": step])
        }
        return [Reading(.registerStepAge, ages)]
    }
}

extension DatabaseURL {
    /// As metrics name it.
    fileprivate var engine: String {
        switch self {
        case .sqlite: "sqlite"
        case .postgresql: "postgresql"
        case .mysql: "mysql"
        }
    }
}
