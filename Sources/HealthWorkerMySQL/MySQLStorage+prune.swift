import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    /// Outcomes go with their day: a day that is wholly older than what is kept is dropped, which
    /// costs the same however many there are. Only those of the last part, in which new ones are
    /// written, are deleted one by one; so what lies in between is kept up to a day longer.
    package func pruneOutcomes(keep: Duration, limit: Int) async throws(StorageError) -> Int {
        try await read { session in
            let end = session.now - keep
            var parts = try session.outcomeParts()
            for part in parts where part.end.map({ $0 <= end }) ?? false {
                guard try session.changeParts("DROP PARTITION \(part.name)") else { break }
            }
            if parts.daysAhead(of: session.now) < 2 {
                try session.addDays(to: parts)
                parts = try session.outcomeParts()
            }
            return try session.deleteOutcomes(
                before: end, from: parts.start(at: session.now), limit: limit)
        }
    }
}

/// A part of `outcomes`: what began before its end, and not before the end of the one before it.
private struct OutcomePart {
    var name: String
    /// Nil: the last one, without an end.
    var end: Timestamp?
    /// As the server estimates it.
    var rows: Int64
}

extension [OutcomePart] {
    /// How many whole days there is a part for.
    fileprivate func daysAhead(of now: Timestamp) -> Int {
        count { ($0.end ?? now) > now }
    }

    /// Where the part begins that a moment falls into.
    fileprivate func start(at moment: Timestamp) -> Timestamp {
        compactMap(\.end).filter { $0 <= moment }.max() ?? Timestamp(microseconds: 0)
    }
}

extension Session {
    fileprivate func outcomeParts() throws -> [OutcomePart] {
        try all(
            """
            SELECT partition_name, partition_description, table_rows
            FROM information_schema.partitions
            WHERE table_schema = DATABASE()
              AND table_name = 'outcomes'
              AND partition_name IS NOT NULL
            ORDER BY partition_ordinal_position
            """
        ) { row in
            OutcomePart(
                name: row.text(0), end: Int64(row.text(1)).map(Timestamp.init(microseconds:)),
                rows: row.integer(2))
        }
    }

    /// Parts for the days to come, taken from the last one. That copies what it holds, so that one
    /// that has become large is left as it is, and pruned row by row.
    fileprivate func addDays(to parts: [OutcomePart]) throws {
        guard let last = parts.last, last.end == nil, last.rows < 100_000 else { return }
        let day: Int64 = 86_400_000_000
        let today = now.microseconds / day
        let first = (parts.compactMap(\.end).max().map { $0.microseconds / day } ?? today)
        let days = (max(first, today)...(today + 2)).map { number in
            "PARTITION day\(number) VALUES LESS THAN (\((number + 1) * day))"
        }
        _ = try changeParts(
            """
            REORGANIZE PARTITION \(last.name) INTO (
                \(days.joined(separator: ", ")),
                PARTITION \(last.name) VALUES LESS THAN MAXVALUE)
            """)
    }

    /// - Returns: false where somebody reads or writes the table all the time, or this user may not:
    ///   the next minute tries again.
    fileprivate func changeParts(_ change: String) throws -> Bool {
        do {
            try script("ALTER TABLE outcomes \(change)")
            return true
        } catch let error as ServerError where [1205, 1142].contains(error.code) {
            beginAttempt()
            return false
        }
    }

    /// They are looked for without a lock, and deleted by their key.
    fileprivate func deleteOutcomes(
        before end: Timestamp, from start: Timestamp, limit: Int
    ) throws -> Int {
        if end <= start { return 0 }
        let old = try all(
            """
            SELECT job_id, started_at
            FROM outcomes
            WHERE started_at >= ?
              AND started_at < ?
            ORDER BY started_at
            LIMIT ?
            """, [start, end, limit]
        ) { [$0.integer(0), $0.integer(1)] as [Int64?] }
        if old.isEmpty { return 0 }
        return try run(
            """
            DELETE o
            FROM JSON_TABLE(?, '$[*]' COLUMNS (
                     job_id BIGINT PATH '$[0]', started_at BIGINT PATH '$[1]')) AS p
            STRAIGHT_JOIN outcomes AS o FORCE INDEX (PRIMARY)
                 ON o.job_id = p.job_id AND o.started_at = p.started_at
            """, [NumberTable(old)])
    }
}
