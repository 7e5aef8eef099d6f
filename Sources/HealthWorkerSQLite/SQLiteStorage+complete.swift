import GRDB
package import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func complete(_ batch: [Completion]) async throws(StorageError) -> CompletionReport {
        if batch.isEmpty { return CompletionReport() }
        return try await write { [process] session in
            var run = CompletionRun(session: session, process: process)
            for completion in batch.sorted(by: { $0.claim.check < $1.claim.check }) {
                try run.complete(completion)
            }
            try session.count(run.tally, for: process)
            return run.report
        }
    }

    package func expireLost(limit: Int, from: JobID) async throws(StorageError) -> Int {
        let isWanted = try await read { !(try $0.lostJobs(limit: 1, from: from)).isEmpty }
        guard isWanted else { return 0 }
        return try await write { [process] session in
            let lost = try session.lostJobs(limit: limit, from: from)
            for job in lost {
                try session.end(job)
            }
            try session.count(Tally(lost: Int64(lost.count)), for: process)
            return lost.count
        }
    }

    package func pruneOutcomes(keep: Duration, limit: Int) async throws(StorageError) -> Int {
        try await write { session in
            try session.run(
                """
                DELETE FROM outcomes
                WHERE job_id IN (
                    SELECT job_id
                    FROM outcomes
                    WHERE started_at < ?
                    ORDER BY started_at
                    LIMIT ?
                )
                """, [(session.now - keep).microseconds, limit])
        }
    }
}

/// Completions one after the other, in one transaction: DESIGN's steps a to e for each.
private struct CompletionRun {
    let session: Session
    let process: ProcessID
    var report = CompletionReport()
    var tally = Tally()

    mutating func complete(_ completion: Completion) throws {
        let claim = completion.claim
        guard let location = try end(claim.reference) else {
            tally.stale += 1
            return
        }
        tally.completed += 1
        report.accepted.insert(claim.job)

        let started = session.now - completion.age
        if completion.keepsOutcome {
            try session.insert(
                RecordedOutcome(
                    job: claim.job, attempt: claim.attempt, check: claim.check,
                    epoch: completion.epoch, startedAt: started, worker: process,
                    location: location, report: completion.report))
        }
        guard let check = try session.scheduled(claim.check) else { return }

        // The outcome, or the base that it was counted from, is about what was asked before.
        guard completion.epoch == check.epoch, claim.base.epoch == check.epoch else {
            try enqueue(check, at: session.now)
            return
        }
        try move(completion)
        if let recheck = completion.decision.recheck {
            // In the past it would be over with avoiding before anybody could claim it.
            let moment = max(session.now, started + recheck.afterProbeStart)
            try enqueue(
                check, at: moment, avoiding: recheck.avoiding,
                at: try self.location(avoiding: recheck.avoiding, for: check, ours: location))
        }
    }

    /// The fence: only the attempt that is live ends the job.
    /// - Returns: where it was claimed; nil: it is not live.
    private func end(_ job: JobReference) throws -> String? {
        try session.first(
            """
            DELETE FROM probe_jobs
            WHERE job_id = ?
              AND attempt = ?
            RETURNING coalesce(worker_location, '')
            """, [job.job.rawValue, job.attempt]
        ) { $0.text(0) }
    }

    /// The location of a worker whose word is not wanted, where the check allows another one.
    private func location(
        avoiding worker: ProcessID?, for check: ScheduledCheck, ours: String
    ) throws -> String? {
        guard let worker, check.hasSeveralLocations else { return nil }
        if worker == process { return ours }
        let presence: Presence? = try session.first(
            """
            SELECT presence
            FROM processes
            WHERE process_id = ?
            """, [worker.rawValue]
        ) { try $0.json(0) }
        return presence?.location
    }

    /// Stores what was decided, unless the stored row is not what it was decided from.
    private mutating func move(_ completion: Completion) throws {
        let base = completion.claim.base
        let decision = completion.decision
        if decision.state == base { return }

        let state = decision.state
        let moved = try session.run(
            """
            UPDATE check_health
            SET health = ?,
                health_since = ?,
                in_a_row = ?,
                run_since = ?,
                run_worker_id = ?,
                corroborated = ?,
                inconclusive_since = ?
            WHERE check_id = ?
              AND epoch = ?
              AND health = ?
              AND in_a_row = ?
            """,
            [
                state.health.rawValue,
                (decision.turn == nil ? state.since : session.now).microseconds, state.inARow,
                state.runSince?.microseconds, state.runWorker?.rawValue, state.isCorroborated,
                state.inconclusiveSince?.microseconds, completion.claim.check.rawValue, base.epoch,
                base.health.rawValue, base.inARow,
            ])
        if moved == 1, let turn = decision.turn { try record(turn, of: completion.claim) }
    }

    private mutating func record(_ turn: HealthTurn, of claim: Claim) throws {
        let change = try session.insert(
            turn, of: claim.check, job: claim.job, worker: process)
        let policies = try session.policies(using: claim.check)
        for policy in policies {
            try session.insertEvaluation(of: policy, dueAt: session.now, .turned, change: change)
        }
        report.turned.append(
            TurnedCheck(check: claim.check, change: change, turn: turn, policies: policies))
    }

    private mutating func enqueue(
        _ check: ScheduledCheck, at moment: Timestamp, avoiding: ProcessID? = nil,
        at location: String? = nil
    ) throws {
        guard check.isEnabled else { return }
        tally.enqueued += Int64(
            try session.run(
                """
                INSERT INTO probe_jobs
                    (check_id, due_at, visible_at, avoid_worker_id, avoid_location, location,
                     timeout_ms)
                VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6)
                ON CONFLICT (check_id) DO NOTHING
                """,
                [
                    check.id.rawValue, moment.microseconds, avoiding?.rawValue, location,
                    check.location, check.timeout,
                ]))
    }
}

/// What a job carries of its check.
struct ScheduledCheck {
    var id: CheckID
    var epoch: Int64
    var isEnabled: Bool
    var location: String?
    /// Milliseconds.
    var timeout: Int64

    /// `|fra1|ams1|`: a bar more than there are locations.
    var hasSeveralLocations: Bool {
        (location ?? "").count { $0 == "|" } > 2
    }
}

private struct LostJob: Sendable {
    var job: JobReference
    var check: CheckID
    var worker: ProcessID
    var location: String
}

extension Session {
    func scheduled(_ check: CheckID) throws -> ScheduledCheck? {
        try first(
            """
            SELECT epoch, is_enabled, location, timeout_ms
            FROM checks
            WHERE check_id = ?
            """, [check.rawValue]
        ) { row in
            ScheduledCheck(
                id: check, epoch: row.integer(0), isEnabled: row.flag(1),
                location: row.optionalText(2), timeout: row.integer(3))
        }
    }

    func insert(_ outcome: RecordedOutcome) throws {
        let report = outcome.report
        try run(
            """
            INSERT INTO outcomes
                (job_id, check_id, attempt, epoch, started_at, worker_id, location, outcome, reason,
                 address, resolve_us, connect_us, tls_us, write_us, first_byte_us, body_us,
                 http_status, certificate_end, detail)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                outcome.job.rawValue, outcome.check.rawValue, outcome.attempt, outcome.epoch,
                outcome.startedAt.microseconds, outcome.worker.rawValue, outcome.location,
                report.outcome.kind.rawValue, report.outcome.reason?.rawValue, report.address,
                report.phases.resolve, report.phases.connect, report.phases.tls,
                report.phases.write, report.phases.firstByte, report.phases.body,
                report.httpStatus, report.certificateEnd?.microseconds, report.detail,
            ])
    }

    /// Records a turn now, as the check's last one.
    func insert(
        _ turn: HealthTurn, of check: CheckID, job: JobID?, worker: ProcessID?
    ) throws -> HealthChangeID {
        try run(
            """
            INSERT INTO health_changes
                (check_id, at, from_health, to_health, cause, reason, job_id, worker_id,
                 confirmed_elsewhere, noticed_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                check.rawValue, now.microseconds, turn.from.rawValue, turn.to.rawValue,
                turn.cause.rawValue, turn.reason?.rawValue, job?.rawValue, worker?.rawValue,
                turn.isConfirmedElsewhere, turn.noticedAt?.microseconds,
            ])
        let change = HealthChangeID(db.lastInsertedRowID)
        try run(
            """
            UPDATE check_health
            SET change_id = ?
            WHERE check_id = ?
            """, [change.rawValue, check.rawValue])
        return change
    }

    func policies(using check: CheckID) throws -> [PolicyID] {
        try all(
            """
            SELECT DISTINCT policy_id
            FROM policy_members
            WHERE check_id = ?
            ORDER BY policy_id
            """, [check.rawValue]
        ) { $0.id(0) }
    }

    fileprivate func lostJobs(limit: Int, from: JobID) throws -> [LostJob] {
        try all(
            """
            SELECT job_id, attempt, check_id, worker_id, coalesce(worker_location, '')
            FROM probe_jobs
            WHERE job_id >= ?
              AND attempt >= 3
              AND worker_id IS NOT NULL
              AND visible_at <= ?
            ORDER BY visible_at
            LIMIT ?
            """, [from.rawValue, now.microseconds, limit]
        ) { row in
            LostJob(
                job: JobReference(job: row.id(0), attempt: row.int(1)), check: row.id(2),
                worker: row.id(3), location: row.text(4))
        }
    }

    /// What an inconclusive outcome does: nothing is counted, and since when is remembered.
    fileprivate func end(_ lost: LostJob) throws {
        try run("DELETE FROM probe_jobs WHERE job_id = ?", [lost.job.job.rawValue])
        guard let check = try scheduled(lost.check) else { return }
        try insert(
            RecordedOutcome(
                job: lost.job.job, attempt: lost.job.attempt, check: lost.check,
                epoch: check.epoch, startedAt: now, worker: lost.worker,
                location: lost.location, report: ProbeReport(outcome: .inconclusive(.lost))))
        try run(
            """
            UPDATE check_health
            SET inconclusive_since = ?
            WHERE check_id = ?
              AND inconclusive_since IS NULL
            """, [now.microseconds, lost.check.rawValue])
    }
}
