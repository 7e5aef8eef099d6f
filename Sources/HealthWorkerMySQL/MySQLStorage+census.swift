import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func census() async throws(StorageError) -> Census {
        try await read { session in
            Census(
                checks: try session.all(
                    Self.checkGroups, [session.now], Census.CheckGroup.init(_:)),
                policies: try session.first(Self.policyCounts, [], Census.Policies.init(_:))
                    ?? Census.Policies(),
                sinks: try session.all(Self.sinkCounts, [], Census.Sink.init(_:)))
        }
    }

    /// By the rule of `Staleness`, in its order.
    private static let checkGroups = """
        SELECT e.location, e.health,
               CASE
                   WHEN e.is_enabled = 0 THEN 'paused'
                   WHEN e.job_due_at < e.oldest THEN 'no_worker'
                   WHEN e.slot_due_at < e.oldest THEN 'not_enqueued'
                   WHEN e.inconclusive_since < e.oldest THEN 'inconclusive'
                   ELSE 'fresh'
               END AS freshness,
               count(*)
        FROM (
            SELECT c.location, c.is_enabled, h.health, h.inconclusive_since,
                   j.due_at AS job_due_at, s.due_at AS slot_due_at,
                   CAST(? AS SIGNED)
                       - greatest(3 * c.interval_us + 1000 * c.timeout_ms, 60000000) AS oldest
            FROM checks AS c
            STRAIGHT_JOIN check_health AS h FORCE INDEX (PRIMARY) ON h.check_id = c.check_id
            LEFT JOIN schedule_slots AS s
                   ON s.interval_us = c.interval_us
                  AND s.slot = c.slot
            LEFT JOIN probe_jobs AS j FORCE INDEX (probe_jobs_of_check) ON j.check_id = c.check_id
        ) AS e
        GROUP BY e.location, e.health, freshness
        """

    private static let policyCounts = """
        SELECT count(*),
               CAST(coalesce(sum(generation IS NULL), 0) AS SIGNED),
               CAST(coalesce(sum(unprotected <> '[]'), 0) AS SIGNED),
               CAST(coalesce(sum(`freeze` IS NOT NULL), 0) AS SIGNED),
               CAST(coalesce(sum(memory LIKE '%"holds":%'), 0) AS SIGNED)
        FROM routes
        """

    private static let sinkCounts = """
        SELECT sink, CAST(sum(waiting) AS SIGNED), min(since),
               CAST(sum(differing) AS SIGNED), CAST(sum(letters) AS SIGNED)
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
