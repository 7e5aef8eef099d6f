import HealthWorkerModel
package import HealthWorkerStorage

// The history is divided by time, so that what is too old goes at once, with its files, and leaves
// nothing for vacuum: at 10,000 outcomes a second, deleting them one by one would be half the work.
extension PostgreSQLStorage {
    /// Makes the parts of the time to come, and drops those of which every outcome is older than
    /// `keep`: an outcome goes an eighth of `keep`, or a day, later than it might.
    /// - Returns: 0: what is dropped is not counted.
    package func pruneOutcomes(keep: Duration, limit: Int) async throws(StorageError) -> Int {
        try await perform { session in
            try session.divideOutcomes(keeping: keep)
            return 0
        }
    }
}

extension Session {
    /// Each change is a transaction of its own with little patience: it waits for whoever reads the
    /// history, and every completion waits for it meanwhile.
    fileprivate func divideOutcomes(keeping keep: Duration) throws {
        let now = try momentOfDatabase()
        try exclusively { partitions in
            for part in partitions.outdated(at: now, keeping: keep) {
                try script("DROP TABLE \(part.name)")
            }
        }
        try exclusively { partitions in
            guard let last = partitions.parts.last else { return }
            let latest = try first("SELECT max(started_at) FROM outcomes_default", []) {
                $0.optionalMoment(0)
            }
            if let latest = latest ?? nil {
                try adoptDefault(
                    from: last.end,
                    to: OutcomePartitions.end(
                        after: max(latest, last.end), OutcomePartitions.length(keeping: keep)))
            }
        }
        try exclusively { partitions in
            guard var begin = partitions.parts.last?.end else { return }
            for end in partitions.missing(at: now, keeping: keep) {
                try script(
                    """
                    CREATE TABLE \(Self.name(endingAt: end)) (LIKE outcomes INCLUDING ALL);
                    ALTER TABLE outcomes ATTACH PARTITION \(Self.name(endingAt: end))
                        FOR VALUES FROM (\(begin.microseconds)) TO (\(end.microseconds))
                    """)
                begin = end
            }
        }
    }

    /// No register ran for so long that outcomes came after the last part's end: the default part
    /// becomes a part like the others, and another one takes its place.
    private func adoptDefault(from begin: Timestamp, to end: Timestamp) throws {
        // A clock that was set back by days may have left some before the first part.
        try script(
            """
            ALTER TABLE outcomes DETACH PARTITION outcomes_default;
            ALTER TABLE outcomes_default RENAME TO \(Self.name(endingAt: end));
            DELETE FROM \(Self.name(endingAt: end)) WHERE started_at < \(begin.microseconds);
            ALTER TABLE outcomes ATTACH PARTITION \(Self.name(endingAt: end))
                FOR VALUES FROM (\(begin.microseconds)) TO (\(end.microseconds));
            CREATE TABLE outcomes_default PARTITION OF outcomes DEFAULT
            """)
    }

    private static func name(endingAt end: Timestamp) -> String {
        "outcomes_\(end.microseconds / 1_000_000)"
    }

    private func exclusively(_ body: (OutcomePartitions) throws -> Void) throws {
        _ = try inTransaction(
            """
            BEGIN ISOLATION LEVEL READ COMMITTED;
            SET LOCAL lock_timeout = '200ms';
            SET LOCAL idle_in_transaction_session_timeout = '2s';
            SELECT pg_advisory_xact_lock(hashtext('health_worker outcomes ' || current_schema()))
            """
        ) { session, _ in
            let parts = try session.all(
                """
                SELECT c.relname, substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''?(\\d+)')
                FROM pg_inherits AS i
                JOIN pg_class AS c ON c.oid = i.inhrelid
                WHERE i.inhparent = 'outcomes'::regclass
                """, []
            ) { row in
                (name: row.text(0), end: row.optionalText(1).flatMap(Int64.init))
            }
            try body(
                OutcomePartitions(
                    parts.compactMap { part in
                        part.end.map {
                            OutcomePartitions.Part(
                                name: part.name, end: Timestamp(microseconds: $0))
                        }
                    }))
        }
    }
}
