package import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func write(_ batch: WriteBatch) async throws(StorageError) -> [WriteResult] {
        try await transact(keeps: !batch.isDryRun) { [process] session in
            var transaction = MySQLConfigurationTransaction(session: session)
            let results = try ConfigurationWriter.carryOut(batch, in: &transaction)
            try session.count(transaction.tally, for: process)
            return results
        }
    }

    package func checks(named names: [String]) async throws(StorageError) -> [Check] {
        try await perform { session in
            try session.all(
                """
                SELECT c.check_id, c.revision, c.epoch, c.set_name, c.made_by, c.created_at,
                       c.updated_at, c.spec
                FROM JSON_TABLE(?, '$[*]' COLUMNS (
                         name VARCHAR(512) CHARACTER SET utf8mb4 PATH '$')) AS n
                STRAIGHT_JOIN checks AS c FORCE INDEX (checks_name)
                     ON c.name = n.name COLLATE utf8mb4_bin
                ORDER BY c.name
                """, [try JSONColumn.text(of: Set(names))], Check.init(row:))
        }
    }

    package func checks(ids: [CheckID]) async throws(StorageError) -> [Check] {
        try await perform { session in
            try session.all(
                """
                SELECT c.check_id, c.revision, c.epoch, c.set_name, c.made_by, c.created_at,
                       c.updated_at, c.spec
                FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS i
                STRAIGHT_JOIN checks AS c FORCE INDEX (PRIMARY) ON c.check_id = i.check_id
                ORDER BY c.check_id
                """, [NumberTable(Set(ids))], Check.init(row:))
        }
    }

    package func checks(
        matching filter: ObjectFilter, after: String?, limit: Int
    ) async throws(StorageError) -> [Check] {
        try await perform { session in
            let page = ObjectPage(ofChecks: filter, after: after, limit: limit, in: .mysql)
            return try session.all(page.sql, page.values.bound, Check.init(row:))
        }
    }

    package func policies(named names: [String]) async throws(StorageError) -> [Policy] {
        try await perform { session in
            try session.all(
                """
                SELECT p.policy_id, p.revision, p.set_name, p.created_at, p.updated_at, p.spec
                FROM JSON_TABLE(?, '$[*]' COLUMNS (
                         name VARCHAR(512) CHARACTER SET utf8mb4 PATH '$')) AS n
                STRAIGHT_JOIN policies AS p FORCE INDEX (policies_name)
                     ON p.name = n.name COLLATE utf8mb4_bin
                ORDER BY p.name
                """, [try JSONColumn.text(of: Set(names))], Policy.init(row:))
        }
    }

    package func policies(ids: [PolicyID]) async throws(StorageError) -> [Policy] {
        try await perform { try $0.policies(ids: ids) }
    }

    package func policies(
        matching filter: ObjectFilter, after: String?, limit: Int
    ) async throws(StorageError) -> [Policy] {
        try await perform { session in
            let page = ObjectPage(ofPolicies: filter, after: after, limit: limit, in: .mysql)
            return try session.all(page.sql, page.values.bound, Policy.init(row:))
        }
    }

    package func policyNames(
        using checks: [CheckID]
    ) async throws(StorageError) -> [CheckID: [String]] {
        try await perform { session in
            let uses = try session.all(
                """
                SELECT DISTINCT m.check_id, p.name
                FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS c
                STRAIGHT_JOIN policy_members AS m FORCE INDEX (policy_members_of_check)
                     ON m.check_id = c.check_id
                STRAIGHT_JOIN policies AS p FORCE INDEX (PRIMARY) ON p.policy_id = m.policy_id
                ORDER BY m.check_id, p.name
                """, [NumberTable(checks)]
            ) { (check: $0.id(0, of: CheckID.self), policy: $0.text(1)) }
            return Dictionary(grouping: uses, by: \.check).mapValues { $0.map(\.policy) }
        }
    }
}

extension Session {
    func policies(ids: [PolicyID]) throws -> [Policy] {
        try all(
            """
            SELECT p.policy_id, p.revision, p.set_name, p.created_at, p.updated_at, p.spec
            FROM JSON_TABLE(?, '$[*]' COLUMNS (policy_id BIGINT PATH '$[0]')) AS i
            STRAIGHT_JOIN policies AS p FORCE INDEX (PRIMARY) ON p.policy_id = i.policy_id
            ORDER BY p.policy_id
            """, [NumberTable(Set(ids))], Policy.init(row:))
    }
}
