import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func queueStatus() async throws(StorageError) -> QueueStatus {
        try await perform { session in
            let oldest = try session.first(Self.oldestTransaction) { row in
                OpenTransaction(age: .microseconds(row.integer(0)), session: row.text(1))
            }
            // One statement, so one snapshot: what is live and what was counted belong together.
            return try session.first(Self.queueStatus) { row in
                QueueStatus(
                    live: row.int(0), ready: row.int(1), leased: row.int(2),
                    oldestReady: row.optionalInteger(3).map { .microseconds($0) },
                    waiting: WaitingJobs(
                        under1s: row.int(4), under10s: row.int(5), under60s: row.int(6),
                        longer: row.int(7)),
                    lateSlots: row.int(8), oldestTransaction: oldest,
                    tally: Tally(row, from: 9))
            } ?? QueueStatus(live: 0, ready: 0, leased: 0, oldestReady: nil, tally: Tally())
        }
    }

    private static let queueStatus = """
        SELECT j.live, j.ready, j.leased, n.now - j.oldest_due_at,
               j.under_1s, j.under_10s, j.under_60s, j.ready - j.under_1s - j.under_10s - j.under_60s,
               s.late,
               t.enqueued, t.completed, t.lost, t.void, t.rescued, t.stale, t.superseded,
               t.missed
        FROM (SELECT now_us() AS now) AS n
        CROSS JOIN LATERAL (
            SELECT count(*) AS live,
                   count(*) FILTER (WHERE is_ready) AS ready,
                   count(*) FILTER (WHERE NOT is_ready AND worker_id IS NOT NULL) AS leased,
                   min(due_at) FILTER (WHERE is_ready) AS oldest_due_at,
                   count(*) FILTER (WHERE is_ready AND age < 1000000) AS under_1s,
                   count(*) FILTER (WHERE is_ready AND age >= 1000000 AND age < 10000000)
                       AS under_10s,
                   count(*) FILTER (WHERE is_ready AND age >= 10000000 AND age < 60000000)
                       AS under_60s
            FROM (
                SELECT due_at, worker_id, visible_at <= n.now AS is_ready, n.now - due_at AS age
                FROM probe_jobs
            ) AS each
        ) AS j
        CROSS JOIN LATERAL (
            SELECT count(*) AS late
            FROM schedule_slots
            WHERE due_at < n.now - 1000000
        ) AS s
        CROSS JOIN (
            SELECT coalesce(sum(enqueued), 0)::bigint AS enqueued,
                   coalesce(sum(completed), 0)::bigint AS completed,
                   coalesce(sum(lost), 0)::bigint AS lost,
                   coalesce(sum(void), 0)::bigint AS void,
                   coalesce(sum(rescued), 0)::bigint AS rescued,
                   coalesce(sum(stale), 0)::bigint AS stale,
                   coalesce(sum(superseded), 0)::bigint AS superseded,
                   coalesce(sum(missed), 0)::bigint AS missed
            FROM queue_tallies
        ) AS t
        """

    /// Of any session that holds vacuum back, not only of this program: a forgotten console, a dump,
    /// a standby's feedback. What others' sessions do is shown to members of pg_read_all_stats. The
    /// server's clock, because that is what it began by.
    private static let oldestTransaction = """
        SELECT (extract(epoch FROM clock_timestamp() - xact_start) * 1000000)::bigint,
               concat_ws(' ', 'pid', pid, nullif(application_name, ''))
        FROM pg_stat_activity
        WHERE datname = current_database()
          AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
          AND xact_start IS NOT NULL
          AND pid <> pg_backend_pid()
        ORDER BY xact_start
        LIMIT 1
        """
}
