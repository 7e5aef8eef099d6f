package import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func claimDeliveries(
        to sinks: [String], limit: Int, lease: Duration
    ) async throws(StorageError) -> [Delivery] {
        try await perform { session in
            try session.all(Self.claimWaitingDeliveries, [sinks, limit, lease]) { row in
                try Delivery(claimed: row)
            }.compactMap(\.self)
        }
    }

    package func acknowledge(_ delivery: Delivery) async throws(StorageError) -> Bool {
        try await perform { session in
            let removed = try session.run(
                """
                DELETE FROM route_outbox
                WHERE delivery_id = $1
                  AND attempt = $2
                  AND generation = $3
                """, [delivery.id, delivery.attempt, delivery.route.generation])
            if removed == 1 { return true }
            try session.run(
                """
                UPDATE route_outbox
                SET visible_at = now_us(),
                    last_error = NULL
                WHERE delivery_id = $1
                  AND attempt = $2
                """, [delivery.id, delivery.attempt])
            return false
        }
    }

    package func release(
        _ delivery: Delivery, after delay: Duration, error: String?
    ) async throws(StorageError) {
        try await perform { session in
            _ = try session.run(
                """
                UPDATE route_outbox
                SET visible_at = now_us() + $3,
                    last_error = $4
                WHERE delivery_id = $1
                  AND attempt = $2
                """, [delivery.id, delivery.attempt, delay, error])
        }
    }

    package func pendingDeliveries(
        of policy: PolicyID?
    ) async throws(StorageError) -> [PendingDelivery] {
        try await perform { session in
            if let policy {
                return try session.all(
                    """
                    SELECT delivery_id, policy_id, sink, name, generation, attempt, since,
                           visible_at, last_error
                    FROM route_outbox
                    WHERE policy_id = $1
                    ORDER BY delivery_id
                    """, [policy], PendingDelivery.init(row:))
            }
            return try session.all(
                """
                SELECT delivery_id, policy_id, sink, name, generation, attempt, since, visible_at,
                       last_error
                FROM route_outbox
                ORDER BY delivery_id
                """, [], PendingDelivery.init(row:))
        }
    }
}

extension PostgreSQLStorage {
    /// Takes what waits for the sinks `$1`, oldest first, `$2` at most, for `$3` µs, with the
    /// newest route of each.
    static let claimWaitingDeliveries = """
        WITH claimed AS (
            UPDATE route_outbox
            SET attempt = attempt + 1,
                visible_at = now_us() + $3
            WHERE ctid = ANY (ARRAY(
                SELECT ctid
                FROM route_outbox
                WHERE sink = ANY ($1::text[])
                  AND visible_at <= now_us()
                ORDER BY since, delivery_id
                LIMIT $2
                FOR UPDATE SKIP LOCKED
            ))
            RETURNING delivery_id, attempt, since, sink, name, policy_id, visible_at
        )
        SELECT r.generation, r.cause, r.decided_at, r.answer, r.memory, r.members,
               d.delivery_id, d.attempt, d.sink, d.name, d.policy_id, d.visible_at, p.spec
        FROM claimed AS d
        JOIN policies AS p USING (policy_id)
        JOIN routes AS r USING (policy_id)
        ORDER BY d.since, d.delivery_id
        """
}

extension Session {
    /// Puts a route on its way to every publication of its policy: a new one to all of them, one
    /// that stays to those that never got any.
    func announce(
        _ route: Route, of policy: Policy, isNew: Bool, announced: [String]
    ) throws {
        let places = policy.spec.publish.map(\.place)
        let wanted = policy.spec.publish.filter { isNew || !announced.contains($0.place) }
        if !wanted.isEmpty {
            // A newer generation takes the place of the one that waits; a lease on it stays.
            try run(
                """
                INSERT INTO route_outbox (policy_id, sink, name, generation, since, visible_at)
                SELECT $1, sink, name, $4, $5, $5
                FROM unnest($2::text[], $3::text[]) AS p (sink, name)
                ORDER BY sink, name
                ON CONFLICT (policy_id, sink, name) DO UPDATE
                SET generation = excluded.generation
                """,
                [
                    policy.id, wanted.map(\.sink), wanted.map(\.name), route.generation, now,
                ])
        }
        let all = Set(announced).union(places).sorted()
        if all != announced { try setAnnounced(all, of: policy.id) }
    }

    /// After an edit: what the policy does not publish any more is not delivered, and counts as
    /// never delivered should it come back.
    func keepDeliveries(of policy: Policy) throws {
        let publications = policy.spec.mode == .live ? policy.spec.publish : []
        // The route first: every other transaction takes these two in this order.
        let announced: [String] =
            try first(
                """
                SELECT announced
                FROM routes
                WHERE policy_id = $1
                FOR NO KEY UPDATE
                """, [policy.id]
            ) { try $0.json(0) } ?? []
        try run(
            """
            DELETE FROM route_outbox
            WHERE policy_id = $1
              AND (sink, name) NOT IN (
                  SELECT sink, name
                  FROM unnest($2::text[], $3::text[]) AS p (sink, name)
              )
            """, [policy.id, publications.map(\.sink), publications.map(\.name)])
        let places = Set(publications.map(\.place))
        let kept = announced.filter(places.contains)
        if kept != announced { try setAnnounced(kept, of: policy.id) }
    }

    private func setAnnounced(_ places: [String], of policy: PolicyID) throws {
        try run(
            """
            UPDATE routes
            SET announced = $1
            WHERE policy_id = $2
            """, [try JSONColumn.text(of: places), policy])
    }
}
