package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func census() async throws(StorageError) -> Census {
        try await perform { session in
            Census(
                checks: try session.all(Self.checkGroups, [], Census.CheckGroup.init(_:)),
                policies: try session.first(Self.policyCounts, [], Census.Policies.init(_:))
                    ?? Census.Policies(),
                sinks: try session.all(Self.sinkCounts, [], Census.Sink.init(_:)))
        }
    }

    /// By the rule of `Staleness`, in its order. The time is taken once: it would be taken for each
    /// check and each line of the CASE.
    private static let checkGroups = """
        WITH n AS MATERIALIZED (SELECT now_us() AS now)
        SELECT c.location, h.health,
               CASE
                   WHEN NOT c.is_enabled THEN 'paused'
                   WHEN j.due_at < n.now - p.patience_us THEN 'no_worker'
                   WHEN s.due_at < n.now - p.patience_us THEN 'not_enqueued'
                   WHEN h.inconclusive_since < n.now - p.patience_us THEN 'inconclusive'
                   ELSE 'fresh'
               END AS freshness,
               count(*)
        FROM n
        CROSS JOIN checks AS c
        CROSS JOIN LATERAL (
            SELECT greatest(3 * c.interval_us + 1000 * c.timeout_ms, 60000000) AS patience_us
        ) AS p
        JOIN check_health AS h ON h.check_id = c.check_id
        LEFT JOIN schedule_slots AS s
               ON s.interval_us = c.interval_us
              AND s.slot = c.slot
        LEFT JOIN probe_jobs AS j ON j.check_id = c.check_id
        GROUP BY c.location, h.health, freshness
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
            SELECT sink, 0, NULL::bigint, 1, 0
            FROM sink_holdings
            WHERE difference IS NOT NULL
              AND generation IS NOT NULL
            UNION ALL
            SELECT sink, 0, NULL::bigint, 0, 1
            FROM dead_letters
            UNION ALL
            SELECT DISTINCT sink, 0, NULL::bigint, 0, 0
            FROM publications
        ) AS w
        GROUP BY sink
        ORDER BY sink
        """
}
