import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func queueStatus() async throws(StorageError) -> QueueStatus {
        // One statement, so one snapshot: what is live and what was counted belong together.
        try await perform { session in
            try session.first(
                """
                SELECT j.live, j.ready, j.leased, (SELECT now_us()) - j.oldest_due_at,
                       t.enqueued, t.completed, t.lost, t.void, t.rescued, t.stale, t.superseded,
                       t.missed
                FROM (
                    SELECT count(*) AS live,
                           count(*) FILTER (WHERE visible_at <= (SELECT now_us())) AS ready,
                           count(*) FILTER (
                               WHERE visible_at > (SELECT now_us())
                                 AND worker_id IS NOT NULL
                           ) AS leased,
                           min(due_at) FILTER (WHERE visible_at <= (SELECT now_us()))
                               AS oldest_due_at
                    FROM probe_jobs
                ) AS j
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
            ) { row in
                QueueStatus(
                    live: row.int(0), ready: row.int(1), leased: row.int(2),
                    oldestReady: row.optionalInteger(3).map { .microseconds($0) },
                    tally: Tally(
                        enqueued: row.integer(4), completed: row.integer(5), lost: row.integer(6),
                        void: row.integer(7), rescued: row.integer(8), stale: row.integer(9),
                        superseded: row.integer(10), missed: row.integer(11)))
            } ?? QueueStatus(live: 0, ready: 0, leased: 0, oldestReady: nil, tally: Tally())
        }
    }
}
