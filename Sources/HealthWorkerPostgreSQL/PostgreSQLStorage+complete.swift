import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func complete(_ batch: [Completion]) async throws(StorageError) -> CompletionReport {
        if batch.isEmpty { return CompletionReport() }
        // In the order of the checks, so that two completions never wait for each other. A job that
        // is there twice ends once; the second end is as stale as one that comes later.
        var references = Set<JobReference>()
        let ends = batch.sorted { $0.claim.check < $1.claim.check }
            .filter { references.insert($0.claim.reference).inserted }
        return try await perform { [process] session in
            var report = CompletionReport()
            let turns = Dictionary(
                ends.compactMap { end in end.decision.turn.map { (end.claim.reference, $0) } },
                uniquingKeysWith: { first, _ in first })
            let values = CompletionColumns(ends).values + [process, batch.count]
            let rows = try session.all(Self.completeJobs, values) { row in
                (
                    job: row.id(0, of: JobID.self), attempt: row.int(1),
                    check: row.id(2, of: CheckID.self),
                    change: row.optionalID(3, of: HealthChangeID.self),
                    policies: row.ids(4, of: PolicyID.self)
                )
            }
            for row in rows {
                report.accepted.insert(row.job)
                let reference = JobReference(job: row.job, attempt: row.attempt)
                if let change = row.change, let turn = turns[reference] {
                    report.turned.append(
                        TurnedCheck(
                            check: row.check, change: change, turn: turn, policies: row.policies))
                }
            }
            return report
        }
    }

    package func expireLost(limit: Int) async throws(StorageError) -> Int {
        try await perform { [process] session in
            try session.first(Self.expireLostJobs, [limit, process]) { $0.int(0) } ?? 0
        }
    }

    package func pruneOutcomes(keep: Duration, limit: Int) async throws(StorageError) -> Int {
        try await perform { session in
            try session.run(
                """
                DELETE FROM outcomes
                WHERE ctid = ANY (ARRAY(
                    SELECT ctid
                    FROM outcomes
                    WHERE started_at < now_us() - $1
                    ORDER BY started_at
                    LIMIT $2
                    FOR UPDATE SKIP LOCKED
                ))
                """, [keep, limit])
        }
    }
}

extension PostgreSQLStorage {
    /// Ends a batch in one statement, which is DESIGN's steps a to e; a lost answer is safe, the
    /// same batch again finds no job.
    ///
    /// `ended` is the fence, and locks the job's row: what it says of the check (epoch, locations,
    /// time-out) is kept equal to the check by every edit, so that no snapshot of `checks` can be
    /// behind. A deleted or paused check has no job. All parts see the tables as of the statement's
    /// beginning; the jobs that are inserted take the place of those in `ended`, are made of its
    /// rows, and so come after them.
    package static let completeJobs = """
        WITH batch AS MATERIALIZED (
            SELECT *
            FROM unnest(
                $1::bigint[], $2::integer[], $3::bigint[], $4::bigint[], $5::text[], $6::integer[],
                $7::bigint[], $8::boolean[],
                $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[],
                $15::bigint[], $16::bigint[], $17::bigint[], $18::integer[], $19::bigint[],
                $20::text[],
                $21::boolean[], $22::text[], $23::bigint[], $24::integer[], $25::bigint[],
                $26::bigint[], $27::boolean[], $28::bigint[],
                $29::text[], $30::text[], $31::text[], $32::text[],
                $33::bigint[], $34::bigint[]
            ) AS b (
                job_id, attempt, epoch, base_epoch, base_health, base_in_a_row,
                age_us, is_kept,
                outcome, reason, address, resolve_us, connect_us, tls_us,
                write_us, first_byte_us, body_us, http_status, certificate_end,
                detail,
                moves, health, health_since, in_a_row, run_since,
                run_worker_id, corroborated, inconclusive_since,
                from_health, to_health, cause, turn_reason,
                recheck_us, avoid_worker_id
            )
        ),
        ended AS (
            DELETE FROM probe_jobs AS j
            USING batch AS b
            WHERE j.job_id = b.job_id
              AND j.attempt = b.attempt
            RETURNING j.job_id, j.attempt, j.check_id, j.epoch, j.location, j.timeout_ms,
                      coalesce(j.worker_location, '') AS worker_location
        ),
        accepted AS MATERIALIZED (
            SELECT b.*, e.check_id, e.location, e.timeout_ms, e.worker_location,
                   (SELECT now_us()) - b.age_us AS started_at,
                   -- Not so where the outcome, or the base that it was counted from, is about what
                   -- was asked before.
                   b.epoch = e.epoch AND b.base_epoch = e.epoch AS is_counted
            FROM ended AS e
            JOIN batch AS b USING (job_id, attempt)
        ),
        recorded AS (
            INSERT INTO outcomes
                (job_id, check_id, attempt, epoch, started_at, worker_id, location, outcome, reason,
                 address, resolve_us, connect_us, tls_us, write_us, first_byte_us, body_us,
                 http_status, certificate_end, detail)
            SELECT job_id, check_id, attempt, epoch, started_at, $35, worker_location, outcome,
                   reason, address, resolve_us, connect_us, tls_us, write_us, first_byte_us,
                   body_us, http_status, certificate_end, detail
            FROM accepted
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
                run_since = a.run_since,
                run_worker_id = a.run_worker_id,
                corroborated = a.corroborated,
                inconclusive_since = a.inconclusive_since,
                change_id = CASE
                    WHEN a.cause IS NULL THEN h.change_id
                    ELSE nextval('health_change_ids')
                END
            FROM accepted AS a
            WHERE a.moves
              AND a.is_counted
              AND h.check_id = a.check_id
              AND h.epoch = a.base_epoch
              AND h.health = a.base_health
              AND h.in_a_row = a.base_in_a_row
            RETURNING a.job_id, a.check_id, a.cause, h.change_id
        ),
        turned AS (
            INSERT INTO health_changes
                (change_id, check_id, at, from_health, to_health, cause, reason, job_id, worker_id)
            SELECT m.change_id, a.check_id, (SELECT now_us()), a.from_health, a.to_health, a.cause,
                   a.turn_reason, a.job_id, $35
            FROM moved AS m
            JOIN accepted AS a USING (job_id)
            WHERE m.cause IS NOT NULL
            ORDER BY m.change_id
            RETURNING change_id, check_id, job_id
        ),
        asked AS (
            INSERT INTO evaluations (policy_id, due_at, cause, change_id)
            SELECT DISTINCT m.policy_id, (SELECT now_us()), 'turned', t.change_id
            FROM turned AS t
            JOIN policy_members AS m USING (check_id)
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
                           WHEN a.avoid_worker_id = $35 THEN a.worker_location
                           ELSE (
                               SELECT p.presence::json ->> 'location'
                               FROM processes AS p
                               WHERE p.process_id = a.avoid_worker_id
                           )
                       END AS avoid_location,
                       a.epoch, a.location, a.timeout_ms
                FROM accepted AS a
                WHERE a.is_counted
                  AND a.recheck_us IS NOT NULL
                UNION ALL
                SELECT c.check_id, (SELECT now_us()), NULL, NULL, c.epoch, c.location, c.timeout_ms
                FROM accepted AS a
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
            SELECT $35, n.ended, $36 - n.ended, n.enqueued
            FROM (
                SELECT (SELECT count(*) FROM ended) AS ended,
                       (SELECT count(*) FROM enqueued) AS enqueued
            ) AS n
            ON CONFLICT (process_id) DO UPDATE
            SET completed = t.completed + excluded.completed,
                stale = t.stale + excluded.stale,
                enqueued = t.enqueued + excluded.enqueued
        )
        SELECT a.job_id, a.attempt, a.check_id, t.change_id,
               ARRAY(
                   SELECT e.policy_id
                   FROM asked AS e
                   WHERE e.change_id = t.change_id
                   ORDER BY e.policy_id
               )
        FROM accepted AS a
        LEFT JOIN turned AS t USING (job_id)
        ORDER BY a.check_id
        """

    /// Ends `$1` jobs at most, on behalf of process `$2`, as an inconclusive outcome does: nothing
    /// is counted, and since when is remembered.
    package static let expireLostJobs = """
        WITH ended AS (
            DELETE FROM probe_jobs
            WHERE ctid = ANY (ARRAY(
                SELECT ctid
                FROM probe_jobs
                WHERE attempt >= 3
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

/// A batch as ``PostgreSQLStorage/completeJobs`` takes it: one array for each column.
private struct CompletionColumns {
    let values: [any Bindable]

    init(_ ends: [Completion]) {
        let claims = ends.map(\.claim)
        let reports = ends.map(\.report)
        let states = ends.map(\.decision.state)
        let turns = ends.map(\.decision.turn)
        let rechecks = ends.map(\.decision.recheck)
        var values: [any Bindable] = [
            claims.map(\.job), claims.map(\.attempt), ends.map(\.epoch), claims.map(\.base.epoch),
            claims.map(\.base.health.rawValue), claims.map(\.base.inARow), ends.map(\.age),
            ends.map(\.keepsOutcome),
        ]
        values += [
            reports.map(\.outcome.kind.rawValue), reports.map(\.outcome.reason?.rawValue),
            reports.map(\.address), reports.map(\.phases.resolve), reports.map(\.phases.connect),
            reports.map(\.phases.tls), reports.map(\.phases.write),
            reports.map(\.phases.firstByte), reports.map(\.phases.body),
            reports.map(\.httpStatus), reports.map(\.certificateEnd), reports.map(\.detail),
        ]
        values += [
            ends.map { $0.decision.state != $0.claim.base }, states.map(\.health.rawValue),
            states.map(\.since), states.map(\.inARow), states.map(\.runSince),
            states.map(\.runWorker), states.map(\.isCorroborated),
            states.map(\.inconclusiveSince),
        ]
        values += [
            turns.map { $0?.from.rawValue }, turns.map { $0?.to.rawValue },
            turns.map { $0?.cause.rawValue }, turns.map { $0?.reason?.rawValue },
            rechecks.map { $0?.afterProbeStart }, rechecks.map { $0?.avoiding },
        ]
        self.values = values
    }
}
