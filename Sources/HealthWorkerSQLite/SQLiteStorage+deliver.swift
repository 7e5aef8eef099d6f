import GRDB
package import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func claimDeliveries(
        to sinks: [String], limit: Int, lease: Duration
    ) async throws(StorageError) -> [Delivery] {
        let isWanted = try await read { !(try $0.deliveries(to: sinks, limit: 1)).isEmpty }
        guard isWanted else { return [] }
        return try await write { session in
            let leaseEnds = session.now + lease
            var claimed: [Delivery] = []
            for delivery in try session.deliveries(to: sinks, limit: limit) {
                try session.run(
                    """
                    UPDATE route_outbox
                    SET attempt = attempt + 1,
                        visible_at = ?
                    WHERE delivery_id = ?
                    """, [leaseEnds.microseconds, delivery.id.rawValue])
                if let delivery = delivery.claimed(until: leaseEnds) { claimed.append(delivery) }
            }
            return claimed
        }
    }

    package func acknowledge(_ delivery: Delivery) async throws(StorageError) -> Bool {
        try await write { session in
            let removed = try session.run(
                """
                DELETE FROM route_outbox
                WHERE delivery_id = ?
                  AND attempt = ?
                  AND generation = ?
                """, [delivery.id.rawValue, delivery.attempt, delivery.route.generation])
            if removed == 1 { return true }
            try session.run(
                """
                UPDATE route_outbox
                SET visible_at = ?,
                    last_error = NULL
                WHERE delivery_id = ?
                  AND attempt = ?
                """, [session.now.microseconds, delivery.id.rawValue, delivery.attempt])
            return false
        }
    }

    package func release(
        _ delivery: Delivery, after delay: Duration, error: String?
    ) async throws(StorageError) {
        try await write { session in
            try session.run(
                """
                UPDATE route_outbox
                SET visible_at = ?,
                    last_error = ?
                WHERE delivery_id = ?
                  AND attempt = ?
                """,
                [
                    (session.now + delay).microseconds, error, delivery.id.rawValue,
                    delivery.attempt,
                ])
        }
    }

    package func pendingDeliveries(
        of policy: PolicyID?
    ) async throws(StorageError) -> [PendingDelivery] {
        try await read { session in
            if let policy {
                return try session.all(
                    """
                    SELECT delivery_id, policy_id, sink, name, generation, attempt, since,
                           visible_at, last_error
                    FROM route_outbox
                    WHERE policy_id = ?
                    ORDER BY delivery_id
                    """, [policy.rawValue], PendingDelivery.init(row:))
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

/// A row of the outbox with what it delivers.
private struct WaitingDelivery: Sendable {
    var id: DeliveryID
    var attempt: Int
    var since: Timestamp
    var sink: String
    var name: String
    var policy: PolicyID
    var spec: PolicySpec
    var route: Route

    /// Nil for a publication that the policy does not have any more.
    func claimed(until leaseEnds: Timestamp) -> Delivery? {
        spec.publish.first { $0.sink == sink && $0.name == name }.map { publication in
            Delivery(
                id: id, attempt: attempt + 1, publication: publication, policy: policy,
                policyName: spec.name, route: route, leaseEnds: leaseEnds)
        }
    }
}

extension Session {
    /// What is due at these sinks, oldest first, with the newest route of each.
    fileprivate func deliveries(to sinks: [String], limit: Int) throws -> [WaitingDelivery] {
        var due: [WaitingDelivery] = []
        for sink in Set(sinks) {
            due += try all(
                """
                SELECT r.generation, r.cause, r.decided_at, r.answer, r.memory, r.members,
                       d.delivery_id, d.attempt, d.since, d.sink, d.name, d.policy_id, p.spec
                FROM route_outbox AS d
                JOIN policies AS p ON p.policy_id = d.policy_id
                JOIN routes AS r ON r.policy_id = d.policy_id
                WHERE d.sink = ?
                  AND d.visible_at <= ?
                ORDER BY d.since, d.delivery_id
                LIMIT ?
                """, [sink, now.microseconds, limit]
            ) { row in
                WaitingDelivery(
                    id: row.id(6), attempt: row.int(7), since: row.moment(8), sink: row.text(9),
                    name: row.text(10), policy: row.id(11), spec: try row.json(12),
                    route: try Route(row, from: 0))
            }
        }
        due.sort { ($0.since, $0.id) < ($1.since, $1.id) }
        return Array(due.prefix(limit))
    }

    /// Puts a route on its way to every publication of its policy: a new one to all of them, one
    /// that stays to those that never got any.
    func announce(
        _ route: Route, of policy: Policy, isNew: Bool, announced: [String]
    ) throws {
        let places = policy.spec.publish.map(\.place)
        for publication in policy.spec.publish
        where isNew || !announced.contains(publication.place) {
            try deliver(route.generation, of: policy.id, to: publication)
        }
        let all = Set(announced).union(places).sorted()
        if all != announced { try setAnnounced(all, of: policy.id) }
    }

    /// A newer generation takes the place of the one that waits; a lease on it stays.
    private func deliver(
        _ generation: Int64, of policy: PolicyID, to publication: Publication
    ) throws {
        try run(
            """
            INSERT INTO route_outbox (policy_id, sink, name, generation, since, visible_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?5)
            ON CONFLICT (policy_id, sink, name) DO UPDATE
            SET generation = excluded.generation
            """,
            [
                policy.rawValue, publication.sink, publication.name, generation, now.microseconds,
            ])
    }

    /// After an edit: what the policy does not publish any more is not delivered, and counts as
    /// never delivered should it come back.
    func keepDeliveries(of policy: Policy) throws {
        let publications = policy.spec.mode == .live ? policy.spec.publish : []
        let waiting = try all(
            """
            SELECT delivery_id, sink, name
            FROM route_outbox
            WHERE policy_id = ?
            """, [policy.id.rawValue]
        ) { (id: $0.id(0, of: DeliveryID.self), sink: $0.text(1), name: $0.text(2)) }
        for delivery in waiting
        where !publications.contains(where: {
            $0.sink == delivery.sink && $0.name == delivery.name
        }) {
            try run(
                """
                DELETE FROM route_outbox
                WHERE delivery_id = ?
                """, [delivery.id.rawValue])
        }
        let announced: [String] =
            try first(
                """
                SELECT announced
                FROM routes
                WHERE policy_id = ?
                """, [policy.id.rawValue]
            ) { try $0.json(0) } ?? []
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
            """, [try JSONColumn.text(of: places), policy.rawValue])
    }
}
