package import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func dueEvaluations(limit: Int) async throws(StorageError) -> [DueEvaluation] {
        try await read { session in
            try session.all(
                """
                SELECT policy_id, min(due_at) AS first_due_at
                FROM evaluations
                WHERE due_at <= ?
                GROUP BY policy_id
                ORDER BY first_due_at, policy_id
                LIMIT ?
                """, [session.now, limit]
            ) { row in
                DueEvaluation(policy: row.id(0), dueAt: row.moment(1))
            }
        }
    }

    package func nextEvaluationDue() async throws(StorageError) -> Timestamp? {
        try await perform { session in
            try session.first("SELECT min(due_at) FROM evaluations") { $0.optionalMoment(0) } ?? nil
        }
    }

    package func route(of policy: PolicyID) async throws(StorageError) -> StoredRoute? {
        try await perform { session in
            try session.first(
                """
                SELECT r.generation, r.cause, r.decided_at, r.answer, r.memory, r.members,
                       r.policy_id, r.evaluation, r.look_again_at, r.unprotected, r.freeze, p.spec
                FROM routes AS r
                JOIN policies AS p ON p.policy_id = r.policy_id
                WHERE r.policy_id = ?
                """, [policy], StoredRoute.init(row:))
        }
    }

    package func routes(
        after: String?, limit: Int
    ) async throws(StorageError) -> [StoredRoute] {
        try await perform { session in
            try session.all(Self.routesByName, [after ?? "", limit], StoredRoute.init(row:))
        }
    }

    package func routes(of policies: [PolicyID]) async throws(StorageError) -> [StoredRoute] {
        try await perform { session in
            try session.all(
                """
                SELECT r.generation, r.cause, r.decided_at, r.answer, r.memory, r.members,
                       r.policy_id, r.evaluation, r.look_again_at, r.unprotected, r.freeze, p.spec
                FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS i
                STRAIGHT_JOIN routes AS r FORCE INDEX (PRIMARY) ON r.policy_id = i.policy_id
                STRAIGHT_JOIN policies AS p FORCE INDEX (PRIMARY) ON p.policy_id = r.policy_id
                """, [NumberTable(Set(policies))], StoredRoute.init(row:))
        }
    }

    package func routesMark() async throws(StorageError) -> RoutesMark {
        try await perform { session in
            // The sums of whole numbers are decimals.
            let mark = try session.first(
                """
                SELECT count(*), CAST(coalesce(sum(policy_id), 0) AS SIGNED),
                       CAST(coalesce(sum(evaluation), 0) AS SIGNED)
                FROM routes
                """, [], RoutesMark.init(row:))
            guard let mark else { throw StorageError.failed("A sum of nothing is one row.") }
            return mark
        }
    }

    package func routeEvaluations() async throws(StorageError) -> [PolicyID: Int64] {
        try await perform { session in
            let pairs = try session.all("SELECT policy_id, evaluation FROM routes") { row in
                (row.id(0) as PolicyID, row.integer(1))
            }
            return Dictionary(uniqueKeysWithValues: pairs)
        }
    }

    package func falls(within window: Duration) async throws(StorageError) -> [Fall] {
        try await read { session in
            try session.all(
                """
                SELECT m.policy_id, m.member, t.change_id, t.at, t.confirmed_elsewhere
                FROM health_changes AS t FORCE INDEX (health_changes_by_time)
                JOIN check_health AS h ON h.check_id = t.check_id AND h.change_id = t.change_id
                JOIN policy_members AS m ON m.check_id = t.check_id
                WHERE t.at > ?
                  AND t.to_health = 'unhealthy'
                ORDER BY t.change_id, m.policy_id, m.member
                """, [session.now - window], Fall.init(row:))
        }
    }

    package func publishedMembers() async throws(StorageError) -> Int {
        try await perform { session in
            try session.first(
                """
                SELECT CAST(coalesce(sum(JSON_LENGTH(r.answer, '$.records')), 0) AS SIGNED)
                FROM routes AS r
                JOIN policies AS p ON p.policy_id = r.policy_id
                WHERE p.type <> 'simple'
                """
            ) { $0.int(0) } ?? 0
        }
    }

    package func holdingPolicies() async throws(StorageError) -> [PolicyID] {
        try await perform { session in
            try session.all(
                """
                SELECT policy_id
                FROM routes
                WHERE memory LIKE '%"holds":%'
                ORDER BY policy_id
                """
            ) { $0.id(0) }
        }
    }

    package func routeChanges(
        of policy: PolicyID, before: Int64?, limit: Int
    ) async throws(StorageError) -> [Route] {
        try await perform { session in
            try session.all(
                """
                SELECT generation, cause, decided_at, answer, memory, members
                FROM route_changes
                WHERE policy_id = ?
                  AND generation < ?
                ORDER BY generation DESC
                LIMIT ?
                """, [policy, before ?? .max, limit]
            ) { try Route($0, from: 0) }
        }
    }

    package func overrides(of policy: PolicyID?) async throws(StorageError) -> [Override] {
        try await read { session in
            if let policy { return try session.overrides(of: policy) }
            return try session.all(
                """
                SELECT override_id, policy_id, member, word, reason, actor, created_at, until_at,
                       break_glass
                FROM overrides
                WHERE until_at IS NULL
                   OR until_at > ?
                ORDER BY override_id
                """, [session.now], Override.init(row:))
        }
    }

    package func override(id: OverrideID) async throws(StorageError) -> Override? {
        try await read { session in
            try session.first(
                """
                SELECT override_id, policy_id, member, word, reason, actor, created_at, until_at,
                       break_glass
                FROM overrides
                WHERE override_id = ?
                  AND (until_at IS NULL OR until_at > ?)
                """, [id, session.now], Override.init(row:))
        }
    }
}

extension MySQLStorage {
    package static let routesByName = """
        SELECT r.generation, r.cause, r.decided_at, r.answer, r.memory, r.members,
               r.policy_id, r.evaluation, r.look_again_at, r.unprotected, r.freeze, p.spec
        FROM policies AS p
        STRAIGHT_JOIN routes AS r FORCE INDEX (PRIMARY) ON r.policy_id = p.policy_id
        WHERE p.name > ?
        ORDER BY p.name
        LIMIT ?
        """
}

extension Session {
    func insertEvaluations(
        of policies: [PolicyID], dueAt: Timestamp, _ cause: EvaluationCause
    ) throws {
        try insert(
            policies.map { [$0, dueAt, cause.rawValue] },
            into: "evaluations (policy_id, due_at, cause)")
    }

    /// Those that hold.
    func overrides(of policy: PolicyID) throws -> [Override] {
        try all(
            """
            SELECT override_id, policy_id, member, word, reason, actor, created_at, until_at,
                   break_glass
            FROM overrides
            WHERE policy_id = ?
              AND (until_at IS NULL OR until_at > ?)
            ORDER BY override_id
            """, [policy, now], Override.init(row:))
    }
}
