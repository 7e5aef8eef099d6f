package import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func installation() async throws(StorageError) -> String {
        try await perform { session in
            guard
                let id = try session.first(
                    "SELECT installation_id FROM installation", [], { $0.text(0) })
            else { throw StorageError.failed("The table installation is empty.") }
            return id
        }
    }

    package func claimDeliveries(
        to sinks: [String], of kind: SinkKind, limit: Int, lease: Duration,
        gathering: Gathering?
    ) async throws(StorageError) -> [Delivery] {
        let process = process
        return try await perform { session in
            let rows = try session.all(
                Self.claimWaitingDeliveries,
                [sinks, limit, lease, process, gathering?.within ?? .zero]
            ) { try ClaimedRow($0, kind) }
            var claimed: [Delivery] = []
            for row in rows {
                if let delivery = try session.walk(row, gathering?.most ?? 1) {
                    claimed.append(delivery)
                } else {
                    try session.drop(row.id, attempt: row.attempt)
                }
            }
            return claimed
        }
    }

    package func acknowledge(
        _ delivery: Delivery, memory: String?
    ) async throws(StorageError) -> Acknowledgement {
        try await transact { session in
            let acknowledgement = try session.turn(from: delivery)
            if acknowledgement != .lost {
                try session.keepHolding(of: delivery, memory)
                try session.beginArrival(of: delivery)
            }
            return acknowledgement
        }
    }

    package func release(
        _ delivery: Delivery, after delay: Duration, error: String?
    ) async throws(StorageError) {
        try await perform { session in
            _ = try session.run(
                """
                UPDATE route_outbox
                SET visible_at = CASE
                        WHEN $5::boolean AND generation <> $6 THEN now_us()
                        ELSE now_us() + $3
                    END,
                    holder = NULL,
                    last_error = $4,
                    failures = CASE WHEN $4::text IS NULL THEN 0 ELSE failures + 1 END
                WHERE delivery_id = $1
                  AND attempt = $2
                """,
                [
                    delivery.id, delivery.attempt, delay, error, delivery.kind == .state,
                    delivery.generation,
                ])
        }
    }

    package func remember(
        _ memory: String, of delivery: Delivery
    ) async throws(StorageError) -> Bool {
        try await transact { session in
            // In this order, as an acknowledgement.
            let held = try session.first(
                """
                SELECT 1
                FROM route_outbox
                WHERE delivery_id = $1
                  AND attempt = $2
                  AND holder IS NOT NULL
                FOR UPDATE
                """, [delivery.id, delivery.attempt]
            ) { $0.integer(0) }
            guard held != nil else { return false }
            try session.run(
                """
                INSERT INTO sink_holdings (policy_id, sink, name, memory)
                VALUES ($1, $2, $3, $4)
                ON CONFLICT (policy_id, sink, name) DO UPDATE
                SET memory = excluded.memory
                """,
                [delivery.policy, delivery.publication.sink, delivery.publication.name, memory])
            return true
        }
    }

    package func hasten(to sink: String) async throws(StorageError) {
        try await perform { session in
            _ = try session.run(
                """
                UPDATE route_outbox
                SET visible_at = now_us()
                WHERE delivery_id = ANY (ARRAY(
                    SELECT delivery_id
                    FROM route_outbox
                    WHERE sink = $1
                      AND failures > 0
                      AND holder IS NULL
                      AND visible_at > now_us()
                    ORDER BY delivery_id
                    FOR UPDATE SKIP LOCKED
                ))
                """, [sink])
        }
    }

    package func giveUp(
        _ delivery: Delivery, error: String
    ) async throws(StorageError) -> Bool {
        try await transact { session in
            if try session.turn(from: delivery) == .lost { return false }
            try session.run(
                """
                INSERT INTO dead_letters
                    (policy_id, sink, name, generation, since, given_up_at, failures, last_error)
                VALUES ($1, $2, $3, $4, $5, now_us(), $6, $7)
                """,
                [
                    delivery.policy, delivery.publication.sink, delivery.publication.name,
                    delivery.generation, delivery.since, delivery.failures + 1, error,
                ])
            return true
        }
    }

    package func retryDeliveries(
        to sink: String, of policy: PolicyID?
    ) async throws(StorageError) -> Int {
        try await transact { session in
            // These letters and no others: each statement sees what was committed before it, and one
            // that is given up in between stays.
            let letters: [Int64] = try session.all(
                """
                SELECT letter_id
                FROM dead_letters
                WHERE sink = $1
                  AND ($2::bigint IS NULL OR policy_id = $2)
                """, [sink, policy]
            ) { $0.integer(0) }
            try session.run(
                """
                INSERT INTO route_outbox
                    (policy_id, sink, name, generation, oldest, since, visible_at)
                SELECT d.policy_id, d.sink, d.name, r.generation, min(d.generation), now_us(),
                       now_us()
                FROM dead_letters AS d
                JOIN routes AS r USING (policy_id)
                WHERE d.letter_id = ANY ($1::bigint[])
                  AND r.generation IS NOT NULL
                GROUP BY d.policy_id, d.sink, d.name, r.generation
                ORDER BY d.policy_id, d.name
                ON CONFLICT (policy_id, sink, name) DO UPDATE
                SET oldest = least(
                    coalesce(route_outbox.oldest, route_outbox.generation), excluded.oldest),
                    since = excluded.since
                """, [letters])
            try session.run(
                """
                DELETE FROM dead_letters
                WHERE letter_id = ANY ($1::bigint[])
                """, [letters])
            return try session.run(
                """
                UPDATE route_outbox
                SET visible_at = now_us(),
                    failures = 0
                WHERE sink = $1
                  AND ($2::bigint IS NULL OR policy_id = $2)
                  AND holder IS NULL
                """, [sink, policy])
        }
    }

    package func pendingDeliveries(
        of policy: PolicyID?
    ) async throws(StorageError) -> [PendingDelivery] {
        try await perform { session in
            try session.all(
                """
                SELECT delivery_id, policy_id, sink, name, generation, attempt, failures, since,
                       visible_at, last_error, holder
                FROM route_outbox
                WHERE $1::bigint IS NULL
                   OR policy_id = $1
                ORDER BY delivery_id
                """, [policy], PendingDelivery.init(row:))
        }
    }

    package func deadLetters(
        of policy: PolicyID?
    ) async throws(StorageError) -> [DeadLetter] {
        try await perform { session in
            try session.all(
                """
                SELECT policy_id, sink, name, generation, since, given_up_at, failures, last_error
                FROM dead_letters
                WHERE $1::bigint IS NULL
                   OR policy_id = $1
                ORDER BY letter_id
                """, [policy], DeadLetter.init(row:))
        }
    }

    package func pruneDeadLetters(
        keep: Duration, limit: Int
    ) async throws(StorageError) -> Int {
        try await perform { session in
            try session.run(
                """
                DELETE FROM dead_letters
                WHERE given_up_at < now_us() - $1
                  AND letter_id IN (
                    SELECT letter_id
                    FROM dead_letters
                    ORDER BY letter_id
                    LIMIT $2
                )
                """, [keep, limit])
        }
    }

    package func holdings(of policy: PolicyID) async throws(StorageError) -> [Holding] {
        try await perform { session in
            try session.all(
                """
                SELECT sink, name, generation, delivered_at, difference, memory
                FROM sink_holdings
                WHERE policy_id = $1
                ORDER BY sink, name
                """, [policy], Holding.init(row:))
        }
    }

    package func places(
        at sink: String, after: PolicyID, limit: Int
    ) async throws(StorageError) -> [PublishedPlace] {
        try await perform { session in
            // What may be delivered meanwhile is read first: a holding is never newer than it looks.
            var found = PlacesAtSink()
            let policies: [PolicyID] = try session.all(
                """
                SELECT DISTINCT policy_id
                FROM publications
                WHERE sink = $1
                  AND policy_id > $2
                ORDER BY policy_id
                LIMIT $3
                """, [sink, after, limit]
            ) { $0.id(0) }
            for (policy, holding) in try session.all(
                """
                SELECT generation, delivered_at, difference, memory, policy_id, name
                FROM sink_holdings
                WHERE sink = $1
                  AND policy_id = ANY ($2::bigint[])
                """, [sink, policies],
                {
                    (
                        $0.id(4, of: PolicyID.self),
                        Holding(sink: sink, name: $0.text(5), $0, from: 0)
                    )
                })
            {
                found.add(holding, of: policy)
            }
            for (policy, name) in try session.all(
                """
                SELECT policy_id, name
                FROM route_outbox
                WHERE sink = $1
                  AND policy_id = ANY ($2::bigint[])
                """, [sink, policies], { ($0.id(0, of: PolicyID.self), $0.text(1)) })
            {
                found.addPending(name, of: policy)
            }
            return try session.all(
                """
                SELECT r.generation, r.cause, r.decided_at, r.answer, r.memory, r.members,
                       p.policy_id, p.spec
                FROM policies AS p
                JOIN routes AS r USING (policy_id)
                WHERE p.policy_id = ANY ($1::bigint[])
                ORDER BY p.policy_id
                """, [policies]
            ) { [found] row in
                found.places(
                    of: row.id(6), try row.json(7), row.isNull(0) ? nil : try Route(row, from: 0),
                    at: sink)
            }.flatMap(\.self)
        }
    }

    package func note(
        difference: String?, at place: PublishedPlace
    ) async throws(StorageError) {
        try await perform { session in
            _ = try session.run(
                """
                INSERT INTO sink_holdings AS h (policy_id, sink, name, difference)
                SELECT policy_id, $2, $3, $4
                FROM policies
                WHERE policy_id = $1
                ON CONFLICT (policy_id, sink, name) DO UPDATE
                SET difference = excluded.difference
                WHERE h.generation IS NOT DISTINCT FROM $5::bigint
                """,
                [
                    place.policy, place.publication.sink, place.publication.name, difference,
                    place.holding?.generation,
                ])
        }
    }

    package func redeliver(to place: PublishedPlace) async throws(StorageError) {
        try await perform { session in
            _ = try session.run(
                """
                INSERT INTO route_outbox
                    (policy_id, sink, name, generation, oldest, since, visible_at)
                SELECT policy_id, $2, $3, generation, generation, now_us(), now_us()
                FROM routes
                WHERE policy_id = $1
                  AND generation IS NOT NULL
                ON CONFLICT (policy_id, sink, name) DO NOTHING
                """, [place.policy, place.publication.sink, place.publication.name])
        }
    }
}

extension PostgreSQLStorage {
    /// Takes what waits for the sinks `$1`, oldest first, `$2` at most, for `$3` µs and the process
    /// `$4`, with the newest route of each; nothing before something has been due for `$5` µs.
    static let claimWaitingDeliveries = """
        WITH claimed AS (
            UPDATE route_outbox
            SET attempt = attempt + 1,
                visible_at = now_us() + $3,
                holder = $4
            WHERE ctid = ANY (ARRAY(
                SELECT ctid
                FROM route_outbox AS o
                WHERE sink = ANY ($1::text[])
                  AND visible_at <= now_us()
                  AND (withdrawal IS NOT NULL OR NOT EXISTS (
                      SELECT 1
                      FROM route_outbox AS w
                      WHERE w.sink = o.sink
                        AND w.name = o.name
                        AND w.policy_id <> o.policy_id
                        AND w.withdrawal IS NOT NULL
                        AND w.holder IS NOT NULL
                        AND w.visible_at > now_us()
                  ))
                  AND ($5 = 0 OR EXISTS (
                      SELECT
                      FROM route_outbox
                      WHERE sink = ANY ($1::text[])
                        AND visible_at <= now_us() - $5
                  ))
                ORDER BY since, delivery_id
                LIMIT $2
                FOR UPDATE SKIP LOCKED
            ))
            RETURNING delivery_id, attempt, since, sink, name, policy_id, visible_at, failures,
                      coalesce(oldest, generation) AS oldest, withdrawal
        )
        SELECT r.generation, r.cause, r.decided_at, r.answer, r.memory, r.members,
               d.delivery_id, d.attempt, d.sink, d.name, d.policy_id, d.visible_at, p.spec,
               d.failures, d.since, d.oldest, d.withdrawal,
               h.generation, h.delivered_at, h.difference, h.memory
        FROM claimed AS d
        LEFT JOIN policies AS p ON p.policy_id = d.policy_id
        LEFT JOIN routes AS r ON r.policy_id = d.policy_id
        LEFT JOIN sink_holdings AS h
            ON h.policy_id = d.policy_id
           AND h.sink = d.sink
           AND h.name = d.name
        ORDER BY d.since, d.delivery_id
        """
}

// What was claimed.
extension Session {
    /// What a claimed row delivers; to an `event` sink the oldest generations that it did not get.
    fileprivate func walk(_ row: ClaimedRow, _ most: Int) throws -> Delivery? {
        guard var delivery = row.delivery else { return nil }
        if case .withdraw = delivery.order {
            delivery.taken = PolicySpec.families(
                of: try all(
                    """
                    SELECT p.spec
                    FROM policies AS p
                    WHERE p.policy_id <> $3
                      AND p.policy_id IN (
                          SELECT policy_id
                          FROM publications
                          WHERE sink = $1
                            AND name = $2
                      )
                    """,
                    [delivery.publication.sink, delivery.publication.name, delivery.policy]
                ) { try $0.json(0) })
        }
        guard delivery.kind == .event, case .publish(let newest, _) = delivery.order else {
            return delivery
        }
        let next = try all(
            """
            SELECT generation, cause, decided_at, answer, memory, members
            FROM route_changes
            WHERE policy_id = $1
              AND generation >= $2
            ORDER BY generation
            LIMIT $3
            """, [delivery.policy, row.oldest, most]
        ) { try Route($0, from: 0) }
        let route = next.first ?? newest
        let before = try first(
            """
            SELECT generation, cause, decided_at, answer, memory, members
            FROM route_changes
            WHERE policy_id = $1
              AND generation < $2
            ORDER BY generation DESC
            LIMIT 1
            """, [delivery.policy, route.generation]
        ) { try Route($0, from: 0) }
        delivery.order = .publish(route, after: before)
        delivery.later = Array(next.dropFirst())
        return delivery
    }

    fileprivate func drop(_ delivery: DeliveryID, attempt: Int) throws {
        try run(
            """
            DELETE FROM route_outbox
            WHERE delivery_id = $1
              AND attempt = $2
            """, [delivery, attempt])
    }

    /// Removes what was delivered, or turns to what comes next.
    fileprivate func turn(from delivery: Delivery) throws -> Acknowledgement {
        let removed = try run(
            """
            DELETE FROM route_outbox
            WHERE delivery_id = $1
              AND attempt = $2
              AND generation = $3
              -- Of an event sink's, an earlier one may have been brought back meanwhile.
              AND ($4::boolean OR coalesce(oldest, generation) = $5)
            """,
            [
                delivery.id, delivery.attempt, delivery.generation, delivery.kind == .state,
                delivery.oldest,
            ])
        if removed == 1 { return .done }
        // Of an event sink's, and only where it is no withdrawal by now.
        let turned = try run(
            """
            UPDATE route_outbox AS o
            SET visible_at = now_us(),
                holder = NULL,
                failures = 0,
                last_error = NULL,
                oldest = CASE
                    WHEN coalesce(o.oldest, o.generation) = $6
                        THEN coalesce(n.generation, o.oldest)
                    ELSE o.oldest
                END,
                since = CASE
                    WHEN coalesce(o.oldest, o.generation) = $6
                        THEN greatest(o.since, n.decided_at)
                    ELSE o.since
                END
            FROM (SELECT 1) AS one
            LEFT JOIN (
                SELECT generation, decided_at
                FROM route_changes
                WHERE policy_id = $3
                  AND generation > $4
                  AND $5::boolean
                ORDER BY generation
                LIMIT 1
            ) AS n ON true
            WHERE o.delivery_id = $1
              AND o.attempt = $2
              AND o.holder IS NOT NULL
            """,
            [
                delivery.id, delivery.attempt, delivery.policy, delivery.generation,
                delivery.kind == .event, delivery.oldest,
            ])
        return turned == 1 ? .moreWaits : .lost
    }

    fileprivate func keepHolding(of delivery: Delivery, _ memory: String?) throws {
        let publication = delivery.publication
        if case .withdraw = delivery.order {
            try run(
                """
                DELETE FROM sink_holdings
                WHERE policy_id = $1
                  AND sink = $2
                  AND name = $3
                """, [delivery.policy, publication.sink, publication.name])
            return
        }
        try run(
            """
            INSERT INTO sink_holdings AS h
                (policy_id, sink, name, generation, delivered_at, memory)
            VALUES ($1, $2, $3, $4, now_us(), $5)
            ON CONFLICT (policy_id, sink, name) DO UPDATE
            SET generation = excluded.generation,
                delivered_at = excluded.delivered_at,
                difference = NULL,
                memory = coalesce(excluded.memory, h.memory)
            """,
            [
                delivery.policy, publication.sink, publication.name, delivery.generation, memory,
            ])
    }
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
                INSERT INTO route_outbox AS o
                    (policy_id, sink, name, generation, oldest, since, visible_at)
                SELECT $1, sink, name, $4, $4, $5, $5
                FROM unnest($2::text[], $3::text[]) AS p (sink, name)
                ORDER BY sink, name
                ON CONFLICT (policy_id, sink, name) DO UPDATE
                SET generation = excluded.generation,
                    oldest = CASE
                        WHEN o.withdrawal IS NULL THEN coalesce(o.oldest, o.generation)
                        ELSE excluded.oldest
                    END,
                    -- What failed before may be taken now.
                    visible_at = CASE
                        WHEN o.holder IS NULL THEN least(o.visible_at, excluded.visible_at)
                        ELSE o.visible_at
                    END,
                    withdrawal = NULL
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
              AND withdrawal IS NULL
              AND (sink, name) NOT IN (
                  SELECT sink, name
                  FROM unnest($2::text[], $3::text[]) AS p (sink, name)
              )
            """, [policy.id, publications.map(\.sink), publications.map(\.name)])
        let places = Set(publications.map(\.place))
        let kept = announced.filter(places.contains)
        if kept != announced { try setAnnounced(kept, of: policy.id) }
    }

    /// Before publications go: what waits for each becomes its withdrawal, or what is known of it is
    /// forgotten.
    func part(with partings: [Parting]) throws {
        // The routes first: every other transaction takes these two in this order.
        try run(
            """
            SELECT policy_id
            FROM routes
            WHERE policy_id = ANY ($1::bigint[])
            ORDER BY policy_id
            FOR NO KEY UPDATE
            """, [partings.map(\.policy)])
        for parting in partings {
            let publication = parting.withdrawal.publication
            let withdrawal = try JSONColumn.text(of: parting.withdrawal)
            let isAsked =
                switch parting.asks {
                case .always: true
                case .ifDelivered: try wasDelivered(of: parting.policy, publication)
                case .never: false
                }
            guard isAsked else {
                // In this order, as an acknowledgement.
                try run(
                    """
                    DELETE FROM route_outbox
                    WHERE policy_id = $1
                      AND sink = $2
                      AND name = $3
                      AND (holder IS NULL OR visible_at <= now_us())
                    """, [parting.policy, publication.sink, publication.name])
                try run(
                    """
                    UPDATE route_outbox
                    SET generation = $4,
                        oldest = $4,
                        withdrawal = $5
                    WHERE policy_id = $1
                      AND sink = $2
                      AND name = $3
                    """,
                    [
                        parting.policy, publication.sink, publication.name,
                        Withdrawal.generation, withdrawal,
                    ])
                try run(
                    """
                    DELETE FROM sink_holdings
                    WHERE policy_id = $1
                      AND sink = $2
                      AND name = $3
                    """, [parting.policy, publication.sink, publication.name])
                continue
            }
            try run(
                """
                INSERT INTO route_outbox AS o
                    (policy_id, sink, name, generation, oldest, since, visible_at, withdrawal)
                VALUES ($1, $2, $3, $4, $4, now_us(), now_us(), $5)
                ON CONFLICT (policy_id, sink, name) DO UPDATE
                SET generation = excluded.generation,
                    oldest = excluded.oldest,
                    visible_at = CASE
                        WHEN o.holder IS NULL THEN least(o.visible_at, excluded.visible_at)
                        ELSE o.visible_at
                    END,
                    withdrawal = excluded.withdrawal
                """,
                [
                    parting.policy, publication.sink, publication.name, Withdrawal.generation,
                    withdrawal,
                ])
        }
    }

    private func wasDelivered(of policy: PolicyID, _ publication: Publication) throws -> Bool {
        try first(
            """
            SELECT sink, name, generation, delivered_at, difference, memory
            FROM sink_holdings
            WHERE policy_id = $1
              AND sink = $2
              AND name = $3
            """, [policy, publication.sink, publication.name], Holding.init(row:)
        )?.wasDelivered ?? false
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
