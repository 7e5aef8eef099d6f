package import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func enqueueDue(maxSlots: Int) async throws(StorageError) -> EnqueueReport {
        // Nothing is due most of the times that a register asks: it then takes no lock.
        let wanted = try await read { session in
            (due: try session.dueSlots(limit: maxSlots * 4), ahead: try session.slotsAhead())
        }
        if wanted.due.isEmpty, wanted.ahead.isEmpty { return EnqueueReport() }
        return try await transact { [process] session in
            try session.pullBack(wanted.ahead)
            let report = try session.enqueueDue(wanted.due, limit: maxSlots)
            try session.count(
                Tally(
                    enqueued: Int64(report.enqueued), superseded: Int64(report.superseded),
                    missed: Int64(report.missed)),
                for: process)
            return report
        }
    }

    package func enqueueNow(_ check: CheckID) async throws(StorageError) {
        try await transact { [process] session in
            try session.run(
                """
                UPDATE probe_jobs
                SET visible_at = ?
                WHERE check_id = ?
                  AND worker_id IS NULL
                  AND visible_at > ?
                """, [session.now, check, session.now])
            let jobs = try session.all(
                """
                SELECT c.epoch, c.location, c.timeout_ms
                FROM checks AS c
                LEFT JOIN probe_jobs AS j FORCE INDEX (probe_jobs_of_check)
                     ON j.check_id = c.check_id
                WHERE c.check_id = ?
                  AND c.is_enabled = 1
                  AND j.check_id IS NULL
                """, [check]
            ) { row in
                NewJob(
                    check: check, dueAt: session.now, epoch: row.integer(0),
                    location: row.optionalText(1), timeout: row.integer(2))
            }
            try session.count(
                Tally(enqueued: Int64(try session.enqueue(jobs))), for: process)
        }
    }

    /// Two transactions can make a job of a check as it was: that of a register which reads the check
    /// while an edit is not committed yet, and that of an edit which passes a job by that a completion
    /// is about to end.
    package func updateJobs() async throws(StorageError) -> Int {
        // They are looked for without a lock: nearly always there is none.
        let behind = try await perform { session in
            try session.all(
                """
                SELECT j.job_id
                FROM probe_jobs AS j
                JOIN checks AS c ON c.check_id = j.check_id
                WHERE j.timeout_ms <> c.timeout_ms
                   OR NOT (j.location <=> c.location)
                """
            ) { $0.id(0, of: JobID.self) }
        }
        if behind.isEmpty { return 0 }
        return try await transact { session in
            try session.run(
                """
                UPDATE JSON_TABLE(?, '$[*]' COLUMNS (job_id BIGINT PATH '$[0]')) AS r
                STRAIGHT_JOIN probe_jobs AS j FORCE INDEX (PRIMARY) ON j.job_id = r.job_id
                STRAIGHT_JOIN checks AS c FORCE INDEX (PRIMARY) ON c.check_id = j.check_id
                SET j.location = c.location,
                    j.timeout_ms = c.timeout_ms
                """, [NumberTable(behind)])
        }
    }

    package func nextSlotDue() async throws(StorageError) -> Timestamp? {
        try await perform { session in
            try session.first("SELECT min(due_at) FROM schedule_slots") { $0.optionalMoment(0) }
                ?? nil
        }
    }
}

/// A job to be inserted.
struct NewJob {
    var check: CheckID
    var dueAt: Timestamp
    var visibleAt: Timestamp
    var avoiding: ProcessID?
    var avoidedLocation: String?
    var epoch: Int64
    var location: String?
    /// Milliseconds.
    var timeout: Int64

    init(
        check: CheckID, dueAt: Timestamp, visibleAt: Timestamp? = nil, avoiding: ProcessID? = nil,
        avoidedLocation: String? = nil, epoch: Int64, location: String?, timeout: Int64
    ) {
        self.check = check
        self.dueAt = dueAt
        self.visibleAt = visibleAt ?? dueAt
        self.avoiding = avoiding
        self.avoidedLocation = avoidedLocation
        self.epoch = epoch
        self.location = location
        self.timeout = timeout
    }
}

/// A check of a slot that is due.
private struct ScheduledCheck {
    var id: CheckID
    var slot: Wheel.Slot
    var isEnabled: Bool
    var hasJob: Bool
    var epoch: Int64
    var location: String?
    var timeout: Int64
}

extension Session {
    /// Inserts jobs in the order of their checks; a check that has one keeps it.
    ///
    /// `IGNORE` would also make errors of values into warnings, but every value of a row comes from a
    /// column of the same type.
    /// - Returns: how many were inserted.
    func enqueue(_ jobs: [NewJob]) throws -> Int {
        try insert(
            jobs.sorted { $0.check < $1.check }.map { job in
                [
                    job.check, job.dueAt, job.visibleAt, job.avoiding, job.avoidedLocation,
                    job.epoch, job.location, job.timeout,
                ]
            },
            into: """
                probe_jobs
                    (check_id, due_at, visible_at, avoid_worker_id, avoid_location, epoch, location,
                     timeout_ms)
                """, "INSERT IGNORE INTO"
        ).count
    }

    /// The slots that are due, the earliest first. None is locked: rows that are sorted would all be
    /// locked, and not the first of them alone.
    fileprivate func dueSlots(limit: Int) throws -> [Wheel.Slot] {
        try all(
            """
            SELECT interval_us, slot
            FROM schedule_slots
            WHERE due_at <= ?
            ORDER BY due_at, interval_us, slot
            LIMIT ?
            """, [now, limit], Wheel.Slot.init(row:))
    }

    /// After the clock was set back.
    fileprivate func slotsAhead() throws -> [Wheel.Slot] {
        try all(
            """
            SELECT interval_us, slot
            FROM schedule_slots
            WHERE due_at > ? + interval_us
            """, [now], Wheel.Slot.init(row:))
    }

    /// Those of the slots that nobody else holds, in the given order, with when they are due.
    private func lock(
        _ slots: [Wheel.Slot], limit: Int
    ) throws -> [(slot: Wheel.Slot, due: Timestamp)] {
        try all(
            MySQLStorage.lockSlots, [NumberTable(slots.map(\.row)), limit]
        ) { row in
            (slot: Wheel.Slot(row: row), due: row.moment(2))
        }
    }

    /// No slot is further ahead than its interval, but after a failover to a server whose clock is
    /// behind. Then every moment that is stored is the other clock's: by more than some seconds, and
    /// what waits for it is asked for now, leases included, instead of in an hour.
    fileprivate func pullBack(_ slots: [Wheel.Slot]) throws {
        if slots.isEmpty { return }
        let held = try lock(slots, limit: slots.count)
        try move(
            held.compactMap { slot, due in
                slot.pulledBack(from: due, now: now).map { (slot: slot, due: $0) }
            })
        let isFar = held.contains { slot, due in
            due > now + slot.interval.duration + .seconds(10)
        }
        guard isFar else { return }
        try run(
            """
            UPDATE probe_jobs
            SET visible_at = ?
            WHERE visible_at > ?
            """, [now, now])
        try run(
            """
            UPDATE evaluations
            SET due_at = ?
            WHERE due_at > ?
            """, [now, now])
    }

    fileprivate func enqueueDue(_ slots: [Wheel.Slot], limit: Int) throws -> EnqueueReport {
        if slots.isEmpty { return EnqueueReport() }
        // Another register may have advanced one meanwhile.
        let due = try lock(slots, limit: limit).filter { $0.due <= now }
        if due.isEmpty { return EnqueueReport() }
        let checks = Dictionary(grouping: try checks(of: due.map(\.slot)), by: \.slot)

        var report = EnqueueReport(slots: due.count)
        var moved: [(slot: Wheel.Slot, due: Timestamp)] = []
        var jobs: [NewJob] = []
        var ticks = 0
        for (slot, moment) in due {
            guard let checks = checks[slot] else {
                try remove(slot)
                continue
            }
            let advance = slot.advanced(from: moment, now: now)
            moved.append((slot: slot, due: advance.nextDue))
            // The slot's latest tick: those before it are missed, not late.
            let tick = advance.nextDue - slot.interval.duration
            for check in checks where check.isEnabled {
                ticks += 1
                report.missed += Int(advance.missed)
                if check.hasJob { continue }
                jobs.append(
                    NewJob(
                        check: check.id, dueAt: tick, epoch: check.epoch,
                        location: check.location, timeout: check.timeout))
            }
        }
        report.enqueued = try enqueue(jobs)
        report.superseded = ticks - report.enqueued
        try move(moved)
        return report
    }

    private func checks(of slots: [Wheel.Slot]) throws -> [ScheduledCheck] {
        try all(MySQLStorage.checksOfSlots, [NumberTable(slots.map(\.row))]) { row in
            ScheduledCheck(
                id: row.id(2), slot: Wheel.Slot(row: row), isEnabled: row.flag(3),
                hasJob: row.flag(4), epoch: row.integer(5), location: row.optionalText(6),
                timeout: row.integer(7))
        }
    }

    private func move(_ slots: [(slot: Wheel.Slot, due: Timestamp)]) throws {
        if slots.isEmpty { return }
        try run(
            """
            UPDATE JSON_TABLE(?, '$[*]' COLUMNS (
                       interval_us BIGINT PATH '$[0]', slot BIGINT PATH '$[1]',
                       due_at BIGINT PATH '$[2]')) AS n
            STRAIGHT_JOIN schedule_slots AS s FORCE INDEX (PRIMARY)
                 ON s.interval_us = n.interval_us AND s.slot = n.slot
            SET s.due_at = n.due_at
            """, [NumberTable(slots.map { $0.slot.row + [$0.due.microseconds] })])
    }

    /// A slot of which every check is gone or has another interval; paused ones keep theirs.
    private func remove(_ slot: Wheel.Slot) throws {
        try run(
            """
            DELETE FROM schedule_slots
            WHERE interval_us = ?
              AND slot = ?
            """, [slot.interval.duration, slot.number])
    }
}

extension Wheel.Slot {
    var row: [Int64?] { [interval.duration.microseconds, Int64(number)] }

    /// Reads `interval_us, slot`.
    fileprivate init(row: Row) {
        self.init(interval: TimeSpan(.microseconds(row.integer(0))), number: row.int(1))
    }
}

extension MySQLStorage {
    package static let lockSlots = """
        SELECT s.interval_us, s.slot, s.due_at
        FROM JSON_TABLE(?, '$[*]' COLUMNS (
                 interval_us BIGINT PATH '$[0]', slot BIGINT PATH '$[1]')) AS d
        STRAIGHT_JOIN schedule_slots AS s FORCE INDEX (PRIMARY)
             ON s.interval_us = d.interval_us AND s.slot = d.slot
        LIMIT ?
        FOR UPDATE SKIP LOCKED
        """

    package static let checksOfSlots = """
        SELECT c.interval_us, c.slot, c.check_id, c.is_enabled, j.check_id IS NOT NULL, c.epoch,
               c.location, c.timeout_ms
        FROM JSON_TABLE(?, '$[*]' COLUMNS (
                 interval_us BIGINT PATH '$[0]', slot BIGINT PATH '$[1]')) AS d
        STRAIGHT_JOIN checks AS c FORCE INDEX (checks_of_slot)
             ON c.interval_us = d.interval_us AND c.slot = d.slot
        LEFT JOIN probe_jobs AS j FORCE INDEX (probe_jobs_of_check) ON j.check_id = c.check_id
        """
}
