import GRDB
import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func queueStatus() async throws(StorageError) -> QueueStatus {
        try await read { session in
            let tally = try session.tally()
            return try session.first(
                """
                SELECT count(*),
                       count(*) FILTER (WHERE visible_at <= ?1),
                       count(*) FILTER (WHERE visible_at > ?1 AND worker_id IS NOT NULL),
                       min(due_at) FILTER (WHERE visible_at <= ?1),
                       count(*) FILTER (WHERE visible_at <= ?1 AND due_at > ?1 - 1000000),
                       count(*) FILTER (WHERE visible_at <= ?1 AND due_at > ?1 - 10000000),
                       count(*) FILTER (WHERE visible_at <= ?1 AND due_at > ?1 - 60000000),
                       (SELECT count(*) FROM schedule_slots WHERE due_at < ?1 - 1000000)
                FROM probe_jobs
                """, [session.now.microseconds]
            ) { row in
                QueueStatus(
                    live: row.int(0), ready: row.int(1), leased: row.int(2),
                    oldestReady: row.optionalMoment(3).map { session.now - $0 },
                    waiting: WaitingJobs(
                        under1s: row.int(4), under10s: row.int(5) - row.int(4),
                        under60s: row.int(6) - row.int(5), longer: row.int(1) - row.int(6)),
                    lateSlots: row.int(7), tally: tally)
            } ?? QueueStatus(live: 0, ready: 0, leased: 0, oldestReady: nil, tally: tally)
        }
    }
}
