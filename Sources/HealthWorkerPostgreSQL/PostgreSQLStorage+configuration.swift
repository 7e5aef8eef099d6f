package import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func write(_ batch: WriteBatch) async throws(StorageError) -> [WriteResult] {
        // A large document is decided and written as JSON while its objects are locked. A busy machine
        // needs its time for that, which is not the silence of one that is frozen.
        let thinking = Duration.milliseconds(10) * batch.objectCount
        return try await transact(keeps: !batch.isDryRun, thinking: thinking) { [process] session in
            var transaction = PostgreSQLConfigurationTransaction(session: session)
            let results = try ConfigurationWriter.carryOut(batch, in: &transaction)
            try session.count(transaction.tally, for: process)
            return results
        }
    }

    package func checks(named names: [String]) async throws(StorageError) -> [Check] {
        try await perform { session in
            try session.all(
                """
                SELECT check_id, revision, epoch, set_name, made_by, created_at, updated_at, spec
                FROM checks
                WHERE name = ANY ($1::text[])
                ORDER BY name
                """, [names], Check.init(row:))
        }
    }

    package func checks(ids: [CheckID]) async throws(StorageError) -> [Check] {
        try await perform { session in
            try session.all(
                """
                SELECT check_id, revision, epoch, set_name, made_by, created_at, updated_at, spec
                FROM checks
                WHERE check_id = ANY ($1::bigint[])
                ORDER BY check_id
                """, [ids], Check.init(row:))
        }
    }

    package func checks(
        matching filter: ObjectFilter, after: String?, limit: Int
    ) async throws(StorageError) -> [Check] {
        try await perform { session in
            let page = ObjectPage(ofChecks: filter, after: after, limit: limit, in: .postgresql)
            return try session.all(page.sql, page.values.bound, Check.init(row:))
        }
    }

    package func policies(named names: [String]) async throws(StorageError) -> [Policy] {
        try await perform { session in
            try session.all(
                """
                SELECT policy_id, revision, set_name, created_at, updated_at, spec
                FROM policies
                WHERE name = ANY ($1::text[])
                ORDER BY name
                """, [names], Policy.init(row:))
        }
    }

    package func policies(ids: [PolicyID]) async throws(StorageError) -> [Policy] {
        try await perform { try $0.policies(ids: ids) }
    }

    package func policies(
        matching filter: ObjectFilter, after: String?, limit: Int
    ) async throws(StorageError) -> [Policy] {
        try await perform { session in
            let page = ObjectPage(ofPolicies: filter, after: after, limit: limit, in: .postgresql)
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
                FROM policy_members AS m
                JOIN policies AS p USING (policy_id)
                WHERE m.check_id = ANY ($1::bigint[])
                ORDER BY m.check_id, p.name
                """, [checks]
            ) { (check: $0.id(0, of: CheckID.self), policy: $0.text(1)) }
            return Dictionary(grouping: uses, by: \.check).mapValues { $0.map(\.policy) }
        }
    }
}

extension Session {
    func policies(ids: [PolicyID]) throws -> [Policy] {
        try all(
            """
            SELECT policy_id, revision, set_name, created_at, updated_at, spec
            FROM policies
            WHERE policy_id = ANY ($1::bigint[])
            ORDER BY policy_id
            """, [ids], Policy.init(row:))
    }

    /// Adds to what this process did, in the transaction that did it.
    fileprivate func count(_ tally: Tally, for process: ProcessID) throws {
        if tally == Tally() { return }
        try run(
            """
            INSERT INTO queue_tallies AS t (process_id, enqueued, void)
            VALUES ($1, $2, $3)
            ON CONFLICT (process_id) DO UPDATE
            SET enqueued = t.enqueued + excluded.enqueued,
                void = t.void + excluded.void
            """, [process, tally.enqueued, tally.void])
    }
}
