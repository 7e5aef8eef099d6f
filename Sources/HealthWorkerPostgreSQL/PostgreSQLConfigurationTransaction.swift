import HealthWorkerModel
import HealthWorkerStorage

/// What `ConfigurationWriter` does inside one of this storage's transactions, on the connection's
/// own thread.
///
/// What it reads it locks, checks before policies, each by id: of two writes that touch the same
/// objects the second waits for the first and then sees what it did. A name, a publication or a use
/// of a check that another write makes at the same time meets a unique or foreign key; the
/// transaction is then done again, and this time reads it.
struct PostgreSQLConfigurationTransaction: ConfigurationTransaction {
    /// Policies whose rows this transaction holds: they may hand publications to each other.
    private final class Held {
        var policies = Set<PolicyID>()
    }

    private let session: Session
    private let held = Held()
    /// What becomes of jobs; the storage adds it to its process's.
    private(set) var tally = Tally()

    init(session: Session) {
        self.session = session
    }

    var now: Timestamp { session.now }

    /// Errors of statements, as this seam's.
    private func storing<Value>(_ body: () throws -> Value) throws(StorageError) -> Value {
        do {
            return try body()
        } catch {
            throw StorageError(error, at: session.address)
        }
    }
}

// Reading.
extension PostgreSQLConfigurationTransaction {
    func checks(named names: Set<String>) throws(StorageError) -> [Check] {
        if names.isEmpty { return [] }
        return try storing {
            try session.all(
                """
                SELECT check_id, revision, epoch, set_name, made_by, created_at, updated_at, spec
                FROM checks
                WHERE name = ANY ($1::text[])
                ORDER BY check_id
                FOR NO KEY UPDATE
                """, [Array(names)], Check.init(row:))
        }
    }

    func checks(madeBy policies: Set<String>) throws(StorageError) -> [Check] {
        if policies.isEmpty { return [] }
        return try storing {
            try session.all(
                """
                SELECT check_id, revision, epoch, set_name, made_by, created_at, updated_at, spec
                FROM checks
                WHERE made_by = ANY ($1::text[])
                ORDER BY check_id
                FOR NO KEY UPDATE
                """, [Array(policies)], Check.init(row:))
        }
    }

    func policies(named names: Set<String>) throws(StorageError) -> [Policy] {
        if names.isEmpty { return [] }
        return try storing {
            try holding(
                session.all(
                    """
                    SELECT policy_id, revision, set_name, created_at, updated_at, spec
                    FROM policies
                    WHERE name = ANY ($1::text[])
                    ORDER BY policy_id
                    FOR NO KEY UPDATE
                    """, [Array(names)], Policy.init(row:)))
        }
    }

    func policies(using checks: Set<CheckID>) throws(StorageError) -> [Policy] {
        if checks.isEmpty { return [] }
        return try storing {
            try holding(
                session.all(
                    """
                    SELECT policy_id, revision, set_name, created_at, updated_at, spec
                    FROM policies
                    WHERE policy_id IN (
                        SELECT policy_id
                        FROM policy_members
                        WHERE check_id = ANY ($1::bigint[])
                    )
                    ORDER BY policy_id
                    FOR NO KEY UPDATE
                    """, [Array(checks)], Policy.init(row:)))
        }
    }

    func checks(dependingOn checks: Set<CheckID>) throws(StorageError) -> [Check] {
        if checks.isEmpty { return [] }
        return try storing {
            try session.all(
                """
                SELECT check_id, revision, epoch, set_name, made_by, created_at, updated_at, spec
                FROM checks
                WHERE check_id IN (
                    SELECT check_id
                    FROM check_dependencies
                    WHERE depends_on_id = ANY ($1::bigint[])
                )
                ORDER BY check_id
                FOR NO KEY UPDATE
                """, [Array(checks)], Check.init(row:))
        }
    }

    private func holding(_ policies: [Policy]) -> [Policy] {
        held.policies.formUnion(policies.map(\.id))
        return policies
    }

    func publishers(
        of keys: Set<PublicationKey>
    ) throws(StorageError) -> [PublicationKey: String] {
        if keys.isEmpty { return [:] }
        return try storing {
            let keys = Array(keys)
            let found = try session.all(
                """
                SELECT u.sink, u.name, u.family, p.name
                FROM unnest($1::text[], $2::text[], $3::text[]) AS k (sink, name, family)
                JOIN publications AS u USING (sink, name, family)
                JOIN policies AS p USING (policy_id)
                """, [keys.map(\.sink), keys.map(\.name), keys.map(\.family.rawValue)]
            ) { row in
                (
                    key: PublicationKey(
                        sink: row.text(0), name: row.text(1), family: try row.word(2)),
                    policy: row.text(3)
                )
            }
            return Dictionary(uniqueKeysWithValues: found.map { ($0.key, $0.policy) })
        }
    }
}

// Checks.
extension PostgreSQLConfigurationTransaction {
    mutating func insert(checks: [Check]) throws(StorageError) -> [CheckID] {
        try storing {
            // The slot is a function of the id, so the ids are taken before the rows are written.
            let ids: [CheckID] = try session.all(
                "SELECT nextval('check_ids') FROM generate_series(1, $1)", [checks.count]
            ) { $0.id(0) }.sorted()
            var checks = checks
            for index in checks.indices { checks[index].id = ids[index] }
            let columns = try CheckColumns(checks)
            try session.run(
                """
                INSERT INTO checks
                    (check_id, name, set_name, made_by, revision, epoch, type, is_enabled,
                     interval_us, slot, timeout_ms, location, updated_at, spec, created_at)
                SELECT *
                FROM unnest(
                    $1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
                    $7::text[], $8::boolean[], $9::bigint[], $10::integer[], $11::bigint[],
                    $12::text[], $13::bigint[], $14::text[], $15::bigint[]
                )
                """, columns.values + [checks.map(\.createdAt)])
            try session.run(
                """
                INSERT INTO check_health (check_id, epoch, health, health_since)
                SELECT check_id, epoch, 'unknown', $3
                FROM unnest($1::bigint[], $2::bigint[]) AS c (check_id, epoch)
                """, [ids, checks.map(\.epoch), now])
            try insertLabels(of: checks)
            return ids
        }
    }

    private func insertLabels(of checks: [Check]) throws {
        let labels = checks.flatMap { check in
            check.spec.labels.map { (check: check, label: $0.key, value: $0.value) }
        }
        if labels.isEmpty { return }
        try session.run(
            """
            INSERT INTO check_labels (label, value, name, check_id)
            SELECT *
            FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
            """,
            [
                labels.map(\.label), labels.map(\.value), labels.map(\.check.spec.name),
                labels.map(\.check.id),
            ])
    }

    private func deleteLabels(of checks: [CheckID]) throws {
        try session.run(
            """
            DELETE FROM check_labels
            WHERE check_id = ANY ($1::bigint[])
            """, [checks])
    }

    mutating func update(checks: [Check]) throws(StorageError) {
        try storing {
            try deleteLabels(of: checks.map(\.id))
            try session.run(
                """
                UPDATE checks AS c
                SET name = n.name,
                    set_name = n.set_name,
                    made_by = n.made_by,
                    revision = n.revision,
                    epoch = n.epoch,
                    type = n.type,
                    is_enabled = n.is_enabled,
                    interval_us = n.interval_us,
                    slot = n.slot,
                    timeout_ms = n.timeout_ms,
                    location = n.location,
                    updated_at = n.updated_at,
                    spec = n.spec
                FROM unnest(
                    $1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
                    $7::text[], $8::boolean[], $9::bigint[], $10::integer[], $11::bigint[],
                    $12::text[], $13::bigint[], $14::text[]
                ) AS n (
                    check_id, name, set_name, made_by, revision, epoch, type, is_enabled,
                    interval_us, slot, timeout_ms, location, updated_at, spec
                )
                WHERE c.check_id = n.check_id
                """, try CheckColumns(checks).values)
            // Whoever ends the job learns from it what is asked now.
            try session.run(
                """
                UPDATE probe_jobs AS j
                SET epoch = n.epoch,
                    location = n.location,
                    timeout_ms = n.timeout_ms
                FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])
                    AS n (check_id, epoch, location, timeout_ms)
                WHERE j.check_id = n.check_id
                """,
                [
                    checks.map(\.id), checks.map(\.epoch), checks.map(\.spec.locationColumn),
                    checks.map(\.spec.timeoutColumn),
                ])
            try insertLabels(of: checks)
        }
    }

    mutating func bind(dependencies: [CheckID: [CheckID]]) throws(StorageError) {
        try storing {
            let checks = dependencies.keys.sorted()
            try session.run(
                """
                DELETE FROM check_dependencies
                WHERE check_id = ANY ($1::bigint[])
                """, [checks])
            let pairs = checks.flatMap { check in
                Set(dependencies[check] ?? []).sorted().map { (check: check, parent: $0) }
            }
            if pairs.isEmpty { return }
            try session.run(
                """
                INSERT INTO check_dependencies (check_id, depends_on_id)
                SELECT *
                FROM unnest($1::bigint[], $2::bigint[])
                """, [pairs.map(\.check), pairs.map(\.parent)])
        }
    }

    mutating func delete(checks: [CheckID]) throws(StorageError) {
        try endJobs(of: checks)
        try storing {
            try deleteLabels(of: checks)
            try session.run(
                """
                DELETE FROM check_dependencies
                WHERE check_id = ANY ($1::bigint[])
                   OR depends_on_id = ANY ($1::bigint[])
                """, [checks])
            try session.run(
                """
                DELETE FROM check_health
                WHERE check_id = ANY ($1::bigint[])
                """, [checks])
            try session.run(
                """
                DELETE FROM health_changes
                WHERE check_id = ANY ($1::bigint[])
                """, [checks])
            try session.run(
                """
                DELETE FROM checks
                WHERE check_id = ANY ($1::bigint[])
                """, [checks])
        }
    }

    mutating func forgetHealth(of checks: [CheckID], cause: TurnCause) throws(StorageError) {
        try storing {
            // What it was before is read under the row's lock; the update is of the same snapshot.
            _ = try session.run(
                """
                WITH known AS MATERIALIZED (
                    SELECT h.check_id, h.health, c.epoch,
                           CASE
                               WHEN h.health = 'unknown' THEN h.change_id
                               ELSE nextval('health_change_ids')
                           END AS change_id
                    FROM check_health AS h
                    JOIN checks AS c USING (check_id)
                    WHERE h.check_id = ANY ($1::bigint[])
                    ORDER BY h.check_id
                    FOR UPDATE OF h
                ),
                forgotten AS (
                    UPDATE check_health AS h
                    SET epoch = k.epoch,
                        health = 'unknown',
                        health_since = $2,
                        in_a_row = 0,
                        run_since = NULL,
                        run_worker_id = NULL,
                        corroborated = false,
                        inconclusive_since = NULL,
                        change_id = k.change_id
                    FROM known AS k
                    WHERE h.check_id = k.check_id
                )
                INSERT INTO health_changes (change_id, check_id, at, from_health, to_health, cause)
                SELECT change_id, check_id, $2, health, 'unknown', $3
                FROM known
                WHERE health <> 'unknown'
                """, [checks, now, cause.rawValue])
        }
    }

    mutating func ensureSlots(of checks: [Check]) throws(StorageError) {
        try storing {
            let slots = Array(
                Set(checks.map { Wheel.Slot(of: $0.id, interval: $0.spec.interval) }))
            // A row that is there is locked, so that no register takes it for an empty slot's
            // before these checks are there to be seen.
            _ = try session.run(
                """
                INSERT INTO schedule_slots AS s (interval_us, slot, due_at)
                SELECT interval_us, slot, due_at
                FROM unnest($1::bigint[], $2::integer[], $3::bigint[])
                    AS n (interval_us, slot, due_at)
                ORDER BY interval_us, slot
                ON CONFLICT (interval_us, slot) DO UPDATE
                SET due_at = s.due_at
                """,
                [
                    slots.map(\.interval.duration), slots.map(\.number),
                    slots.map { $0.firstDue(after: now) },
                ])
        }
    }

    mutating func enqueue(
        _ jobs: [(check: Check, id: CheckID, visibleAt: Timestamp)]
    ) throws(StorageError) {
        let enqueued = try storing {
            try session.run(
                """
                UPDATE probe_jobs AS j
                SET due_at = $3,
                    visible_at = n.visible_at,
                    worker_id = NULL,
                    worker_location = NULL
                FROM unnest($1::bigint[], $2::bigint[]) AS n (check_id, visible_at)
                WHERE j.check_id = n.check_id
                  AND (j.worker_id IS NULL OR j.visible_at <= $3)
                """, [jobs.map(\.id), jobs.map(\.visibleAt), now])
            return try session.run(
                """
                INSERT INTO probe_jobs
                    (check_id, due_at, visible_at, epoch, location, timeout_ms)
                SELECT check_id, $6, visible_at, epoch, location, timeout_ms
                FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[])
                    AS n (check_id, visible_at, epoch, location, timeout_ms)
                ORDER BY check_id
                ON CONFLICT (check_id) DO NOTHING
                """,
                [
                    jobs.map(\.id), jobs.map(\.visibleAt), jobs.map(\.check.epoch),
                    jobs.map(\.check.spec.locationColumn), jobs.map(\.check.spec.timeoutColumn),
                    now,
                ])
        }
        tally.enqueued += Int64(enqueued)
    }

    mutating func endJobs(of checks: [CheckID]) throws(StorageError) {
        let ended = try storing {
            try session.run(
                """
                DELETE FROM probe_jobs
                WHERE check_id = ANY ($1::bigint[])
                """, [checks])
        }
        tally.void += Int64(ended)
    }
}

// Policies.
extension PostgreSQLConfigurationTransaction {
    mutating func insert(policies: [BoundPolicy]) throws(StorageError) -> [PolicyID] {
        try storing {
            let ids: [PolicyID] = try session.all(
                "SELECT nextval('policy_ids') FROM generate_series(1, $1)", [policies.count]
            ) { $0.id(0) }.sorted()
            var policies = policies
            for index in policies.indices { policies[index].policy.id = ids[index] }
            let rows = policies.map(\.policy)
            try session.run(
                """
                INSERT INTO policies
                    (policy_id, name, set_name, revision, type, updated_at, spec, created_at)
                SELECT *
                FROM unnest(
                    $1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[],
                    $7::text[], $8::bigint[]
                )
                """, try Self.columns(of: rows) + [rows.map(\.createdAt)])
            held.policies.formUnion(ids)
            try insertParts(of: policies)
            try session.run(
                """
                INSERT INTO routes (policy_id)
                SELECT *
                FROM unnest($1::bigint[])
                """, [ids])
            return ids
        }
    }

    mutating func update(policies: [BoundPolicy]) throws(StorageError) {
        try storing {
            // All that is given up goes first: policies of one batch may hand it to each other.
            try deleteParts(of: policies.map(\.policy.id))
            try session.run(
                """
                UPDATE policies AS p
                SET name = n.name,
                    set_name = n.set_name,
                    revision = n.revision,
                    type = n.type,
                    updated_at = n.updated_at,
                    spec = n.spec
                FROM unnest(
                    $1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[],
                    $7::text[]
                ) AS n (policy_id, name, set_name, revision, type, updated_at, spec)
                WHERE p.policy_id = n.policy_id
                """, try Self.columns(of: policies.map(\.policy)))
            try insertParts(of: policies)
            for bound in policies { try session.keepDeliveries(of: bound.policy) }
        }
    }

    private static func columns(of policies: [Policy]) throws -> [any Bindable] {
        [
            policies.map(\.id), policies.map(\.spec.name), policies.map(\.set),
            policies.map(\.revision), policies.map(\.spec.type.rawValue),
            policies.map(\.updatedAt), try policies.map { try JSONColumn.text(of: $0.spec) },
        ]
    }

    mutating func delete(policies: [PolicyID]) throws(StorageError) {
        try storing {
            try deleteParts(of: policies)
            // The route before what hangs on it, as everywhere.
            try session.run(
                """
                DELETE FROM routes
                WHERE policy_id = ANY ($1::bigint[])
                """, [policies])
            try session.run(
                """
                DELETE FROM overrides
                WHERE policy_id = ANY ($1::bigint[])
                """, [policies])
            try session.run(
                """
                DELETE FROM evaluations
                WHERE policy_id = ANY ($1::bigint[])
                """, [policies])
            try session.run(
                """
                DELETE FROM route_outbox
                WHERE policy_id = ANY ($1::bigint[])
                  AND withdrawal IS NULL
                """, [policies])
            try session.run(
                """
                DELETE FROM dead_letters
                WHERE policy_id = ANY ($1::bigint[])
                """, [policies])
            try session.run(
                """
                DELETE FROM route_arrivals
                WHERE policy_id = ANY ($1::bigint[])
                """, [policies])
            try session.run(
                """
                DELETE FROM route_changes
                WHERE policy_id = ANY ($1::bigint[])
                """, [policies])
            try session.run(
                """
                DELETE FROM policies
                WHERE policy_id = ANY ($1::bigint[])
                """, [policies])
        }
    }

    mutating func part(with partings: [Parting]) throws(StorageError) {
        try storing { try session.part(with: partings) }
    }

    /// Labels, members and publications.
    private func insertParts(of policies: [BoundPolicy]) throws {
        let labels = policies.flatMap { bound in
            bound.policy.spec.labels.map { (policy: bound.policy, label: $0.key, value: $0.value) }
        }
        if !labels.isEmpty {
            try session.run(
                """
                INSERT INTO policy_labels (label, value, name, policy_id)
                SELECT *
                FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
                """,
                [
                    labels.map(\.label), labels.map(\.value), labels.map(\.policy.spec.name),
                    labels.map(\.policy.id),
                ])
        }
        let members = policies.flatMap { bound in
            bound.policy.spec.members.map {
                (policy: bound.policy.id, name: $0.name, check: bound.checks[$0.name])
            }
        }
        if !members.isEmpty {
            try session.run(
                """
                INSERT INTO policy_members (policy_id, member, check_id)
                SELECT *
                FROM unnest($1::bigint[], $2::text[], $3::bigint[])
                """, [members.map(\.policy), members.map(\.name), members.map(\.check)])
        }
        let places = policies.flatMap { bound in
            bound.policy.spec.publicationKeys.sorted().map { (key: $0, policy: bound.policy.id) }
        }
        if !places.isEmpty { try insertPublications(places) }
    }

    /// The writer has seen to it that at the end one policy has each; in between, one that is still
    /// to be updated may hold it. One that another write took meanwhile is not to be had.
    private func insertPublications(_ places: [(key: PublicationKey, policy: PolicyID)]) throws {
        // Two policies of one call hand a place on where the last one keeps it.
        var last: [PublicationKey: PolicyID] = [:]
        for place in places { last[place.key] = place.policy }
        let rows = last.sorted { $0.key < $1.key }
        let inserted = try session.run(
            """
            INSERT INTO publications AS u (sink, name, family, policy_id)
            SELECT *
            FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
            ON CONFLICT (sink, name, family) DO UPDATE
            SET policy_id = excluded.policy_id
            WHERE u.policy_id = ANY ($5::bigint[])
            """,
            [
                rows.map(\.key.sink), rows.map(\.key.name), rows.map(\.key.family.rawValue),
                rows.map(\.value), Array(held.policies),
            ])
        if inserted != rows.count { throw session.conflict("a publication was taken meanwhile") }
    }

    private func deleteParts(of policies: [PolicyID]) throws {
        try session.run(
            """
            DELETE FROM policy_labels
            WHERE policy_id = ANY ($1::bigint[])
            """, [policies])
        try session.run(
            """
            DELETE FROM policy_members
            WHERE policy_id = ANY ($1::bigint[])
            """, [policies])
        try session.run(
            """
            DELETE FROM publications
            WHERE policy_id = ANY ($1::bigint[])
            """, [policies])
    }

    mutating func evaluate(policies: [PolicyID]) throws(StorageError) {
        try storing { try session.insertEvaluations(of: policies, dueAt: now, .edited) }
    }

    mutating func audit(_ entries: [AuditEntry]) throws(StorageError) {
        try storing { try session.append(entries) }
    }
}

/// What is written of checks, one array for each column.
private struct CheckColumns {
    /// `check_id, name, set_name, made_by, revision, epoch, type, is_enabled, interval_us, slot,
    /// timeout_ms, location, updated_at, spec`.
    let values: [any Bindable]

    init(_ checks: [Check]) throws {
        let slots = checks.map { Wheel.Slot(of: $0.id, interval: $0.spec.interval) }
        var values: [any Bindable] = [
            checks.map(\.id), checks.map(\.spec.name), checks.map(\.set), checks.map(\.madeBy),
            checks.map(\.revision), checks.map(\.epoch), checks.map(\.spec.type.rawValue),
            checks.map(\.spec.isEnabled),
        ]
        values += [
            slots.map(\.interval.duration), slots.map(\.number),
            checks.map(\.spec.timeoutColumn), checks.map(\.spec.locationColumn),
            checks.map(\.updatedAt), try checks.map { try JSONColumn.text(of: $0.spec) },
        ]
        self.values = values
    }
}
