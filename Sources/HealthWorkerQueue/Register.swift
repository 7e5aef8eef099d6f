package import HealthWorkerModel
package import HealthWorkerStorage
package import Logging
import Metrics
import ServiceLifecycle
import Synchronization

/// Puts due checks into the job table, and sees to what nobody else did: evaluations that wait,
/// jobs whose third lease ended, history that is too old, the figures of hours that are over. Any
/// number may run.
package struct Register: Service {
    package struct Limits: Sendable {
        /// How long it waits between looks when no slot is due earlier.
        package var pollInterval: Duration
        /// Slots that one statement takes.
        package var slotsAtOnce: Int
        /// Which outcomes are kept.
        package var outcomes: KeptOutcomes
        /// How long outcomes are kept.
        package var keepsOutcomes: Duration
        /// How long the figures of each hour are kept.
        package var keepsHours: Duration
        /// How long the audit log is kept, and routes that were given up.
        package var keepsAudit: Duration

        package init(
            pollInterval: Duration = .milliseconds(250), slotsAtOnce: Int = 8,
            outcomes: KeptOutcomes = .all, keepsOutcomes: Duration = .hours(24 * 7),
            keepsHours: Duration = .hours(24 * 400), keepsAudit: Duration = .hours(24 * 400)
        ) {
            self.pollInterval = pollInterval
            self.slotsAtOnce = slotsAtOnce
            self.outcomes = outcomes
            self.keepsOutcomes = keepsOutcomes
            self.keepsHours = keepsHours
            self.keepsAudit = keepsAudit
        }
    }

    private let storage: any Storage
    private let evaluator: PolicyEvaluator
    private let hours: HourMaker
    private let limits: LimitsInForce
    private let turns = LoopTurns()
    private let time: ProcessTime
    private let logger: Logger
    /// Woken when jobs were enqueued, for a worker in the same process.
    private let enqueued: WakeSignal?
    private let sweeps = Sweeps()
    private let metrics: RegisterMetrics

    private final class LimitsInForce: Sendable {
        let value: Mutex<Limits>

        init(_ limits: Limits) {
            value = Mutex(limits)
        }
    }

    /// What a sweep has to know of those before it.
    private final class Sweeps: Sendable {
        let start = Mutex(SweepStart())
        private let failingInARow = Mutex(0)

        /// Counts those in which a policy could not be evaluated: there is one a second, and not each
        /// is to be read.
        /// - Returns: whether it is worth a line in the log.
        func count(isFailing: Bool) -> Bool {
            failingInARow.withLock { inARow in
                inARow = isFailing ? inARow + 1 : 0
                return inARow == 1 || inARow % 30 == 0
            }
        }
    }

    package init(
        storage: any Storage, evaluator: PolicyEvaluator, limits: Limits = Limits(),
        enqueued: WakeSignal? = nil, time: ProcessTime = .continuous, logger: Logger
    ) {
        self.storage = storage
        self.evaluator = evaluator
        hours = HourMaker(storage: storage)
        self.limits = LimitsInForce(limits)
        self.enqueued = enqueued
        self.time = time
        self.logger = logger
        metrics = RegisterMetrics(at: time.now())
    }

    /// Goes by these limits from the next step on.
    package func adopt(_ limits: Limits) {
        self.limits.value.withLock { $0 = limits }
    }

    private var limitsInForce: Limits { limits.value.withLock { $0 } }

    /// How long its main loop, the one that enqueues, has not come round; nil where it does not run.
    package var oldestTurn: (loop: String, age: Duration)? { turns.oldest(at: time.now()) }

    /// Time since each of its steps was last finished, by the step's name.
    package var stepAges: [String: Duration] {
        let ages = metrics.ages(at: time.now())
        return Dictionary(uniqueKeysWithValues: ages.map { ($0.key.rawValue, $0.value) })
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await repeatedly(.enqueue, enqueue) }
                group.addTask { await repeatedly(.sweep, sweep) }
                group.addTask { await repeatedly(.housekeeping, keepHouse) }
                group.addTask { await repeatedly(.hours, makeHours) }
            }
        }
    }

    /// Enqueues what is due.
    /// - Returns: how long to wait before the next step.
    package func enqueue() async throws(StorageError) -> Duration {
        let limits = limitsInForce
        let report = try await storage.enqueueDue(maxSlots: limits.slotsAtOnce)
        if report.enqueued > 0 {
            metrics.enqueued.increment(by: report.enqueued)
            enqueued?.wake()
        }
        if report.missed > 0 {
            logger.info("ticks were missed", metadata: ["ticks": "\(report.missed)"])
        }
        if report.slots == limits.slotsAtOnce { return .zero }
        guard let due = try await storage.nextSlotDue() else { return limits.pollInterval }
        return min(limits.pollInterval, max(.milliseconds(5), due - (try await storage.now())))
    }

    /// Ends lost jobs and evaluates policies that wait.
    /// - Returns: how long to wait before the next step.
    package func sweep() async throws(StorageError) -> Duration {
        let now = time.now()
        let oldest = try await storage.oldestJob(from: sweeps.start.withLock { $0.next(at: now) })
        let lost = try await storage.expireLost(
            limit: 500, from: sweeps.start.withLock { $0.see(oldest, at: now) })
        if lost > 0 {
            logger.warning(
                "jobs were lost: their third lease ended", metadata: ["jobs": "\(lost)"])
        }
        let evaluated = try await evaluator.evaluateDue(limit: 100)
        for case .decided(let decision) in evaluated.results.values {
            guard let warning = decision.warning else { continue }
            logger.warning("\(warning)", metadata: ["policy": "\(decision.policyName)"])
        }
        let isWorthALine = sweeps.count(isFailing: !evaluated.failures.isEmpty)
        for (policy, error) in evaluated.failures where isWorthALine {
            logger.error(
                "policy not evaluated",
                metadata: ["policy_id": "\(policy)", "error": "\(error)"])
        }
        if evaluated.results.count == 100 || lost == 500 { return .zero }
        // What failed is due all the time.
        if !evaluated.failures.isEmpty { return .seconds(1) }
        guard let due = try await storage.nextEvaluationDue() else { return .seconds(1) }
        return min(.seconds(1), max(.milliseconds(20), due - (try await storage.now())))
    }

    /// What one register does for all once a minute. A duty that fails keeps it from none of the
    /// others.
    /// - Returns: how long to wait before the next step.
    package func keepHouse() async throws(StorageError) -> Duration {
        guard try await storage.takeDuty("housekeeping", for: .seconds(55)) else {
            return .seconds(60)
        }
        let duties: [() async throws(StorageError) -> Void] = [
            insertMissedEvaluations, updateJobs, lookForOldTransactions, pruneOutcomes,
            pruneAudit, pruneMaintenances, pruneDeadLetters,
        ]
        var failure: StorageError?
        for duty in duties {
            do throws(StorageError) {
                try await duty()
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return .seconds(60)
    }

    /// Makes the figures of a few checks or policies in an hour that is over, or removes a few that are
    /// too old: what one register does for all, in small pieces with a pause after each, beside whatever
    /// is claimed and completed.
    /// - Returns: how long to wait before the next step.
    package func makeHours() async throws(StorageError) -> Duration {
        let limits = limitsInForce
        guard try await storage.takeDuty("hours", for: .seconds(55)) else {
            let behind = try await hours.hoursBehind(keeping: limits.keepsOutcomes)
            metrics.historyBehind.record(behind * 3600)
            return .seconds(60)
        }
        let pause = Duration.milliseconds(20)
        switch try await hours.step(kept: limits.outcomes, for: limits.keepsOutcomes) {
        case .made(let waiting):
            metrics.historyBehind.record(waiting * 3600)
            return pause
        case .upToDate:
            metrics.historyBehind.record(0)
            return try await hours.prune(keeping: limits.keepsHours) > 0 ? pause : .seconds(60)
        }
    }

    private func insertMissedEvaluations() async throws(StorageError) {
        let missed = try await storage.insertMissedEvaluations()
        if missed > 0 {
            metrics.evaluationsMissed.increment(by: missed)
            logger.error(
                "routes were decided from other inputs than the present ones",
                metadata: ["policies": "\(missed)"])
        }
    }

    private func updateJobs() async throws(StorageError) {
        let behind = try await storage.updateJobs()
        if behind > 0 {
            logger.info(
                "jobs were brought up to their checks, edited while they were enqueued",
                metadata: ["jobs": "\(behind)"])
        }
    }

    private func lookForOldTransactions() async throws(StorageError) {
        if let oldest = try await storage.queueStatus().oldestTransaction, oldest.isTooOld {
            logger.warning(
                "an open transaction keeps ended jobs from being vacuumed",
                metadata: [
                    "age_seconds": "\(oldest.age.milliseconds / 1000)",
                    "session": "\(oldest.session)",
                ])
        }
    }

    private func pruneOutcomes() async throws(StorageError) {
        while try await storage.pruneOutcomes(keep: limitsInForce.keepsOutcomes, limit: 1000)
            == 1000
        {
            if Task.isCancelled { break }
        }
    }

    private func pruneAudit() async throws(StorageError) {
        // Each batch is a transaction of its own, so that nobody's write waits for all of them.
        while try await storage.pruneAudit(keep: limitsInForce.keepsAudit, limit: 500) == 500 {
            if Task.isCancelled { break }
        }
    }

    /// What is over is history like the entries that tell of it, and goes with them.
    private func pruneMaintenances() async throws(StorageError) {
        while try await storage.pruneMaintenances(keep: limitsInForce.keepsAudit, limit: 500) == 500
        {
            if Task.isCancelled { break }
        }
    }

    private func pruneDeadLetters() async throws(StorageError) {
        while try await storage.pruneDeadLetters(keep: limitsInForce.keepsAudit, limit: 500) == 500
        {
            if Task.isCancelled { break }
        }
    }

    private func repeatedly(
        _ name: RegisterMetrics.Step, _ step: () async throws(StorageError) -> Duration
    ) async {
        var failures = 0
        while !Task.isCancelled {
            let pause: Duration
            let start = time.now()
            if name == .enqueue { turns.turned(name.rawValue, at: start) }
            do {
                pause = try await step()
                let end = time.now()
                metrics.finished(name, at: end, took: end - start)
                if failures > 0 {
                    logger.info("storage is back", metadata: ["loop": "\(name.rawValue)"])
                }
                failures = 0
            } catch {
                failures += 1
                metrics.failed(name)
                pause = Backoff.delay(after: failures, spread: time.spread())
                if failures == 1 || failures % 30 == 0 {
                    logger.error(
                        "storage does not answer",
                        metadata: ["loop": "\(name.rawValue)", "error": "\(error)"])
                }
            }
            // Cancelled: the loop ends.
            try? await time.sleep(pause)
        }
        turns.ended(name.rawValue)
    }
}
