import GRDB
package import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func installation() async throws(StorageError) -> String {
        try await read { session in
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
        let isWanted = try await read {
            try !$0.waitingDeliveries(
                for: sinks, limit: 1, since: gathering?.within ?? .zero
            ).isEmpty
        }
        guard isWanted else { return [] }
        let process = process
        return try await write { session in
            let leaseEnds = session.now + lease
            var claimed: [Delivery] = []
            for id in try session.waitingDeliveries(for: sinks, limit: limit) {
                try session.run(
                    """
                    UPDATE route_outbox
                    SET attempt = attempt + 1,
                        visible_at = ?,
                        holder = ?
                    WHERE delivery_id = ?
                    """, [leaseEnds.microseconds, process.rawValue, id.rawValue])
                if let delivery = try session.claimedDelivery(
                    id, kind, gathering?.most ?? 1)
                {
                    claimed.append(delivery)
                } else {
                    try session.drop(id)
                }
            }
            return claimed
        }
    }

    package func acknowledge(
        _ delivery: Delivery, memory: String?
    ) async throws(StorageError) -> Acknowledgement {
        try await write { session in
            let acknowledgement = try session.turn(from: delivery)
            if acknowledgement != .lost {
                try session.keepHolding(of: delivery, memory)
                try session.beginArrival(of: delivery)
            }
            return acknowledgement
        }
    }

    package func remember(
        _ memory: String, of delivery: Delivery
    ) async throws(StorageError) -> Bool {
        try await write { session in
            let publication = delivery.publication
            let kept = try session.run(
                """
                INSERT INTO sink_holdings (policy_id, sink, name, memory)
                SELECT policy_id, sink, name, ?3
                FROM route_outbox
                WHERE delivery_id = ?1
                  AND attempt = ?2
                  AND holder IS NOT NULL
                  AND sink = ?4
                  AND name = ?5
                ON CONFLICT (policy_id, sink, name) DO UPDATE
                SET memory = excluded.memory
                """,
                [
                    delivery.id.rawValue, delivery.attempt, memory, publication.sink,
                    publication.name,
                ])
            return kept == 1
        }
    }

    package func release(
        _ delivery: Delivery, after delay: Duration, error: String?
    ) async throws(StorageError) {
        try await write { session in
            try session.run(
                """
                UPDATE route_outbox
                SET visible_at = CASE WHEN ?5 AND generation <> ?6 THEN ?7 ELSE ?1 END,
                    holder = NULL,
                    last_error = ?2,
                    failures = CASE WHEN ?2 IS NULL THEN 0 ELSE failures + 1 END
                WHERE delivery_id = ?3
                  AND attempt = ?4
                """,
                [
                    (session.now + delay).microseconds, error, delivery.id.rawValue,
                    delivery.attempt, delivery.kind == .state, delivery.generation,
                    session.now.microseconds,
                ])
        }
    }

    package func hasten(to sink: String) async throws(StorageError) {
        try await write { session in
            try session.run(
                """
                UPDATE route_outbox
                SET visible_at = min(visible_at, ?2)
                WHERE sink = ?1
                  AND failures > 0
                  AND holder IS NULL
                """, [sink, session.now.microseconds])
        }
    }

    package func giveUp(
        _ delivery: Delivery, error: String
    ) async throws(StorageError) -> Bool {
        try await write { session in
            if try session.turn(from: delivery) == .lost { return false }
            try session.run(
                """
                INSERT INTO dead_letters
                    (policy_id, sink, name, generation, since, given_up_at, failures, last_error)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    delivery.policy.rawValue, delivery.publication.sink,
                    delivery.publication.name, delivery.generation, delivery.since.microseconds,
                    session.now.microseconds, delivery.failures + 1, error,
                ])
            return true
        }
    }

    package func retryDeliveries(
        to sink: String, of policy: PolicyID?
    ) async throws(StorageError) -> Int {
        try await write { session in
            let values: StatementArguments = [
                sink, policy?.rawValue, session.now.microseconds,
            ]
            try session.run(
                """
                INSERT INTO route_outbox
                    (policy_id, sink, name, generation, oldest, since, visible_at)
                SELECT d.policy_id, d.sink, d.name, r.generation, min(d.generation), ?3, ?3
                FROM dead_letters AS d
                JOIN routes AS r ON r.policy_id = d.policy_id
                WHERE d.sink = ?1
                  AND (?2 IS NULL OR d.policy_id = ?2)
                  AND r.generation IS NOT NULL
                GROUP BY d.policy_id, d.sink, d.name, r.generation
                ORDER BY d.policy_id, d.name
                ON CONFLICT (policy_id, sink, name) DO UPDATE
                SET oldest = min(coalesce(oldest, generation), excluded.oldest),
                    since = excluded.since
                """, values)
            try session.run(
                """
                DELETE FROM dead_letters
                WHERE sink = ?1
                  AND (?2 IS NULL OR policy_id = ?2)
                """, [sink, policy?.rawValue])
            return try session.run(
                """
                UPDATE route_outbox
                SET visible_at = ?3,
                    failures = 0
                WHERE sink = ?1
                  AND (?2 IS NULL OR policy_id = ?2)
                  AND holder IS NULL
                """, values)
        }
    }

    package func pendingDeliveries(
        of policy: PolicyID?
    ) async throws(StorageError) -> [PendingDelivery] {
        try await read { session in
            try session.all(
                """
                SELECT delivery_id, policy_id, sink, name, generation, attempt, failures, since,
                       visible_at, last_error, holder
                FROM route_outbox
                WHERE ?1 IS NULL
                   OR policy_id = ?1
                ORDER BY delivery_id
                """, [policy?.rawValue], PendingDelivery.init(row:))
        }
    }

    package func deadLetters(
        of policy: PolicyID?
    ) async throws(StorageError) -> [DeadLetter] {
        try await read { session in
            try session.all(
                """
                SELECT policy_id, sink, name, generation, since, given_up_at, failures, last_error
                FROM dead_letters
                WHERE ?1 IS NULL
                   OR policy_id = ?1
                ORDER BY letter_id
                """, [policy?.rawValue], DeadLetter.init(row:))
        }
    }

    package func pruneDeadLetters(
        keep: Duration, limit: Int
    ) async throws(StorageError) -> Int {
        try await write { session in
            try session.run(
                """
                DELETE FROM dead_letters
                WHERE given_up_at < ?
                  AND letter_id IN (
                    SELECT letter_id
                    FROM dead_letters
                    ORDER BY letter_id
                    LIMIT ?
                )
                """, [(session.now - keep).microseconds, limit])
        }
    }

    package func holdings(of policy: PolicyID) async throws(StorageError) -> [Holding] {
        try await read { session in
            try session.all(
                """
                SELECT sink, name, generation, delivered_at, difference, memory
                FROM sink_holdings
                WHERE policy_id = ?
                ORDER BY sink, name
                """, [policy.rawValue], Holding.init(row:))
        }
    }

    package func places(
        at sink: String, after: PolicyID, limit: Int
    ) async throws(StorageError) -> [PublishedPlace] {
        try await read { session in
            let policies: [PolicyID] = try session.all(
                """
                SELECT DISTINCT policy_id
                FROM publications
                WHERE sink = ?
                  AND policy_id > ?
                ORDER BY policy_id
                LIMIT ?
                """, [sink, after.rawValue, limit]
            ) { $0.id(0) }
            var places: [PublishedPlace] = []
            for policy in policies { places += try session.places(of: policy, at: sink) }
            return places
        }
    }

    package func note(
        difference: String?, at place: PublishedPlace
    ) async throws(StorageError) {
        try await write { session in
            try session.run(
                """
                INSERT INTO sink_holdings (policy_id, sink, name, difference)
                SELECT policy_id, ?2, ?3, ?4
                FROM policies
                WHERE policy_id = ?1
                ON CONFLICT (policy_id, sink, name) DO UPDATE
                SET difference = excluded.difference
                WHERE generation IS ?5
                """,
                [
                    place.policy.rawValue, place.publication.sink, place.publication.name,
                    difference, place.holding?.generation,
                ])
        }
    }

    package func redeliver(to place: PublishedPlace) async throws(StorageError) {
        try await write { session in
            try session.run(
                """
                INSERT INTO route_outbox
                    (policy_id, sink, name, generation, oldest, since, visible_at)
                SELECT policy_id, ?2, ?3, generation, generation, ?4, ?4
                FROM routes
                WHERE policy_id = ?1
                  AND generation IS NOT NULL
                ON CONFLICT (policy_id, sink, name) DO NOTHING
                """,
                [
                    place.policy.rawValue, place.publication.sink, place.publication.name,
                    session.now.microseconds,
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
        var due: [(since: Timestamp, id: DeliveryID)] = []
        for sink in Set(sinks) {
            due += try all(
                """
                SELECT since, delivery_id
                FROM route_outbox
                WHERE sink = ?1
                  AND visible_at <= ?2
                  AND (withdrawal IS NOT NULL OR NOT EXISTS (
                      SELECT 1
                      FROM route_outbox AS w
                      WHERE w.sink = route_outbox.sink
                        AND w.name = route_outbox.name
                        AND w.policy_id <> route_outbox.policy_id
                        AND w.withdrawal IS NOT NULL
                        AND w.holder IS NOT NULL
                        AND w.visible_at > ?4
                  ))
                ORDER BY since, delivery_id
                LIMIT ?3
                """, [sink, (now - pause).microseconds, limit, now.microseconds]
            ) { (since: $0.moment(0), id: $0.id(1)) }
        }
        due.sort { ($0.since, $0.id) < ($1.since, $1.id) }
        return due.prefix(limit).map(\.id)
    }

    /// With the newest route, or for an `event` sink the oldest that it did not get.
    fileprivate func claimedDelivery(
        _ delivery: DeliveryID, _ kind: SinkKind, _ most: Int
    ) throws -> Delivery? {
        let row = try first(
            """
            SELECT r.generation, r.cause, r.decided_at, r.answer, r.memory, r.members,
                   d.delivery_id, d.attempt, d.sink, d.name, d.policy_id, d.visible_at, p.spec,
                   d.failures, d.since, coalesce(d.oldest, d.generation), d.withdrawal,
                   h.generation, h.delivered_at, h.difference, h.memory
            FROM route_outbox AS d
            LEFT JOIN policies AS p ON p.policy_id = d.policy_id
            LEFT JOIN routes AS r ON r.policy_id = d.policy_id
            LEFT JOIN sink_holdings AS h
                ON h.policy_id = d.policy_id
               AND h.sink = d.sink
               AND h.name = d.name
            WHERE d.delivery_id = ?
            """, [delivery.rawValue]
        ) { try ClaimedRow($0, kind) }
        guard let row, var delivery = row.delivery else { return nil }
        if case .withdraw = delivery.order {
            delivery.taken = PolicySpec.families(
                of: try all(
                    """
                    SELECT DISTINCT p.policy_id, p.spec
                    FROM publications AS b
                    JOIN policies AS p ON p.policy_id = b.policy_id
                    WHERE b.sink = ?
                      AND b.name = ?
                      AND b.policy_id <> ?
                    """,
                    [
                        delivery.publication.sink, delivery.publication.name,
                        delivery.policy.rawValue,
                    ]
                ) { try $0.json(1) })
        }
        guard kind == .event, case .publish(let newest, _) = delivery.order else {
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
            """, [delivery.policy.rawValue, row.oldest, most]
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
            """, [delivery.policy.rawValue, route.generation]
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
            """, [delivery.rawValue])
    }
}

// What was delivered.
extension Session {
    /// Removes what was delivered, or turns to what comes next.
    fileprivate func turn(from delivery: Delivery) throws -> Acknowledgement {
        let removed = try run(
            """
            DELETE FROM route_outbox
            WHERE delivery_id = ?1
              AND attempt = ?2
              AND generation = ?3
              -- Of an event sink's, an earlier one may have been brought back meanwhile.
              AND (?4 OR coalesce(oldest, generation) = ?5)
            """,
            [
                delivery.id.rawValue, delivery.attempt, delivery.generation,
                delivery.kind == .state, delivery.oldest,
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
                """, [delivery.policy.rawValue, delivery.generation]
            ) { ($0.integer(0), $0.moment(1)) }
        }
        let turned = try run(
            """
            UPDATE route_outbox
            SET visible_at = ?1,
                holder = NULL,
                failures = 0,
                last_error = NULL,
                oldest = CASE
                    WHEN coalesce(oldest, generation) = ?6 THEN coalesce(?2, oldest)
                    ELSE oldest
                END,
                since = CASE
                    WHEN coalesce(oldest, generation) = ?6 THEN max(since, coalesce(?3, since))
                    ELSE since
                END
            WHERE delivery_id = ?4
              AND attempt = ?5
              AND holder IS NOT NULL
            """,
            [
                now.microseconds, next?.generation, next?.decidedAt.microseconds,
                delivery.id.rawValue, delivery.attempt, delivery.oldest,
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
            ON CONFLICT (policy_id, sink, name) DO UPDATE
            SET generation = excluded.generation,
                delivered_at = excluded.delivered_at,
                difference = NULL,
                memory = coalesce(excluded.memory, memory)
            """,
            [
                delivery.policy.rawValue, publication.sink, publication.name,
                delivery.generation, now.microseconds, memory,
            ])
    }

    fileprivate func forgetHolding(of policy: PolicyID, _ publication: Publication) throws {
        try run(
            """
            DELETE FROM sink_holdings
            WHERE policy_id = ?
              AND sink = ?
              AND name = ?
            """, [policy.rawValue, publication.sink, publication.name])
    }

    fileprivate func places(of policy: PolicyID, at sink: String) throws -> [PublishedPlace] {
        var found = PlacesAtSink()
        for holding in try all(
            """
            SELECT sink, name, generation, delivered_at, difference, memory
            FROM sink_holdings
            WHERE policy_id = ?
              AND sink = ?
            """, [policy.rawValue, sink], Holding.init(row:))
        {
            found.add(holding, of: policy)
        }
        for name in try all(
            """
            SELECT name
            FROM route_outbox
            WHERE policy_id = ?
              AND sink = ?
            """, [policy.rawValue, sink], { $0.text(0) })
        {
            found.addPending(name, of: policy)
        }
        return try all(
            """
            SELECT r.generation, r.cause, r.decided_at, r.answer, r.memory, r.members, p.spec
            FROM policies AS p
            JOIN routes AS r ON r.policy_id = p.policy_id
            WHERE p.policy_id = ?
            """, [policy.rawValue]
        ) { [found] row in
            found.places(
                of: policy, try row.json(6), row.isNull(0) ? nil : try Route(row, from: 0),
                at: sink)
        }.flatMap(\.self)
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
            INSERT INTO route_outbox
                (policy_id, sink, name, generation, oldest, since, visible_at)
            VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?5)
            ON CONFLICT (policy_id, sink, name) DO UPDATE
            SET generation = excluded.generation,
                oldest = CASE
                    WHEN withdrawal IS NULL THEN coalesce(oldest, generation)
                    ELSE excluded.oldest
                END,
                -- What failed before may be taken now.
                visible_at = CASE
                    WHEN holder IS NULL THEN min(visible_at, excluded.visible_at)
                    ELSE visible_at
                END,
                withdrawal = NULL
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
              AND withdrawal IS NULL
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

    /// Before publications go: what waits for each becomes its withdrawal, or what is known of it is
    /// forgotten.
    func part(with partings: [Parting]) throws {
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
                try run(
                    """
                    DELETE FROM route_outbox
                    WHERE policy_id = ?
                      AND sink = ?
                      AND name = ?
                      AND (holder IS NULL OR visible_at <= ?)
                    """,
                    [
                        parting.policy.rawValue, publication.sink, publication.name,
                        now.microseconds,
                    ])
                try run(
                    """
                    UPDATE route_outbox
                    SET generation = ?4,
                        oldest = ?4,
                        withdrawal = ?5
                    WHERE policy_id = ?1
                      AND sink = ?2
                      AND name = ?3
                    """,
                    [
                        parting.policy.rawValue, publication.sink, publication.name,
                        Withdrawal.generation, withdrawal,
                    ])
                try forgetHolding(of: parting.policy, publication)
                continue
            }
            try run(
                """
                INSERT INTO route_outbox
                    (policy_id, sink, name, generation, oldest, since, visible_at, withdrawal)
                VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?5, ?6)
                ON CONFLICT (policy_id, sink, name) DO UPDATE
                SET generation = excluded.generation,
                    oldest = excluded.oldest,
                    visible_at = CASE
                        WHEN holder IS NULL THEN min(visible_at, excluded.visible_at)
                        ELSE visible_at
                    END,
                    withdrawal = excluded.withdrawal
                """,
                [
                    parting.policy.rawValue, publication.sink, publication.name,
                    Withdrawal.generation, now.microseconds, withdrawal,
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
            """, [policy.rawValue, publication.sink, publication.name], Holding.init(row:)
        )?.wasDelivered ?? false
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
