package import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func enqueueDue(maxSlots: Int) async throws(StorageError) -> EnqueueReport {
        try await perform { [process] session in
            try session.first(Self.enqueueDueSlots, [maxSlots, process]) { row in
                EnqueueReport(
                    slots: row.int(0), enqueued: row.int(1), superseded: row.int(2),
                    missed: row.int(3))
            } ?? EnqueueReport()
        }
    }

    package func enqueueNow(_ check: CheckID) async throws(StorageError) {
        try await perform { [process] session in
            _ = try session.run(
                """
                WITH hurried AS (
                    UPDATE probe_jobs
                    SET visible_at = now_us()
                    WHERE check_id = $1
                      AND worker_id IS NULL
                      AND visible_at > now_us()
                ),
                made AS (
                    INSERT INTO probe_jobs
                        (check_id, due_at, visible_at, epoch, location, timeout_ms)
                    SELECT check_id, now_us(), now_us(), epoch, location, timeout_ms
                    FROM checks
                    WHERE check_id = $1
                      AND is_enabled
                    ON CONFLICT (check_id) DO NOTHING
                    RETURNING 1
                )
                INSERT INTO queue_tallies AS t (process_id, enqueued)
                SELECT $2::bigint, count(*)
                FROM made
                HAVING count(*) > 0
                ON CONFLICT (process_id) DO UPDATE
                SET enqueued = t.enqueued + excluded.enqueued
                """, [check, process])
        }
    }

    /// Two snapshots can make a job of a check as it was: that of a register which reads the check
    /// while an edit is not committed yet, and that of an edit which waits for a completion and does
    /// not see the re-check that it leaves. Locking the check's row would cost each of ten thousand
    /// jobs a second a write.
    package func updateJobs() async throws(StorageError) -> Int {
        try await perform { session in
            // What somebody holds a lock on is being claimed, completed or edited.
            try session.run(
                """
                WITH behind AS MATERIALIZED (
                    SELECT j.ctid AS row_id, c.location, c.timeout_ms
                    FROM probe_jobs AS j
                    JOIN checks AS c USING (check_id)
                    WHERE j.timeout_ms <> c.timeout_ms
                       OR j.location IS DISTINCT FROM c.location
                    FOR UPDATE OF j SKIP LOCKED
                )
                UPDATE probe_jobs AS j
                SET location = b.location,
                    timeout_ms = b.timeout_ms
                FROM behind AS b
                WHERE j.ctid = b.row_id
                """, [])
        }
    }

    package func nextSlotDue() async throws(StorageError) -> Timestamp? {
        try await perform { session in
            try session.first("SELECT min(due_at) FROM schedule_slots", []) {
                $0.optionalMoment(0)
            } ?? nil
        }
    }
}

extension PostgreSQLStorage {
    /// `$1` slots at most, on behalf of process `$2`. One statement: a register that is killed has
    /// done all of it or nothing.
    ///
    /// A slot that another register holds is skipped. By its ctid a row is only changed in the very
    /// version that was locked: one that another register advanced since this statement began is
    /// left alone. A slot of which every check is gone or has another interval goes, too.
    ///
    /// No slot is further ahead than its interval, but after a failover to a server whose clock is
    /// behind. Then every moment that is stored is the other clock's: by more than some seconds, and
    /// what waits for it is asked for now, leases included, instead of in an hour.
    package static let enqueueDueSlots = """
        WITH ahead AS MATERIALIZED (
            SELECT ctid AS row_id,
                   due_at > (SELECT now_us()) + interval_us + 10000000 AS is_far
            FROM schedule_slots
            WHERE due_at > (SELECT now_us()) + interval_us
            FOR UPDATE SKIP LOCKED
        ),
        pulled_back AS (
            UPDATE schedule_slots
            SET due_at = due_at - (due_at - (SELECT now_us()) - 1) / interval_us * interval_us
            WHERE ctid = ANY (ARRAY(SELECT row_id FROM ahead))
        ),
        jobs_pulled_back AS (
            UPDATE probe_jobs
            SET visible_at = (SELECT now_us())
            WHERE job_id > 0
              AND visible_at > (SELECT now_us())
              AND EXISTS (SELECT 1 FROM ahead WHERE is_far)
        ),
        evaluations_pulled_back AS (
            UPDATE evaluations
            SET due_at = (SELECT now_us())
            WHERE due_at > (SELECT now_us())
              AND EXISTS (SELECT 1 FROM ahead WHERE is_far)
        ),
        due AS MATERIALIZED (
            SELECT ctid AS row_id, interval_us, slot, due_at,
                   -- EXISTS would be planned as one walk over all checks where there are few.
                   (
                       SELECT true
                       FROM checks AS c
                       WHERE c.interval_us = s.interval_us
                         AND c.slot = s.slot
                       LIMIT 1
                   ) IS TRUE AS is_used
            FROM schedule_slots AS s
            WHERE due_at <= (SELECT now_us())
            ORDER BY due_at, interval_us, slot
            LIMIT $1
            FOR UPDATE SKIP LOCKED
        ),
        emptied AS (
            DELETE FROM schedule_slots
            WHERE ctid = ANY (ARRAY(SELECT row_id FROM due WHERE NOT is_used))
            RETURNING 1
        ),
        advanced AS (
            UPDATE schedule_slots
            SET due_at = due_at + (((SELECT now_us()) - due_at) / interval_us + 1) * interval_us
            WHERE ctid = ANY (ARRAY(SELECT row_id FROM due WHERE is_used))
            RETURNING interval_us, slot, due_at
        ),
        ticks AS MATERIALIZED (
            -- The slot's latest tick: those before it are missed, not late.
            SELECT c.check_id, c.epoch, c.location, c.timeout_ms,
                   a.due_at - a.interval_us AS tick,
                   (a.due_at - d.due_at) / a.interval_us - 1 AS missed
            FROM advanced AS a
            JOIN due AS d USING (interval_us, slot)
            JOIN checks AS c USING (interval_us, slot)
            WHERE c.is_enabled
        ),
        enqueued AS (
            INSERT INTO probe_jobs (check_id, due_at, visible_at, epoch, location, timeout_ms)
            SELECT check_id, tick, tick, epoch, location, timeout_ms
            FROM ticks
            ORDER BY check_id
            ON CONFLICT (check_id) DO NOTHING
            RETURNING 1
        ),
        report AS MATERIALIZED (
            SELECT (SELECT count(*) FROM advanced) + (SELECT count(*) FROM emptied) AS slots,
                   (SELECT count(*) FROM enqueued) AS enqueued,
                   (SELECT count(*) FROM ticks) - (SELECT count(*) FROM enqueued) AS superseded,
                   (SELECT coalesce(sum(missed), 0)::bigint FROM ticks) AS missed
        ),
        counted AS (
            INSERT INTO queue_tallies AS t (process_id, enqueued, superseded, missed)
            SELECT $2::bigint, enqueued, superseded, missed
            FROM report
            WHERE enqueued + superseded + missed > 0
            ON CONFLICT (process_id) DO UPDATE
            SET enqueued = t.enqueued + excluded.enqueued,
                superseded = t.superseded + excluded.superseded,
                missed = t.missed + excluded.missed
        )
        SELECT slots, enqueued, superseded, missed
        FROM report
        """
}
