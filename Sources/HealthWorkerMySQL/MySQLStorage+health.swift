package import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func observations(
        of checks: [CheckID]
    ) async throws(StorageError) -> [CheckID: Observation] {
        try await perform { try $0.snapshot { try $0.observations(of: checks) } }
    }

    package func outcomes(
        of check: CheckID, before: JobID?, limit: Int
    ) async throws(StorageError) -> [RecordedOutcome] {
        try await perform { session in
            try session.all(Self.outcomesOfCheck, [check, before ?? JobID(.max), limit]) {
                try RecordedOutcome($0, from: 0)
            }
        }
    }

    package func healthChanges(
        of check: CheckID?, before: HealthChangeID?, limit: Int
    ) async throws(StorageError) -> [RecordedHealthChange] {
        try await perform { session in
            let end = before ?? HealthChangeID(.max)
            if let check {
                return try session.all(
                    Self.healthChangesOfCheck, [check, end, limit], RecordedHealthChange.init(row:))
            }
            return try session.all(
                Self.healthChanges, [end, limit], RecordedHealthChange.init(row:))
        }
    }
}

extension Session {
    fileprivate func observations(of checks: [CheckID]) throws -> [CheckID: Observation] {
        let last = try lastOutcomes(of: checks)
        let known = try all(MySQLStorage.observationsOfChecks, [NumberTable(Set(checks))]) { row in
            let check: CheckID = row.id(0)
            return (
                check,
                Observation(
                    state: try HealthState(row, from: 2),
                    job: row.isNull(11) ? nil : LiveJob(row, from: 11),
                    slotDueAt: row.optionalMoment(1), lastOutcome: last[check])
            )
        }
        return Dictionary(uniqueKeysWithValues: known)
    }

    private func lastOutcomes(of checks: [CheckID]) throws -> [CheckID: RecordedOutcome] {
        let last = try all(MySQLStorage.lastOutcomesOfChecks, [NumberTable(Set(checks))]) { row in
            let outcome = try RecordedOutcome(row, from: 0)
            return (outcome.check, outcome)
        }
        return Dictionary(uniqueKeysWithValues: last)
    }
}

// The pages, each a walk along one index.
extension MySQLStorage {
    package static let outcomesOfCheck = """
        SELECT job_id, attempt, check_id, epoch, started_at, worker_id, location, outcome, reason,
               address, resolve_us, connect_us, tls_us, write_us, first_byte_us, body_us,
               http_status, certificate_end, detail
        FROM outcomes FORCE INDEX (outcomes_of_check)
        WHERE check_id = ?
          AND job_id < ?
        ORDER BY job_id DESC
        LIMIT ?
        """

    package static let healthChangesOfCheck = """
        SELECT change_id, check_id, at, from_health, to_health, cause, reason, job_id, worker_id,
               confirmed_elsewhere, noticed_at
        FROM health_changes FORCE INDEX (health_changes_of_check)
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

    package static let observationsOfChecks = """
        SELECT c.check_id,
               s.due_at,
               h.epoch, h.health, h.health_since, h.in_a_row, h.run_since, h.run_worker_id,
               h.corroborated, h.inconclusive_since, h.change_id,
               j.job_id, j.attempt, j.due_at, j.visible_at, j.worker_id
        FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS i
        STRAIGHT_JOIN checks AS c FORCE INDEX (PRIMARY) ON c.check_id = i.check_id
        STRAIGHT_JOIN check_health AS h FORCE INDEX (PRIMARY) ON h.check_id = c.check_id
        LEFT JOIN schedule_slots AS s
               ON s.interval_us = c.interval_us
              AND s.slot = c.slot
              AND c.is_enabled = 1
        LEFT JOIN probe_jobs AS j FORCE INDEX (probe_jobs_of_check) ON j.check_id = c.check_id
        """

    package static let lastOutcomesOfChecks = """
        SELECT o.job_id, o.attempt, o.check_id, o.epoch, o.started_at, o.worker_id, o.location,
               o.outcome, o.reason, o.address, o.resolve_us, o.connect_us, o.tls_us, o.write_us,
               o.first_byte_us, o.body_us, o.http_status, o.certificate_end, o.detail
        FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS i
        STRAIGHT_JOIN outcomes AS o FORCE INDEX (outcomes_of_check)
             ON o.check_id = i.check_id
            AND o.job_id = (
                SELECT x.job_id
                FROM outcomes AS x FORCE INDEX (outcomes_of_check)
                WHERE x.check_id = i.check_id
                ORDER BY x.job_id DESC
                LIMIT 1
            )
        """
}
