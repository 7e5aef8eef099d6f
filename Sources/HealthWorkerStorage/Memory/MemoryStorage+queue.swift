package import HealthWorkerModel

extension MemoryStorage {
    package func enqueueDue(maxSlots: Int) async throws(StorageError) -> EnqueueReport {
        try withState { state, now in
            var report = EnqueueReport()
            for (slot, due) in state.slots {
                if let pulledBack = slot.pulledBack(from: due, now: now) {
                    state.slots[slot] = pulledBack
                }
            }
            let due = state.slots.filter { $0.value <= now }
                .sorted { ($0.value, $0.key.number) < ($1.value, $1.key.number) }
            for (slot, dueAt) in due.prefix(maxSlots) {
                let advance = slot.advanced(from: dueAt, now: now)
                state.slots[slot] = advance.nextDue
                report.slots += 1
                let checks = (state.checksOfSlot[slot] ?? []).sorted()
                for check in checks where state.checks[check]?.spec.isEnabled == true {
                    report.missed += Int(advance.missed)
                    if state.jobOfCheck[check] != nil {
                        report.superseded += 1
                    } else {
                        let tick = advance.nextDue - slot.interval.duration
                        state.insertJob(for: check, dueAt: tick, visibleAt: tick)
                        report.enqueued += 1
                    }
                }
            }
            state.tally.superseded += Int64(report.superseded)
            state.tally.missed += Int64(report.missed)
            return report
        }
    }

    package func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim] {
        try withState { state, now in
            var claims: [Claim] = []
            var claimed: [MemoryJob] = []
            for var job in state.jobs(from: request.from) {
                if claims.count >= request.limit { break }
                guard job.visibleAt <= now, !job.isLost(at: now),
                    let check = state.checks[job.check], let base = state.health[job.check],
                    job.terms.allow(request.location)
                else { continue }
                let isAvoided = job.avoiding == process || job.avoidedLocation == request.location
                if isAvoided, now < job.visibleAt + .seconds(1) { continue }

                if job.worker != nil { state.tally.rescued += 1 }
                job.visibleAt = now + job.terms.timeout + request.leaseMargin
                job.attempt += 1
                job.worker = process
                job.location = request.location
                claimed.append(job)
                claims.append(
                    Claim(
                        job: job.id, attempt: job.attempt, check: job.check,
                        revision: check.revision, dueAt: job.dueAt, claimedAt: now,
                        leaseEnds: job.visibleAt, base: base))
            }
            for job in claimed { state.jobs[job.id] = job }
            return claims
        }
    }

    package func complete(_ batch: [Completion]) async throws(StorageError) -> CompletionReport {
        try withState { [process] state, now in
            var report = CompletionReport()
            for completion in batch.sorted(by: { $0.claim.check < $1.claim.check }) {
                state.complete(completion, by: process, at: now, report: &report)
            }
            return report
        }
    }

    package func release(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        try withState { state, now in
            var released = 0
            for reference in jobs {
                guard var job = state.jobs[reference.job], job.attempt == reference.attempt,
                    job.worker != nil
                else { continue }
                job.visibleAt = now
                job.worker = nil
                state.jobs[job.id] = job
                state.updateJob(of: job.check)
                released += 1
            }
            return released
        }
    }

    package func discard(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        try withState { state, _ in
            var ended = 0
            for reference in jobs {
                guard let job = state.jobs[reference.job], job.attempt == reference.attempt,
                    state.checks[job.check]?.spec.isEnabled != true
                else { continue }
                state.removeJob(job)
                state.tally.void += 1
                ended += 1
            }
            return ended
        }
    }

    package func oldestJob(from: JobID) async throws(StorageError) -> JobID? {
        try withState { state, _ in state.jobs(from: from).first { _ in true }?.id }
    }

    package func expireLost(limit: Int, from: JobID) async throws(StorageError) -> Int {
        try withState { state, now in
            let lost = Array(state.jobs(from: from).filter { $0.isLost(at: now) }.prefix(limit))
            for job in lost {
                guard let holder = job.worker else { continue }
                state.removeJob(job)
                state.tally.lost += 1
                state.outcomes[job.check, default: []].append(
                    RecordedOutcome(
                        job: job.id, attempt: job.attempt, check: job.check,
                        epoch: state.health[job.check]?.epoch ?? 0, startedAt: now, worker: holder,
                        location: job.location,
                        report: ProbeReport(outcome: .inconclusive(.lost))))
                if state.health[job.check]?.inconclusiveSince == nil {
                    state.health[job.check]?.inconclusiveSince = now
                }
            }
            return lost.count
        }
    }

    package func enqueueNow(_ check: CheckID) async throws(StorageError) {
        try withState { state, now in
            guard state.checks[check]?.spec.isEnabled == true else { return }
            if let id = state.jobOfCheck[check], let job = state.jobs[id] {
                if job.worker == nil { state.jobs[id]?.visibleAt = min(job.visibleAt, now) }
            } else {
                state.insertJob(for: check, dueAt: now, visibleAt: now)
            }
        }
    }

    package func updateJobs() async throws(StorageError) -> Int {
        try withState { state, _ in
            var behind = 0
            for check in state.jobOfCheck.keys where state.updateJob(of: check) { behind += 1 }
            return behind
        }
    }

    package func nextSlotDue() async throws(StorageError) -> Timestamp? {
        try withState { state, _ in state.slots.values.min() }
    }

    package func queueStatus() async throws(StorageError) -> QueueStatus {
        try withState { state, now in
            let ready = state.jobs.values.filter { $0.visibleAt <= now }
            var waiting = WaitingJobs()
            for job in ready {
                switch now - job.dueAt {
                case ..<Duration.seconds(1): waiting.under1s += 1
                case ..<Duration.seconds(10): waiting.under10s += 1
                case ..<Duration.seconds(60): waiting.under60s += 1
                default: waiting.longer += 1
                }
            }
            return QueueStatus(
                live: state.jobs.count, ready: ready.count,
                leased: state.jobs.values.count { $0.isHeld(at: now) },
                oldestReady: ready.map(\.dueAt).min().map { now - $0 }, waiting: waiting,
                lateSlots: state.slots.values.count { $0 < now - .seconds(1) },
                tally: state.tally)
        }
    }

    package func pruneOutcomes(keep: Duration, limit: Int) async throws(StorageError) -> Int {
        try withState { state, now in
            var left = limit
            for (check, outcomes) in state.outcomes where left > 0 {
                let old = outcomes.prefix { $0.startedAt < now - keep }.count
                let removed = min(old, left)
                if removed > 0 { state.outcomes[check]?.removeFirst(removed) }
                left -= removed
            }
            return limit - left
        }
    }
}

extension MemoryState {
    /// One job's end: steps a to e of a completion.
    fileprivate mutating func complete(
        _ completion: Completion, by process: ProcessID, at now: Timestamp,
        report: inout CompletionReport
    ) {
        let claim = completion.claim
        guard let job = jobs[claim.job], job.attempt == claim.attempt,
            let check = checks[job.check], let state = health[job.check]
        else {
            tally.stale += 1
            return
        }
        removeJob(job)
        tally.completed += 1
        report.accepted.insert(job.id)

        let startedAt = now - completion.age
        if completion.keepsOutcome {
            outcomes[check.id, default: []].append(
                RecordedOutcome(
                    job: job.id, attempt: job.attempt, check: check.id, epoch: completion.epoch,
                    startedAt: startedAt, worker: process, location: job.location,
                    report: completion.report))
        }

        // The outcome, or the base that it was counted from, is about what was asked before.
        guard completion.epoch == check.epoch, claim.base.epoch == check.epoch else {
            if check.spec.isEnabled { insertJob(for: check.id, dueAt: now, visibleAt: now) }
            return
        }
        let decision = completion.decision
        if decision.state != claim.base, state.equals(base: claim.base) {
            store(decision, of: check.id, job: job.id, by: process, at: now, report: &report)
        }
        if let recheck = decision.recheck, check.spec.isEnabled {
            // In the past it would be over with avoiding before anybody could claim it.
            let visibleAt = max(now, startedAt + recheck.afterProbeStart)
            insertJob(
                for: check.id, dueAt: visibleAt, visibleAt: visibleAt, avoiding: recheck.avoiding,
                avoidedLocation: check.spec.locations.count > 1
                    ? recheck.avoiding.flatMap {
                        $0 == process ? job.location : processes[$0]?.presence.location
                    } : nil)
        }
    }

    private mutating func store(
        _ decision: HealthTracker.Decision, of check: CheckID, job: JobID, by process: ProcessID,
        at now: Timestamp, report: inout CompletionReport
    ) {
        var state = decision.state
        state.change = health[check]?.change
        if let turn = decision.turn {
            let change = lastIDs.healthChange.advance()
            state.change = change
            state.since = now
            healthChanges.append(
                RecordedHealthChange(
                    id: change, check: check, at: now, turn: turn, job: job, worker: process))
            let policies = (users[check] ?? []).sorted()
            for policy in policies { insertEvaluation(of: policy, dueAt: now) }
            report.turned.append(
                TurnedCheck(check: check, change: change, turn: turn, policies: policies))
        }
        health[check] = state
    }
}

extension HealthState {
    /// Whether nothing moved since the base was handed out.
    fileprivate func equals(base: HealthState) -> Bool {
        epoch == base.epoch && health == base.health && inARow == base.inARow
    }
}
