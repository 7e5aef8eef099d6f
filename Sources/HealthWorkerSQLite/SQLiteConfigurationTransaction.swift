import GRDB
import HealthWorkerModel
import HealthWorkerStorage

/// What `ConfigurationWriter` does inside one of this storage's transactions.
struct SQLiteConfigurationTransaction: ConfigurationTransaction {
    let session: Session
    private let path: String
    /// What becomes of jobs; the storage adds it to its process's.
    private(set) var tally = Tally()

    init(session: Session, path: String) {
        self.session = session
        self.path = path
    }

    var now: Timestamp { session.now }

    /// Errors of statements, as this seam's.
    private func storing<Value>(_ body: () throws -> Value) throws(StorageError) -> Value {
        do {
            return try body()
        } catch {
            throw StorageError(error, path: path)
        }
    }
}

// Reading.
extension SQLiteConfigurationTransaction {
    func checks(named names: Set<String>) throws(StorageError) -> [Check] {
        try storing {
            try names.sorted().compactMap { try session.check(named: $0) }
        }
    }

    func checks(madeBy policies: Set<String>) throws(StorageError) -> [Check] {
        try storing {
            try policies.sorted().flatMap { policy in
                try session.all(
                    """
                    SELECT check_id, revision, epoch, set_name, made_by, created_at, updated_at, spec
                    FROM checks
                    WHERE made_by = ?
                    ORDER BY check_id
                    """, [policy], Check.init(row:))
            }
        }
    }

    func policies(named names: Set<String>) throws(StorageError) -> [Policy] {
        try storing {
            try names.sorted().compactMap { try session.policy(named: $0) }
        }
    }

    func policies(using checks: Set<CheckID>) throws(StorageError) -> [Policy] {
        try storing {
            var ids = Set<PolicyID>()
            for check in checks {
                ids.formUnion(try session.policies(using: check))
            }
            return try ids.sorted().compactMap { try session.policy($0) }
        }
    }

    func checks(dependingOn checks: Set<CheckID>) throws(StorageError) -> [Check] {
        try storing {
            var dependents: [CheckID: Check] = [:]
            for check in checks {
                let found = try session.all(
                    """
                    SELECT c.check_id, c.revision, c.epoch, c.set_name, c.made_by, c.created_at,
                           c.updated_at, c.spec
                    FROM check_dependencies AS d
                    JOIN checks AS c ON c.check_id = d.check_id
                    WHERE d.depends_on_id = ?
                    """, [check.rawValue], Check.init(row:))
                for dependent in found { dependents[dependent.id] = dependent }
            }
            return dependents.values.sorted { $0.id < $1.id }
        }
    }

    func publishers(
        of keys: Set<PublicationKey>
    ) throws(StorageError) -> [PublicationKey: String] {
        try storing {
            var publishers: [PublicationKey: String] = [:]
            for key in keys {
                publishers[key] = try session.first(
                    """
                    SELECT p.name
                    FROM publications AS u
                    JOIN policies AS p ON p.policy_id = u.policy_id
                    WHERE u.sink = ?
                      AND u.name = ?
                      AND u.family = ?
                    """, [key.sink, key.name, key.family.rawValue]
                ) { $0.text(0) }
            }
            return publishers
        }
    }
}

// Checks.
extension SQLiteConfigurationTransaction {
    mutating func insert(checks: [Check]) throws(StorageError) -> [CheckID] {
        try storing {
            // The slot is a function of the id, so the id is taken before the row is written; the
            // transaction holds the write lock, and AUTOINCREMENT goes on from what is inserted.
            var last =
                try session.first("SELECT seq FROM sqlite_sequence WHERE name = 'checks'") {
                    $0.integer(0)
                } ?? 0
            var ids: [CheckID] = []
            for check in checks {
                last += 1
                var check = check
                check.id = CheckID(last)
                try insert(check)
                ids.append(check.id)
            }
            return ids
        }
    }

    private func insert(_ check: Check) throws {
        let slot = Wheel.Slot(of: check.id, interval: check.spec.interval)
        try session.run(
            """
            INSERT INTO checks
                (check_id, name, set_name, made_by, revision, epoch, type, is_enabled, interval_us,
                 slot, timeout_ms, location, created_at, updated_at, spec)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                check.id.rawValue, check.spec.name, check.set, check.madeBy, check.revision,
                check.epoch, check.spec.type.rawValue, check.spec.isEnabled,
                slot.interval.duration.microseconds, slot.number, check.spec.timeoutColumn,
                check.spec.locationColumn, check.createdAt.microseconds,
                check.updatedAt.microseconds, try JSONColumn.text(of: check.spec),
            ])
        try session.run(
            """
            INSERT INTO check_health (check_id, epoch, health, health_since)
            VALUES (?, ?, 'unknown', ?)
            """, [check.id.rawValue, check.epoch, now.microseconds])
        try insertLabels(of: check)
    }

    private func insertLabels(of check: Check) throws {
        for (label, value) in check.spec.labels {
            try session.run(
                """
                INSERT INTO check_labels (label, value, name, check_id)
                VALUES (?, ?, ?, ?)
                """, [label, value, check.spec.name, check.id.rawValue])
        }
    }

    private func deleteLabels(of check: CheckID) throws {
        try session.run(
            """
            DELETE FROM check_labels
            WHERE check_id = ?
            """, [check.rawValue])
    }

    mutating func update(checks: [Check]) throws(StorageError) {
        try storing {
            for check in checks {
                try deleteLabels(of: check.id)
            }
            for check in checks {
                try update(check)
                try insertLabels(of: check)
            }
        }
    }

    private func update(_ check: Check) throws {
        let slot = Wheel.Slot(of: check.id, interval: check.spec.interval)
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
            """,
            [
                check.spec.name, check.set, check.madeBy, check.revision, check.epoch,
                check.spec.type.rawValue, check.spec.isEnabled,
                slot.interval.duration.microseconds, slot.number, check.spec.timeoutColumn,
                check.spec.locationColumn, check.updatedAt.microseconds,
                try JSONColumn.text(of: check.spec), check.id.rawValue,
            ])
        try session.run(
            """
            UPDATE probe_jobs
            SET timeout_ms = ?,
                location = ?
            WHERE check_id = ?
            """,
            [check.spec.timeoutColumn, check.spec.locationColumn, check.id.rawValue])
    }

    mutating func bind(dependencies: [CheckID: [CheckID]]) throws(StorageError) {
        try storing {
            for (check, parents) in dependencies {
                try session.run(
                    """
                    DELETE FROM check_dependencies
                    WHERE check_id = ?
                    """, [check.rawValue])
                for parent in Set(parents) {
                    try session.run(
                        """
                        INSERT INTO check_dependencies (check_id, depends_on_id)
                        VALUES (?, ?)
                        """, [check.rawValue, parent.rawValue])
                }
            }
        }
    }

    mutating func delete(checks: [CheckID]) throws(StorageError) {
        try endJobs(of: checks)
        try storing {
            for check in checks {
                try deleteLabels(of: check)
                try session.run(
                    """
                    DELETE FROM check_dependencies
                    WHERE check_id = ?1
                       OR depends_on_id = ?1
                    """, [check.rawValue])
                try session.run(
                    """
                    DELETE FROM check_health
                    WHERE check_id = ?
                    """, [check.rawValue])
                try session.run(
                    """
                    DELETE FROM health_changes
                    WHERE check_id = ?
                    """, [check.rawValue])
                try session.run(
                    """
                    DELETE FROM checks
                    WHERE check_id = ?
                    """, [check.rawValue])
            }
        }
    }

    mutating func forgetHealth(of checks: [CheckID], cause: TurnCause) throws(StorageError) {
        try storing {
            for check in checks {
                let health: Health? = try session.first(
                    """
                    SELECT health
                    FROM check_health
                    WHERE check_id = ?
                    """, [check.rawValue]
                ) { try $0.word(0) }
                guard let health else { continue }
                try session.run(
                    """
                    UPDATE check_health
                    SET epoch = (SELECT epoch FROM checks WHERE check_id = ?1),
                        health = 'unknown',
                        health_since = ?2,
                        in_a_row = 0,
                        run_since = NULL,
                        run_worker_id = NULL,
                        corroborated = 0,
                        inconclusive_since = NULL
                    WHERE check_id = ?1
                    """, [check.rawValue, now.microseconds])
                if health != .unknown {
                    let turn = HealthTurn(from: health, to: .unknown, cause: cause)
                    _ = try session.insert(turn, of: check, job: nil, worker: nil)
                }
            }
        }
    }

    mutating func ensureSlots(of checks: [Check]) throws(StorageError) {
        try storing {
            for slot in Set(checks.map { Wheel.Slot(of: $0.id, interval: $0.spec.interval) }) {
                try session.run(
                    """
                    INSERT INTO schedule_slots (interval_us, slot, due_at)
                    VALUES (?, ?, ?)
                    ON CONFLICT (interval_us, slot) DO NOTHING
                    """,
                    [
                        slot.interval.duration.microseconds, slot.number,
                        slot.firstDue(after: now).microseconds,
                    ])
            }
        }
    }

    mutating func enqueue(
        _ jobs: [(check: Check, id: CheckID, visibleAt: Timestamp)]
    ) throws(StorageError) {
        let enqueued = try storing {
            var enqueued = 0
            for job in jobs {
                try session.run(
                    """
                    UPDATE probe_jobs
                    SET due_at = ?1,
                        visible_at = ?2,
                        worker_id = NULL,
                        worker_location = NULL
                    WHERE check_id = ?3
                      AND (worker_id IS NULL OR visible_at <= ?1)
                    """, [now.microseconds, job.visibleAt.microseconds, job.id.rawValue])
                enqueued += try session.run(
                    """
                    INSERT INTO probe_jobs (check_id, due_at, visible_at, location, timeout_ms)
                    VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT (check_id) DO NOTHING
                    """,
                    [
                        job.id.rawValue, now.microseconds, job.visibleAt.microseconds,
                        job.check.spec.locationColumn, job.check.spec.timeoutColumn,
                    ])
            }
            return enqueued
        }
        tally.enqueued += Int64(enqueued)
    }

    mutating func endJobs(of checks: [CheckID]) throws(StorageError) {
        let ended = try storing {
            var ended = 0
            for check in checks {
                ended += try session.run(
                    """
                    DELETE FROM probe_jobs
                    WHERE check_id = ?
                    """, [check.rawValue])
            }
            return ended
        }
        tally.void += Int64(ended)
    }
}

// Policies.
extension SQLiteConfigurationTransaction {
    mutating func insert(policies: [BoundPolicy]) throws(StorageError) -> [PolicyID] {
        try storing {
            var ids: [PolicyID] = []
            for var bound in policies {
                let policy = bound.policy
                try session.run(
                    """
                    INSERT INTO policies
                        (name, set_name, revision, type, created_at, updated_at, spec)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                    [
                        policy.spec.name, policy.set, policy.revision, policy.spec.type.rawValue,
                        policy.createdAt.microseconds, policy.updatedAt.microseconds,
                        try JSONColumn.text(of: policy.spec),
                    ])
                bound.policy.id = PolicyID(session.db.lastInsertedRowID)
                try insertParts(of: bound)
                try session.run(
                    """
                    INSERT INTO routes (policy_id)
                    VALUES (?)
                    """, [bound.policy.id.rawValue])
                ids.append(bound.policy.id)
            }
            return ids
        }
    }

    mutating func update(policies: [BoundPolicy]) throws(StorageError) {
        try storing {
            // All that is given up goes first: policies of one batch may hand it to each other.
            for bound in policies {
                try deleteParts(of: bound.policy.id)
            }
            for bound in policies {
                let policy = bound.policy
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
                    """,
                    [
                        policy.spec.name, policy.set, policy.revision, policy.spec.type.rawValue,
                        policy.updatedAt.microseconds, try JSONColumn.text(of: policy.spec),
                        policy.id.rawValue,
                    ])
                try insertParts(of: bound)
                try session.keepDeliveries(of: policy)
            }
        }
    }

    mutating func delete(policies: [PolicyID]) throws(StorageError) {
        try storing {
            for policy in policies {
                try deleteParts(of: policy)
                try session.run(
                    """
                    DELETE FROM overrides
                    WHERE policy_id = ?
                    """, [policy.rawValue])
                try session.run(
                    """
                    DELETE FROM evaluations
                    WHERE policy_id = ?
                    """, [policy.rawValue])
                try session.run(
                    """
                    DELETE FROM route_outbox
                    WHERE policy_id = ?
                      AND withdrawal IS NULL
                    """, [policy.rawValue])
                try session.run(
                    """
                    DELETE FROM dead_letters
                    WHERE policy_id = ?
                    """, [policy.rawValue])
                try session.run(
                    """
                    DELETE FROM route_arrivals
                    WHERE policy_id = ?
                    """, [policy.rawValue])
                try session.run(
                    """
                    DELETE FROM route_changes
                    WHERE policy_id = ?
                    """, [policy.rawValue])
                try session.run(
                    """
                    DELETE FROM routes
                    WHERE policy_id = ?
                    """, [policy.rawValue])
                try session.run(
                    """
                    DELETE FROM policies
                    WHERE policy_id = ?
                    """, [policy.rawValue])
            }
        }
    }

    mutating func part(with partings: [Parting]) throws(StorageError) {
        try storing { try session.part(with: partings) }
    }

    /// Labels, members and publications.
    private func insertParts(of bound: BoundPolicy) throws {
        let policy = bound.policy
        for (label, value) in policy.spec.labels {
            try session.run(
                """
                INSERT INTO policy_labels (label, value, name, policy_id)
                VALUES (?, ?, ?, ?)
                """, [label, value, policy.spec.name, policy.id.rawValue])
        }
        for member in policy.spec.members {
            try session.run(
                """
                INSERT INTO policy_members (policy_id, member, check_id)
                VALUES (?, ?, ?)
                """, [policy.id.rawValue, member.name, bound.checks[member.name]?.rawValue])
        }
        // The writer has seen to it that at the end one policy has each; in between, one that is
        // still to be updated may hold it.
        for key in policy.spec.publicationKeys {
            try session.run(
                """
                INSERT INTO publications (sink, name, family, policy_id)
                VALUES (?, ?, ?, ?)
                ON CONFLICT (sink, name, family) DO UPDATE
                SET policy_id = excluded.policy_id
                """, [key.sink, key.name, key.family.rawValue, policy.id.rawValue])
        }
    }

    private func deleteParts(of policy: PolicyID) throws {
        try session.run(
            """
            DELETE FROM policy_labels
            WHERE policy_id = ?
            """, [policy.rawValue])
        try session.run(
            """
            DELETE FROM policy_members
            WHERE policy_id = ?
            """, [policy.rawValue])
        try session.run(
            """
            DELETE FROM publications
            WHERE policy_id = ?
            """, [policy.rawValue])
    }

    mutating func evaluate(policies: [PolicyID]) throws(StorageError) {
        try storing {
            for policy in policies {
                try session.insertEvaluation(of: policy, dueAt: now, .edited)
            }
        }
    }

    mutating func audit(_ entries: [AuditEntry]) throws(StorageError) {
        try storing { try session.append(entries) }
    }
}
