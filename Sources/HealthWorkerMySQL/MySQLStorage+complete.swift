package import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func complete(_ batch: [Completion]) async throws(StorageError) -> CompletionReport {
        if batch.isEmpty { return CompletionReport() }
        // In the order of the checks, so that two completions never wait for each other. A job that
        // is there twice ends once; the second end is as stale as one that comes later.
        var references = Set<JobReference>()
        let ends = batch.sorted { $0.claim.check < $1.claim.check }
            .filter { references.insert($0.claim.reference).inserted }
        return try await transact { [process] session in
            let accepted = try session.accept(ends)
            var report = CompletionReport(accepted: Set(accepted.map(\.end.claim.job)))
            try session.insert(
                accepted.filter(\.end.keepsOutcome).map { $0.outcome(by: process, at: session.now) }
            )
            let counted = accepted.filter(\.isCounted)
            report.turned = try session.move(counted, by: process)

            let jobs =
                try session.rechecks(counted, by: process)
                + session.jobsDueNow(of: accepted.filter { !$0.isCounted }.map(\.end.claim.check))
            let enqueued = try session.enqueue(jobs)
            try session.count(
                Tally(
                    enqueued: Int64(enqueued), completed: Int64(accepted.count),
                    stale: Int64(batch.count - accepted.count)),
                for: process)
            return report
        }
    }

    package func expireLost(limit: Int, from: JobID) async throws(StorageError) -> Int {
        let isWanted = try await read { session in
            try session.first(
                """
                SELECT 1
                FROM probe_jobs FORCE INDEX (PRIMARY)
                WHERE job_id >= ?
                  AND attempt >= 3
                  AND worker_id IS NOT NULL
                  AND visible_at <= ?
                LIMIT 1
                """, [from, session.now]
            ) { $0.flag(0) } ?? false
        }
        guard isWanted else { return 0 }
        return try await transact { [process] session in
            let lost = try session.lockLostJobs(limit: limit, from: from)
            if lost.isEmpty { return 0 }
            try session.end(lost)
            try session.count(Tally(lost: Int64(lost.count)), for: process)
            return lost.count
        }
    }
}

/// An end that its job's row accepted, with what the row says of the job and of its check.
private struct AcceptedEnd {
    var end: Completion
    var epoch: Int64
    var location: String?
    /// Milliseconds.
    var timeout: Int64
    var workerLocation: String

    /// Not so where the outcome, or the base that it was counted from, is about what was asked
    /// before.
    var isCounted: Bool { end.epoch == epoch && end.claim.base.epoch == epoch }

    /// `|fra1|ams1|`: a bar more than there are locations.
    var hasSeveralLocations: Bool { (location ?? "").count { $0 == "|" } > 2 }

    func outcome(by process: ProcessID, at now: Timestamp) -> RecordedOutcome {
        RecordedOutcome(
            job: end.claim.job, attempt: end.claim.attempt, check: end.claim.check,
            epoch: end.epoch, startedAt: now - end.age, worker: process, location: workerLocation,
            report: end.report)
    }
}

extension Session {
    /// The fence: only the attempt that is live ends the job. The rows are locked and then deleted.
    fileprivate func accept(_ ends: [Completion]) throws -> [AcceptedEnd] {
        let byJob = Dictionary(
            ends.map { ($0.claim.reference, $0) }, uniquingKeysWith: { first, _ in first })
        let rows = NumberTable(ends.map(\.claim.reference.row))
        let accepted: [AcceptedEnd] = try all(MySQLStorage.lockEndingJobs, [rows]) { row in
            byJob[JobReference(job: row.id(0), attempt: row.int(1))].map { end in
                AcceptedEnd(
                    end: end, epoch: row.integer(2), location: row.optionalText(3),
                    timeout: row.integer(4), workerLocation: row.text(5))
            }
        }.compactMap(\.self)
        if accepted.isEmpty { return [] }
        try run(MySQLStorage.deleteJobs, [NumberTable(accepted.map(\.end.claim.job))])
        return accepted.sorted { $0.end.claim.check < $1.end.claim.check }
    }

    func insert(_ outcomes: [RecordedOutcome]) throws {
        try insert(
            outcomes.map { outcome in
                let report = outcome.report
                return [
                    outcome.job, outcome.check, outcome.attempt, outcome.epoch, outcome.startedAt,
                    outcome.worker, outcome.location, report.outcome.kind.rawValue,
                    report.outcome.reason?.rawValue, report.address, report.phases.resolve,
                    report.phases.connect, report.phases.tls, report.phases.write,
                    report.phases.firstByte, report.phases.body, report.httpStatus,
                    report.certificateEnd, report.detail,
                ]
            },
            into: """
                outcomes
                    (job_id, check_id, attempt, epoch, started_at, worker_id, location, outcome,
                     reason, address, resolve_us, connect_us, tls_us, write_us, first_byte_us,
                     body_us, http_status, certificate_end, detail)
                """)
    }

    /// Stores what was decided, unless the stored row is not what it was decided from.
    fileprivate func move(_ counted: [AcceptedEnd], by process: ProcessID) throws -> [TurnedCheck] {
        let moving = counted.filter { $0.end.decision.state != $0.end.claim.base }
        if moving.isEmpty { return [] }
        let held = try lockHealth(of: moving.map(\.end.claim.check))
        let moved = moving.filter { accepted in
            let base = accepted.end.claim.base
            guard let row = held[accepted.end.claim.check] else { return false }
            return row.epoch == base.epoch && row.health == base.health
                && row.inARow == base.inARow
        }
        let turns = moved.compactMap { accepted in
            accepted.end.decision.turn.map {
                (check: accepted.end.claim.check, turn: $0, job: accepted.end.claim.job as JobID?)
            }
        }
        let changes = try insert(turns, by: process)
        for accepted in moved {
            try store(
                accepted.end.decision, of: accepted.end.claim.check,
                change: changes[accepted.end.claim.check])
        }
        return try evaluate(turns.map { ($0.check, $0.turn) }, changes)
    }

    func lockHealth(of checks: [CheckID]) throws -> [CheckID: HealthState] {
        let rows = try all(MySQLStorage.lockHealth, [NumberTable(checks)]) { row in
            (check: row.id(0, of: CheckID.self), state: try HealthState(row, from: 1))
        }
        return Dictionary(uniqueKeysWithValues: rows.map { ($0.check, $0.state) })
    }

    private func store(
        _ decision: HealthTracker.Decision, of check: CheckID, change: HealthChangeID?
    ) throws {
        let state = decision.state
        try run(
            """
            UPDATE check_health
            SET health = ?,
                health_since = ?,
                in_a_row = ?,
                run_since = ?,
                run_worker_id = ?,
                corroborated = ?,
                inconclusive_since = ?,
                change_id = coalesce(?, change_id)
            WHERE check_id = ?
            """,
            [
                state.health.rawValue, change == nil ? state.since : now, state.inARow,
                state.runSince, state.runWorker, state.isCorroborated, state.inconclusiveSince,
                change, check,
            ])
    }

    /// Records turns now.
    func insert(
        _ turns: [(check: CheckID, turn: HealthTurn, job: JobID?)], by worker: ProcessID?
    ) throws -> [CheckID: HealthChangeID] {
        let ids = try insert(
            turns.map { check, turn, job in
                [
                    check, now, turn.from.rawValue, turn.to.rawValue, turn.cause.rawValue,
                    turn.reason?.rawValue, job, worker, turn.isConfirmedElsewhere,
                    turn.noticedAt,
                ]
            },
            into: """
                health_changes
                    (check_id, at, from_health, to_health, cause, reason, job_id, worker_id,
                     confirmed_elsewhere, noticed_at)
                """
        ).ids
        return Dictionary(
            uniqueKeysWithValues: zip(turns, ids).map { ($0.check, HealthChangeID($1)) })
    }

    /// Asks for an evaluation of each policy with such a member.
    private func evaluate(
        _ turns: [(check: CheckID, turn: HealthTurn)], _ changes: [CheckID: HealthChangeID]
    ) throws -> [TurnedCheck] {
        if turns.isEmpty { return [] }
        let uses = try all(
            """
            SELECT DISTINCT m.check_id, m.policy_id
            FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS t
            STRAIGHT_JOIN policy_members AS m FORCE INDEX (policy_members_of_check)
                 ON m.check_id = t.check_id
            ORDER BY m.check_id, m.policy_id
            """, [NumberTable(turns.map(\.check))]
        ) { (check: $0.id(0, of: CheckID.self), policy: $0.id(1, of: PolicyID.self)) }
        try insert(
            uses.map { use in
                [use.policy, now, EvaluationCause.turned.rawValue, changes[use.check]]
            }, into: "evaluations (policy_id, due_at, cause, change_id)")
        let policies = Dictionary(grouping: uses, by: \.check)
        return turns.compactMap { check, turn in
            changes[check].map { change in
                TurnedCheck(
                    check: check, change: change, turn: turn,
                    policies: policies[check, default: []].map(\.policy))
            }
        }
    }

    fileprivate func rechecks(
        _ counted: [AcceptedEnd], by process: ProcessID
    ) throws -> [NewJob] {
        let locations = try locations(
            of: counted.compactMap { accepted in
                accepted.hasSeveralLocations ? accepted.end.decision.recheck?.avoiding : nil
            })
        return counted.compactMap { accepted in
            guard let recheck = accepted.end.decision.recheck else { return nil }
            // Another location is asked for where the check allows one.
            let avoidedLocation =
                accepted.hasSeveralLocations
                ? recheck.avoiding.flatMap { worker in
                    worker == process ? accepted.workerLocation : locations[worker]
                } : nil
            // In the past it would be over with avoiding before anybody could claim it.
            return NewJob(
                check: accepted.end.claim.check,
                dueAt: max(now, now - accepted.end.age + recheck.afterProbeStart),
                avoiding: recheck.avoiding, avoidedLocation: avoidedLocation,
                epoch: accepted.epoch, location: accepted.location, timeout: accepted.timeout)
        }
    }

    private func locations(of workers: [ProcessID]) throws -> [ProcessID: String] {
        if workers.isEmpty { return [:] }
        let known = try all(
            """
            SELECT p.process_id, p.presence
            FROM JSON_TABLE(?, '$[*]' COLUMNS (process_id BIGINT PATH '$[0]')) AS w
            STRAIGHT_JOIN processes AS p FORCE INDEX (PRIMARY) ON p.process_id = w.process_id
            """, [NumberTable(Set(workers))]
        ) { ($0.id(0, of: ProcessID.self), try $0.json(1, as: Presence.self).location) }
        return Dictionary(uniqueKeysWithValues: known)
    }

    /// Of enabled checks, as they are asked now.
    fileprivate func jobsDueNow(of checks: [CheckID]) throws -> [NewJob] {
        if checks.isEmpty { return [] }
        return try all(
            """
            SELECT c.check_id, c.epoch, c.location, c.timeout_ms
            FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS a
            STRAIGHT_JOIN checks AS c FORCE INDEX (PRIMARY) ON c.check_id = a.check_id
            WHERE c.is_enabled = 1
            """, [NumberTable(checks)]
        ) { row in
            NewJob(
                check: row.id(0), dueAt: now, epoch: row.integer(1),
                location: row.optionalText(2), timeout: row.integer(3))
        }
    }

    fileprivate func lockLostJobs(limit: Int, from: JobID) throws -> [RecordedOutcome] {
        try all(
            """
            SELECT job_id, attempt, check_id, epoch, worker_id, coalesce(worker_location, '')
            FROM probe_jobs FORCE INDEX (PRIMARY)
            WHERE job_id >= ?
              AND attempt >= 3
              AND worker_id IS NOT NULL
              AND visible_at <= ?
            ORDER BY job_id
            LIMIT ?
            FOR UPDATE SKIP LOCKED
            """, [from, now, limit]
        ) { row in
            RecordedOutcome(
                job: row.id(0), attempt: row.int(1), check: row.id(2), epoch: row.integer(3),
                startedAt: now, worker: row.id(4), location: row.text(5),
                report: ProbeReport(outcome: .inconclusive(.lost)))
        }
    }

    /// What an inconclusive outcome does: nothing is counted, and since when is remembered.
    fileprivate func end(_ lost: [RecordedOutcome]) throws {
        try run(MySQLStorage.deleteJobs, [NumberTable(lost.map(\.job))])
        try insert(lost)
        try run(
            """
            UPDATE JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS e
            STRAIGHT_JOIN check_health AS h FORCE INDEX (PRIMARY) ON h.check_id = e.check_id
            SET h.inconclusive_since = ?
            WHERE h.inconclusive_since IS NULL
            """, [NumberTable(lost.map(\.check).sorted()), now])
    }
}

extension MySQLStorage {
    package static let lockEndingJobs = """
        SELECT j.job_id, j.attempt, j.epoch, j.location, j.timeout_ms,
               coalesce(j.worker_location, '')
        FROM JSON_TABLE(?, '$[*]' COLUMNS (
                 job_id BIGINT PATH '$[0]', attempt BIGINT PATH '$[1]')) AS e
        STRAIGHT_JOIN probe_jobs AS j FORCE INDEX (PRIMARY)
             ON j.job_id = e.job_id AND j.attempt = e.attempt
        FOR UPDATE
        """

    package static let deleteJobs = """
        DELETE j
        FROM JSON_TABLE(?, '$[*]' COLUMNS (job_id BIGINT PATH '$[0]')) AS e
        STRAIGHT_JOIN probe_jobs AS j FORCE INDEX (PRIMARY) ON j.job_id = e.job_id
        """

    package static let lockHealth = """
        SELECT h.check_id, h.epoch, h.health, h.health_since, h.in_a_row, h.run_since,
               h.run_worker_id, h.corroborated, h.inconclusive_since, h.change_id
        FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS m
        STRAIGHT_JOIN check_health AS h FORCE INDEX (PRIMARY) ON h.check_id = m.check_id
        FOR UPDATE
        """
}
