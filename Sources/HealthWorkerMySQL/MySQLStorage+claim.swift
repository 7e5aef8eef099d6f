package import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim] {
        try await transact { [process] session in
            let jobs = try session.lockClaimable(request, by: process)
            if jobs.isEmpty { return [] }
            let known = try session.claimedChecks(jobs.map(\.check))
            try session.run(
                Self.takeJobs,
                [
                    NumberTable(jobs.map(\.job)), session.now, request.leaseMargin, process,
                    request.location,
                ])
            try session.count(Tally(rescued: Int64(jobs.count { $0.isRescue })), for: process)
            return jobs.compactMap { job in
                known[job.check].map { check in
                    Claim(
                        job: job.job, attempt: job.attempt + 1, check: job.check,
                        revision: check.revision, dueAt: job.dueAt, claimedAt: session.now,
                        leaseEnds: session.now + job.timeout + request.leaseMargin,
                        base: check.base)
                }
            }
        }
    }

    package func oldestJob(from: JobID) async throws(StorageError) -> JobID? {
        try await read { session in
            try session.first(
                """
                SELECT job_id
                FROM probe_jobs FORCE INDEX (PRIMARY)
                WHERE job_id >= ?
                ORDER BY job_id
                LIMIT 1
                """, [from]
            ) { $0.id(0) }
        }
    }

    package func release(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        try await read { session in
            try session.run(
                """
                UPDATE JSON_TABLE(?, '$[*]' COLUMNS (
                           job_id BIGINT PATH '$[0]', attempt BIGINT PATH '$[1]')) AS r
                STRAIGHT_JOIN probe_jobs AS j FORCE INDEX (PRIMARY) ON j.job_id = r.job_id
                STRAIGHT_JOIN checks AS c FORCE INDEX (PRIMARY) ON c.check_id = j.check_id
                SET j.visible_at = ?,
                    j.worker_id = NULL,
                    j.worker_location = NULL,
                    j.location = c.location,
                    j.timeout_ms = c.timeout_ms
                WHERE j.attempt = r.attempt
                  AND j.worker_id IS NOT NULL
                """, [NumberTable(jobs.map(\.row)), session.now])
        }
    }

    package func discard(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        try await transact { [process] session in
            let ended = try session.run(
                """
                DELETE j
                FROM JSON_TABLE(?, '$[*]' COLUMNS (
                         job_id BIGINT PATH '$[0]', attempt BIGINT PATH '$[1]')) AS r
                STRAIGHT_JOIN probe_jobs AS j FORCE INDEX (PRIMARY)
                     ON j.job_id = r.job_id AND j.attempt = r.attempt
                LEFT JOIN checks AS c ON c.check_id = j.check_id AND c.is_enabled = 1
                WHERE c.check_id IS NULL
                """, [NumberTable(jobs.map(\.row))])
            try session.count(Tally(void: Int64(ended)), for: process)
            return ended
        }
    }
}

/// A job that this transaction has locked, to be claimed.
private struct ClaimableJob {
    var job: JobID
    var attempt: Int
    var check: CheckID
    var dueAt: Timestamp
    var timeout: Duration
    var isRescue: Bool
}

extension Session {
    fileprivate func lockClaimable(
        _ request: ClaimRequest, by process: ProcessID
    ) throws -> [ClaimableJob] {
        try all(
            MySQLStorage.lockClaimableJobs,
            [
                request.from, now, "|\(request.location)|", now - .seconds(1), process,
                request.location, request.limit,
            ]
        ) { row in
            ClaimableJob(
                job: row.id(0), attempt: row.int(1), check: row.id(2), dueAt: row.moment(3),
                timeout: .milliseconds(row.integer(4)), isRescue: !row.isNull(5))
        }
    }

    /// What is asked and held now. The jobs are locked: health only moves in the completion that
    /// ends a job, so that the base is exact.
    fileprivate func claimedChecks(
        _ checks: [CheckID]
    ) throws -> [CheckID: (revision: Int64, base: HealthState)] {
        let known = try all(MySQLStorage.claimedChecks, [NumberTable(checks)]) { row in
            (
                check: row.id(0, of: CheckID.self), revision: row.integer(1),
                base: try HealthState(row, from: 2)
            )
        }
        return Dictionary(
            uniqueKeysWithValues: known.map { ($0.check, ($0.revision, $0.base)) })
    }
}

extension JobReference {
    var row: [Int64?] { [job.rawValue, Int64(attempt)] }
}

extension MySQLStorage {
    /// A walk along the key that passes over what others hold. Claims and completions meet at the
    /// key alone: by a second index they would take the same rows in two orders.
    package static let lockClaimableJobs = """
        SELECT job_id, attempt, check_id, due_at, timeout_ms, worker_id
        FROM probe_jobs FORCE INDEX (PRIMARY)
        WHERE job_id >= ?
          AND visible_at <= ?
          AND (attempt < 3 OR worker_id IS NULL)
          AND (location IS NULL OR LOCATE(?, location) > 0)
          AND (visible_at <= ?
               OR (NOT (avoid_worker_id <=> ?) AND NOT (avoid_location <=> ?)))
        ORDER BY job_id
        LIMIT ?
        FOR UPDATE SKIP LOCKED
        """

    package static let claimedChecks = """
        SELECT c.check_id, c.revision,
               h.epoch, h.health, h.health_since, h.in_a_row, h.run_since, h.run_worker_id,
               h.corroborated, h.inconclusive_since, h.change_id
        FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS r
        STRAIGHT_JOIN checks AS c FORCE INDEX (PRIMARY) ON c.check_id = r.check_id
        STRAIGHT_JOIN check_health AS h FORCE INDEX (PRIMARY) ON h.check_id = r.check_id
        """

    package static let takeJobs = """
        UPDATE JSON_TABLE(?, '$[*]' COLUMNS (job_id BIGINT PATH '$[0]')) AS r
        STRAIGHT_JOIN probe_jobs AS j FORCE INDEX (PRIMARY) ON j.job_id = r.job_id
        SET j.visible_at = ? + j.timeout_ms * 1000 + ?,
            j.attempt = j.attempt + 1,
            j.worker_id = ?,
            j.worker_location = ?
        """
}
