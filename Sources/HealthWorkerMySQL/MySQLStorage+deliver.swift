package import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
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
        if let gathering {
            let late = try await read {
                try $0.waitingDeliveries(for: sinks, limit: 1, since: gathering.within)
            }
            if late.isEmpty { return [] }
        }
        // Twice as many as are wanted are looked for, without a lock: another register may take some.
        let wanted = try await read { try $0.waitingDeliveries(for: sinks, limit: limit * 2) }
        if wanted.isEmpty { return [] }
        let claimed: [Delivery] = try await transact { session in
            let leaseEnds = session.now + lease
            let held = try session.lockDeliveries(wanted, limit: limit)
            if held.isEmpty { return [] }
            try session.run(
                """
                UPDATE JSON_TABLE(?, '$[*]' COLUMNS (delivery_id BIGINT PATH '$[0]')) AS c
                STRAIGHT_JOIN route_outbox AS d FORCE INDEX (PRIMARY)
                     ON d.delivery_id = c.delivery_id
                SET d.attempt = d.attempt + 1,
                    d.visible_at = ?,
                    d.holder = ?
                """, [NumberTable(held), leaseEnds, process])
            var claimed: [Delivery] = []
            for row in try session.claimedDeliveries(held, kind) {
                if let delivery = try session.walk(row, gathering?.most ?? 1) {
                    claimed.append(delivery)
                } else {
                    try session.drop(row.id)
                }
            }
            return claimed
        }
        guard claimed.contains(where: { $0.route == nil }) else { return claimed }
        // Only now does everybody see that something is taken back: until then another policy may have
        // begun to publish there, and be under way.
        return try await perform { session in
            try claimed.map { try session.sparing($0) }
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
        try await read { session in
            _ = try session.run(
                """
                UPDATE route_outbox
                SET visible_at = IF(? AND generation <> ?, ?, ?),
                    holder = NULL,
                    last_error = ?,
                    failures = IF(?, failures + 1, 0)
                WHERE delivery_id = ?
                  AND attempt = ?
                """,
                [
                    delivery.kind == .state, delivery.generation, session.now,
                    session.now + delay, error, error != nil, delivery.id, delivery.attempt,
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
                WHERE delivery_id = ?
                  AND attempt = ?
                  AND holder IS NOT NULL
                FOR UPDATE
                """, [delivery.id, delivery.attempt]
            ) { $0.integer(0) }
            guard held != nil else { return false }
            try session.run(
                """
                INSERT INTO sink_holdings (policy_id, sink, name, memory)
                VALUES (?, ?, ?, ?)
                ON DUPLICATE KEY UPDATE memory = VALUES(memory)
                """,
                [delivery.policy, delivery.publication.sink, delivery.publication.name, memory])
            return true
        }
    }

    package func hasten(to sink: String) async throws(StorageError) {
        try await transact { session in
            let failed: [DeliveryID] = try session.all(
                """
                SELECT delivery_id
                FROM route_outbox
                WHERE sink = ?
                  AND failures > 0
                  AND holder IS NULL
                  AND visible_at > ?
                FOR UPDATE SKIP LOCKED
                """, [sink, session.now]
            ) { $0.id(0) }
            if failed.isEmpty { return }
            try session.run(
                """
                UPDATE JSON_TABLE(?, '$[*]' COLUMNS (delivery_id BIGINT PATH '$[0]')) AS c
                STRAIGHT_JOIN route_outbox AS d FORCE INDEX (PRIMARY)
                     ON d.delivery_id = c.delivery_id
                SET d.visible_at = ?
                """, [NumberTable(failed), session.now])
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
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    delivery.policy, delivery.publication.sink, delivery.publication.name,
                    delivery.generation, delivery.since, session.now, delivery.failures + 1, error,
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
            let ids = try session.all(
                """
                SELECT letter_id
                FROM dead_letters
                WHERE sink = ?
                  AND (? IS NULL OR policy_id = ?)
                """, [sink, policy, policy]
            ) { [$0.integer(0)] as [Int64?] }
            let letters = try session.all(
                """
                SELECT d.policy_id, d.name, r.generation, min(d.generation)
                FROM JSON_TABLE(?, '$[*]' COLUMNS (letter_id BIGINT PATH '$[0]')) AS c
                STRAIGHT_JOIN dead_letters AS d FORCE INDEX (PRIMARY) ON d.letter_id = c.letter_id
                STRAIGHT_JOIN routes AS r FORCE INDEX (PRIMARY) ON r.policy_id = d.policy_id
                WHERE r.generation IS NOT NULL
                GROUP BY d.policy_id, d.name, r.generation
                ORDER BY d.policy_id, d.name
                """, [NumberTable(ids)]
            ) {
                (
                    policy: $0.id(0, of: PolicyID.self), name: $0.text(1),
                    newest: $0.integer(2), oldest: $0.integer(3)
                )
            }
            try session.insert(
                letters.map {
                    [
                        $0.policy, sink, $0.name, $0.newest, $0.oldest, session.now, session.now,
                    ]
                },
                into: "route_outbox (policy_id, sink, name, generation, oldest, since, visible_at)",
                otherwise: """
                    ON DUPLICATE KEY UPDATE
                    oldest = LEAST(COALESCE(oldest, generation), VALUES(oldest)),
                    since = VALUES(since)
                    """)
            try session.run(
                """
                DELETE d
                FROM JSON_TABLE(?, '$[*]' COLUMNS (letter_id BIGINT PATH '$[0]')) AS c
                STRAIGHT_JOIN dead_letters AS d FORCE INDEX (PRIMARY) ON d.letter_id = c.letter_id
                """, [NumberTable(ids)])
            let due: [DeliveryID] = try session.all(
                """
                SELECT delivery_id
                FROM route_outbox
                WHERE sink = ?
                  AND (? IS NULL OR policy_id = ?)
                  AND holder IS NULL
                ORDER BY delivery_id
                FOR UPDATE
                """, [sink, policy, policy]
            ) { $0.id(0) }
            if due.isEmpty { return 0 }
            try session.run(
                """
                UPDATE JSON_TABLE(?, '$[*]' COLUMNS (delivery_id BIGINT PATH '$[0]')) AS c
                STRAIGHT_JOIN route_outbox AS d FORCE INDEX (PRIMARY)
                     ON d.delivery_id = c.delivery_id
                SET d.visible_at = ?,
                    d.failures = 0
                """, [NumberTable(due), session.now])
            return due.count
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
                WHERE ? IS NULL
                   OR policy_id = ?
                ORDER BY delivery_id
                """, [policy, policy], PendingDelivery.init(row:))
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
                WHERE ? IS NULL
                   OR policy_id = ?
                ORDER BY letter_id
                """, [policy, policy], DeadLetter.init(row:))
        }
    }

    package func pruneDeadLetters(
        keep: Duration, limit: Int
    ) async throws(StorageError) -> Int {
        try await read { session in
            try session.run(
                """
                DELETE d
                FROM (
                    SELECT letter_id
                    FROM dead_letters
                    ORDER BY letter_id
                    LIMIT ?
                ) AS oldest
                STRAIGHT_JOIN dead_letters AS d
                  ON d.letter_id = oldest.letter_id
                WHERE d.given_up_at < ?
                """, [limit, session.now - keep])
        }
    }

    package func holdings(of policy: PolicyID) async throws(StorageError) -> [Holding] {
        try await perform { session in
            try session.all(
                """
                SELECT sink, name, generation, delivered_at, difference, memory
                FROM sink_holdings
                WHERE policy_id = ?
                ORDER BY sink, name
                """, [policy], Holding.init(row:))
        }
    }

    package func places(
        at sink: String, after: PolicyID, limit: Int
    ) async throws(StorageError) -> [PublishedPlace] {
        try await perform { session in
            let policies: [PolicyID] = try session.all(
                """
                SELECT DISTINCT policy_id
                FROM publications
                WHERE sink = ?
                  AND policy_id > ?
                ORDER BY policy_id
                LIMIT ?
                """, [sink, after, limit]
            ) { $0.id(0) }
            guard let first = policies.first, let last = policies.last else { return [] }
            // What may be delivered meanwhile is read first: a holding is never newer than it looks.
            var found = PlacesAtSink()
            for (policy, holding) in try session.all(
                """
                SELECT generation, delivered_at, difference, memory, policy_id, name
                FROM sink_holdings
                WHERE sink = ?
                  AND policy_id BETWEEN ? AND ?
                """, [sink, first, last],
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
                WHERE sink = ?
                  AND policy_id BETWEEN ? AND ?
                """, [sink, first, last], { ($0.id(0, of: PolicyID.self), $0.text(1)) })
            {
                found.addPending(name, of: policy)
            }
            return try session.all(
                """
                SELECT r.generation, r.cause, r.decided_at, r.answer, r.memory, r.members,
                       p.policy_id, p.spec
                FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS w
                STRAIGHT_JOIN policies AS p FORCE INDEX (PRIMARY) ON p.policy_id = w.policy_id
                STRAIGHT_JOIN routes AS r FORCE INDEX (PRIMARY) ON r.policy_id = p.policy_id
                ORDER BY p.policy_id
                """, [NumberTable(policies)]
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
                INSERT INTO sink_holdings (policy_id, sink, name, difference)
                SELECT policy_id, ?, ?, ?
                FROM policies
                WHERE policy_id = ?
                ON DUPLICATE KEY UPDATE
                difference = IF(
                    sink_holdings.generation <=> ?, VALUES(difference), sink_holdings.difference)
                """,
                [
                    place.publication.sink, place.publication.name, difference, place.policy,
                    place.holding?.generation,
                ])
        }
    }

    package func redeliver(to place: PublishedPlace) async throws(StorageError) {
        try await read { session in
            _ = try session.run(
                """
                INSERT INTO route_outbox
                    (policy_id, sink, name, generation, oldest, since, visible_at)
                SELECT policy_id, ?, ?, generation, generation, ?, ?
                FROM routes
                WHERE policy_id = ?
                  AND generation IS NOT NULL
                ON DUPLICATE KEY UPDATE since = route_outbox.since
                """,
                [
                    place.publication.sink, place.publication.name, session.now, session.now,
                    place.policy,
                ])
        }
    }
}

// Claiming.
extension Session {
    /// What has been due at these sinks for so long, oldest first.
    fileprivate func waitingDeliveries(
        for sinks: [String], limit: Int, since pause: Duration = .zero
    ) throws -> [DeliveryID] {
        var waiting: [(since: Timestamp, id: DeliveryID)] = []
        for sink in Set(sinks) {
            waiting += try all(
                """
                SELECT since, delivery_id
                FROM route_outbox
                WHERE sink = ?
                  AND visible_at <= ?
                  AND (withdrawal IS NOT NULL OR NOT EXISTS (
                      SELECT 1
                      FROM route_outbox AS w
                      WHERE w.sink = route_outbox.sink
                        AND w.name = route_outbox.name
                        AND w.policy_id <> route_outbox.policy_id
                        AND w.withdrawal IS NOT NULL
                        AND w.holder IS NOT NULL
                        AND w.visible_at > ?
                  ))
                ORDER BY since, delivery_id
                LIMIT ?
                """, [sink, now - pause, now, limit]
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

    /// With the newest route of each.
    fileprivate func claimedDeliveries(
        _ deliveries: [DeliveryID], _ kind: SinkKind
    ) throws -> [ClaimedRow] {
        try all(
            """
            SELECT r.generation, r.cause, r.decided_at, r.answer, r.memory, r.members,
                   d.delivery_id, d.attempt, d.sink, d.name, d.policy_id, d.visible_at, p.spec,
                   d.failures, d.since, COALESCE(d.oldest, d.generation), d.withdrawal,
                   h.generation, h.delivered_at, h.difference, h.memory
            FROM JSON_TABLE(?, '$[*]' COLUMNS (delivery_id BIGINT PATH '$[0]')) AS c
            STRAIGHT_JOIN route_outbox AS d FORCE INDEX (PRIMARY)
                 ON d.delivery_id = c.delivery_id
            LEFT JOIN policies AS p FORCE INDEX (PRIMARY) ON p.policy_id = d.policy_id
            LEFT JOIN routes AS r FORCE INDEX (PRIMARY) ON r.policy_id = d.policy_id
            LEFT JOIN sink_holdings AS h FORCE INDEX (PRIMARY)
                 ON h.policy_id = d.policy_id
                AND h.sink = d.sink
                AND h.name = d.name
            ORDER BY d.since, d.delivery_id
            """, [NumberTable(deliveries)]
        ) { try ClaimedRow($0, kind) }
    }

    /// A withdrawal with what others publish at its name by now.
    fileprivate func sparing(_ delivery: Delivery) throws -> Delivery {
        guard case .withdraw = delivery.order else { return delivery }
        var delivery = delivery
        delivery.taken = PolicySpec.families(
            of: try all(
                """
                SELECT DISTINCT p.policy_id, p.spec
                FROM publications AS b
                STRAIGHT_JOIN policies AS p FORCE INDEX (PRIMARY)
                     ON p.policy_id = b.policy_id
                WHERE b.sink = ?
                  AND b.name = ?
                  AND b.policy_id <> ?
                """,
                [delivery.publication.sink, delivery.publication.name, delivery.policy]
            ) { try $0.json(1) })
        return delivery
    }

    /// What a claimed row delivers; to an `event` sink the oldest generation that it did not get.
    fileprivate func walk(_ row: ClaimedRow, _ most: Int) throws -> Delivery? {
        guard var delivery = row.delivery else { return nil }
        guard delivery.kind == .event, case .publish(let newest, _) = delivery.order else {
            return delivery
        }
        let next = try all(
            """
            SELECT generation, cause, decided_at, answer, memory, members
            FROM route_changes
            WHERE policy_id = ?
              AND generation >= ?
            ORDER BY generation
            LIMIT ?
            """, [delivery.policy, row.oldest, most]
        ) { try Route($0, from: 0) }
        let route = next.first ?? newest
        let before = try first(
            """
            SELECT generation, cause, decided_at, answer, memory, members
            FROM route_changes
            WHERE policy_id = ?
              AND generation < ?
            ORDER BY generation DESC
            LIMIT 1
            """, [delivery.policy, route.generation]
        ) { try Route($0, from: 0) }
        delivery.order = .publish(route, after: before)
        delivery.later = Array(next.dropFirst())
        return delivery
    }

    fileprivate func drop(_ delivery: DeliveryID) throws {
        try run(
            """
            DELETE FROM route_outbox
            WHERE delivery_id = ?
            """, [delivery])
    }
}

// What was delivered.
extension Session {
    /// Removes what was delivered, or turns to what comes next.
    fileprivate func turn(from delivery: Delivery) throws -> Acknowledgement {
        let removed = try run(
            """
            DELETE FROM route_outbox
            WHERE delivery_id = ?
              AND attempt = ?
              AND generation = ?
              -- Of an event sink's, an earlier one may have been brought back meanwhile.
              AND (? OR COALESCE(oldest, generation) = ?)
            """,
            [
                delivery.id, delivery.attempt, delivery.generation, delivery.kind == .state,
                delivery.oldest,
            ])
        if removed == 1 { return .done }
        var next: (generation: Int64, decidedAt: Timestamp)?
        if delivery.kind == .event {
            next = try first(
                """
                SELECT generation, decided_at
                FROM route_changes
                WHERE policy_id = ?
                  AND generation > ?
                ORDER BY generation
                LIMIT 1
                """, [delivery.policy, delivery.generation]
            ) { ($0.integer(0), $0.moment(1)) }
        }
        let turned = try run(
            """
            UPDATE route_outbox
            SET visible_at = ?,
                holder = NULL,
                failures = 0,
                last_error = NULL,
                -- In this order: each assignment sees those before it.
                since = IF(
                    COALESCE(oldest, generation) = ?, GREATEST(since, COALESCE(?, since)), since),
                oldest = IF(COALESCE(oldest, generation) = ?, COALESCE(?, oldest), oldest)
            WHERE delivery_id = ?
              AND attempt = ?
              AND holder IS NOT NULL
            """,
            [
                now, delivery.oldest, next?.decidedAt, delivery.oldest, next?.generation,
                delivery.id, delivery.attempt,
            ])
        return turned == 1 ? .moreWaits : .lost
    }

    fileprivate func keepHolding(of delivery: Delivery, _ memory: String?) throws {
        let publication = delivery.publication
        if case .withdraw = delivery.order {
            try forgetHolding(of: delivery.policy, publication)
            return
        }
        try run(
            """
            INSERT INTO sink_holdings (policy_id, sink, name, generation, delivered_at, memory)
            VALUES (?, ?, ?, ?, ?, ?)
            ON DUPLICATE KEY UPDATE
            generation = VALUES(generation),
            delivered_at = VALUES(delivered_at),
            difference = NULL,
            memory = COALESCE(VALUES(memory), memory)
            """,
            [
                delivery.policy, publication.sink, publication.name, delivery.generation, now,
                memory,
            ])
    }

    fileprivate func forgetHolding(of policy: PolicyID, _ publication: Publication) throws {
        try run(
            """
            DELETE FROM sink_holdings
            WHERE policy_id = ?
              AND sink = ?
              AND name = ?
            """, [policy, publication.sink, publication.name])
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
            wanted.map {
                [policy.id, $0.sink, $0.name, route.generation, route.generation, now, now]
            },
            into: "route_outbox (policy_id, sink, name, generation, oldest, since, visible_at)",
            // In this order: each assignment sees those before it.
            otherwise: """
                ON DUPLICATE KEY UPDATE
                oldest = IF(withdrawal IS NULL, COALESCE(oldest, generation), VALUES(oldest)),
                generation = VALUES(generation),
                visible_at = IF(
                    holder IS NULL, LEAST(visible_at, VALUES(visible_at)), visible_at),
                withdrawal = NULL
                """)
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
              AND withdrawal IS NULL
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

    /// Before publications go: what waits for each becomes its withdrawal, or what is known of it is
    /// forgotten.
    func part(with partings: [Parting]) throws {
        // The routes first: every other transaction takes these two in this order.
        _ = try all(
            """
            SELECT r.policy_id
            FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS p
            STRAIGHT_JOIN routes AS r FORCE INDEX (PRIMARY) ON r.policy_id = p.policy_id
            FOR UPDATE
            """, [NumberTable(partings.map(\.policy))]
        ) { $0.integer(0) }
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
                    WHERE policy_id = ?
                      AND sink = ?
                      AND name = ?
                      AND (holder IS NULL OR visible_at <= ?)
                    """, [parting.policy, publication.sink, publication.name, now])
                try run(
                    """
                    UPDATE route_outbox
                    SET generation = ?,
                        oldest = ?,
                        withdrawal = ?
                    WHERE policy_id = ?
                      AND sink = ?
                      AND name = ?
                    """,
                    [
                        Withdrawal.generation, Withdrawal.generation, withdrawal,
                        parting.policy, publication.sink, publication.name,
                    ])
                try forgetHolding(of: parting.policy, publication)
                continue
            }
            try run(
                """
                INSERT INTO route_outbox
                    (policy_id, sink, name, generation, oldest, since, visible_at, withdrawal)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON DUPLICATE KEY UPDATE
                generation = VALUES(generation),
                oldest = VALUES(oldest),
                visible_at = IF(
                    holder IS NULL, LEAST(visible_at, VALUES(visible_at)), visible_at),
                withdrawal = VALUES(withdrawal)
                """,
                [
                    parting.policy, publication.sink, publication.name, Withdrawal.generation,
                    Withdrawal.generation, now, now, withdrawal,
                ])
        }
    }

    private func wasDelivered(of policy: PolicyID, _ publication: Publication) throws -> Bool {
        try first(
            """
            SELECT sink, name, generation, delivered_at, difference, memory
            FROM sink_holdings
            WHERE policy_id = ?
              AND sink = ?
              AND name = ?
            """, [policy, publication.sink, publication.name], Holding.init(row:)
        )?.wasDelivered ?? false
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
