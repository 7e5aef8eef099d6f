import GRDB
package import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim] {
        try await write { [process] session in
            let candidates = try session.claimable(request, by: process)
            var tally = Tally()
            for (claim, isRescue) in candidates {
                try session.take(claim, by: process, in: request.location)
                if isRescue { tally.rescued += 1 }
            }
            try session.count(tally, for: process)
            return candidates.map(\.claim)
        }
    }

    package func oldestJob(from: JobID) async throws(StorageError) -> JobID? {
        try await read { session in
            try session.first(
                """
                SELECT job_id
                FROM probe_jobs
                WHERE job_id >= ?
                ORDER BY job_id
                LIMIT 1
                """, [from.rawValue]
            ) { $0.id(0) }
        }
    }

    package func release(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        try await write { session in
            var released = 0
            for job in jobs {
                released += try session.run(
                    """
                    UPDATE probe_jobs
                    SET visible_at = ?,
                        worker_id = NULL,
                        worker_location = NULL,
                        (location, timeout_ms) = (
                            SELECT c.location, c.timeout_ms
                            FROM checks AS c
                            WHERE c.check_id = probe_jobs.check_id
                        )
                    WHERE job_id = ?
                      AND attempt = ?
                      AND worker_id IS NOT NULL
                    """, [session.now.microseconds, job.job.rawValue, job.attempt])
            }
            return released
        }
    }

    package func discard(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        try await write { [process] session in
            var ended = 0
            for job in jobs {
                ended += try session.run(
                    """
                    DELETE FROM probe_jobs
                    WHERE job_id = ?
                      AND attempt = ?
                      AND NOT EXISTS (
                          SELECT 1
                          FROM checks AS c
                          WHERE c.check_id = probe_jobs.check_id
                            AND c.is_enabled = 1
                      )
                    """, [job.job.rawValue, job.attempt])
            }
            try session.count(Tally(void: Int64(ended)), for: process)
            return ended
        }
    }
}

extension Session {
    /// Read first and then taken one by one: the transaction holds the write lock from its beginning,
    /// so that nobody comes between, and a prepared statement that runs 500 times costs less than one
    /// that reads its ids from a list.
    fileprivate func claimable(
        _ request: ClaimRequest, by process: ProcessID
    ) throws -> [(claim: Claim, isRescue: Bool)] {
        // CROSS JOIN keeps the order in which the tables stand: the live jobs by their key.
        try all(
            SQLiteStorage.claimableJobs,
            [
                request.from.rawValue, now.microseconds, "|\(request.location)|", process.rawValue,
                (now - .seconds(1)).microseconds, request.limit, request.location,
            ]
        ) { row in
            let lease = Duration.milliseconds(row.integer(4)) + request.leaseMargin
            let claim = Claim(
                job: row.id(0), attempt: row.int(1) + 1, check: row.id(2), revision: row.integer(6),
                dueAt: row.moment(3), claimedAt: now, leaseEnds: now + lease,
                base: try HealthState(row, from: 7))
            return (claim, row.optionalInteger(5) != nil)
        }
    }

    fileprivate func take(_ claim: Claim, by process: ProcessID, in location: String) throws {
        try run(
            """
            UPDATE probe_jobs
            SET visible_at = ?,
                attempt = ?,
                worker_id = ?,
                worker_location = ?
            WHERE job_id = ?
            """,
            [
                claim.leaseEnds.microseconds, claim.attempt, process.rawValue, location,
                claim.job.rawValue,
            ])
    }
}

extension SQLiteStorage {
    package static let claimableJobs = """
        SELECT j.job_id, j.attempt, j.check_id, j.due_at, j.timeout_ms, j.worker_id,
               c.revision,
               h.epoch, h.health, h.health_since, h.in_a_row, h.run_since, h.run_worker_id,
               h.corroborated, h.inconclusive_since, h.change_id
        FROM probe_jobs AS j
        CROSS JOIN checks AS c ON c.check_id = j.check_id
        CROSS JOIN check_health AS h ON h.check_id = j.check_id
        WHERE j.job_id >= ?1
          AND j.visible_at <= ?2
          AND (j.attempt < 3 OR j.worker_id IS NULL)
          AND (j.location IS NULL OR instr(j.location, ?3) > 0)
          AND (j.visible_at <= ?5
               OR (j.avoid_worker_id IS NOT ?4 AND j.avoid_location IS NOT ?7))
        ORDER BY j.job_id
        LIMIT ?6
        """
}
