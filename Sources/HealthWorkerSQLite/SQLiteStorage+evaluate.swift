import GRDB
package import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    /// One snapshot: number, due evaluations and inputs are of the same moment, so that what changes
    /// later is evaluated again.
    package func evaluationInputs(
        of policy: PolicyID
    ) async throws(StorageError) -> EvaluationInputs? {
        try await read { session in
            guard let spec = try session.policy(policy),
                let route = try session.routeRow(of: policy)
            else { return nil }
            let due: [EvaluationID] = try session.all(
                """
                SELECT id
                FROM evaluations
                WHERE policy_id = ?
                  AND due_at <= ?
                ORDER BY id
                """, [policy.rawValue, session.now.microseconds]
            ) { $0.id(0) }
            let health = try session.memberHealth(of: policy)
            let inputs = PolicyEvaluation.Inputs(
                policy: spec,
                health: health.explained(
                    by: try session.unhealthyDependencies(of: health.unhealthyChecks)),
                overrides: try session.overrides(of: policy),
                maintenances: try session.standingMaintenances(),
                freeze: route.freeze.flatMap { $0.holds(at: session.now) ? $0 : nil },
                previous: route.route, now: session.now)
            return EvaluationInputs(evaluation: route.evaluation, answers: due, inputs: inputs)
        }
    }

    package func commit(_ commit: EvaluationCommit) async throws(StorageError) -> CommitOutcome {
        try await write { try $0.commit(commit) }
    }

    package func outdo(
        _ generation: Int64, of policy: PolicyID
    ) async throws(StorageError) -> Bool {
        try await write { try $0.outdo(generation, of: policy) }
    }

    package func commit(
        all commits: [EvaluationCommit]
    ) async throws(StorageError) -> [CommitOutcome]? {
        try await write { session in
            for commit in commits {
                let row = try session.routeRow(of: commit.read.inputs.policy.id)
                guard row?.evaluation == commit.read.evaluation else { return nil }
            }
            return try commits.map { try session.commit($0) }
        }
    }

    package func dropEvaluations(ofGone policy: PolicyID) async throws(StorageError) {
        try await write { session in
            _ = try session.run(
                """
                DELETE FROM evaluations
                WHERE policy_id = ?1
                  AND NOT EXISTS (
                      SELECT 1
                      FROM policies
                      WHERE policy_id = ?1
                  )
                """, [policy.rawValue])
        }
    }

    package func insertMissedEvaluations() async throws(StorageError) -> Int {
        // Nothing but a defect makes one: look before taking the lock.
        let isWanted = try await read { !(try $0.policiesOfOtherInputs()).isEmpty }
        guard isWanted else { return 0 }
        return try await write { session in
            let missed = try session.policiesOfOtherInputs()
            for policy in missed {
                try session.insertEvaluation(of: policy, dueAt: session.now, .missed)
            }
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
            """, [policy.rawValue], RouteRow.init)
    }

    fileprivate func memberHealth(
        of policy: PolicyID
    ) throws -> [String: PolicyEvaluation.MemberHealth] {
        let members = try all(
            """
            SELECT m.member,
                   m.check_id, h.health, h.health_since, h.epoch, h.change_id, c.is_enabled,
                   t.noticed_at
            FROM policy_members AS m
            JOIN checks AS c ON c.check_id = m.check_id
            JOIN check_health AS h ON h.check_id = m.check_id
            LEFT JOIN health_changes AS t ON t.change_id = h.change_id
            WHERE m.policy_id = ?
            """, [policy.rawValue]
        ) { (name: $0.text(0), health: try PolicyEvaluation.MemberHealth($0, from: 1)) }
        return Dictionary(uniqueKeysWithValues: members.map { ($0.name, $0.health) })
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
            """, [now.microseconds]
        ) { (id: $0.id(0, of: PolicyID.self), revision: $0.integer(1), inputs: $0.optionalText(2)) }
        return try policies.compactMap { policy in
            // The fingerprint is of the revision and of the members' health alone, so that the
            // document need not be read for each policy.
            let inputs = PolicyEvaluation.Inputs(
                policy: Policy(
                    id: policy.id, revision: policy.revision,
                    spec: PolicySpec(name: "", type: .simple, members: []), createdAt: now,
                    updatedAt: now),
                health: try memberHealth(of: policy.id), now: now)
            return inputs.fingerprint == policy.inputs ? nil : policy.id
        }
    }
}

// Writing.
extension Session {
    fileprivate func outdo(_ generation: Int64, of id: PolicyID) throws -> Bool {
        guard let policy = try policy(id), let row = try routeRow(of: id),
            let route = row.route?.outdoing(generation, at: now)
        else { return false }
        try run(
            """
            UPDATE routes
            SET evaluation = evaluation + 1,
                generation = ?,
                decided_at = ?
            WHERE policy_id = ?
            """, [route.generation, route.decidedAt.microseconds, id.rawValue])
        try record(route, of: id)
        if policy.spec.mode == .live {
            try announce(route, of: policy, isNew: true, announced: row.announced)
        }
        return true
    }

    fileprivate func commit(_ commit: EvaluationCommit) throws -> CommitOutcome {
        let id = commit.read.inputs.policy.id
        guard let policy = try policy(id), let row = try routeRow(of: id),
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
                    """, [id.rawValue, policy.rawValue])
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
            """, [policy.rawValue, word.member])
        try run(
            """
            INSERT INTO overrides
                (policy_id, member, word, reason, actor, created_at, until_at, break_glass)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                policy.rawValue, word.member, word.word.rawValue, word.reason, word.actor,
                word.createdAt.microseconds, word.until?.microseconds, word.breakGlass,
            ])
    }

    private func set(_ freeze: Freeze?, of policy: PolicyID) throws {
        try run(
            """
            UPDATE routes
            SET freeze = ?
            WHERE policy_id = ?
            """, [try freeze.map(JSONColumn.text(of:)), policy.rawValue])
    }

    /// Takes away what this commit answers, and replaces the timer.
    fileprivate func answer(_ commit: EvaluationCommit, of policy: PolicyID) throws {
        for evaluation in commit.read.answers {
            try run(
                """
                DELETE FROM evaluations
                WHERE id = ?
                """, [evaluation.rawValue])
        }
        try run(
            """
            DELETE FROM evaluations
            WHERE policy_id = ?
              AND cause = ?
            """, [policy.rawValue, EvaluationCause.lookAgain.rawValue])
        if let lookAgainAt = commit.verdict.lookAgainAt {
            try insertEvaluation(of: policy, dueAt: lookAgainAt, .lookAgain)
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
              AND evaluation = ?
            """,
            [
                route?.generation, read.policy.revision, read.fingerprint, route?.cause.rawValue,
                route?.decidedAt.microseconds, try route.map { try JSONColumn.text(of: $0.answer) },
                try route.map { try JSONColumn.text(of: $0.memory) },
                try JSONColumn.text(of: commit.verdict.members),
                commit.verdict.lookAgainAt?.microseconds,
                try JSONColumn.text(of: commit.verdict.unprotected), read.policy.id.rawValue,
                commit.read.evaluation,
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
                policy.rawValue, route.generation, route.cause.rawValue,
                route.decidedAt.microseconds, try JSONColumn.text(of: route.answer),
                try JSONColumn.text(of: route.memory), try JSONColumn.text(of: route.members),
            ])
    }
}
