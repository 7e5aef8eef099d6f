package import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func hourMark() async throws(StorageError) -> HourMark {
        try await perform { session in
            try session.first(
                "SELECT hour, stage, after_id FROM hour_mark WHERE id = 1", [],
                HourMark.init(row:)) ?? .beginning
        }
    }

    package func checks(
        of hour: Hour, after: CheckID, limit: Int
    ) async throws(StorageError) -> [CheckOfHour] {
        try await perform { session in
            try session.all(
                Self.checksOfHour,
                [hour.previous.number, after, hour.end, limit], CheckOfHour.init(row:))
        }
    }

    package func outcomes(
        of check: CheckID, from start: Timestamp, after job: JobID, limit: Int
    ) async throws(StorageError) -> [HourOutcome] {
        try await perform { session in
            try session.all(
                Self.outcomesOfHour, [check, job, start, limit],
                HourOutcome.init(row:))
        }
    }

    package func policies(
        of hour: Hour, after: PolicyID, limit: Int
    ) async throws(StorageError) -> [PolicyID] {
        try await perform { session in
            try session.all(
                """
                SELECT policy_id
                FROM policies
                WHERE policy_id > ?
                  AND created_at < ?
                ORDER BY policy_id
                LIMIT ?
                """, [after, hour.end, limit]
            ) { $0.id(0) }
        }
    }

    package func keep(
        _ hours: MadeHours, from mark: HourMark, to next: HourMark
    ) async throws(StorageError) -> Bool {
        try await transact { session in
            // First, so that of two that make the same the second waits here, and for nothing.
            let moved = try session.run(
                """
                UPDATE hour_mark
                SET hour = ?,
                    stage = ?,
                    after_id = ?
                WHERE id = 1
                  AND hour = ?
                  AND stage = ?
                  AND after_id = ?
                """,
                [
                    next.hour.number, next.stage.rawValue, next.after, mark.hour.number,
                    mark.stage.rawValue, mark.after,
                ])
            guard moved == 1 else { return false }
            for hour in hours.checks { try session.keep(hour) }
            for hour in hours.policies { try session.keep(hour) }
            return true
        }
    }

    package func checkHours(
        of check: CheckID, from start: Hour, until end: Hour
    ) async throws(StorageError) -> [CheckHour] {
        try await perform { session in
            try session.all(
                Self.hoursOfCheck, [check, start.number, end.number], CheckHour.init(row:))
        }
    }

    package func policyHours(
        of policy: PolicyID, from start: Hour, until end: Hour
    ) async throws(StorageError) -> [PolicyHour] {
        try await perform { session in
            try session.all(
                Self.hoursOfPolicy, [policy, start.number, end.number],
                PolicyHour.init(row:))
        }
    }

    package func pruneHours(
        before hour: Hour, limit: Int
    ) async throws(StorageError) -> Int {
        try await perform { session in
            let checks = try session.run(
                """
                DELETE FROM outcome_hours
                WHERE hour < ?
                ORDER BY hour
                LIMIT ?
                """, [hour.number, limit])
            let policies = try session.run(
                """
                DELETE FROM policy_hours
                WHERE hour < ?
                ORDER BY hour
                LIMIT ?
                """, [hour.number, limit])
            return checks + policies
        }
    }
}

// Each a walk along one key.
extension MySQLStorage {
    package static let checksOfHour = """
        SELECT c.check_id, c.created_at, c.interval_us, c.timeout_ms, h.health, h.health_since,
               o.last_job_id, o.seen_at
        FROM checks AS c
        JOIN check_health AS h ON h.check_id = c.check_id
        LEFT JOIN outcome_hours AS o
               ON o.check_id = c.check_id
              AND o.hour = ?
        WHERE c.check_id > ?
          AND c.created_at < ?
        ORDER BY c.check_id
        LIMIT ?
        """

    package static let outcomesOfHour = """
        SELECT job_id, started_at, outcome, resolve_us, connect_us, tls_us, write_us,
               first_byte_us, body_us
        FROM outcomes FORCE INDEX (outcomes_of_check)
        WHERE check_id = ?
          AND job_id > ?
          AND started_at >= ?
        ORDER BY job_id
        LIMIT ?
        """

    package static let hoursOfCheck = """
        SELECT check_id, hour, kept, timeline, successes, failures, inconclusive, times,
               last_job_id, seen_at
        FROM outcome_hours
        WHERE check_id = ?
          AND hour >= ?
          AND hour < ?
        ORDER BY hour
        """

    package static let hoursOfPolicy = """
        SELECT policy_id, hour, measured_us, available_us, degraded_us, unknown_us, failovers,
               observed, applied, decided, times, false_switches
        FROM policy_hours
        WHERE policy_id = ?
          AND hour >= ?
          AND hour < ?
        ORDER BY hour
        """
}

extension Session {
    fileprivate func keep(_ hour: CheckHour) throws {
        try run(
            """
            REPLACE INTO outcome_hours
                (check_id, hour, kept, timeline, successes, failures, inconclusive, times,
                 last_job_id, seen_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                hour.check, hour.hour.number, hour.kept.rawValue, hour.timeline.encoded,
                hour.successes, hour.failures, hour.inconclusive, hour.times.encoded,
                hour.lastJob, hour.seenAt,
            ])
    }

    fileprivate func keep(_ hour: PolicyHour) throws {
        let figures = hour.failovers
        try run(
            """
            REPLACE INTO policy_hours
                (policy_id, hour, measured_us, available_us, degraded_us, unknown_us, failovers,
                 observed, applied, decided, times, false_switches)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                hour.policy, hour.hour.number, hour.time.measured,
                hour.time.available, hour.time.degraded, hour.time.unknown,
                figures.count, figures.ends[.observed] ?? 0, figures.ends[.applied] ?? 0,
                figures.ends[.decided] ?? 0, figures.times.encoded, figures.falseSwitches,
            ])
    }
}
