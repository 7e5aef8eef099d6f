import GRDB
package import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func observations(
        of checks: [CheckID]
    ) async throws(StorageError) -> [CheckID: Observation] {
        try await read { session in
            var observations: [CheckID: Observation] = [:]
            for check in checks {
                observations[check] = try session.observation(of: check)
            }
            return observations
        }
    }

    package func outcomes(
        of check: CheckID, before: JobID?, limit: Int
    ) async throws(StorageError) -> [RecordedOutcome] {
        try await read { session in
            try session.all(
                Self.outcomesOfCheck, [check.rawValue, before?.rawValue ?? .max, limit]
            ) { try RecordedOutcome($0, from: 0) }
        }
    }

    package func healthChanges(
        of check: CheckID?, before: HealthChangeID?, limit: Int
    ) async throws(StorageError) -> [RecordedHealthChange] {
        try await read { session in
            let end = before?.rawValue ?? .max
            if let check {
                return try session.all(
                    Self.healthChangesOfCheck, [check.rawValue, end, limit],
                    RecordedHealthChange.init(row:))
            }
            return try session.all(
                Self.healthChanges, [end, limit], RecordedHealthChange.init(row:))
        }
    }
}

// The pages, each a walk along one index.
extension SQLiteStorage {
    package static let outcomesOfCheck = """
        SELECT job_id, attempt, check_id, epoch, started_at, worker_id, location, outcome, reason,
               address, resolve_us, connect_us, tls_us, write_us, first_byte_us, body_us,
               http_status, certificate_end, detail
        FROM outcomes
        WHERE check_id = ?
          AND job_id < ?
        ORDER BY job_id DESC
        LIMIT ?
        """

    package static let healthChangesOfCheck = """
        SELECT change_id, check_id, at, from_health, to_health, cause, reason, job_id, worker_id,
               confirmed_elsewhere, noticed_at
        FROM health_changes
        WHERE check_id = ?
          AND change_id < ?
        ORDER BY change_id DESC
        LIMIT ?
        """

    package static let healthChanges = """
        SELECT change_id, check_id, at, from_health, to_health, cause, reason, job_id, worker_id,
               confirmed_elsewhere, noticed_at
        FROM health_changes
        WHERE change_id < ?
        ORDER BY change_id DESC
        LIMIT ?
        """
}

extension Session {
    fileprivate func observation(of check: CheckID) throws -> Observation? {
        let known = try first(
            """
            SELECT s.due_at,
                   h.epoch, h.health, h.health_since, h.in_a_row, h.run_since, h.run_worker_id,
                   h.corroborated, h.inconclusive_since, h.change_id
            FROM checks AS c
            JOIN check_health AS h ON h.check_id = c.check_id
            LEFT JOIN schedule_slots AS s
                   ON s.interval_us = c.interval_us
                  AND s.slot = c.slot
                  AND c.is_enabled = 1
            WHERE c.check_id = ?
            """, [check.rawValue]
        ) { row in
            (slotDueAt: row.optionalMoment(0), state: try HealthState(row, from: 1))
        }
        guard let known else { return nil }
        let job = try first(
            """
            SELECT job_id, attempt, due_at, visible_at, worker_id
            FROM probe_jobs
            WHERE check_id = ?
            """, [check.rawValue]
        ) { LiveJob($0, from: 0) }
        let lastOutcome = try first(
            SQLiteStorage.outcomesOfCheck, [check.rawValue, Int64.max, 1]
        ) { try RecordedOutcome($0, from: 0) }
        return Observation(
            state: known.state, job: job, slotDueAt: known.slotDueAt, lastOutcome: lastOutcome)
    }
}
