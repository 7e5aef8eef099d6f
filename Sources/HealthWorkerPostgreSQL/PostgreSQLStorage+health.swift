package import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func observations(
        of checks: [CheckID]
    ) async throws(StorageError) -> [CheckID: Observation] {
        try await perform { session in
            let known = try session.all(Self.observationsOfChecks, [checks]) { row in
                (check: row.id(0, of: CheckID.self), observation: try Observation(row: row))
            }
            return Dictionary(uniqueKeysWithValues: known.map { ($0.check, $0.observation) })
        }
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

// The pages, each a walk along one index.
extension PostgreSQLStorage {
    package static let outcomesOfCheck = """
        SELECT job_id, attempt, check_id, epoch, started_at, worker_id, location, outcome, reason,
               address, resolve_us, connect_us, tls_us, write_us, first_byte_us, body_us,
               http_status, certificate_end, detail
        FROM outcomes
        WHERE check_id = $1
          AND job_id < $2
        ORDER BY job_id DESC
        LIMIT $3
        """

    package static let healthChangesOfCheck = """
        SELECT change_id, check_id, at, from_health, to_health, cause, reason, job_id, worker_id,
               confirmed_elsewhere, noticed_at
        FROM health_changes
        WHERE check_id = $1
          AND change_id < $2
        ORDER BY change_id DESC
        LIMIT $3
        """

    package static let healthChanges = """
        SELECT change_id, check_id, at, from_health, to_health, cause, reason, job_id, worker_id,
               confirmed_elsewhere, noticed_at
        FROM health_changes
        WHERE change_id < $1
        ORDER BY change_id DESC
        LIMIT $2
        """

    static let observationsOfChecks = """
        SELECT c.check_id,
               s.due_at,
               h.epoch, h.health, h.health_since, h.in_a_row, h.run_since, h.run_worker_id,
               h.corroborated, h.inconclusive_since, h.change_id,
               j.job_id, j.attempt, j.due_at, j.visible_at, j.worker_id,
               o.job_id, o.attempt, o.check_id, o.epoch, o.started_at, o.worker_id, o.location,
               o.outcome, o.reason, o.address, o.resolve_us, o.connect_us, o.tls_us, o.write_us,
               o.first_byte_us, o.body_us, o.http_status, o.certificate_end, o.detail
        FROM checks AS c
        JOIN check_health AS h ON h.check_id = c.check_id
        LEFT JOIN schedule_slots AS s
               ON s.interval_us = c.interval_us
              AND s.slot = c.slot
              AND c.is_enabled
        LEFT JOIN probe_jobs AS j ON j.check_id = c.check_id
        LEFT JOIN LATERAL (
            SELECT *
            FROM outcomes
            WHERE check_id = c.check_id
            ORDER BY job_id DESC
            LIMIT 1
        ) AS o ON true
        WHERE c.check_id = ANY ($1::bigint[])
        """
}

extension Observation {
    /// Reads a row of ``PostgreSQLStorage/observationsOfChecks``.
    fileprivate init(row: Row) throws {
        let job =
            row.isNull(11)
            ? nil
            : LiveJob(row, from: 11)
        self.init(
            state: try HealthState(row, from: 2), job: job, slotDueAt: row.optionalMoment(1),
            lastOutcome: row.isNull(16) ? nil : try RecordedOutcome(row, from: 16))
    }
}
