package import HealthWorkerModel

extension HealthState {
    /// Reads `epoch, health, health_since, in_a_row, run_since, run_worker_id, corroborated,
    /// inconclusive_since, change_id`, of which the first stands at `first`.
    package init(_ row: some StoredRow, from first: Int) throws {
        self.init(
            epoch: row.integer(first), health: try row.word(first + 1),
            since: row.moment(first + 2), inARow: row.int(first + 3),
            runSince: row.optionalMoment(first + 4), runWorker: row.optionalID(first + 5),
            isCorroborated: row.flag(first + 6), inconclusiveSince: row.optionalMoment(first + 7),
            change: row.optionalID(first + 8))
    }
}

extension LiveJob {
    /// Reads `job_id, attempt, due_at, visible_at, worker_id`, of which the first stands at `first`.
    package init(_ row: some StoredRow, from first: Int) {
        self.init(
            id: row.id(first), attempt: row.int(first + 1), dueAt: row.moment(first + 2),
            visibleAt: row.moment(first + 3), worker: row.optionalID(first + 4))
    }
}

extension RecordedOutcome {
    /// Reads `job_id, attempt, check_id, epoch, started_at, worker_id, location, outcome, reason,
    /// address, resolve_us, connect_us, tls_us, write_us, first_byte_us, body_us, http_status,
    /// certificate_end, detail`, of which the first stands at `first`.
    package init(_ row: some StoredRow, from first: Int) throws {
        let kind: OutcomeKind = try row.word(first + 7)
        let reason: Reason? = try row.optionalWord(first + 8)
        guard let outcome = Outcome(kind: kind, reason: reason) else {
            throw StorageError.failed(
                "An outcome of job \(row.integer(first)) has no fitting reason.")
        }
        self.init(
            job: row.id(first), attempt: row.int(first + 1), check: row.id(first + 2),
            epoch: row.integer(first + 3), startedAt: row.moment(first + 4),
            worker: row.id(first + 5), location: row.text(first + 6),
            report: ProbeReport(
                outcome: outcome, address: row.optionalText(first + 9),
                phases: Phases(
                    resolve: row.optionalInteger(first + 10),
                    connect: row.optionalInteger(first + 11),
                    tls: row.optionalInteger(first + 12), write: row.optionalInteger(first + 13),
                    firstByte: row.optionalInteger(first + 14),
                    body: row.optionalInteger(first + 15)),
                httpStatus: row.optionalInteger(first + 16).map { Int($0) },
                certificateEnd: row.optionalMoment(first + 17),
                detail: row.optionalText(first + 18)))
    }
}

extension RecordedHealthChange {
    /// Reads `change_id, check_id, at, from_health, to_health, cause, reason, job_id, worker_id,
    /// confirmed_elsewhere, noticed_at`.
    package init(row: some StoredRow) throws {
        self.init(
            id: row.id(0), check: row.id(1), at: row.moment(2),
            turn: HealthTurn(
                from: try row.word(3), to: try row.word(4), cause: try row.word(5),
                reason: try row.optionalWord(6), isConfirmedElsewhere: row.flag(9),
                noticedAt: row.optionalMoment(10)),
            job: row.optionalID(7), worker: row.optionalID(8))
    }
}

extension Fall {
    /// Reads `policy_id, member, change_id, at, confirmed_elsewhere`.
    package init(row: some StoredRow) {
        self.init(
            policy: row.id(0), member: row.text(1), change: row.id(2), at: row.moment(3),
            isConfirmedElsewhere: row.flag(4))
    }
}

extension PolicyEvaluation.MemberHealth {
    /// Reads `check_id, health, health_since, epoch, change_id, is_enabled, noticed_at`, of which the
    /// first stands at `first`.
    package init(_ row: some StoredRow, from first: Int) throws {
        self.init(
            check: row.id(first), health: try row.word(first + 1), since: row.moment(first + 2),
            epoch: row.integer(first + 3), change: row.optionalID(first + 4),
            isEnabled: row.flag(first + 5), noticedAt: row.optionalMoment(first + 6))
    }
}
