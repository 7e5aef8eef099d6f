package import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim] {
        try await perform { [process] session in
            try session.all(
                Self.claimJobs,
                [
                    request.from, "|\(request.location)|", process, request.location,
                    request.limit, request.leaseMargin,
                ]
            ) { row in
                Claim(
                    job: row.id(0), attempt: row.int(1), check: row.id(2),
                    revision: row.integer(6), dueAt: row.moment(3), claimedAt: row.moment(4),
                    leaseEnds: row.moment(5), base: try HealthState(row, from: 7))
            }
        }
    }

    package func oldestJob(from: JobID) async throws(StorageError) -> JobID? {
        try await perform { session in
            try session.first(Self.oldestLiveJob, [from]) { $0.id(0) }
        }
    }

    package func release(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        try await perform { session in
            try session.run(
                """
                UPDATE probe_jobs AS j
                SET visible_at = now_us(),
                    worker_id = NULL,
                    worker_location = NULL,
                    location = c.location,
                    timeout_ms = c.timeout_ms
                FROM unnest($1::bigint[], $2::integer[]) AS r (job_id, attempt),
                     checks AS c
                WHERE j.job_id = r.job_id
                  AND j.attempt = r.attempt
                  AND j.worker_id IS NOT NULL
                  AND c.check_id = j.check_id
                """, [jobs.map(\.job), jobs.map(\.attempt)])
        }
    }

    package func discard(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        try await perform { [process] session in
            try session.first(
                """
                WITH ended AS (
                    DELETE FROM probe_jobs AS j
                    USING unnest($1::bigint[], $2::integer[]) AS r (job_id, attempt)
                    WHERE j.job_id = r.job_id
                      AND j.attempt = r.attempt
                      AND NOT EXISTS (
                          SELECT 1
                          FROM checks AS c
                          WHERE c.check_id = j.check_id
                            AND c.is_enabled
                      )
                    RETURNING 1
                ),
                counted AS (
                    INSERT INTO queue_tallies AS t (process_id, void)
                    SELECT $3::bigint, count(*)
                    FROM ended
                    HAVING count(*) > 0
                    ON CONFLICT (process_id) DO UPDATE
                    SET void = t.void + excluded.void
                )
                SELECT count(*)
                FROM ended
                """, [jobs.map(\.job), jobs.map(\.attempt), process]
            ) { $0.int(0) } ?? 0
        }
    }
}

extension PostgreSQLStorage {
    /// What every connection sets that is not behind a pooler, where `ALTER ROLE … SET` does it.
    package static var settings: String { Session.settings }

    /// Jobs from `$1` on, for process `$3` at location `$4` (`$2`: the same between bars), `$5` at
    /// most, with a margin of `$6` µs.
    ///
    /// By its ctid a row is only taken in the very version that was locked, and no plan can make a
    /// scan of all live jobs of it. A job's row and its check's health are of one snapshot, and
    /// health only moves in the completion that ends a job: the base is exact. The time is asked
    /// for once, not for each row.
    package static let claimJobs = """
        WITH visible AS MATERIALIZED (
            SELECT ctid AS row_id, job_id, worker_id
            FROM probe_jobs
            WHERE job_id >= $1
              AND visible_at <= (SELECT now_us())
              AND (attempt < 3 OR worker_id IS NULL)
              AND (location IS NULL OR strpos(location, $2) > 0)
              AND (visible_at <= (SELECT now_us()) - 1000000
                   OR (avoid_worker_id IS DISTINCT FROM $3
                       AND avoid_location IS DISTINCT FROM $4))
            ORDER BY job_id
            LIMIT $5
            FOR UPDATE SKIP LOCKED
        ),
        claimed AS (
            UPDATE probe_jobs
            SET visible_at = (SELECT now_us()) + timeout_ms * 1000 + $6,
                attempt = attempt + 1,
                worker_id = $3,
                worker_location = $4
            WHERE ctid = ANY (ARRAY(SELECT row_id FROM visible))
            RETURNING job_id, attempt, check_id, due_at, visible_at
        ),
        counted AS (
            INSERT INTO queue_tallies AS t (process_id, rescued)
            -- An array, because a join of the two would be as many steps as the product of both.
            SELECT $3::bigint, count(*)
            FROM visible
            WHERE worker_id IS NOT NULL
              AND job_id = ANY (ARRAY(SELECT job_id FROM claimed))
            HAVING count(*) > 0
            ON CONFLICT (process_id) DO UPDATE
            SET rescued = t.rescued + excluded.rescued
        )
        SELECT j.job_id, j.attempt, j.check_id, j.due_at, (SELECT now_us()), j.visible_at,
               c.revision,
               h.epoch, h.health, h.health_since, h.in_a_row, h.run_since, h.run_worker_id,
               h.corroborated, h.inconclusive_since, h.change_id
        FROM claimed AS j
        JOIN checks AS c USING (check_id)
        JOIN check_health AS h USING (check_id)
        ORDER BY j.job_id
        """

    /// From `$1` on.
    package static let oldestLiveJob = """
        SELECT job_id
        FROM probe_jobs
        WHERE job_id >= $1
        ORDER BY job_id
        LIMIT 1
        """
}
