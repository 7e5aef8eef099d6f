package import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func claimDeliveries(
        to sinks: [String], limit: Int, lease: Duration
    ) async throws(StorageError) -> [Delivery] {
        // Twice as many as are wanted are looked for, without a lock: another register may take some.
        let wanted = try await read { try $0.waitingDeliveries(for: sinks, limit: limit * 2) }
        if wanted.isEmpty { return [] }
        return try await transact { session in
            let leaseEnds = session.now + lease
            let held = try session.lockDeliveries(wanted, limit: limit)
            if held.isEmpty { return [] }
            try session.run(
                """
                UPDATE JSON_TABLE(?, '$[*]' COLUMNS (delivery_id BIGINT PATH '$[0]')) AS c
                STRAIGHT_JOIN route_outbox AS d FORCE INDEX (PRIMARY)
                     ON d.delivery_id = c.delivery_id
                SET d.attempt = d.attempt + 1,
                    d.visible_at = ?
                """, [NumberTable(held), leaseEnds])
            return try session.claimedDeliveries(held)
        }
    }

    package func acknowledge(_ delivery: Delivery) async throws(StorageError) -> Bool {
        try await read { session in
            let removed = try session.run(
                """
                DELETE FROM route_outbox
                WHERE delivery_id = ?
                  AND attempt = ?
                  AND generation = ?
                """, [delivery.id, delivery.attempt, delivery.route.generation])
            if removed == 1 { return true }
            try session.run(
                """
                UPDATE route_outbox
                SET visible_at = ?,
                    last_error = NULL
                WHERE delivery_id = ?
                  AND attempt = ?
                """, [session.now, delivery.id, delivery.attempt])
            return false
        }
    }

    package func release(
        _ delivery: Delivery, after delay: Duration, error: String?
    ) async throws(StorageError) {
        try await read { session in
            _ = try session.run(
                """
                UPDATE route_outbox
                SET visible_at = ?,
                    last_error = ?
                WHERE delivery_id = ?
                  AND attempt = ?
                """, [session.now + delay, error, delivery.id, delivery.attempt])
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
                    WHERE policy_id = ?
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

// Claiming.
extension Session {
    /// What is due at these sinks, oldest first.
    fileprivate func waitingDeliveries(for sinks: [String], limit: Int) throws -> [DeliveryID] {
        var waiting: [(since: Timestamp, id: DeliveryID)] = []
        for sink in Set(sinks) {
            waiting += try all(
                """
                SELECT since, delivery_id
                FROM route_outbox
                WHERE sink = ?
                  AND visible_at <= ?
                ORDER BY since, delivery_id
                LIMIT ?
                """, [sink, now, limit]
            ) { (since: $0.moment(0), id: $0.id(1)) }
        }
        waiting.sort { ($0.since, $0.id) < ($1.since, $1.id) }
        return waiting.prefix(limit).map(\.id)
    }

    /// Those of them that nobody else holds or has taken meanwhile, in the given order.
    fileprivate func lockDeliveries(
        _ deliveries: [DeliveryID], limit: Int
    ) throws -> [DeliveryID] {
        try all(
            """
            SELECT d.delivery_id
            FROM JSON_TABLE(?, '$[*]' COLUMNS (delivery_id BIGINT PATH '$[0]')) AS w
            STRAIGHT_JOIN route_outbox AS d FORCE INDEX (PRIMARY)
                 ON d.delivery_id = w.delivery_id
            WHERE d.visible_at <= ?
            LIMIT ?
            FOR UPDATE SKIP LOCKED
            """, [NumberTable(deliveries), now, limit]
        ) { $0.id(0) }
    }

    /// With the newest route of each; without those that the policy does not publish any more.
    fileprivate func claimedDeliveries(_ deliveries: [DeliveryID]) throws -> [Delivery] {
        try all(
            """
            SELECT r.generation, r.cause, r.decided_at, r.answer, r.memory, r.members,
                   d.delivery_id, d.attempt, d.sink, d.name, d.policy_id, d.visible_at, p.spec
            FROM JSON_TABLE(?, '$[*]' COLUMNS (delivery_id BIGINT PATH '$[0]')) AS c
            STRAIGHT_JOIN route_outbox AS d FORCE INDEX (PRIMARY)
                 ON d.delivery_id = c.delivery_id
            STRAIGHT_JOIN policies AS p FORCE INDEX (PRIMARY) ON p.policy_id = d.policy_id
            STRAIGHT_JOIN routes AS r FORCE INDEX (PRIMARY) ON r.policy_id = d.policy_id
            ORDER BY d.since, d.delivery_id
            """, [NumberTable(deliveries)]
        ) { try Delivery(claimed: $0) }.compactMap(\.self)
    }
}

// Announcing.
extension Session {
    /// Puts a route on its way to every publication of its policy: a new one to all of them, one
    /// that stays to those that never got any.
    func announce(
        _ route: Route, of policy: Policy, isNew: Bool, announced: [String]
    ) throws {
        let places = policy.spec.publish.map(\.place)
        let wanted = policy.spec.publish.filter { isNew || !announced.contains($0.place) }
        // A newer generation takes the place of the one that waits; a lease on it stays.
        try insert(
            wanted.map { [policy.id, $0.sink, $0.name, route.generation, now, now] },
            into: "route_outbox (policy_id, sink, name, generation, since, visible_at)",
            otherwise: "ON DUPLICATE KEY UPDATE generation = VALUES(generation)")
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
                WHERE policy_id = ?
                FOR UPDATE
                """, [policy.id]
            ) { try $0.json(0) } ?? []
        let waiting = try all(
            """
            SELECT delivery_id, sink, name
            FROM route_outbox
            WHERE policy_id = ?
            """, [policy.id]
        ) { (id: $0.id(0, of: DeliveryID.self), sink: $0.text(1), name: $0.text(2)) }
        for delivery in waiting
        where !publications.contains(where: {
            $0.sink == delivery.sink && $0.name == delivery.name
        }) {
            try run(
                """
                DELETE FROM route_outbox
                WHERE delivery_id = ?
                """, [delivery.id])
        }
        let places = Set(publications.map(\.place))
        let kept = announced.filter(places.contains)
        if kept != announced { try setAnnounced(kept, of: policy.id) }
    }

    private func setAnnounced(_ places: [String], of policy: PolicyID) throws {
        try run(
            """
            UPDATE routes
            SET announced = ?
            WHERE policy_id = ?
            """, [try JSONColumn.text(of: places), policy])
    }
}
