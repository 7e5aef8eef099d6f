import GRDB
import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func census() async throws(StorageError) -> Census {
        try await read { session in
            Census(
                checks: try session.all(
                    Self.checkGroups, [session.now.microseconds], Census.CheckGroup.init(_:)),
                policies: try session.first(Self.policyCounts, [], Census.Policies.init(_:))
                    ?? Census.Policies(),
                sinks: try session.all(Self.sinkCounts, [], Census.Sink.init(_:)))
        }
    }

    /// By the rule of `Staleness`, in its order.
    private static let checkGroups = """
        SELECT location, health,
               CASE
                   WHEN NOT is_enabled THEN 'paused'
                   WHEN job_due_at < oldest THEN 'no_worker'
                   WHEN slot_due_at < oldest THEN 'not_enqueued'
                   WHEN inconclusive_since < oldest THEN 'inconclusive'
                   ELSE 'fresh'
               END AS freshness,
               count(*)
        FROM (
            SELECT c.location, c.is_enabled, h.health, h.inconclusive_since,
                   j.due_at AS job_due_at, s.due_at AS slot_due_at,
                   ?1 - max(3 * c.interval_us + 1000 * c.timeout_ms, 60000000) AS oldest
            FROM checks AS c
            JOIN check_health AS h ON h.check_id = c.check_id
            LEFT JOIN schedule_slots AS s
                   ON s.interval_us = c.interval_us
                  AND s.slot = c.slot
            LEFT JOIN probe_jobs AS j ON j.check_id = c.check_id
        )
        GROUP BY location, health, freshness
        """

    private static let policyCounts = """
        SELECT count(*),
               count(*) FILTER (WHERE generation IS NULL),
               count(*) FILTER (WHERE unprotected <> '[]'),
               count(*) FILTER (WHERE "freeze" IS NOT NULL),
               count(*) FILTER (WHERE memory LIKE '%"holds":%')
        FROM routes
        """

    private static let sinkCounts = """
        SELECT sink, sum(waiting), min(since), sum(differing), sum(letters)
        FROM (
            SELECT sink, 1 AS waiting, since, 0 AS differing, 0 AS letters
            FROM route_outbox
            UNION ALL
            SELECT sink, 0, NULL, 1, 0
            FROM sink_holdings
            WHERE difference IS NOT NULL
              AND generation IS NOT NULL
            UNION ALL
            SELECT sink, 0, NULL, 0, 1
            FROM dead_letters
            UNION ALL
            SELECT DISTINCT sink, 0, NULL, 0, 0
            FROM publications
        ) AS w
        GROUP BY sink
        ORDER BY sink
        """
}
