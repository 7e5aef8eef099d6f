import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func announce(_ presence: Presence) async throws(StorageError) {
        try await perform { [process] session in
            // A process that was killed cannot withdraw; nobody asks for the rows of yesterday.
            _ = try session.run(
                """
                WITH forgotten AS (
                    DELETE FROM processes
                    WHERE ctid = ANY (ARRAY(
                        SELECT ctid
                        FROM processes
                        WHERE seen_at < now_us() - $3
                          AND process_id <> $1
                        FOR UPDATE SKIP LOCKED
                    ))
                )
                INSERT INTO processes (process_id, seen_at, presence)
                VALUES ($1, now_us(), $2)
                ON CONFLICT (process_id) DO UPDATE
                SET seen_at = excluded.seen_at,
                    presence = excluded.presence
                """, [process, try JSONColumn.text(of: presence), Duration.hours(24)])
        }
    }

    package func withdraw() async throws(StorageError) {
        try await perform { [process] session in
            _ = try session.run(
                """
                DELETE FROM processes
                WHERE process_id = $1
                """, [process])
        }
    }

    package func processes(
        seenWithin window: Duration
    ) async throws(StorageError) -> [RunningProcess] {
        let processes = try await perform { session in
            try session.all(
                """
                SELECT process_id, seen_at, presence
                FROM processes
                WHERE seen_at > now_us() - $1
                  -- Later than now: by the clock of a server that this one took over from.
                  AND seen_at < now_us() + $1
                """, [window], RunningProcess.init(row:))
        }
        return processes.sorted { ($0.presence.name, $0.id) < ($1.presence.name, $1.id) }
    }

    package func takeDuty(
        _ name: String, for lease: Duration
    ) async throws(StorageError) -> Bool {
        try await perform { [process] session in
            try session.run(
                """
                INSERT INTO duties AS d (name, holder, until_at)
                VALUES ($1, $2, now_us() + $3)
                ON CONFLICT (name) DO UPDATE
                SET holder = excluded.holder,
                    until_at = excluded.until_at
                WHERE d.holder = excluded.holder
                   OR d.until_at <= now_us()
                   -- Longer than it can be held: by another server's clock.
                   OR d.until_at > now_us() + $3
                """, [name, process, lease]) == 1
        }
    }
}
