package import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    /// One snapshot: number, due evaluations and inputs are of the same moment, so that what
    /// changes later is evaluated again.
    package func evaluationInputs(
        of policy: PolicyID
    ) async throws(StorageError) -> EvaluationInputs? {
        try await perform { session in
            try session.snapshot { session in
                guard let row = try session.routeRow(of: policy) else { return nil }
                let due: [EvaluationID] = try session.all(
                    """
                    SELECT id
                    FROM evaluations
                    WHERE policy_id = ?
                      AND due_at <= ?
                    ORDER BY id
                    """, [policy, session.now]
                ) { $0.id(0) }
                guard let spec = try session.policies(ids: [policy]).first else { return nil }
                let health = try session.memberHealth(of: [policy])[policy] ?? [:]
                let inputs = PolicyEvaluation.Inputs(
                    policy: spec,
                    health: health.explained(
                        by: try session.unhealthyDependencies(of: health.unhealthyChecks)),
                    overrides: try session.overrides(of: policy),
                    maintenances: try session.standingMaintenances(),
                    freeze: row.freeze.flatMap { $0.holds(at: session.now) ? $0 : nil },
                    previous: row.route, now: session.now)
                return EvaluationInputs(evaluation: row.evaluation, answers: due, inputs: inputs)
            }
        }
    }

    package func commit(_ commit: EvaluationCommit) async throws(StorageError) -> CommitOutcome {
        try await transact { try $0.commit(commit) }
    }

    package func outdo(
        _ generation: Int64, of policy: PolicyID
    ) async throws(StorageError) -> Bool {
        try await transact { try $0.outdo(generation, of: policy) }
    }

    package func commit(
        all commits: [EvaluationCommit]
    ) async throws(StorageError) -> [CommitOutcome]? {
        try await transact { session in
            // Every policy, then every route, each by id, as everywhere.
            let ids = commits.map(\.read.inputs.policy.id).sorted()
            for id in ids {
                guard try session.lockedPolicy(id) != nil else { return nil }
            }
            let numbers = Dictionary(
                uniqueKeysWithValues: commits.map {
                    ($0.read.inputs.policy.id, $0.read.evaluation)
                })
            for id in ids {
                guard try session.lockedRouteRow(of: id)?.evaluation == numbers[id] else {
                    return nil
                }
            }
            return try commits.map { try session.commit($0) }
        }
    }

    package func dropEvaluations(ofGone policy: PolicyID) async throws(StorageError) {
        try await transact { session in
            _ = try session.run(
                """
                DELETE FROM evaluations
                WHERE policy_id = ?
                  AND NOT EXISTS (
                      SELECT 1
                      FROM policies
                      WHERE policy_id = ?
                  )
                """, [policy, policy])
        }
    }

    package func insertMissedEvaluations() async throws(StorageError) -> Int {
        try await perform { session in
            let missed = try session.snapshot { try $0.policiesOfOtherInputs() }
            if missed.isEmpty { return 0 }
            try session.insertEvaluations(of: missed, dueAt: session.now, .missed)
            return missed.count
        }
    }
}

// Reading.
extension Session {
    fileprivate func routeRow(of policy: PolicyID) throws -> RouteRow? {
        try first(
            """
            SELECT generation, cause, decided_at, answer, memory, members,
                   evaluation, freeze, announced
            FROM routes
            WHERE policy_id = ?
            """, [policy], RouteRow.init)
    }

    /// Until the transaction ends nobody else stores a verdict of this policy.
    fileprivate func lockedRouteRow(of policy: PolicyID) throws -> RouteRow? {
        try first(
            """
            SELECT generation, cause, decided_at, answer, memory, members,
                   evaluation, freeze, announced
            FROM routes
            WHERE policy_id = ?
            FOR UPDATE
            """, [policy], RouteRow.init)
    }

    /// Until the transaction ends nobody edits or deletes it.
    fileprivate func lockedPolicy(_ id: PolicyID) throws -> Policy? {
        try first(
            """
            SELECT policy_id, revision, set_name, created_at, updated_at, spec
            FROM policies
            WHERE policy_id = ?
            LOCK IN SHARE MODE
            """, [id], Policy.init(row:))
    }

    fileprivate func memberHealth(
        of policies: [PolicyID]
    ) throws -> [PolicyID: [String: PolicyEvaluation.MemberHealth]] {
        let members = try all(
            """
            SELECT m.policy_id, m.member,
                   m.check_id, h.health, h.health_since, h.epoch, h.change_id, c.is_enabled,
                   t.noticed_at
            FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS p
            STRAIGHT_JOIN policy_members AS m FORCE INDEX (PRIMARY) ON m.policy_id = p.policy_id
            STRAIGHT_JOIN checks AS c FORCE INDEX (PRIMARY) ON c.check_id = m.check_id
            STRAIGHT_JOIN check_health AS h FORCE INDEX (PRIMARY) ON h.check_id = m.check_id
            LEFT JOIN health_changes AS t FORCE INDEX (PRIMARY) ON t.change_id = h.change_id
            """, [NumberTable(policies)]
        ) { row in
            (
                policy: row.id(0, of: PolicyID.self), name: row.text(1),
                health: try PolicyEvaluation.MemberHealth(row, from: 2)
            )
        }
        var health: [PolicyID: [String: PolicyEvaluation.MemberHealth]] = [:]
        for member in members {
            health[member.policy, default: [:]][member.name] = member.health
        }
        return health
    }

    /// Policies whose route was decided from other inputs than the present ones, and that nobody is
    /// about to look at.
    fileprivate func policiesOfOtherInputs() throws -> [PolicyID] {
        let policies = try all(
            """
            SELECT p.policy_id, p.revision, r.inputs
            FROM policies AS p
            JOIN routes AS r ON r.policy_id = p.policy_id
            WHERE NOT EXISTS (
                SELECT 1
                FROM evaluations AS e
                WHERE e.policy_id = p.policy_id
                  AND e.due_at <= ?
            )
            ORDER BY p.policy_id
            """, [now]
        ) { (id: $0.id(0, of: PolicyID.self), revision: $0.integer(1), inputs: $0.optionalText(2)) }
        let health = try memberHealth(of: policies.map(\.id))
        return policies.compactMap { policy in
            // The fingerprint is of the revision and of the members' health alone, so that the
            // document need not be read for each policy.
            let inputs = PolicyEvaluation.Inputs(
                policy: Policy(
                    id: policy.id, revision: policy.revision,
                    spec: PolicySpec(name: "", type: .simple, members: []), createdAt: now,
                    updatedAt: now),
                health: health[policy.id] ?? [:], now: now)
            return inputs.fingerprint == policy.inputs ? nil : policy.id
        }
    }
}

// Writing.
extension Session {
    fileprivate func outdo(_ generation: Int64, of id: PolicyID) throws -> Bool {
        guard let policy = try lockedPolicy(id), let row = try lockedRouteRow(of: id),
            let route = row.route?.outdoing(generation, at: now)
        else { return false }
        try run(
            """
            UPDATE routes
            SET evaluation = evaluation + 1,
                generation = ?,
                decided_at = ?
            WHERE policy_id = ?
            """, [route.generation, route.decidedAt, id])
        try record(route, of: id)
        if policy.spec.mode == .live {
            try announce(route, of: policy, isNew: true, announced: row.announced)
        }
        return true
    }

    fileprivate func commit(_ commit: EvaluationCommit) throws -> CommitOutcome {
        let id = commit.read.inputs.policy.id
        guard let policy = try lockedPolicy(id),
            let row = try lockedRouteRow(of: id),
            row.evaluation == commit.read.evaluation
        else { return .superseded }

        try carryOut(commit.writes(over: row.freeze), of: id)
        try append(try commit.auditEntries(at: now))
        try answer(commit, of: id)

        let next = Route.next(after: row.route, verdict: commit.verdict, at: now)
        let route = next ?? row.route?.keeping(commit.verdict)
        try store(route, decidedBy: commit)
        if let next { try record(next, of: id) }
        if let route, policy.spec.mode == .live {
            try announce(
                route, of: policy, isNew: next != nil, announced: row.announced)
        }
        return .committed(route, isNewGeneration: next != nil)
    }

    fileprivate func carryOut(_ writes: [OperatorWrite], of policy: PolicyID) throws {
        for write in writes {
            switch write {
            case .setOverride(let word): try set(word, of: policy)
            case .clearOverride(let id):
                try run(
                    """
                    DELETE FROM overrides
                    WHERE override_id = ?
                      AND policy_id = ?
                    """, [id, policy])
            case .freeze(let freeze): try set(freeze, of: policy)
            case .thaw: try set(nil, of: policy)
            }
        }
    }

    private func set(_ word: Override, of policy: PolicyID) throws {
        try run(
            """
            DELETE FROM overrides
            WHERE policy_id = ?
              AND member = ?
            """, [policy, word.member])
        try run(
            """
            INSERT INTO overrides
                (policy_id, member, word, reason, actor, created_at, until_at, break_glass)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                policy, word.member, word.word.rawValue, word.reason, word.actor, word.createdAt,
                word.until, word.breakGlass,
            ])
    }

    private func set(_ freeze: Freeze?, of policy: PolicyID) throws {
        try run(
            """
            UPDATE routes
            SET freeze = ?
            WHERE policy_id = ?
            """, [try freeze.map(JSONColumn.text(of:)), policy])
    }

    /// Takes away what this commit answers, and replaces the timer.
    fileprivate func answer(_ commit: EvaluationCommit, of policy: PolicyID) throws {
        try run(
            """
            DELETE e
            FROM JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT PATH '$[0]')) AS a
            STRAIGHT_JOIN evaluations AS e FORCE INDEX (PRIMARY) ON e.id = a.id
            """, [NumberTable(commit.read.answers)])
        let timers: [EvaluationID] = try all(
            """
            SELECT id
            FROM evaluations
            WHERE policy_id = ?
              AND cause = ?
            """, [policy, EvaluationCause.lookAgain.rawValue]
        ) { $0.id(0) }
        // By their keys: along the index of the policy the deletion would wait for those that a
        // completion is about to insert.
        for timer in timers {
            try run(
                """
                DELETE FROM evaluations
                WHERE id = ?
                """, [timer])
        }
        if let lookAgainAt = commit.verdict.lookAgainAt {
            try insertEvaluations(of: [policy], dueAt: lookAgainAt, .lookAgain)
        }
    }

    fileprivate func store(_ route: Route?, decidedBy commit: EvaluationCommit) throws {
        let read = commit.read.inputs
        let stored = try run(
            """
            UPDATE routes
            SET evaluation = evaluation + 1,
                generation = ?,
                policy_revision = ?,
                inputs = ?,
                cause = ?,
                decided_at = ?,
                answer = ?,
                memory = ?,
                members = ?,
                look_again_at = ?,
                unprotected = ?
            WHERE policy_id = ?
            """,
            [
                route?.generation, read.policy.revision, read.fingerprint, route?.cause.rawValue,
                route?.decidedAt, try route.map { try JSONColumn.text(of: $0.answer) },
                try route.map { try JSONColumn.text(of: $0.memory) },
                try JSONColumn.text(of: commit.verdict.members), commit.verdict.lookAgainAt,
                try JSONColumn.text(of: commit.verdict.unprotected), read.policy.id,
            ])
        if stored != 1 {
            throw StorageError.failed("The route of policy \(read.policy.id) moved under a lock.")
        }
    }

    fileprivate func record(_ route: Route, of policy: PolicyID) throws {
        try run(
            """
            INSERT INTO route_changes
                (policy_id, generation, cause, decided_at, answer, memory, members)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                policy, route.generation, route.cause.rawValue, route.decidedAt,
                try JSONColumn.text(of: route.answer), try JSONColumn.text(of: route.memory),
                try JSONColumn.text(of: route.members),
            ])
    }
}
