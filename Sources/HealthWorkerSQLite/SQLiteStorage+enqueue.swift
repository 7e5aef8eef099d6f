import GRDB
package import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func enqueueDue(maxSlots: Int) async throws(StorageError) -> EnqueueReport {
        // Nothing is due most of the times that a register asks: it then takes no lock.
        let isWanted = try await read { try $0.hasSlotToMove() }
        guard isWanted else { return EnqueueReport() }
        return try await write { [process] session in
            try session.pullBackSlots()
            let report = try session.enqueueDue(maxSlots: maxSlots)
            try session.count(
                Tally(
                    enqueued: Int64(report.enqueued), superseded: Int64(report.superseded),
                    missed: Int64(report.missed)),
                for: process)
            return report
        }
    }

    package func enqueueNow(_ check: CheckID) async throws(StorageError) {
        try await write { [process] session in
            let enqueued = try session.enqueueNow(check)
            try session.count(Tally(enqueued: Int64(enqueued)), for: process)
        }
    }

    /// With one writer at a time no job is ever behind, but in a file that was mended by hand.
    package func updateJobs() async throws(StorageError) -> Int {
        try await write { session in
            try session.run(
                """
                UPDATE probe_jobs
                SET (location, timeout_ms) = (
                    SELECT c.location, c.timeout_ms
                    FROM checks AS c
                    WHERE c.check_id = probe_jobs.check_id
                )
                WHERE EXISTS (
                    SELECT 1
                    FROM checks AS c
                    WHERE c.check_id = probe_jobs.check_id
                      AND (c.timeout_ms <> probe_jobs.timeout_ms
                           OR c.location IS NOT probe_jobs.location)
                )
                """)
        }
    }

    package func nextSlotDue() async throws(StorageError) -> Timestamp? {
        try await read { session in
            try session.first("SELECT min(due_at) FROM schedule_slots") { $0.optionalMoment(0) }
                ?? nil
        }
    }
}

extension Session {
    fileprivate func hasSlotToMove() throws -> Bool {
        try first(
            """
            SELECT EXISTS (SELECT 1 FROM schedule_slots WHERE due_at <= ?)
                OR EXISTS (SELECT 1 FROM schedule_slots WHERE due_at > ? + interval_us)
            """, [now.microseconds, now.microseconds]
        ) { $0.flag(0) } ?? false
    }

    /// After the clock was set back, by more than this storage's own clock knows of.
    fileprivate func pullBackSlots() throws {
        let slots = try slots(
            """
            SELECT interval_us, slot, due_at
            FROM schedule_slots
            WHERE due_at > ? + interval_us
            """, [now.microseconds])
        for (slot, due) in slots {
            if let earlier = slot.pulledBack(from: due, now: now) {
                try move(slot, to: earlier)
            }
        }
    }

    fileprivate func enqueueDue(maxSlots: Int) throws -> EnqueueReport {
        let due = try slots(
            """
            SELECT interval_us, slot, due_at
            FROM schedule_slots
            WHERE due_at <= ?
            ORDER BY due_at, interval_us, slot
            LIMIT ?
            """, [now.microseconds, maxSlots])
        var report = EnqueueReport(slots: due.count)
        for (slot, moment) in due {
            let advance = slot.advanced(from: moment, now: now)
            // The slot's latest tick: those before it are missed, not late.
            let tick = advance.nextDue - slot.interval.duration
            let interval = slot.interval.duration.microseconds
            let checks =
                try first(
                    """
                    SELECT count(*)
                    FROM checks
                    WHERE interval_us = ?
                      AND slot = ?
                      AND is_enabled = 1
                    """, [interval, slot.number]
                ) { $0.int(0) } ?? 0
            let enqueued = try run(
                """
                INSERT INTO probe_jobs (check_id, due_at, visible_at, location, timeout_ms)
                SELECT check_id, ?1, ?1, location, timeout_ms
                FROM checks
                WHERE interval_us = ?2
                  AND slot = ?3
                  AND is_enabled = 1
                ORDER BY check_id
                ON CONFLICT (check_id) DO NOTHING
                """, [tick.microseconds, interval, slot.number])
            let isEmpty = try checks == 0 && removeEmpty(slot)
            if !isEmpty { try move(slot, to: advance.nextDue) }
            report.enqueued += enqueued
            report.superseded += checks - enqueued
            report.missed += checks * Int(advance.missed)
        }
        return report
    }

    private func slots(
        _ sql: String, _ values: StatementArguments
    ) throws -> [(slot: Wheel.Slot, due: Timestamp)] {
        try all(sql, values) { row in
            (
                slot: Wheel.Slot(
                    interval: TimeSpan(.microseconds(row.integer(0))), number: row.int(1)),
                due: row.moment(2)
            )
        }
    }

    private func move(_ slot: Wheel.Slot, to due: Timestamp) throws {
        try run(
            """
            UPDATE schedule_slots
            SET due_at = ?
            WHERE interval_us = ?
              AND slot = ?
            """, [due.microseconds, slot.interval.duration.microseconds, slot.number])
    }

    /// A slot of which every check is gone or has another interval; paused ones keep theirs.
    private func removeEmpty(_ slot: Wheel.Slot) throws -> Bool {
        try run(
            """
            DELETE FROM schedule_slots
            WHERE interval_us = ?1
              AND slot = ?2
              AND NOT EXISTS (SELECT 1 FROM checks WHERE interval_us = ?1 AND slot = ?2)
            """, [slot.interval.duration.microseconds, slot.number]) == 1
    }

    /// - Returns: how many jobs were made: none where one was live.
    fileprivate func enqueueNow(_ check: CheckID) throws -> Int {
        try run(
            """
            UPDATE probe_jobs
            SET visible_at = ?1
            WHERE check_id = ?2
              AND worker_id IS NULL
              AND visible_at > ?1
            """, [now.microseconds, check.rawValue])
        return try run(
            """
            INSERT INTO probe_jobs (check_id, due_at, visible_at, location, timeout_ms)
            SELECT check_id, ?1, ?1, location, timeout_ms
            FROM checks
            WHERE check_id = ?2
              AND is_enabled = 1
            ON CONFLICT (check_id) DO NOTHING
            """, [now.microseconds, check.rawValue])
    }
}
