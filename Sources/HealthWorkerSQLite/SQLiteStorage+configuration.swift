import GRDB
package import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func write(_ batch: WriteBatch) async throws(StorageError) -> [WriteResult] {
        try await write(keeps: !batch.isDryRun) { [process, path] session in
            var transaction = SQLiteConfigurationTransaction(session: session, path: path)
            let results = try ConfigurationWriter.carryOut(batch, in: &transaction)
            try session.count(transaction.tally, for: process)
            return results
        }
    }

    package func checks(named names: [String]) async throws(StorageError) -> [Check] {
        try await read { session in
            try Set(names).sorted().compactMap { try session.check(named: $0) }
        }
    }

    package func checks(ids: [CheckID]) async throws(StorageError) -> [Check] {
        try await read { session in
            try Set(ids).sorted().compactMap { id in
                try session.first(
                    """
                    SELECT check_id, revision, epoch, set_name, made_by, created_at, updated_at, spec
                    FROM checks
                    WHERE check_id = ?
                    """, [id.rawValue], Check.init(row:))
            }
        }
    }

    package func checks(
        matching filter: ObjectFilter, after: String?, limit: Int
    ) async throws(StorageError) -> [Check] {
        try await read { session in
            let page = ObjectPage(ofChecks: filter, after: after, limit: limit, in: .sqlite)
            return try session.all(page.sql, page.values.bound, Check.init(row:))
        }
    }

    package func policies(named names: [String]) async throws(StorageError) -> [Policy] {
        try await read { session in
            try Set(names).sorted().compactMap { try session.policy(named: $0) }
        }
    }

    package func policies(ids: [PolicyID]) async throws(StorageError) -> [Policy] {
        try await read { session in
            try Set(ids).sorted().compactMap { try session.policy($0) }
        }
    }

    package func policies(
        matching filter: ObjectFilter, after: String?, limit: Int
    ) async throws(StorageError) -> [Policy] {
        try await read { session in
            let page = ObjectPage(ofPolicies: filter, after: after, limit: limit, in: .sqlite)
            return try session.all(page.sql, page.values.bound, Policy.init(row:))
        }
    }

    package func policyNames(
        using checks: [CheckID]
    ) async throws(StorageError) -> [CheckID: [String]] {
        try await read { session in
            var names: [CheckID: [String]] = [:]
            for check in checks {
                let found = try session.all(
                    """
                    SELECT DISTINCT p.name
                    FROM policy_members AS m
                    JOIN policies AS p ON p.policy_id = m.policy_id
                    WHERE m.check_id = ?
                    ORDER BY p.name
                    """, [check.rawValue]
                ) { $0.text(0) }
                if !found.isEmpty { names[check] = found }
            }
            return names
        }
    }
}

extension Session {
    func check(named name: String) throws -> Check? {
        try first(
            """
            SELECT check_id, revision, epoch, set_name, made_by, created_at, updated_at, spec
            FROM checks
            WHERE name = ?
            """, [name], Check.init(row:))
    }

    func policy(named name: String) throws -> Policy? {
        try first(
            """
            SELECT policy_id, revision, set_name, created_at, updated_at, spec
            FROM policies
            WHERE name = ?
            """, [name], Policy.init(row:))
    }

    func policy(_ id: PolicyID) throws -> Policy? {
        try first(
            """
            SELECT policy_id, revision, set_name, created_at, updated_at, spec
            FROM policies
            WHERE policy_id = ?
            """, [id.rawValue], Policy.init(row:))
    }
}
