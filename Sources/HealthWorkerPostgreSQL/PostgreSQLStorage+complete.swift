package import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func complete(_ batch: [Completion]) async throws(StorageError) -> CompletionReport {
        if batch.isEmpty { return CompletionReport() }
        let ends = Self.inOrder(batch)
        return try await perform { [process] session in
            if ends.indices.allSatisfy({ ends[$0].isSteady }) {
                return try Self.completeSteadily(ends, as: process, of: batch.count, session)
            }
            let columns = FoundColumns(ends).values + MovingColumns(ends).values
            let rows = try session.all(Self.completeJobs, columns + [process, batch.count]) { row in
                (
                    reference: row.optionalID(0, of: JobID.self).map {
                        JobReference(job: $0, attempt: row.int(1))
                    },
                    check: row.optionalID(2, of: CheckID.self),
                    change: row.optionalID(3, of: HealthChangeID.self),
                    policy: row.optionalID(4, of: PolicyID.self)
                )
            }
            let turns = Dictionary(
                ends.compactMap { end in end.decision.turn.map { (end.claim.reference, $0) } },
                uniquingKeysWith: { first, _ in first })
            let policies = Dictionary(grouping: rows.filter { $0.policy != nil }, by: \.change)
            var report = CompletionReport()
            for row in rows {
                guard let reference = row.reference else { continue }
                report.accepted.insert(reference.job)
                if let check = row.check, let change = row.change, let turn = turns[reference] {
                    report.turned.append(
                        TurnedCheck(
                            check: check, change: change, turn: turn,
                            policies: (policies[change] ?? []).compactMap(\.policy).sorted()))
                }
            }
            report.turned.sort { $0.check < $1.check }
            return report
        }
    }

    /// In the order of the checks, so that two completions never wait for each other. A job that is
    /// there twice ends once; the second end is as stale as one that comes later.
    private static func inOrder(_ batch: [Completion]) -> [Completion] {
        // As workers send them; nothing is copied then.
        let isInOrder = batch.indices.dropFirst().allSatisfy {
            batch[$0 - 1].claim.check < batch[$0].claim.check
        }
        if isInOrder { return batch }
        var references = Set<JobReference>()
        return batch.sorted { $0.claim.check < $1.claim.check }
            .filter { references.insert($0.claim.reference).inserted }
    }

    private static func completeSteadily(
        _ ends: [Completion], as process: ProcessID, of count: Int, _ session: Session
    ) throws -> CompletionReport {
        let stale = try session.first(
            Self.completeSteadyJobs, FoundColumns(ends).values + [process, count]
        ) { row in (ended: row.int(0), jobs: row.isNull(1) ? nil : row.ids(1, of: JobID.self)) }
        guard let stale else { return CompletionReport() }
        // Which they are is only said where some are missing.
        return CompletionReport(accepted: Set(stale.jobs ?? ends.map(\.claim.job)))
    }

    package func expireLost(limit: Int, from: JobID) async throws(StorageError) -> Int {
        try await perform { [process] session in
            try session.first(Self.expireLostJobs, [limit, process, from]) { $0.int(0) } ?? 0
        }
    }
}

extension PostgreSQLStorage {
    /// Ends a batch in one statement, which is DESIGN's steps a to e; a lost answer is safe, the
    /// same batch again finds no job.
    ///
    /// `ended` is the fence, and locks the job's row: what it says of the check (epoch, locations,
    /// time-out) is kept equal to the check by every edit that is committed, where a snapshot of
    /// `checks` is often behind. What an edit at this very moment leaves behind, ``release(_:)`` and
    /// ``updateJobs()`` mend. A deleted or paused check has no job. All parts see the tables as of the statement's
    /// beginning; the jobs that are inserted take the place of those in `ended`, are made of its
    /// rows, and so come after them.
    ///
    /// The answer is a row for each accepted job, one more for each turn, which names its check and
    /// change, and one for each change and policy that looks at it: a join of them would be as many
    /// steps as the product of both sides, since no plan knows how many jobs of a batch end.
    package static let completeJobs = """
        WITH ended AS (
            DELETE FROM probe_jobs AS j
            USING unnest(
                $1::bigint[], $2::integer[], $3::bigint[], $4::bigint[], $5::boolean[],
                $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[],
                $12::bigint[], $13::bigint[], $14::bigint[], $15::integer[], $16::bigint[],
                $17::text[],
                $18::bigint[], $19::text[], $20::integer[],
                $21::boolean[], $22::text[], $23::bigint[], $24::integer[], $25::bigint[],
                $26::bigint[], $27::boolean[], $28::bigint[],
                $29::text[], $30::text[], $31::text[], $32::text[],
                $33::bigint[], $34::bigint[], $35::boolean[]
            ) AS b (
                job_id, attempt, epoch, age_us, is_kept,
                outcome, reason, address, resolve_us, connect_us, tls_us,
                write_us, first_byte_us, body_us, http_status, certificate_end,
                detail,
                base_epoch, base_health, base_in_a_row,
                moves, health, health_since, in_a_row, run_since,
                run_worker_id, corroborated, inconclusive_since,
                from_health, to_health, cause, turn_reason,
                recheck_us, avoid_worker_id, confirmed_elsewhere
            )
            WHERE j.job_id = b.job_id
              AND j.attempt = b.attempt
            RETURNING b.*,
                      j.check_id, j.epoch AS job_epoch, j.location, j.timeout_ms,
                      coalesce(j.worker_location, '') AS worker_location,
                      (SELECT now_us()) - b.age_us AS started_at,
                      -- Not so where the outcome, or the base that it was counted from, is about
                      -- what was asked before.
                      b.epoch = j.epoch AND b.base_epoch = j.epoch AS is_counted
        ),
        recorded AS (
            INSERT INTO outcomes
                (job_id, check_id, attempt, epoch, started_at, worker_id, location, outcome, reason,
                 address, resolve_us, connect_us, tls_us, write_us, first_byte_us, body_us,
                 http_status, certificate_end, detail)
            SELECT job_id, check_id, attempt, epoch, started_at, $36, worker_location, outcome,
                   reason, address, resolve_us, connect_us, tls_us, write_us, first_byte_us,
                   body_us, http_status, certificate_end, detail
            FROM ended
            WHERE is_kept
        ),
        moved AS (
            UPDATE check_health AS h
            SET health = a.health,
                health_since = CASE
                    WHEN a.cause IS NULL THEN a.health_since
                    ELSE (SELECT now_us())
                END,
                in_a_row = a.in_a_row,
                run_since = CASE WHEN a.cause IS NULL THEN a.run_since END,
                run_worker_id = a.run_worker_id,
                corroborated = a.corroborated,
                inconclusive_since = a.inconclusive_since,
                change_id = CASE
                    WHEN a.cause IS NULL THEN h.change_id
                    ELSE nextval('health_change_ids')
                END
            FROM ended AS a
            WHERE a.moves
              AND a.is_counted
              AND h.check_id = a.check_id
              AND h.epoch = a.base_epoch
              AND h.health = a.base_health
              AND h.in_a_row = a.base_in_a_row
            RETURNING a.job_id, a.attempt, a.check_id, a.from_health, a.to_health, a.cause,
                      a.turn_reason, a.confirmed_elsewhere, a.run_since AS noticed_at,
                      h.change_id
        ),
        turned AS (
            INSERT INTO health_changes
                (change_id, check_id, at, from_health, to_health, cause, reason, job_id, worker_id,
                 confirmed_elsewhere, noticed_at)
            SELECT change_id, check_id, (SELECT now_us()), from_health, to_health, cause,
                   turn_reason, job_id, $36, confirmed_elsewhere, noticed_at
            FROM moved
            WHERE cause IS NOT NULL
            ORDER BY change_id
        ),
        asked AS (
            INSERT INTO evaluations (policy_id, due_at, cause, change_id)
            SELECT DISTINCT m.policy_id, (SELECT now_us()), 'turned', t.change_id
            FROM moved AS t
            JOIN policy_members AS m USING (check_id)
            WHERE t.cause IS NOT NULL
            RETURNING policy_id, change_id
        ),
        enqueued AS (
            INSERT INTO probe_jobs
                (check_id, due_at, visible_at, avoid_worker_id, avoid_location, epoch, location,
                 timeout_ms)
            SELECT check_id, due_at, due_at, avoid_worker_id, avoid_location, epoch, location,
                   timeout_ms
            FROM (
                -- In the past it would be over with avoiding before anybody could claim it. Another
                -- location is asked for where the check allows one: |fra1|ams1| has three bars.
                SELECT a.check_id,
                       greatest((SELECT now_us()), a.started_at + a.recheck_us) AS due_at,
                       a.avoid_worker_id,
                       CASE
                           WHEN a.location IS NULL
                                OR length(a.location) - length(replace(a.location, '|', '')) < 3
                               THEN NULL
                           WHEN a.avoid_worker_id = $36 THEN a.worker_location
                           ELSE (
                               SELECT p.presence::json ->> 'location'
                               FROM processes AS p
                               WHERE p.process_id = a.avoid_worker_id
                           )
                       END AS avoid_location,
                       a.job_epoch AS epoch, a.location, a.timeout_ms
                FROM ended AS a
                WHERE a.is_counted
                  AND a.recheck_us IS NOT NULL
                UNION ALL
                SELECT c.check_id, (SELECT now_us()), NULL, NULL, c.epoch, c.location, c.timeout_ms
                FROM ended AS a
                JOIN checks AS c USING (check_id)
                WHERE NOT a.is_counted
                  AND c.is_enabled
            ) AS wanted
            ORDER BY check_id
            ON CONFLICT (check_id) DO NOTHING
            RETURNING 1
        ),
        counted AS (
            INSERT INTO queue_tallies AS t (process_id, completed, stale, enqueued)
            SELECT $36, n.ended, $37 - n.ended, n.enqueued
            FROM (
                SELECT (SELECT count(*) FROM ended) AS ended,
                       (SELECT count(*) FROM enqueued) AS enqueued
            ) AS n
            ON CONFLICT (process_id) DO UPDATE
            SET completed = t.completed + excluded.completed,
                stale = t.stale + excluded.stale,
                enqueued = t.enqueued + excluded.enqueued
        )
        SELECT job_id, attempt, NULL::bigint, NULL::bigint, NULL::bigint
        FROM ended
        UNION ALL
        SELECT job_id, attempt, check_id, change_id, NULL
        FROM moved
        WHERE cause IS NOT NULL
        UNION ALL
        SELECT NULL, NULL, NULL, change_id, policy_id
        FROM asked
        """

    /// Ends a batch in which nothing can move: the case of nearly every batch, and a third of the
    /// work. The columns are the first of ``completeJobs``.
    ///
    /// It answers how many ended, and which where some were stale.
    package static let completeSteadyJobs = """
        WITH ended AS (
            DELETE FROM probe_jobs AS j
            USING unnest(
                $1::bigint[], $2::integer[], $3::bigint[], $4::bigint[], $5::boolean[],
                $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[],
                $12::bigint[], $13::bigint[], $14::bigint[], $15::integer[], $16::bigint[],
                $17::text[]
            ) AS b (
                job_id, attempt, epoch, age_us, is_kept,
                outcome, reason, address, resolve_us, connect_us, tls_us,
                write_us, first_byte_us, body_us, http_status, certificate_end,
                detail
            )
            WHERE j.job_id = b.job_id
              AND j.attempt = b.attempt
            RETURNING b.*, j.check_id, j.epoch AS job_epoch,
                      coalesce(j.worker_location, '') AS worker_location
        ),
        recorded AS (
            INSERT INTO outcomes
                (job_id, check_id, attempt, epoch, started_at, worker_id, location, outcome, reason,
                 address, resolve_us, connect_us, tls_us, write_us, first_byte_us, body_us,
                 http_status, certificate_end, detail)
            SELECT job_id, check_id, attempt, epoch, (SELECT now_us()) - age_us, $18,
                   worker_location, outcome, reason, address, resolve_us, connect_us, tls_us,
                   write_us, first_byte_us, body_us, http_status, certificate_end, detail
            FROM ended
            WHERE is_kept
        ),
        enqueued AS (
            INSERT INTO probe_jobs (check_id, due_at, visible_at, epoch, location, timeout_ms)
            SELECT c.check_id, (SELECT now_us()), (SELECT now_us()), c.epoch, c.location,
                   c.timeout_ms
            FROM ended AS a
            JOIN checks AS c USING (check_id)
            WHERE a.epoch <> a.job_epoch
              AND c.is_enabled
            ORDER BY c.check_id
            ON CONFLICT (check_id) DO NOTHING
            RETURNING 1
        ),
        report AS MATERIALIZED (
            SELECT count(*) AS ended,
                   CASE WHEN count(*) < $19 THEN coalesce(array_agg(job_id), '{}') END AS jobs
            FROM ended
        ),
        counted AS (
            INSERT INTO queue_tallies AS t (process_id, completed, stale, enqueued)
            SELECT $18, ended, $19 - ended, (SELECT count(*) FROM enqueued)
            FROM report
            ON CONFLICT (process_id) DO UPDATE
            SET completed = t.completed + excluded.completed,
                stale = t.stale + excluded.stale,
                enqueued = t.enqueued + excluded.enqueued
        )
        SELECT ended, jobs
        FROM report
        """

    /// Ends `$1` jobs at most, from `$3` on, on behalf of process `$2`, as an inconclusive outcome
    /// does: nothing is counted, and since when is remembered.
    package static let expireLostJobs = """
        WITH ended AS (
            DELETE FROM probe_jobs
            WHERE ctid = ANY (ARRAY(
                SELECT ctid
                FROM probe_jobs
                WHERE job_id >= $3
                  AND attempt >= 3
                  AND worker_id IS NOT NULL
                  AND visible_at <= (SELECT now_us())
                ORDER BY job_id
                LIMIT $1
                FOR UPDATE SKIP LOCKED
            ))
            RETURNING job_id, check_id, attempt, epoch, worker_id,
                      coalesce(worker_location, '') AS location
        ),
        recorded AS (
            INSERT INTO outcomes
                (job_id, check_id, attempt, epoch, started_at, worker_id, location, outcome, reason)
            SELECT job_id, check_id, attempt, epoch, (SELECT now_us()), worker_id, location,
                   'inconclusive', 'lost'
            FROM ended
        ),
        marked AS (
            UPDATE check_health AS h
            SET inconclusive_since = (SELECT now_us())
            FROM ended AS e
            WHERE h.check_id = e.check_id
              AND h.inconclusive_since IS NULL
        ),
        counted AS (
            INSERT INTO queue_tallies AS t (process_id, lost)
            SELECT $2::bigint, count(*)
            FROM ended
            HAVING count(*) > 0
            ON CONFLICT (process_id) DO UPDATE
            SET lost = t.lost + excluded.lost
        )
        SELECT count(*)
        FROM ended
        """
}

extension Completion {
    /// Whether it does nothing but end its job and keep its outcome.
    fileprivate var isSteady: Bool {
        decision.recheck == nil && decision.turn == nil && epoch == claim.base.epoch
            && decision.state == claim.base
    }
}

/// What was found, as both statements take it: one array for each column, the shorter ones of which
/// `unnest` fills up with NULLs.
///
/// By index, here and below: an end is large, and would be copied for each of its columns.
private struct FoundColumns {
    let values: [any Bindable]

    init(_ ends: [Completion]) {
        let count = ends.count
        values = [
            ArrayText(count) { $0.append(ends[$1].claim.job.rawValue) },
            ArrayText(count) { $0.append(Int64(ends[$1].claim.attempt)) },
            ArrayText(count) { $0.append(ends[$1].epoch) },
            ArrayText(count) { $0.append(ends[$1].age.microseconds) },
            ArrayText(count) { $0.append(ends[$1].keepsOutcome) },
            ArrayText(count) { $0.append(ends[$1].report.outcome.kind.rawValue) },
            ArrayText(filledUp: count) { $0.append(ends[$1].report.outcome.reason?.rawValue) },
            ArrayText(filledUp: count) { $0.append(ends[$1].report.address) },
            ArrayText(filledUp: count) { $0.append(ends[$1].report.phases.resolve) },
            ArrayText(filledUp: count) { $0.append(ends[$1].report.phases.connect) },
            ArrayText(filledUp: count) { $0.append(ends[$1].report.phases.tls) },
            ArrayText(filledUp: count) { $0.append(ends[$1].report.phases.write) },
            ArrayText(filledUp: count) { $0.append(ends[$1].report.phases.firstByte) },
            ArrayText(filledUp: count) { $0.append(ends[$1].report.phases.body) },
            ArrayText(filledUp: count) { $0.append(ends[$1].report.httpStatus.map { Int64($0) }) },
            ArrayText(filledUp: count) {
                $0.append(ends[$1].report.certificateEnd?.microseconds)
            },
            ArrayText(filledUp: count) { $0.append(ends[$1].report.detail) },
        ]
    }
}

/// What moves: the columns that ``PostgreSQLStorage/completeJobs`` takes besides.
private struct MovingColumns {
    let values: [any Bindable]

    init(_ ends: [Completion]) {
        let count = ends.count
        values = [
            ArrayText(count) { $0.append(ends[$1].claim.base.epoch) },
            ArrayText(count) { $0.append(ends[$1].claim.base.health.rawValue) },
            ArrayText(count) { $0.append(Int64(ends[$1].claim.base.inARow)) },
            ArrayText(count) { $0.append(ends[$1].decision.state != ends[$1].claim.base) },
            ArrayText(count) { $0.append(ends[$1].decision.state.health.rawValue) },
            ArrayText(count) { $0.append(ends[$1].decision.state.since.microseconds) },
            ArrayText(count) { $0.append(Int64(ends[$1].decision.state.inARow)) },
            // Of a turn, when the row began that turned it: nothing is counted any more.
            ArrayText(filledUp: count) {
                let decision = ends[$1].decision
                $0.append(
                    (decision.turn.map(\.noticedAt) ?? decision.state.runSince)?.microseconds)
            },
            ArrayText(filledUp: count) { $0.append(ends[$1].decision.state.runWorker?.rawValue) },
            ArrayText(count) { $0.append(ends[$1].decision.state.isCorroborated) },
            ArrayText(filledUp: count) {
                $0.append(ends[$1].decision.state.inconclusiveSince?.microseconds)
            },
            ArrayText(filledUp: count) { $0.append(ends[$1].decision.turn?.from.rawValue) },
            ArrayText(filledUp: count) { $0.append(ends[$1].decision.turn?.to.rawValue) },
            ArrayText(filledUp: count) { $0.append(ends[$1].decision.turn?.cause.rawValue) },
            ArrayText(filledUp: count) { $0.append(ends[$1].decision.turn?.reason?.rawValue) },
            ArrayText(filledUp: count) {
                $0.append(ends[$1].decision.recheck?.afterProbeStart.microseconds)
            },
            ArrayText(filledUp: count) { $0.append(ends[$1].decision.recheck?.avoiding?.rawValue) },
            ArrayText(count) { $0.append(ends[$1].decision.turn?.isConfirmedElsewhere ?? false) },
        ]
    }
}
