import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func announce(_ presence: Presence) async throws(StorageError) {
        try await read { [process] session in
            try session.forgetProcesses()
            _ = try session.run(
                """
                INSERT INTO processes (process_id, seen_at, presence)
                VALUES (?, ?, ?)
                ON DUPLICATE KEY UPDATE
                    seen_at = VALUES(seen_at),
                    presence = VALUES(presence)
                """, [process, session.now, try JSONColumn.text(of: presence)])
        }
    }

    package func withdraw() async throws(StorageError) {
        try await perform { [process] session in
            _ = try session.run(
                """
                DELETE FROM processes
                WHERE process_id = ?
                """, [process])
        }
    }

    package func processes(
        seenWithin window: Duration
    ) async throws(StorageError) -> [RunningProcess] {
        let processes = try await read { session in
            try session.all(
                """
                SELECT process_id, seen_at, presence
                FROM processes
                WHERE seen_at > ?
                  -- Later than now: by the clock of a server that this one took over from.
                  AND seen_at < ?
                """, [session.now - window, session.now + window], RunningProcess.init(row:))
        }
        return processes.sorted { ($0.presence.name, $0.id) < ($1.presence.name, $1.id) }
    }

    package func takeDuty(
        _ name: String, for lease: Duration
    ) async throws(StorageError) -> Bool {
        try await read { [process] session in
            let taken = try session.run(
                """
                UPDATE duties
                SET holder = ?,
                    until_at = ?
                WHERE name = ?
                  AND (holder = ?
                       OR until_at <= ?
                       -- Longer than it can be held: by another server's clock.
                       OR until_at > ?)
                """,
                [
                    process, session.now + lease, name, process, session.now,
                    session.now + lease,
                ])
            if taken == 1 { return true }
            // There is none yet, or somebody holds it.
            return try session.run(
                """
                INSERT IGNORE INTO duties (name, holder, until_at)
                VALUES (?, ?, ?)
                """, [name, process, session.now + lease]) == 1
        }
    }
}

extension Session {
    /// A process that was killed cannot withdraw; nobody asks for the rows of yesterday. They are
    /// looked for without a lock, because a deletion would wait for every row on its way.
    fileprivate func forgetProcesses() throws {
        let forgotten: [ProcessID] = try all(
            """
            SELECT process_id
            FROM processes
            WHERE seen_at < ?
            """, [now - .hours(24)]
        ) { $0.id(0) }
        for process in forgotten {
            try run(
                """
                DELETE FROM processes
                WHERE process_id = ?
                  AND seen_at < ?
                """, [process, now - .hours(24)])
        }
    }
}
