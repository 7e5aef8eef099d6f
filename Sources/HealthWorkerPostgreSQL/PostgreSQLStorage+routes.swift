package import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func dueEvaluations(limit: Int) async throws(StorageError) -> [DueEvaluation] {
        try await perform { session in
            try session.all(
                """
                SELECT policy_id, min(due_at) AS first_due_at
                FROM evaluations
                WHERE due_at <= now_us()
                GROUP BY policy_id
                ORDER BY first_due_at, policy_id
                LIMIT $1
                """, [limit]
            ) { row in
                DueEvaluation(policy: row.id(0), dueAt: row.moment(1))
            }
        }
    }

    package func nextEvaluationDue() async throws(StorageError) -> Timestamp? {
        try await perform { session in
            try session.first("SELECT min(due_at) FROM evaluations", []) { $0.optionalMoment(0) }
                ?? nil
        }
    }

    package func route(of policy: PolicyID) async throws(StorageError) -> StoredRoute? {
        try await perform { session in
            try session.first(
                """
                SELECT r.generation, r.cause, r.decided_at, r.answer, r.memory, r.members,
                       r.policy_id, r.evaluation, r.look_again_at, r.unprotected, r."freeze", p.spec
                FROM routes AS r
                JOIN policies AS p USING (policy_id)
                WHERE r.policy_id = $1
                """, [policy], StoredRoute.init(row:))
        }
    }

    package func routes(
        after: String?, limit: Int
    ) async throws(StorageError) -> [StoredRoute] {
        try await perform { session in
            try session.all(
                """
                SELECT r.generation, r.cause, r.decided_at, r.answer, r.memory, r.members,
                       r.policy_id, r.evaluation, r.look_again_at, r.unprotected, r."freeze", p.spec
                FROM policies AS p
                JOIN routes AS r USING (policy_id)
                WHERE p.name > $1
                ORDER BY p.name
                LIMIT $2
                """, [after ?? "", limit], StoredRoute.init(row:))
        }
    }

    package func routes(of policies: [PolicyID]) async throws(StorageError) -> [StoredRoute] {
        try await perform { session in
            try session.all(
                """
                SELECT r.generation, r.cause, r.decided_at, r.answer, r.memory, r.members,
                       r.policy_id, r.evaluation, r.look_again_at, r.unprotected, r."freeze", p.spec
                FROM routes AS r
                JOIN policies AS p USING (policy_id)
                WHERE r.policy_id = ANY ($1)
                """, [policies], StoredRoute.init(row:))
        }
    }

    package func routesMark() async throws(StorageError) -> RoutesMark {
        try await perform { session in
            // The sums of bigint are numeric.
            let mark = try session.first(
                """
                SELECT count(*), coalesce(sum(policy_id), 0)::bigint,
                       coalesce(sum(evaluation), 0)::bigint
                FROM routes
                """, [], RoutesMark.init(row:))
            guard let mark else { throw StorageError.failed("A sum of nothing is one row.") }
            return mark
        }
    }

    package func routeEvaluations() async throws(StorageError) -> [PolicyID: Int64] {
        try await perform { session in
            let pairs = try session.all("SELECT policy_id, evaluation FROM routes", []) { row in
                (row.id(0) as PolicyID, row.integer(1))
            }
            return Dictionary(uniqueKeysWithValues: pairs)
        }
    }

    package func falls(within window: Duration) async throws(StorageError) -> [Fall] {
        try await perform { session in
            try session.all(Self.recentFalls, [window.microseconds], Fall.init(row:))
        }
    }

    package static let recentFalls = """
        SELECT m.policy_id, m.member, t.change_id, t.at, t.confirmed_elsewhere
        FROM health_changes AS t
        JOIN check_health AS h ON h.check_id = t.check_id AND h.change_id = t.change_id
        JOIN policy_members AS m ON m.check_id = t.check_id
        WHERE t.at > (SELECT now_us()) - $1::bigint
          AND t.to_health = 'unhealthy'
        ORDER BY t.change_id, m.policy_id, m.member
        """

    package func publishedMembers() async throws(StorageError) -> Int {
        try await perform { session in
            try session.first(
                """
                SELECT coalesce(sum(json_array_length(r.answer::json -> 'records')), 0)::bigint
                FROM routes AS r
                JOIN policies AS p USING (policy_id)
                WHERE p.type <> 'simple'
                """, []
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
                """, []
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
                WHERE policy_id = $1
                  AND generation < $2
                ORDER BY generation DESC
                LIMIT $3
                """, [policy, before ?? .max, limit]
            ) { try Route($0, from: 0) }
        }
    }

    package func overrides(of policy: PolicyID?) async throws(StorageError) -> [Override] {
        try await perform { session in
            if let policy { return try session.overrides(of: policy) }
            return try session.all(
                """
                SELECT override_id, policy_id, member, word, reason, actor, created_at, until_at,
                       break_glass
                FROM overrides
                WHERE until_at IS NULL
                   OR until_at > now_us()
                ORDER BY override_id
                """, [], Override.init(row:))
        }
    }

    package func override(id: OverrideID) async throws(StorageError) -> Override? {
        try await perform { session in
            try session.first(
                """
                SELECT override_id, policy_id, member, word, reason, actor, created_at, until_at,
                       break_glass
                FROM overrides
                WHERE override_id = $1
                  AND (until_at IS NULL OR until_at > now_us())
                """, [id], Override.init(row:))
        }
    }
}

extension Session {
    func insertEvaluations(
        of policies: [PolicyID], dueAt: Timestamp, _ cause: EvaluationCause
    ) throws {
        try run(
            """
            INSERT INTO evaluations (policy_id, due_at, cause)
            SELECT policy_id, $2, $3
            FROM unnest($1::bigint[]) AS p (policy_id)
            ORDER BY policy_id
            """, [policies, dueAt, cause.rawValue])
    }

    /// Those that hold.
    func overrides(of policy: PolicyID) throws -> [Override] {
        try all(
            """
            SELECT override_id, policy_id, member, word, reason, actor, created_at, until_at,
                   break_glass
            FROM overrides
            WHERE policy_id = $1
              AND (until_at IS NULL OR until_at > now_us())
            ORDER BY override_id
            """, [policy], Override.init(row:))
    }
}
