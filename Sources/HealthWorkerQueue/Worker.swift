package import HealthWorkerModel
package import HealthWorkerStorage
package import Logging
import Metrics
import ServiceLifecycle
import Synchronization

/// Claims jobs that are due, probes, counts, decides and completes. Any number may run.
///
/// One loop claims, with one connection, and fills the free places with probes; another collects
/// what they found and completes it in batches. Ending drains: nothing more is claimed, probes in
/// flight end within their own time-outs, their outcomes are flushed, jobs not started are given
/// back.
package final class Worker: Service {
    package struct Limits: Sendable {
        package var location: String
        /// Probes in flight at once.
        package var concurrency: Int
        /// Jobs that one statement claims.
        package var batchSize: Int
        package var leaseMargin: Duration
        /// Which outcomes are kept in the history.
        package var keeps: KeptOutcomes

        package init(
            location: String = "default", concurrency: Int = 1000, batchSize: Int = 500,
            leaseMargin: Duration = .seconds(5), keeps: KeptOutcomes = .all
        ) {
            self.location = location
            self.concurrency = concurrency
            self.batchSize = batchSize
            self.leaseMargin = leaseMargin
            self.keeps = keeps
        }

        /// Of these, what operators may set while it runs.
        package var settings: SettingsInForce {
            SettingsInForce(concurrency: concurrency, batchSize: batchSize)
        }
    }

    package enum KeptOutcomes: String, Sendable {
        case all
        /// Those that are no success, or that turned health.
        case changes
        case none
    }

    private let storage: any Storage
    private let counts: any Counts
    private let evaluator: PolicyEvaluator
    private let prober: @Sendable (CheckType) -> (any Prober)?
    private let fleet: Fleet
    private let limits: Limits
    private let time: ProcessTime
    private let logger: Logger
    /// Woken when a register in this process enqueued jobs.
    private let enqueued: WakeSignal

    private let state: Mutex<State>
    /// Woken when there is something to complete.
    private let finished = WakeSignal()

    private struct State {
        var checks: [CheckID: Check] = [:]
        var probing = 0
        var claimed = 0
        var outcomes: [Finding] = []
        /// Whether one of them moves a count, or there are many.
        var isUrgent = false
        /// When it was told to end.
        var drainingSince: Duration?
        var hasStopped = false
        var watermark = Watermark()
        var trouble = OwnTrouble()
        var nextSweep: Duration = .zero
        /// What operators let it do.
        var settings: SettingsInForce
    }

    /// What one probe found, on its way to be completed.
    private struct Finding: Sendable {
        var claim: Claim
        var check: Check
        var report: ProbeReport
        var startedAt: Duration
        /// The storage's time at the end of the probe, as far as this process knows it.
        var at: Timestamp

        /// Whether it can do more than be recorded.
        var movesACount: Bool {
            switch report.outcome {
            case .success: claim.base.health != .healthy || claim.base.inARow != 0
            case .failure: true
            case .inconclusive: claim.base.inconclusiveSince == nil
            }
        }
    }

    package init(
        storage: any Storage, counts: any Counts, evaluator: PolicyEvaluator,
        prober: @escaping @Sendable (CheckType) -> (any Prober)?, fleet: Fleet,
        limits: Limits = Limits(), enqueued: WakeSignal = WakeSignal(),
        time: ProcessTime = .continuous, logger: Logger
    ) {
        self.storage = storage
        self.counts = counts
        self.evaluator = evaluator
        self.prober = prober
        self.fleet = fleet
        self.limits = limits
        self.enqueued = enqueued
        self.time = time
        self.logger = logger
        state = Mutex(State(settings: limits.settings))
    }

    package func run() async throws {
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.claimRepeatedly() }
                group.addTask { await self.completeRepeatedly() }
            }
        } onGracefulShutdown: {
            self.drain()
        }
    }

    /// Claims nothing more; `run` returns when what is in flight has ended.
    package func drain() {
        let now = time.now()
        state.withLock { $0.drainingSince = $0.drainingSince ?? now }
        enqueued.wake()
        finished.wake()
    }

    /// Works by these settings from now on. What is in flight ends as ever, also beyond a lower
    /// concurrency; a paused worker claims nothing more.
    /// - Returns: whether they differ from those before.
    @discardableResult
    package func adopt(_ settings: SettingsInForce) -> Bool {
        let differs = state.withLock { state in
            var before = state.settings
            state.settings = settings
            // Others' settings raise the revision, too.
            before.revision = settings.revision
            return before != settings
        }
        guard differs else { return false }
        logger.info(
            "working by other settings",
            metadata: [
                "concurrency": "\(settings.concurrency.value)",
                "batch_size": "\(settings.batchSize.value)",
                "paused": "\(settings.pausedBecause ?? "no")",
            ])
        enqueued.wake()
        return true
    }

    /// What it says of itself in the fleet.
    package var activity: Activity {
        state.withLock { state in
            Activity(
                claimed: state.claimed, probing: state.probing,
                paused: state.settings.pausedBecause ?? state.trouble.pause,
                settings: state.settings)
        }
    }

    package struct Activity: Hashable, Sendable {
        package var claimed: Int
        package var probing: Int
        /// Why it claims nothing at present; nil: it does.
        package var paused: String?
        package var settings: SettingsInForce
    }

    // MARK: - Claiming

    private func claimRepeatedly() async {
        await withDiscardingTaskGroup { probes in
            var idle = 0
            var failures = 0
            while !state.withLock({ $0.drainingSince != nil }), !Task.isCancelled {
                let started: Int
                do {
                    started = try await claim { claim, check in
                        let prober = self.prober(check.spec.type)
                        probes.addTask(executorPreference: prober?.taskExecutor) {
                            await self.probe(claim, check)
                        }
                    }
                    failures = 0
                } catch {
                    failures += 1
                    if failures == 1 || failures % 30 == 0 {
                        logger.error("storage does not answer", metadata: ["error": "\(error)"])
                    }
                    await enqueued.wait(upTo: Backoff.delay(after: failures), time)
                    continue
                }
                if started >= state.withLock({ $0.settings.batchSize.value }) { continue }
                idle = started > 0 ? 0 : min(idle + 1, 3)
                let pause = Duration.milliseconds(50 * (idle + 1)) * Double.random(in: 0.8...1.2)
                await enqueued.wait(upTo: pause, time)
            }
        }
        state.withLock { $0.hasStopped = true }
        finished.wake()
    }

    /// One claim: as many jobs as there are free places, each handed to `start` with its check. What
    /// cannot end within its lease is given back.
    /// - Returns: how many jobs were claimed.
    package func claim(
        _ start: (Claim, Check) -> Void
    ) async throws(StorageError) -> Int {
        let before = time.now()
        let workers = fleet.workerCount
        let request = state.withLock { state -> ClaimRequest? in
            guard !state.settings.isPaused.value else { return nil }
            // Outcomes that wait for the storage hold their places, so that a storage that lags
            // is not given more to do.
            let free =
                state.settings.concurrency.value - state.probing - state.outcomes.count
            let limit = min(
                free, state.settings.batchSize.value, state.trouble.limit(at: before))
            guard limit > 0 else { return nil }
            var from = state.watermark.lowest(at: before)
            if before >= state.nextSweep {
                // About one sweep a second over the whole fleet: it finds what the watermark
                // hides, ended leases above all.
                state.nextSweep =
                    before + .seconds(1) * Double(workers) * Double.random(in: 0.8...1.2)
                from = 0
            }
            return ClaimRequest(
                limit: limit, location: limits.location, from: from,
                leaseMargin: limits.leaseMargin)
        }
        guard let request else { return 0 }
        let claims = try await storage.claim(request)
        guard !claims.isEmpty else { return 0 }
        state.withLock { state in
            for claim in claims { state.watermark.see(claim.job, at: before) }
        }

        let checks = try await checks(of: claims)
        var void: [JobReference] = []
        var late: [JobReference] = []
        for claim in claims {
            guard let check = checks[claim.check], check.spec.isEnabled else {
                void.append(claim.reference)
                continue
            }
            // The lease began when the storage worked, which was after `before`.
            let leaseEnds = before + (claim.leaseEnds - claim.claimedAt)
            guard time.now() + check.spec.effectiveTimeout < leaseEnds else {
                late.append(claim.reference)
                continue
            }
            state.withLock { state in
                state.claimed += 1
                state.probing += 1
            }
            Timer(label: "health_worker_queue_lag_seconds")
                .recordNanoseconds(max(0, (claim.claimedAt - claim.dueAt).microseconds) * 1000)
            start(claim, check)
        }
        if !void.isEmpty { _ = try await storage.discard(void) }
        if !late.isEmpty {
            logger.warning(
                "jobs given back: their probes would outlast the leases",
                metadata: ["jobs": "\(late.count)"])
            _ = try await storage.release(late)
        }
        return claims.count
    }

    private func checks(of claims: [Claim]) async throws(StorageError) -> [CheckID: Check] {
        var known: [CheckID: Check] = [:]
        var unknown: [CheckID] = []
        state.withLock { state in
            for claim in claims {
                if let check = state.checks[claim.check], check.revision == claim.revision {
                    known[claim.check] = check
                } else {
                    unknown.append(claim.check)
                }
            }
        }
        guard !unknown.isEmpty else { return known }
        let read = try await storage.checks(ids: unknown)
        state.withLock { state in
            if state.checks.count > 200_000 { state.checks = [:] }
            for check in read { state.checks[check.id] = check }
        }
        for check in read { known[check.id] = check }
        return known
    }

    // MARK: - Probing

    /// Probes once and keeps what was found for ``complete()``.
    package func probe(_ claim: Claim, _ check: Check) async {
        let startedAt = time.now()
        let report: ProbeReport
        if let prober = prober(check.spec.type) {
            report = await prober.probe(check.spec)
        } else {
            report = ProbeReport(
                outcome: .inconclusive(.internal),
                detail: "this worker has no prober for \(check.spec.type.rawValue)")
        }
        let endedAt = time.now()
        let finding = Finding(
            claim: claim, check: check, report: report, startedAt: startedAt,
            at: claim.claimedAt + (endedAt - startedAt))
        let wakes = state.withLock { state in
            state.probing -= 1
            state.outcomes.append(finding)
            if let said = state.trouble.observe(report.outcome, at: endedAt) {
                logger.warning("\(said)")
            }
            state.isUrgent = state.isUrgent || finding.movesACount || state.outcomes.count >= 200
            return state.isUrgent || state.outcomes.count == 1
        }
        logger.debug(
            "probed",
            metadata: described(
                report, of: check.spec.name, claim.job,
                ["outcome": "\(report.outcome.kind.rawValue)"]))
        if wakes { finished.wake() }
    }

    // MARK: - Completing

    private func completeRepeatedly() async {
        await withDiscardingTaskGroup { evaluations in
            while true {
                let isOver = state.withLock {
                    ($0.hasStopped && $0.outcomes.isEmpty) || Task.isCancelled
                }
                if isOver { return }
                if state.withLock({ $0.outcomes.isEmpty }) {
                    await finished.wait(upTo: .seconds(1), time)
                }
                // The first outcome of a batch waits for others, unless a count moves.
                if state.withLock({ !$0.outcomes.isEmpty && !$0.isUrgent }) {
                    await finished.wait(upTo: .milliseconds(50), time)
                }
                let turned = await complete()
                for policy in Set(turned.flatMap(\.policies)) {
                    evaluations.addTask { await self.evaluate(policy) }
                }
            }
        }
    }

    /// Completes all that probes have found so far, however long the storage takes.
    /// - Returns: the checks whose health turned.
    package func complete() async -> [TurnedCheck] {
        let findings = state.withLock { state in
            state.isUrgent = state.outcomes.count > 500
            return Array(state.outcomes.prefix(500))
        }
        guard !findings.isEmpty else { return [] }
        let (batch, counted) = await decide(findings)
        var turned: [TurnedCheck] = []
        var failures = 0
        while true {
            do {
                let report = try await storage.complete(batch)
                turned = report.turned
                note(report, of: batch)
                await counts.force(counted.filter { report.accepted.contains($0.job) })
                break
            } catch .unavailable(let why) {
                // The answer may have been lost: the fence makes sending it again harmless.
                failures += 1
                if failures == 1 || failures % 30 == 0 {
                    logger.error("outcomes wait for the storage", metadata: ["error": "\(why)"])
                }
                guard !Task.isCancelled, !graceIsOver() else { break }
                // Cancelled: the next round ends the loop.
                try? await time.sleep(Backoff.delay(after: failures))
            } catch {
                // Their leases end and the jobs are probed again.
                logger.critical("outcomes were refused", metadata: ["error": "\(error)"])
                break
            }
        }
        state.withLock { state in
            state.outcomes.removeFirst(findings.count)
            state.claimed -= findings.count
        }
        enqueued.wake()
        return turned
    }

    private func decide(
        _ findings: [Finding]
    ) async -> (batch: [Completion], counted: [CountRequest]) {
        let counted = findings.filter {
            $0.report.outcome.isConclusive && $0.movesACount
                && $0.check.epoch == $0.claim.base.epoch
        }
        let requests = counted.map { finding in
            CountRequest(
                check: finding.check.id, job: finding.claim.job, attempt: finding.claim.attempt,
                base: finding.claim.base, isSuccess: finding.report.outcome == .success,
                interval: finding.check.spec.interval.duration)
        }
        let runs = await counts.count(requests)
        let runOfJob = Dictionary(
            zip(counted.map(\.claim.job), runs), uniquingKeysWith: { first, _ in first })
        let end = time.now()
        let batch = findings.map { finding in
            let isCurrent = finding.check.epoch == finding.claim.base.epoch
            let decision =
                isCurrent
                ? HealthTracker.next(
                    base: finding.claim.base,
                    observation: HealthTracker.Observation(
                        outcome: finding.report.outcome,
                        run: runOfJob[finding.claim.job] ?? 1, worker: storage.process,
                        othersAlive: fleet.othersProbe(finding.check.spec), at: finding.at),
                    check: finding.check.spec)
                : HealthTracker.Decision(state: finding.claim.base)
            let keeps =
                switch limits.keeps {
                case .all: true
                case .changes: finding.report.outcome != .success || decision.turn != nil
                case .none: false
                }
            return Completion(
                claim: finding.claim, epoch: finding.check.epoch, report: finding.report,
                decision: decision, age: end - finding.startedAt, keepsOutcome: keeps)
        }
        .sorted { $0.claim.check < $1.claim.check }
        return (batch, requests)
    }

    private func note(_ report: CompletionReport, of batch: [Completion]) {
        Counter(label: "health_worker_jobs_completed_total").increment(by: report.accepted.count)
        let stale = batch.count - report.accepted.count
        if stale > 0 {
            Counter(label: "health_worker_completions_stale_total").increment(by: stale)
        }
        for turned in report.turned {
            guard let completion = batch.first(where: { $0.claim.check == turned.check }) else {
                continue
            }
            let name = state.withLock { $0.checks[turned.check]?.spec.name } ?? "\(turned.check)"
            logger.info(
                "health turned",
                metadata: described(
                    completion.report, of: name, completion.claim.job,
                    [
                        "from": "\(turned.turn.from.rawValue)", "to": "\(turned.turn.to.rawValue)",
                        "cause": "\(turned.turn.cause.rawValue)",
                    ]))
        }
    }

    private func described(
        _ report: ProbeReport, of check: String, _ job: JobID, _ more: Logger.Metadata
    ) -> Logger.Metadata {
        var metadata = more
        metadata["check"] = "\(check)"
        metadata["job_id"] = "\(job)"
        if let reason = report.outcome.reason { metadata["reason"] = "\(reason.rawValue)" }
        if let detail = report.detail { metadata["detail"] = "\(detail)" }
        return metadata
    }

    /// A storage that is away does not keep the process from ending: after this long the outcomes
    /// are dropped, and their jobs are probed again when the leases end.
    private func graceIsOver() -> Bool {
        let now = time.now()
        return state.withLock { $0.drainingSince.map { now - $0 > .seconds(20) } ?? false }
    }

    private func evaluate(_ policy: PolicyID) async {
        do {
            _ = try await evaluator.evaluate(policy)
        } catch {
            // Its evaluation stays due: the sweep of a register finds it.
            logger.warning(
                "policy not evaluated", metadata: ["policy_id": "\(policy)", "error": "\(error)"])
        }
    }
}
