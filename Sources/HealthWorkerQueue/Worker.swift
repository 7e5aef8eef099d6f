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
        /// By which it is known, also to a process that takes its place.
        package var name: String
        package var location: String
        /// Probes in flight at once.
        package var concurrency: Int
        /// Jobs that one statement claims.
        package var batchSize: Int
        package var leaseMargin: Duration
        /// Which outcomes are kept in the history.
        package var keeps: KeptOutcomes
        /// What its process logs, unless an operator says otherwise.
        package var logLevel: LogLevel

        package init(
            name: String = "worker", location: String = "default", concurrency: Int = 1000,
            batchSize: Int = 500, leaseMargin: Duration = .seconds(5), keeps: KeptOutcomes = .all,
            logLevel: LogLevel = .info
        ) {
            self.name = name
            self.location = location
            self.concurrency = concurrency
            self.batchSize = batchSize
            self.leaseMargin = leaseMargin
            self.keeps = keeps
            self.logLevel = logLevel
        }

        /// Of these, what operators may set while it runs.
        package var settings: SettingsInForce {
            SettingsInForce(
                concurrency: concurrency, batchSize: batchSize, logLevel: logLevel)
        }
    }

    private let storage: any Storage
    private let counts: any Counts
    private let evaluator: PolicyEvaluator
    private let prober: @Sendable (CheckType) -> (any Prober)?
    private let fleet: Fleet
    private let isolation: Isolation
    private let limits: Limits
    private let time: ProcessTime
    private let logger: Logger
    /// Woken when a register in this process enqueued jobs.
    private let enqueued: WakeSignal

    private let state: Mutex<State>
    /// Woken when there is something to complete.
    private let found = [WakeSignal(), WakeSignal()]
    private let metrics = QueueMetrics()
    private let turns = LoopTurns()

    /// What waits to be completed, apart: what moves a count or health goes at once, in small
    /// batches, and never waits behind the many that say that all is as it was.
    private enum Lane: Int, CaseIterable {
        case moving, steady

        /// From how many findings on a batch does not wait for more.
        var fullAt: Int { self == .moving ? 1 : 200 }

        /// What its loop is called.
        var loop: String { self == .moving ? "complete moving" : "complete steady" }
    }

    private struct State {
        var checks: [CheckID: KnownCheck] = [:]
        var probing = 0
        var claimed = 0
        var findings: [[Finding]] = [[], []]
        /// When it was told to end.
        var drainingSince: Duration?
        var hasStopped = false
        var watermark = Watermark()
        var trouble = OwnTrouble()
        var quarantine = OwnQuarantine()
        /// Where it found something else than its peers.
        var contradictions = Contradictions()
        var sweepStart = SweepStart()
        var nextSweep: Duration = .zero
        /// What operators let it do.
        var settings: SettingsInForce
        var leaseMargin: Duration
        var keeps: KeptOutcomes
        var lags = LagWindow()

        /// Outcomes that wait for the storage hold their places, so that a storage that lags is not
        /// given more to do.
        var freePlaces: Int {
            settings.concurrency.value - probing - findings[0].count - findings[1].count
        }
    }

    package init(
        storage: any Storage, counts: any Counts, evaluator: PolicyEvaluator,
        prober: @escaping @Sendable (CheckType) -> (any Prober)?, fleet: Fleet,
        isolation: Isolation? = nil, limits: Limits = Limits(), enqueued: WakeSignal = WakeSignal(),
        time: ProcessTime = .continuous, logger: Logger
    ) {
        self.storage = storage
        self.counts = counts
        self.evaluator = evaluator
        self.prober = prober
        self.fleet = fleet
        self.isolation = isolation ?? Isolation(asking: nil, logger: logger)
        self.limits = limits
        self.enqueued = enqueued
        self.time = time
        self.logger = logger
        state = Mutex(
            State(
                settings: limits.settings, leaseMargin: limits.leaseMargin, keeps: limits.keeps))
    }

    package func run() async throws {
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { watching in
                watching.addTask { await self.isolation.watch() }
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await self.claimRepeatedly() }
                    for lane in Lane.allCases {
                        group.addTask { await self.completeRepeatedly(lane) }
                    }
                }
                watching.cancelAll()
            }
        } onGracefulShutdown: {
            self.drain()
        }
        await leaveQuarantine()
    }

    /// Claims nothing more; `run` returns when what is in flight has ended.
    package func drain() {
        let now = time.now()
        state.withLock { $0.drainingSince = $0.drainingSince ?? now }
        enqueued.wake()
        for signal in found { signal.wake() }
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
                "log_level": "\(settings.logLevel?.value.rawValue ?? "as configured")",
            ])
        enqueued.wake()
        return true
    }

    /// Claims with this margin, and keeps these outcomes, from now on.
    package func adopt(leaseMargin: Duration, keeps: KeptOutcomes) {
        state.withLock { state in
            state.leaseMargin = leaseMargin
            state.keeps = keeps
        }
    }

    /// Which of its loops has not come round for longest, and for how long; nil where none runs.
    package var oldestTurn: (loop: String, age: Duration)? { turns.oldest(at: time.now()) }

    /// What it says of itself in the fleet.
    package var activity: Activity {
        let now = time.now()
        return state.withLock { state in
            Activity(
                claimed: state.claimed, probing: state.probing,
                paused: state.settings.pausedBecause ?? state.quarantine.pause ?? isolation.pause
                    ?? state.trouble.pause,
                settings: state.settings, testimony: state.contradictions.testimony(at: now),
                quarantine: state.quarantine.term)
        }
    }

    package struct Activity: Hashable, Sendable {
        package var claimed: Int
        package var probing: Int
        /// Why it claims nothing at present; nil: it does.
        package var paused: String?
        package var settings: SettingsInForce
        package var testimony: Testimony
        package var quarantine: QuarantineTerm?
    }

    /// How late probes of the last minutes began.
    package var lags: LagHistogram {
        let now = time.now()
        return state.withLock { $0.lags.recent(at: now) }
    }

    // MARK: - Quarantine

    /// Goes by what the workers that are alive say of each other; to be called with each reading of the
    /// fleet.
    /// - Returns: whether it has something new to say of itself.
    package func hear(_ fleet: [RunningProcess], at moment: Timestamp) async -> Bool {
        let standing = fleet.quarantine[storage.process]
        let now = time.now()
        let news = state.withLock { state in
            for process in fleet where process.presence.quarantine?.isServing ?? false {
                state.contradictions.forget(process.id)
            }
            let news = state.quarantine.hear(standing, at: now, moment)
            if case .quarantined? = news { state.contradictions.forgetProbed() }
            return news
        }
        switch news {
        case nil: return false
        case .quarantined(let term)?:
            logger.warning(
                "this worker is quarantined: its peers contradict it, and it claims nothing",
                metadata: [
                    "contradicted": "\(term.contradicted)", "probed": "\(term.probed)",
                    "until": "\(term.until)",
                ])
            await tell(AuditEntry.quarantined, term, message: "\(term)", at: moment)
        case .onTrial?:
            logger.info("the quarantine is over: this worker claims a few jobs at a time")
            enqueued.wake()
        case .released(let term)?:
            logger.info("no peer contradicts this worker any more: it claims as ever")
            await tell(
                AuditEntry.quarantineEnded, term, message: "not contradicted any more", at: moment)
            enqueued.wake()
        }
        return true
    }

    /// Goes on with what is left of a quarantine in which a process of this name was killed; to be done
    /// before the first claim. One that was ended has no more to serve: that is how it is released by
    /// hand.
    package func resumeQuarantine() async throws(StorageError) {
        let moment = try await storage.now()
        func last(_ action: String) async throws(StorageError) -> AuditEntry? {
            try await storage.audit(
                matching: AuditFilter(
                    action: action, object: limits.name, since: moment - OwnQuarantine.longest),
                before: nil, limit: 1
            ).first
        }
        guard let begun = try await last(AuditEntry.quarantined), let text = begun.after,
            let term = try? JSONColumn.value(QuarantineTerm.self, of: text)
        else { return }
        if let ended = try await last(AuditEntry.quarantineEnded), ended.id > begun.id { return }
        let now = time.now()
        state.withLock { $0.quarantine.resume(term, at: now, moment) }
    }

    private func leaveQuarantine() async {
        guard let term = state.withLock({ $0.quarantine.term }) else { return }
        do {
            let moment = try await storage.now()
            await tell(
                AuditEntry.quarantineEnded, term, message: "the worker was ended", at: moment)
        } catch {
            logger.debug("the end of the quarantine is not told", metadata: ["error": "\(error)"])
        }
    }

    private func tell(
        _ action: String, _ term: QuarantineTerm, message: String, at moment: Timestamp
    ) async {
        do {
            let text = try JSONColumn.text(of: term)
            let isBegun = action == AuditEntry.quarantined
            try await storage.appendAudit([
                AuditEntry(
                    at: moment, actor: "fleet", action: action, object: limits.name,
                    before: isBegun ? nil : text, after: isBegun ? text : nil, message: message)
            ])
        } catch {
            logger.warning("a quarantine is not in the history", metadata: ["error": "\(error)"])
        }
    }

    // MARK: - Claiming

    private func claimRepeatedly() async {
        await withDiscardingTaskGroup { probes in
            var idle = 0
            var failures = 0
            while !state.withLock({ $0.drainingSince != nil }), !Task.isCancelled {
                turns.turned("claim", at: time.now())
                let claimed: (jobs: Int, of: Int)
                do {
                    claimed = try await claim { job in
                        let prober = self.prober(job.check.spec.type)
                        probes.addTask(executorPreference: prober?.taskExecutor) {
                            await self.probe(job)
                        }
                    }
                    failures = 0
                } catch {
                    failures += 1
                    metrics.failedClaims.count()
                    if failures == 1 || failures % 30 == 0 {
                        logger.error("storage does not answer", metadata: ["error": "\(error)"])
                    }
                    await enqueued.wait(
                        upTo: Backoff.delay(after: failures, spread: time.spread()), time)
                    continue
                }
                if claimed.of > 0, claimed.jobs == claimed.of {
                    await waitForPlaces()
                    continue
                }
                idle = claimed.jobs > 0 ? 0 : min(idle + 1, 100)
                let pause = Self.pause(
                    afterIdle: idle, of: fleet.workerCount(at: limits.location))
                await enqueued.wait(upTo: pause * time.spread(), time)
            }
            // Probes in flight have their own time-outs.
            turns.ended("claim")
        }
        state.withLock { $0.hasStopped = true }
        for signal in found { signal.wake() }
    }

    /// How long it waits after so many claims in a row that found nothing: 50 ms, and up to 200 ms once
    /// they mean that there is little to do. In a small fleet the first ones do not: another worker was
    /// there before, and may be busy when the next slot is due. In a large one somebody never is, and all
    /// of them together would ask too often.
    package static func pause(afterIdle claims: Int, of workers: Int) -> Duration {
        let patience = 20 / max(1, workers)
        return .milliseconds(50 * (1 + min(3, max(0, claims - patience))))
    }

    /// More jobs wait than there was room for: claims them many at a time, not one for each place
    /// that gets free, and does not wait long where probes take theirs.
    private func waitForPlaces() async {
        let isEnough = state.withLock { state in
            let (places, batch) = (state.settings.concurrency.value, state.settings.batchSize.value)
            return state.freePlaces >= min(batch, (places + 1) / 2)
        }
        if isEnough { return }
        await enqueued.wait(upTo: .milliseconds(20), time)
    }

    /// One claim: as many jobs as there are free places, each handed to `start`. What cannot end
    /// within its lease is given back.
    /// - Returns: how many jobs were claimed, and how many there was room for.
    @discardableResult
    package func claim(
        _ start: (ClaimedJob) -> Void
    ) async throws(StorageError) -> (jobs: Int, of: Int) {
        guard isolation.pause == nil else { return (0, 0) }
        let before = time.now()
        let workers = fleet.workerCount(at: limits.location)
        var sweepsFrom: JobID?
        let wanted = state.withLock { state -> ClaimRequest? in
            guard !state.settings.isPaused.value else { return nil }
            let limit = min(
                state.freePlaces, state.settings.batchSize.value,
                state.quarantine.limit(holding: state.claimed),
                state.trouble.limit(probing: state.probing, at: before))
            guard limit > 0 else { return nil }
            if before >= state.nextSweep {
                // About one sweep a second over all workers at a location, for it sees no other
                // location's jobs: it finds what the watermark hides, ended leases above all.
                state.nextSweep =
                    before + .seconds(1) * Double(workers) * time.spread()
                sweepsFrom = state.sweepStart.next(at: before)
            }
            return ClaimRequest(
                limit: limit, location: limits.location, from: state.watermark.next(at: before),
                leaseMargin: state.leaseMargin)
        }
        guard var request = wanted else { return (0, 0) }
        let claims: [Claim]
        do throws(StorageError) {
            if let sweepsFrom {
                let oldest = try await storage.oldestJob(from: sweepsFrom)
                request.from = state.withLock { $0.sweepStart.see(oldest, at: before) }
            }
            claims = try await storage.claim(request)
        } catch {
            // What was to be swept is not: the next claim does it.
            if sweepsFrom != nil { state.withLock { $0.nextSweep = .zero } }
            throw error
        }
        state.withLock { state in
            state.watermark.see(
                claims.map(\.job), isFull: claims.count == request.limit, at: before)
        }
        guard !claims.isEmpty else { return (0, request.limit) }

        let checks: [KnownCheck?]
        do throws(StorageError) {
            checks = try await self.checks(of: claims)
        } catch {
            // Where that fails as well, the leases end by themselves.
            _ = try? await storage.release(claims.map(\.reference))
            throw error
        }
        var void: [JobReference] = []
        var late: [JobReference] = []
        var jobs: [ClaimedJob] = []
        jobs.reserveCapacity(claims.count)
        let now = time.now()
        metrics.claim.recordNanoseconds((now - before).microseconds * 1000)
        metrics.claimed.increment(by: claims.count)
        for (claim, check) in zip(claims, checks) {
            guard let check, check.isEnabled else {
                void.append(claim.reference)
                continue
            }
            // The lease began when the storage worked, which was after `before`.
            let leaseEnds = before + (claim.leaseEnds - claim.claimedAt)
            guard now + check.timeout < leaseEnds else {
                late.append(claim.reference)
                continue
            }
            jobs.append(
                ClaimedJob(claim: claim, known: check, askedAt: before, leaseEnds: leaseEnds))
        }
        state.withLock { state in
            state.claimed += jobs.count
            state.probing += jobs.count
        }
        for job in jobs { start(job) }
        if !void.isEmpty { _ = try await storage.discard(void) }
        if !late.isEmpty {
            logger.warning(
                "jobs given back: their probes would outlast the leases",
                metadata: ["jobs": "\(late.count)"])
            _ = try await storage.release(late)
        }
        return (claims.count, request.limit)
    }

    /// The check of each claim, in their order, in the revision that was claimed; nil where it is
    /// gone.
    private func checks(of claims: [Claim]) async throws(StorageError) -> [KnownCheck?] {
        let known = state.withLock { state in
            claims.map { claim in
                state.checks[claim.check].flatMap {
                    $0.check.revision == claim.revision ? $0 : nil
                }
            }
        }
        let unknown = zip(claims, known).filter { $0.1 == nil }.map(\.0.check)
        if unknown.isEmpty { return known }
        let read = try await storage.checks(ids: unknown).map(KnownCheck.init)
        state.withLock { state in
            if state.checks.count > 200_000 { state.checks = [:] }
            for check in read { state.checks[check.check.id] = check }
        }
        let new = Dictionary(read.map { ($0.check.id, $0) }, uniquingKeysWith: { $1 })
        return zip(claims, known).map { $1 ?? new[$0.check] }
    }

    // MARK: - Probing

    /// Probes once and keeps what was found for ``complete()``.
    package func probe(_ job: ClaimedJob) async {
        let spec = job.check.spec
        let startedAt = time.now()
        // This process may have been stopped since the claim.
        guard startedAt + job.known.timeout < job.leaseEnds else { return await giveBack(job) }
        // Counted from the claim's own moment; what the way to and from the storage took is in it.
        let lag = (job.claim.claimedAt - job.claim.dueAt) + (startedAt - job.askedAt)
        metrics.lag.recordNanoseconds(max(0, lag.microseconds) * 1000)
        var report: ProbeReport
        if let prober = prober(spec.type) {
            report = await prober.probe(spec)
        } else {
            report = ProbeReport(
                outcome: .inconclusive(.internal),
                detail: "this worker has no prober for \(spec.type.rawValue)")
        }
        let endedAt = time.now()
        report = await isolation.believed(report, endedAt: endedAt)
        if let pause = state.withLock({ $0.quarantine.pause }) {
            report = report.disbelieved(because: pause)
        }
        metrics.record(report, took: endedAt - startedAt)
        let finding = Finding(
            job: job, report: report, startedAt: startedAt,
            at: job.claim.claimedAt + (endedAt - startedAt))
        let lane: Lane = finding.isSteady ? .steady : .moving
        let wakes = state.withLock { state in
            state.probing -= 1
            state.lags.record(lag, at: startedAt)
            if report.outcome.isConclusive {
                state.contradictions.probed(job.claim.check, at: endedAt)
            }
            state.findings[lane.rawValue].append(finding)
            if let said = state.trouble.observe(report, startedAt: startedAt, at: endedAt) {
                logger.warning("\(said)")
            }
            let count = state.findings[lane.rawValue].count
            return count == 1 || count == lane.fullAt
        }
        logger.debug(
            "probed",
            metadata: described(
                report, of: spec.name, job.claim.job,
                ["outcome": "\(report.outcome.kind.rawValue)"]))
        if wakes { found[lane.rawValue].wake() }
    }

    /// A job that was claimed and cannot be probed within its lease.
    private func giveBack(_ job: ClaimedJob) async {
        do {
            _ = try await storage.release([job.claim.reference])
        } catch {
            // Its lease ends by itself.
            logger.debug("a late job was not given back", metadata: ["error": "\(error)"])
        }
        state.withLock { state in
            state.probing -= 1
            state.claimed -= 1
        }
        enqueued.wake()
    }

    // MARK: - Completing

    private func completeRepeatedly(_ lane: Lane) async {
        let found = found[lane.rawValue]
        await withDiscardingTaskGroup { evaluations in
            while true {
                turns.turned(lane.loop, at: time.now())
                let (waiting, isOver) = state.withLock { state in
                    let count = state.findings[lane.rawValue].count
                    return (count, (state.hasStopped && count == 0) || Task.isCancelled)
                }
                if isOver { break }
                if waiting == 0 {
                    await found.wait(upTo: .seconds(1), time)
                    continue
                }
                // The first outcome of a batch waits for others.
                if waiting < lane.fullAt { await found.wait(upTo: .milliseconds(50), time) }
                let turned = await complete(lane)
                for policy in Set(turned.flatMap(\.policies)) {
                    evaluations.addTask { await self.evaluate(policy) }
                }
            }
            turns.ended(lane.loop)
        }
    }

    /// Completes all that probes have found so far, however long the storage takes.
    /// - Returns: the checks whose health turned.
    package func complete() async -> [TurnedCheck] {
        var turned: [TurnedCheck] = []
        for lane in Lane.allCases {
            while state.withLock({ !$0.findings[lane.rawValue].isEmpty }) {
                turned += await complete(lane)
            }
        }
        return turned
    }

    /// Completes one batch.
    private func complete(_ lane: Lane) async -> [TurnedCheck] {
        let findings = state.withLock { Array($0.findings[lane.rawValue].prefix(500)) }
        guard !findings.isEmpty else { return [] }
        let (batch, counted) = await decide(findings)
        let decidedAt = time.now()
        var turned: [TurnedCheck] = []
        var failures = 0
        while true {
            let sentAt = time.now()
            turns.turned(lane.loop, at: sentAt)
            do {
                // While the storage is away they grow older.
                let report = try await storage.complete(
                    failures == 0 ? batch : batch.older(by: sentAt - decidedAt))
                metrics.completion.recordNanoseconds((time.now() - sentAt).microseconds * 1000)
                turned = report.turned
                note(report, of: batch)
                compare(report, with: findings)
                await counts.force(counted.filter { report.accepted.contains($0.job) })
                break
            } catch .unavailable(let why) {
                // The answer may have been lost: the fence makes sending it again harmless.
                failures += 1
                metrics.failedCompletions.count()
                if failures == 1 || failures % 30 == 0 {
                    logger.error("outcomes wait for the storage", metadata: ["error": "\(why)"])
                }
                guard !Task.isCancelled, !graceIsOver() else { break }
                // Cancelled: the next round ends the loop.
                try? await time.sleep(Backoff.delay(after: failures, spread: time.spread()))
            } catch {
                // Their leases end and the jobs are probed again.
                metrics.failedCompletions.count()
                logger.critical("outcomes were refused", metadata: ["error": "\(error)"])
                break
            }
        }
        state.withLock { state in
            state.findings[lane.rawValue].removeFirst(findings.count)
            state.claimed -= findings.count
        }
        enqueued.wake()
        return turned
    }

    private func decide(
        _ findings: [Finding]
    ) async -> (batch: [Completion], counted: [CountRequest]) {
        let counted = findings.filter(\.isCounted)
        let requests = counted.map { finding in
            CountRequest(
                check: finding.check.id, job: finding.claim.job, attempt: finding.claim.attempt,
                base: finding.claim.base, isSuccess: finding.report.outcome == .success,
                interval: finding.check.spec.interval.duration)
        }
        let runs = requests.isEmpty ? [] : await counts.count(requests)
        // By attempt: a worker that was slow may bring two attempts of a job at once.
        let runOfJob = Dictionary(
            zip(counted.map(\.claim.reference), runs), uniquingKeysWith: { first, _ in first })
        let end = time.now()
        let kept = state.withLock { $0.keeps }
        let batch = findings.sorted { $0.claim.check < $1.claim.check }.map { finding in
            let decision = decision(about: finding, run: runOfJob[finding.claim.reference] ?? 1)
            let keeps =
                switch kept {
                case .all: true
                case .changes: finding.report.outcome != .success || decision.turn != nil
                case .none: false
                }
            return Completion(
                claim: finding.claim, epoch: finding.check.epoch, report: finding.report,
                decision: decision, age: end - finding.startedAt, keepsOutcome: keeps)
        }
        return (batch, requests)
    }

    private func decision(about finding: Finding, run: Int) -> HealthTracker.Decision {
        let base = finding.claim.base
        if finding.isSteady || finding.check.epoch != base.epoch {
            return HealthTracker.Decision(state: base)
        }
        return HealthTracker.next(
            base: base,
            observation: HealthTracker.Observation(
                outcome: finding.report.outcome, run: run, worker: storage.process,
                othersAlive: fleet.othersProbe(finding.check.spec),
                rowBeganElsewhere: fleet.isElsewhere(base.runWorker, than: limits.location),
                at: finding.at),
            check: finding.check.spec)
    }

    private func note(_ report: CompletionReport, of batch: [Completion]) {
        metrics.completed.increment(by: report.accepted.count)
        let stale = batch.count - report.accepted.count
        if stale > 0 { metrics.stale.increment(by: stale) }
        if report.turned.isEmpty { return }
        let completions = Dictionary(
            batch.map { ($0.claim.check, $0) }, uniquingKeysWith: { first, _ in first })
        for turned in report.turned {
            metrics.record(turned.turn)
            guard let completion = completions[turned.check] else { continue }
            let name =
                state.withLock { $0.checks[turned.check]?.check.spec.name } ?? "\(turned.check)"
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

    /// Remembers whose failures these successes contradict. What the storage took is what a target was
    /// found to be; of any other outcome another worker says more.
    private func compare(_ report: CompletionReport, with findings: [Finding]) {
        let now = time.now()
        for finding in findings {
            let base = finding.claim.base
            guard base.inARow > 0, finding.report.outcome == .success,
                finding.check.epoch == base.epoch, report.accepted.contains(finding.claim.job),
                let failed = base.runSince,
                let peer = base.contradicted(
                    by: storage.process, at: finding.at, check: finding.check.spec)
            else { continue }
            state.withLock {
                $0.contradictions.contradict(
                    peer, on: finding.check.id, failed: failed, at: now)
            }
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
            if case .decided(let decision) = try await evaluator.evaluate(policy),
                let warning = decision.warning
            {
                logger.warning("\(warning)", metadata: ["policy": "\(decision.policyName)"])
            }
        } catch {
            // Its evaluation stays due: the sweep of a register finds it.
            logger.warning(
                "policy not evaluated", metadata: ["policy_id": "\(policy)", "error": "\(error)"])
        }
    }
}

extension ProbeReport {
    /// What a worker found whose peers contradict it.
    fileprivate func disbelieved(because why: String) -> Self {
        guard outcome.isConclusive else { return self }
        var report = self
        report.outcome = .inconclusive(.workerIsolated)
        report.detail = "\(why); it saw \(outcome.reason?.rawValue ?? "a success")"
        return report
    }
}

extension [Completion] {
    fileprivate func older(by time: Duration) -> [Completion] {
        map { completion in
            var completion = completion
            completion.age += time
            return completion
        }
    }
}
