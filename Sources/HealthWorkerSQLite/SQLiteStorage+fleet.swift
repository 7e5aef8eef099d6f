import GRDB
import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func announce(_ presence: Presence) async throws(StorageError) {
        try await write { [process] session in
            // A process that was killed cannot withdraw; nobody asks for the rows of yesterday.
            try session.run(
                """
                DELETE FROM processes
                WHERE seen_at < ?
                """, [(session.now - .hours(24)).microseconds])
            try session.run(
                """
                INSERT INTO processes (process_id, seen_at, presence)
                VALUES (?, ?, ?)
                ON CONFLICT (process_id) DO UPDATE
                SET seen_at = excluded.seen_at,
                    presence = excluded.presence
                """,
                [process.rawValue, session.now.microseconds, try JSONColumn.text(of: presence)])
        }
    }

    package func withdraw() async throws(StorageError) {
        try await write { [process] session in
            try session.run(
                """
                DELETE FROM processes
                WHERE process_id = ?
                """, [process.rawValue])
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
                """, [(session.now - window).microseconds], RunningProcess.init(row:))
        }
        return processes.sorted { ($0.presence.name, $0.id) < ($1.presence.name, $1.id) }
    }

    package func takeDuty(
        _ name: String, for lease: Duration
    ) async throws(StorageError) -> Bool {
        try await write { [process] session in
            try session.run(
                """
                INSERT INTO duties (name, holder, until_at)
                VALUES (?1, ?2, ?3)
                ON CONFLICT (name) DO UPDATE
                SET holder = excluded.holder,
                    until_at = excluded.until_at
                WHERE holder = excluded.holder
                   OR until_at <= ?4
                """,
                [
                    name, process.rawValue, (session.now + lease).microseconds,
                    session.now.microseconds,
                ]) == 1
        }
    }
}
