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
    /// history, and every completion waits for it meanwhile. What is to come is made first, and
    /// what may take long is done last, to a table that nobody else uses.
    fileprivate func divideOutcomes(keeping keep: Duration) throws {
        let now = try momentOfDatabase()
        try exclusively { try makeComingParts($0, at: now, keeping: keep) }
        try exclusively { partitions in
            for part in partitions.outdated(at: now, keeping: keep) {
                try script("DROP TABLE \(part.name)")
            }
        }
        for part in try partsSetAside() {
            if part.end <= now - keep {
                try script("DROP TABLE \(part.name)")
            } else {
                try adopt(part)
            }
        }
    }

    /// Where no register ran for so long that outcomes came after the last part's end, the default
    /// part is set aside and another one takes its place: a part that is attached is compared with
    /// every row of the default one, and a week of them is no work for a moment in which every
    /// completion waits.
    private func makeComingParts(
        _ partitions: OutcomePartitions, at now: Timestamp, keeping keep: Duration
    ) throws {
        var partitions = partitions
        guard let horizon = partitions.missing(at: now, keeping: keep).last else { return }
        let isUsed =
            try first(
                """
                SELECT EXISTS (
                    SELECT 1
                    FROM outcomes_default
                    WHERE started_at < \(horizon.microseconds)
                )
                """, []
            ) { $0.flag(0) } ?? false
        if isUsed, let aside = partitions.setAside(at: now, named: Self.name(endingAt:)) {
            try script(
                """
                ALTER TABLE outcomes DETACH PARTITION outcomes_default;
                ALTER TABLE outcomes_default RENAME TO \(aside.name);
                CREATE TABLE outcomes_default PARTITION OF outcomes DEFAULT
                """)
        }
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

    /// Default parts of earlier times that are no part at present.
    private func partsSetAside() throws -> [OutcomePartitions.Part] {
        try all(
            """
            SELECT c.relname, substring(c.relname FROM '[0-9]+$')::bigint
            FROM pg_class AS c
            JOIN pg_class AS o ON o.relnamespace = c.relnamespace
            WHERE o.oid = 'outcomes'::regclass
              AND c.relkind = 'r'
              AND NOT c.relispartition
              AND c.relname ~ '^outcomes_[0-9]+$'
            """, []
        ) { row in
            OutcomePartitions.Part(name: row.text(0), end: Timestamp(seconds: row.integer(1)))
        }
    }

    /// Makes a part of a table that was set aside. Its rows are read while nobody waits for it: what
    /// is then known of it spares the moment in which it is attached another look. Where that takes
    /// longer than a statement may, it stays aside until it is too old.
    private func adopt(_ part: OutcomePartitions.Part) throws {
        var bounds: (wanted: String, from: String)?
        try exclusively { partitions in
            let begin = partitions.parts.last { $0.end < part.end }?.end.microseconds
            let wanted =
                (begin.map { "started_at >= \($0) AND " } ?? "")
                + "started_at < \(part.end.microseconds)"
            bounds = (wanted, begin.map { "\($0)" } ?? "MINVALUE")
            // A clock that was set back or ahead by days leaves some for other parts.
            try script(
                """
                WITH strays AS (
                    DELETE FROM \(part.name)
                    WHERE NOT (\(wanted))
                    RETURNING *
                )
                INSERT INTO outcomes
                SELECT *
                FROM strays;
                ALTER TABLE \(part.name) DROP CONSTRAINT IF EXISTS is_part;
                ALTER TABLE \(part.name) ADD CONSTRAINT is_part CHECK (\(wanted))
                """)
        }
        guard let bounds else { return }
        try exclusively { _ in
            // Some of its time have come since.
            try script(
                """
                LOCK TABLE outcomes_default IN ACCESS EXCLUSIVE MODE;
                WITH late AS (
                    DELETE FROM outcomes_default
                    WHERE \(bounds.wanted)
                    RETURNING *
                )
                INSERT INTO \(part.name)
                SELECT *
                FROM late;
                ALTER TABLE outcomes ATTACH PARTITION \(part.name)
                    FOR VALUES FROM (\(bounds.from)) TO (\(part.end.microseconds));
                ALTER TABLE \(part.name) DROP CONSTRAINT is_part
                """)
        }
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
