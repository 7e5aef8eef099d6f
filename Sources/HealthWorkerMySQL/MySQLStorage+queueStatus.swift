import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func queueStatus() async throws(StorageError) -> QueueStatus {
        try await read { session in
            let now = session.now
            let oldest = try session.oldestTransaction()
            // One statement, so one snapshot: what is live and what was counted belong together.
            return try session.first(
                """
                SELECT j.live, j.ready, j.leased, j.oldest_due_at,
                       j.under_1s, j.under_10s, j.under_60s,
                       (SELECT count(*) FROM schedule_slots WHERE due_at < ?),
                       t.enqueued, t.completed, t.lost, t.void, t.rescued, t.stale, t.superseded,
                       t.missed
                FROM (
                    SELECT count(*) AS live,
                           CAST(coalesce(sum(visible_at <= ?), 0) AS SIGNED) AS ready,
                           CAST(coalesce(sum(visible_at > ? AND worker_id IS NOT NULL), 0)
                                AS SIGNED) AS leased,
                           min(CASE WHEN visible_at <= ? THEN due_at END) AS oldest_due_at,
                           CAST(coalesce(sum(visible_at <= ? AND due_at > ?), 0) AS SIGNED)
                               AS under_1s,
                           CAST(coalesce(sum(visible_at <= ? AND due_at > ?), 0) AS SIGNED)
                               AS under_10s,
                           CAST(coalesce(sum(visible_at <= ? AND due_at > ?), 0) AS SIGNED)
                               AS under_60s
                    FROM probe_jobs
                ) AS j
                CROSS JOIN (
                    SELECT CAST(coalesce(sum(enqueued), 0) AS SIGNED) AS enqueued,
                           CAST(coalesce(sum(completed), 0) AS SIGNED) AS completed,
                           CAST(coalesce(sum(lost), 0) AS SIGNED) AS lost,
                           CAST(coalesce(sum(void), 0) AS SIGNED) AS void,
                           CAST(coalesce(sum(rescued), 0) AS SIGNED) AS rescued,
                           CAST(coalesce(sum(stale), 0) AS SIGNED) AS stale,
                           CAST(coalesce(sum(superseded), 0) AS SIGNED) AS superseded,
                           CAST(coalesce(sum(missed), 0) AS SIGNED) AS missed
                    FROM queue_tallies
                ) AS t
                """,
                [
                    now - .seconds(1), now, now, now, now, now - .seconds(1), now,
                    now - .seconds(10), now, now - .seconds(60),
                ]
            ) { row in
                QueueStatus(
                    live: row.int(0), ready: row.int(1), leased: row.int(2),
                    oldestReady: row.optionalMoment(3).map { now - $0 },
                    waiting: WaitingJobs(
                        under1s: row.int(4), under10s: row.int(5) - row.int(4),
                        under60s: row.int(6) - row.int(5), longer: row.int(1) - row.int(6)),
                    lateSlots: row.int(7), oldestTransaction: oldest,
                    tally: Tally(row, from: 8))
            } ?? QueueStatus(live: 0, ready: 0, leased: 0, oldestReady: nil, tally: Tally())
        }
    }
}

extension Session {
    /// Of any connection to the server, not only of this program's: what one of them may still read
    /// is purged nowhere. Nil also for a user who is not shown others' transactions, which takes the
    /// privilege PROCESS.
    ///
    /// When it began is told in the server's own time zone, whatever the session's is.
    fileprivate func oldestTransaction() throws -> OpenTransaction? {
        do {
            return try first(
                """
                SELECT TIMESTAMPDIFF(
                           MICROSECOND, t.trx_started,
                           CONVERT_TZ(UTC_TIMESTAMP(6), '+00:00', 'SYSTEM')),
                       concat_ws(' ', 'connection', t.trx_mysql_thread_id, p.user)
                FROM information_schema.innodb_trx AS t
                LEFT JOIN information_schema.processlist AS p ON p.id = t.trx_mysql_thread_id
                WHERE t.trx_mysql_thread_id <> CONNECTION_ID()
                ORDER BY t.trx_started
                LIMIT 1
                """
            ) { OpenTransaction(age: .microseconds($0.integer(0)), session: $0.text(1)) }
        } catch let error as ServerError where error.code == 1227 {
            return nil
        }
    }
}
