import HealthWorkerModel
import HealthWorkerStorage

/// What `ConfigurationWriter` does inside one of this storage's transactions, on the connection's
/// own thread.
///
/// What it reads it locks, checks before policies, each by id: of two writes that touch the same
/// objects the second waits for the first and then sees what it did. A name, a publication or a use
/// of a check that another write makes at the same time meets a unique or foreign key; the
/// transaction is then done again, and this time reads it.
struct MySQLConfigurationTransaction: ConfigurationTransaction {
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
extension MySQLConfigurationTransaction {
    func checks(named names: Set<String>) throws(StorageError) -> [Check] {
        if names.isEmpty { return [] }
        return try storing {
            try session.all(
                """
                SELECT c.check_id, c.revision, c.epoch, c.set_name, c.made_by, c.created_at,
                       c.updated_at, c.spec
                FROM JSON_TABLE(?, '$[*]' COLUMNS (
                         name VARCHAR(512) CHARACTER SET utf8mb4 PATH '$')) AS n
                STRAIGHT_JOIN checks AS c FORCE INDEX (checks_name)
                     ON c.name = n.name COLLATE utf8mb4_bin
                FOR UPDATE
                """, [try JSONColumn.text(of: names.sorted())], Check.init(row:))
        }.sorted { $0.id < $1.id }
    }

    func checks(madeBy policies: Set<String>) throws(StorageError) -> [Check] {
        if policies.isEmpty { return [] }
        return try storing {
            try session.all(
                """
                SELECT c.check_id, c.revision, c.epoch, c.set_name, c.made_by, c.created_at,
                       c.updated_at, c.spec
                FROM JSON_TABLE(?, '$[*]' COLUMNS (
                         name VARCHAR(512) CHARACTER SET utf8mb4 PATH '$')) AS n
                STRAIGHT_JOIN checks AS c FORCE INDEX (checks_made_by)
                     ON c.made_by = n.name COLLATE utf8mb4_bin
                FOR UPDATE
                """, [try JSONColumn.text(of: policies.sorted())], Check.init(row:))
        }.sorted { $0.id < $1.id }
    }

    func policies(named names: Set<String>) throws(StorageError) -> [Policy] {
        if names.isEmpty { return [] }
        return try storing {
            try holding(
                session.all(
                    """
                    SELECT p.policy_id, p.revision, p.set_name, p.created_at, p.updated_at, p.spec
                    FROM JSON_TABLE(?, '$[*]' COLUMNS (
                             name VARCHAR(512) CHARACTER SET utf8mb4 PATH '$')) AS n
                    STRAIGHT_JOIN policies AS p FORCE INDEX (policies_name)
                         ON p.name = n.name COLLATE utf8mb4_bin
                    FOR UPDATE
                    """, [try JSONColumn.text(of: names.sorted())], Policy.init(row:)))
        }
    }

    func policies(using checks: Set<CheckID>) throws(StorageError) -> [Policy] {
        if checks.isEmpty { return [] }
        return try storing {
            let ids: [PolicyID] = try session.all(
                """
                SELECT DISTINCT m.policy_id
                FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS c
                STRAIGHT_JOIN policy_members AS m FORCE INDEX (policy_members_of_check)
                     ON m.check_id = c.check_id
                """, [NumberTable(checks)]
            ) { $0.id(0) }
            return try holding(
                session.all(
                    """
                    SELECT p.policy_id, p.revision, p.set_name, p.created_at, p.updated_at, p.spec
                    FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS i
                    STRAIGHT_JOIN policies AS p FORCE INDEX (PRIMARY)
                         ON p.policy_id = i.policy_id
                    FOR UPDATE
                    """, [NumberTable(ids.sorted())], Policy.init(row:)))
        }
    }

    func checks(dependingOn checks: Set<CheckID>) throws(StorageError) -> [Check] {
        if checks.isEmpty { return [] }
        return try storing {
            let ids: [CheckID] = try session.all(
                """
                SELECT DISTINCT d.check_id
                FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS i
                STRAIGHT_JOIN check_dependencies AS d FORCE INDEX (check_dependencies_of)
                     ON d.depends_on_id = i.check_id
                """, [NumberTable(checks)]
            ) { $0.id(0) }
            return try session.all(
                """
                SELECT c.check_id, c.revision, c.epoch, c.set_name, c.made_by, c.created_at,
                       c.updated_at, c.spec
                FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS i
                STRAIGHT_JOIN checks AS c FORCE INDEX (PRIMARY) ON c.check_id = i.check_id
                FOR UPDATE
                """, [NumberTable(ids.sorted())], Check.init(row:))
        }.sorted { $0.id < $1.id }
    }

    private func holding(_ policies: [Policy]) -> [Policy] {
        held.policies.formUnion(policies.map(\.id))
        return policies.sorted { $0.id < $1.id }
    }

    func publishers(
        of keys: Set<PublicationKey>
    ) throws(StorageError) -> [PublicationKey: String] {
        if keys.isEmpty { return [:] }
        return try storing {
            let found = try session.all(
                """
                SELECT u.sink, u.name, u.family, p.name
                FROM JSON_TABLE(?, '$[*]' COLUMNS (
                         sink VARCHAR(512) CHARACTER SET utf8mb4 PATH '$[0]',
                         name VARCHAR(512) CHARACTER SET utf8mb4 PATH '$[1]',
                         family VARCHAR(512) CHARACTER SET utf8mb4 PATH '$[2]')) AS k
                STRAIGHT_JOIN publications AS u FORCE INDEX (PRIMARY)
                     ON u.sink = k.sink COLLATE utf8mb4_bin
                    AND u.name = k.name COLLATE utf8mb4_bin
                    AND u.family = k.family COLLATE utf8mb4_bin
                STRAIGHT_JOIN policies AS p FORCE INDEX (PRIMARY) ON p.policy_id = u.policy_id
                """, [try JSONColumn.text(of: keys.map(\.row))]
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
extension MySQLConfigurationTransaction {
    mutating func insert(checks: [Check]) throws(StorageError) -> [CheckID] {
        try storing {
            let ids = try newCheckIDs(checks.count)
            var checks = checks
            for index in checks.indices { checks[index].id = ids[index] }
            try session.insert(
                checks.map { check in try Self.columns(of: check) + [check.createdAt, check.id] },
                into: """
                    checks
                        (name, set_name, made_by, revision, epoch, type, is_enabled, interval_us,
                         slot, timeout_ms, location, updated_at, spec, created_at, check_id)
                    """)
            try session.insert(
                checks.map { [$0.id, $0.epoch, Health.unknown.rawValue, now] },
                into: "check_health (check_id, epoch, health, health_since)")
            try insertLabels(of: checks)
            return ids
        }
    }

    /// The slot is a function of the id, so the ids are taken before the rows are written.
    private func newCheckIDs(_ count: Int) throws -> [CheckID] {
        let ids = try session.insert(
            [[any Bindable]](repeating: [Int64?.none], count: count), into: "check_ids (check_id)"
        ).ids
        if let first = ids.first, let last = ids.last {
            try session.run(
                """
                DELETE FROM check_ids
                WHERE check_id BETWEEN ? AND ?
                """, [first, last])
        }
        return ids.map { CheckID($0) }
    }

    /// `name, set_name, made_by, revision, epoch, type, is_enabled, interval_us, slot, timeout_ms,
    /// location, updated_at, spec`.
    private static func columns(of check: Check) throws -> [any Bindable] {
        let slot = Wheel.Slot(of: check.id, interval: check.spec.interval)
        return [
            check.spec.name, check.set, check.madeBy, check.revision, check.epoch,
            check.spec.type.rawValue, check.spec.isEnabled, slot.interval.duration, slot.number,
            check.spec.timeoutColumn, check.spec.locationColumn, check.updatedAt,
            try JSONColumn.text(of: check.spec),
        ]
    }

    private func insertLabels(of checks: [Check]) throws {
        try session.insert(
            checks.flatMap { check in
                check.spec.labels.map { [$0.key, $0.value, check.spec.name, check.id] }
            }, into: "check_labels (label, value, name, check_id)")
    }

    private func deleteLabels(of checks: [CheckID]) throws {
        try session.run(
            """
            DELETE l
            FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS c
            STRAIGHT_JOIN check_labels AS l FORCE INDEX (check_labels_of_check)
                 ON l.check_id = c.check_id
            """, [NumberTable(checks)])
    }

    mutating func update(checks: [Check]) throws(StorageError) {
        try storing {
            try deleteLabels(of: checks.map(\.id))
            for check in checks {
                try session.run(
                    """
                    UPDATE checks
                    SET name = ?,
                        set_name = ?,
                        made_by = ?,
                        revision = ?,
                        epoch = ?,
                        type = ?,
                        is_enabled = ?,
                        interval_us = ?,
                        slot = ?,
                        timeout_ms = ?,
                        location = ?,
                        updated_at = ?,
                        spec = ?
                    WHERE check_id = ?
                    """, try Self.columns(of: check) + [check.id])
            }
            // Whoever ends the job learns from it what is asked now.
            for check in checks {
                try session.run(
                    """
                    UPDATE probe_jobs
                    SET epoch = ?,
                        location = ?,
                        timeout_ms = ?
                    WHERE check_id = ?
                    """,
                    [
                        check.epoch, check.spec.locationColumn, check.spec.timeoutColumn, check.id,
                    ])
            }
            try insertLabels(of: checks)
        }
    }

    mutating func bind(dependencies: [CheckID: [CheckID]]) throws(StorageError) {
        try storing {
            let checks = dependencies.keys.sorted()
            try session.run(
                """
                DELETE d
                FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS c
                STRAIGHT_JOIN check_dependencies AS d FORCE INDEX (PRIMARY)
                     ON d.check_id = c.check_id
                """, [NumberTable(checks)])
            try session.insert(
                checks.flatMap { check in
                    Set(dependencies[check] ?? []).sorted().map { [check, $0] }
                }, into: "check_dependencies (check_id, depends_on_id)")
        }
    }

    mutating func delete(checks: [CheckID]) throws(StorageError) {
        try endJobs(of: checks)
        try storing {
            try deleteLabels(of: checks)
            let ids = [NumberTable(checks)]
            // Each way by its own index.
            try session.run(
                """
                DELETE d
                FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS c
                STRAIGHT_JOIN check_dependencies AS d FORCE INDEX (PRIMARY)
                     ON d.check_id = c.check_id
                """, ids)
            try session.run(
                """
                DELETE d
                FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS c
                STRAIGHT_JOIN check_dependencies AS d FORCE INDEX (check_dependencies_of)
                     ON d.depends_on_id = c.check_id
                """, ids)
            try session.run(
                """
                DELETE h
                FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS c
                STRAIGHT_JOIN check_health AS h FORCE INDEX (PRIMARY) ON h.check_id = c.check_id
                """, ids)
            try session.run(
                """
                DELETE h
                FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS c
                STRAIGHT_JOIN health_changes AS h FORCE INDEX (health_changes_of_check)
                     ON h.check_id = c.check_id
                """, ids)
            try session.run(
                """
                DELETE d
                FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS c
                STRAIGHT_JOIN checks AS d FORCE INDEX (PRIMARY) ON d.check_id = c.check_id
                """, ids)
        }
    }

    mutating func forgetHealth(of checks: [CheckID], cause: TurnCause) throws(StorageError) {
        try storing {
            let known = try session.lockHealth(of: checks.sorted())
            let changes = try session.insert(
                known.sorted { $0.key < $1.key }.filter { $0.value.health != .unknown }.map {
                    (
                        check: $0.key,
                        turn: HealthTurn(from: $0.value.health, to: .unknown, cause: cause),
                        job: nil
                    )
                }, by: nil)
            try session.run(
                """
                UPDATE JSON_TABLE(?, '$[*]' COLUMNS (
                           check_id BIGINT PATH '$[0]', change_id BIGINT PATH '$[1]')) AS k
                STRAIGHT_JOIN checks AS c FORCE INDEX (PRIMARY) ON c.check_id = k.check_id
                STRAIGHT_JOIN check_health AS h FORCE INDEX (PRIMARY) ON h.check_id = k.check_id
                SET h.epoch = c.epoch,
                    h.health = 'unknown',
                    h.health_since = ?,
                    h.in_a_row = 0,
                    h.run_since = NULL,
                    h.run_worker_id = NULL,
                    h.corroborated = 0,
                    h.inconclusive_since = NULL,
                    h.change_id = coalesce(k.change_id, h.change_id)
                """,
                [
                    NumberTable(known.keys.sorted().map { [$0.rawValue, changes[$0]?.rawValue] }),
                    now,
                ])
        }
    }

    mutating func ensureSlots(of checks: [Check]) throws(StorageError) {
        try storing {
            let slots = Set(checks.map { Wheel.Slot(of: $0.id, interval: $0.spec.interval) })
                .sorted { ($0.interval, $0.number) < ($1.interval, $1.number) }
            // A row that is there is locked, so that no register takes it for an empty slot's
            // before these checks are there to be seen.
            try session.insert(
                slots.map { [$0.interval.duration, $0.number, $0.firstDue(after: now)] },
                into: "schedule_slots (interval_us, slot, due_at)",
                otherwise: "ON DUPLICATE KEY UPDATE due_at = schedule_slots.due_at")
        }
    }

    mutating func enqueue(
        _ jobs: [(check: Check, id: CheckID, visibleAt: Timestamp)]
    ) throws(StorageError) {
        let enqueued = try storing {
            try session.run(
                """
                UPDATE JSON_TABLE(?, '$[*]' COLUMNS (
                           check_id BIGINT PATH '$[0]', visible_at BIGINT PATH '$[1]')) AS n
                STRAIGHT_JOIN probe_jobs AS j FORCE INDEX (probe_jobs_of_check)
                     ON j.check_id = n.check_id
                SET j.due_at = ?,
                    j.visible_at = n.visible_at,
                    j.worker_id = NULL,
                    j.worker_location = NULL
                WHERE j.worker_id IS NULL
                   OR j.visible_at <= ?
                """,
                [
                    NumberTable(jobs.map { [$0.id.rawValue, $0.visibleAt.microseconds] }), now,
                    now,
                ])
            return try session.enqueue(
                jobs.map { job in
                    NewJob(
                        check: job.id, dueAt: now, visibleAt: job.visibleAt,
                        epoch: job.check.epoch, location: job.check.spec.locationColumn,
                        timeout: job.check.spec.timeoutColumn)
                })
        }
        tally.enqueued += Int64(enqueued)
    }

    mutating func endJobs(of checks: [CheckID]) throws(StorageError) {
        let ended = try storing {
            try session.run(
                """
                DELETE j
                FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS c
                STRAIGHT_JOIN probe_jobs AS j FORCE INDEX (probe_jobs_of_check)
                     ON j.check_id = c.check_id
                """, [NumberTable(checks)])
        }
        tally.void += Int64(ended)
    }
}

// Policies.
extension MySQLConfigurationTransaction {
    mutating func insert(policies: [BoundPolicy]) throws(StorageError) -> [PolicyID] {
        try storing {
            let ids = try session.insert(
                policies.map { try Self.columns(of: $0.policy) + [$0.policy.createdAt] },
                into: """
                    policies
                        (name, set_name, revision, type, updated_at, spec, created_at)
                    """
            ).ids.map { PolicyID($0) }
            var policies = policies
            for index in policies.indices { policies[index].policy.id = ids[index] }
            held.policies.formUnion(ids)
            try insertParts(of: policies)
            try session.insert(
                ids.map { [$0, "[]", "[]", "[]"] },
                into: "routes (policy_id, members, unprotected, announced)")
            return ids
        }
    }

    mutating func update(policies: [BoundPolicy]) throws(StorageError) {
        try storing {
            // All that is given up goes first: policies of one batch may hand it to each other.
            try deleteParts(of: policies.map(\.policy.id))
            for bound in policies {
                try session.run(
                    """
                    UPDATE policies
                    SET name = ?,
                        set_name = ?,
                        revision = ?,
                        type = ?,
                        updated_at = ?,
                        spec = ?
                    WHERE policy_id = ?
                    """, try Self.columns(of: bound.policy) + [bound.policy.id])
            }
            try insertParts(of: policies)
            for bound in policies { try session.keepDeliveries(of: bound.policy) }
        }
    }

    /// `name, set_name, revision, type, updated_at, spec`.
    private static func columns(of policy: Policy) throws -> [any Bindable] {
        [
            policy.spec.name, policy.set, policy.revision, policy.spec.type.rawValue,
            policy.updatedAt, try JSONColumn.text(of: policy.spec),
        ]
    }

    mutating func delete(policies: [PolicyID]) throws(StorageError) {
        try storing {
            try deleteParts(of: policies)
            let ids = [NumberTable(policies)]
            // The route before what hangs on it, as everywhere.
            try session.run(
                """
                DELETE r
                FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS p
                STRAIGHT_JOIN routes AS r FORCE INDEX (PRIMARY) ON r.policy_id = p.policy_id
                """, ids)
            try session.run(
                """
                DELETE o
                FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS p
                STRAIGHT_JOIN overrides AS o FORCE INDEX (overrides_member)
                     ON o.policy_id = p.policy_id
                """, ids)
            try session.run(
                """
                DELETE e
                FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS p
                STRAIGHT_JOIN evaluations AS e FORCE INDEX (evaluations_of_policy)
                     ON e.policy_id = p.policy_id
                """, ids)
            try session.run(
                """
                DELETE o
                FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS p
                STRAIGHT_JOIN route_outbox AS o FORCE INDEX (route_outbox_place)
                     ON o.policy_id = p.policy_id
                WHERE o.withdrawal IS NULL
                """, ids)
            try session.run(
                """
                DELETE d
                FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS p
                STRAIGHT_JOIN dead_letters AS d FORCE INDEX (dead_letters_of_policy)
                     ON d.policy_id = p.policy_id
                """, ids)
            try session.run(
                """
                DELETE a
                FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS p
                STRAIGHT_JOIN route_arrivals AS a FORCE INDEX (PRIMARY)
                     ON a.policy_id = p.policy_id
                """, ids)
            try session.run(
                """
                DELETE r
                FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS p
                STRAIGHT_JOIN route_changes AS r FORCE INDEX (PRIMARY)
                     ON r.policy_id = p.policy_id
                """, ids)
            try session.run(
                """
                DELETE d
                FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS p
                STRAIGHT_JOIN policies AS d FORCE INDEX (PRIMARY) ON d.policy_id = p.policy_id
                """, ids)
        }
    }

    mutating func part(with partings: [Parting]) throws(StorageError) {
        try storing { try session.part(with: partings) }
    }

    /// Labels, members and publications.
    private func insertParts(of policies: [BoundPolicy]) throws {
        try session.insert(
            policies.flatMap { bound in
                bound.policy.spec.labels.map {
                    [$0.key, $0.value, bound.policy.spec.name, bound.policy.id]
                }
            }, into: "policy_labels (label, value, name, policy_id)")
        try session.insert(
            policies.flatMap { bound in
                bound.policy.spec.members.map {
                    [bound.policy.id, $0.name, bound.checks[$0.name]]
                }
            }, into: "policy_members (policy_id, member, check_id)")
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
        let holders: [PolicyID] = try session.all(
            """
            SELECT u.policy_id
            FROM JSON_TABLE(?, '$[*]' COLUMNS (
                     sink VARCHAR(512) CHARACTER SET utf8mb4 PATH '$[0]',
                     name VARCHAR(512) CHARACTER SET utf8mb4 PATH '$[1]',
                     family VARCHAR(512) CHARACTER SET utf8mb4 PATH '$[2]')) AS k
            STRAIGHT_JOIN publications AS u FORCE INDEX (PRIMARY)
                 ON u.sink = k.sink COLLATE utf8mb4_bin
                AND u.name = k.name COLLATE utf8mb4_bin
                AND u.family = k.family COLLATE utf8mb4_bin
            FOR UPDATE
            """, [try JSONColumn.text(of: rows.map(\.key.row))]
        ) { $0.id(0) }
        guard held.policies.isSuperset(of: holders) else {
            throw session.conflict("a publication was taken meanwhile")
        }
        for (key, policy) in rows {
            // What another write inserts after the look above meets the key and has no row to move.
            let moved =
                holders.isEmpty
                ? 0
                : try session.run(
                    """
                    UPDATE publications
                    SET policy_id = ?
                    WHERE sink = ?
                      AND name = ?
                      AND family = ?
                    """, [policy, key.sink, key.name, key.family.rawValue])
            if moved == 0 {
                try session.run(
                    """
                    INSERT INTO publications (sink, name, family, policy_id)
                    VALUES (?, ?, ?, ?)
                    """, [key.sink, key.name, key.family.rawValue, policy])
            }
        }
    }

    private func deleteParts(of policies: [PolicyID]) throws {
        let ids = [NumberTable(policies)]
        try session.run(
            """
            DELETE l
            FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS p
            STRAIGHT_JOIN policy_labels AS l FORCE INDEX (policy_labels_of_policy)
                 ON l.policy_id = p.policy_id
            """, ids)
        try session.run(
            """
            DELETE m
            FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS p
            STRAIGHT_JOIN policy_members AS m FORCE INDEX (PRIMARY) ON m.policy_id = p.policy_id
            """, ids)
        try session.run(
            """
            DELETE u
            FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS p
            STRAIGHT_JOIN publications AS u FORCE INDEX (publications_of_policy)
                 ON u.policy_id = p.policy_id
            """, ids)
    }

    mutating func evaluate(policies: [PolicyID]) throws(StorageError) {
        try storing { try session.insertEvaluations(of: policies, dueAt: now, .edited) }
    }

    mutating func audit(_ entries: [AuditEntry]) throws(StorageError) {
        try storing { try session.append(entries) }
    }
}

extension PublicationKey {
    fileprivate var row: [String] { [sink, name, family.rawValue] }
}
