package import HealthWorkerModel

extension HourMark {
    /// Reads `hour, stage, after_id`.
    package init(row: some StoredRow) throws {
        self.init(
            hour: Hour(number: row.integer(0)), stage: try row.word(1), after: row.integer(2))
    }
}

extension CheckOfHour {
    /// Reads `check_id, created_at, interval_us, timeout_ms, health, health_since, last_job_id,
    /// seen_at`, of which the last two may be NULL.
    package init(row: some StoredRow) throws {
        let interval = Duration.microseconds(row.integer(2))
        self.init(
            check: row.id(0), createdAt: row.moment(1),
            staleAfter: Staleness.limit(
                interval: interval, timeout: .milliseconds(row.integer(3))),
            health: try row.word(4), healthSince: row.moment(5),
            lastJob: row.optionalID(6) ?? 0, seenAt: row.optionalMoment(7))
    }
}

extension HourOutcome {
    /// Reads `job_id, started_at, outcome, resolve_us, connect_us, tls_us, write_us, first_byte_us,
    /// body_us`.
    package init(row: some StoredRow) throws {
        self.init(
            job: row.id(0), at: row.moment(1), kind: try row.word(2),
            phases: Phases(
                resolve: row.optionalInteger(3), connect: row.optionalInteger(4),
                tls: row.optionalInteger(5), write: row.optionalInteger(6),
                firstByte: row.optionalInteger(7), body: row.optionalInteger(8)))
    }
}

extension CheckHour {
    /// Reads `check_id, hour, kept, timeline, successes, failures, inconclusive, times, last_job_id,
    /// seen_at`.
    package init(row: some StoredRow) throws {
        self.init(
            check: row.id(0), kept: try row.word(2),
            timeline: try row.timeline(3, of: Hour(number: row.integer(1))),
            successes: row.int(4), failures: row.int(5), inconclusive: row.int(6),
            times: try row.phaseTimes(7), lastJob: row.id(8), seenAt: row.optionalMoment(9))
    }
}

extension PolicyHour {
    /// Reads `policy_id, hour, measured_us, available_us, degraded_us, unknown_us, failovers, observed,
    /// applied, decided, times, false_switches`.
    package init(row: some StoredRow) throws {
        self.init(
            policy: row.id(0), hour: Hour(number: row.integer(1)),
            time: AvailableTime(
                measured: .microseconds(row.integer(2)), available: .microseconds(row.integer(3)),
                degraded: .microseconds(row.integer(4)), unknown: .microseconds(row.integer(5))),
            failovers: FailoverFigures(
                count: row.int(6),
                ends: [.observed: row.int(7), .applied: row.int(8), .decided: row.int(9)],
                times: try row.histogram(10),
                falseSwitches: row.isNull(11) ? nil : row.int(11)))
    }
}

extension StoredRow {
    fileprivate func timeline(_ column: Int, of hour: Hour) throws -> HealthTimeline {
        do throws(TimelineError) {
            return try HealthTimeline(hour, encoded: text(column))
        } catch {
            throw StorageError.failed(error.description)
        }
    }

    fileprivate func histogram(_ column: Int) throws -> LatencyHistogram {
        do throws(HistogramError) {
            return try LatencyHistogram(encoded: text(column))
        } catch {
            throw StorageError.failed(error.description)
        }
    }

    fileprivate func phaseTimes(_ column: Int) throws -> PhaseTimes {
        do throws(HistogramError) {
            return try PhaseTimes(encoded: text(column))
        } catch {
            throw StorageError.failed(error.description)
        }
    }
}
