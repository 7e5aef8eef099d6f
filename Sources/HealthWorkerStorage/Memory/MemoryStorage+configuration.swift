package import HealthWorkerModel

extension MemoryStorage {
    package func write(_ batch: WriteBatch) async throws(StorageError) -> [WriteResult] {
        try withState { state, now throws(StorageError) in
            var transaction = MemoryTransaction(state: state, now: now)
            let results = try ConfigurationWriter.carryOut(batch, in: &transaction)
            if !batch.isDryRun { state = transaction.state }
            return results
        }
    }

    package func checks(named names: [String]) async throws(StorageError) -> [Check] {
        try withState { state, _ in
            Set(names).sorted().compactMap { state.checkIDs[$0] }.compactMap { state.checks[$0] }
        }
    }

    package func checks(ids: [CheckID]) async throws(StorageError) -> [Check] {
        try withState { state, _ in Set(ids).sorted().compactMap { state.checks[$0] } }
    }

    package func checks(
        matching filter: ObjectFilter, after: String?, limit: Int
    ) async throws(StorageError) -> [Check] {
        try withState { state, _ in
            let matching = state.checks.values.filter { check in
                (after.map { check.spec.name > $0 } ?? true)
                    && filter.admits(
                        set: check.set, type: check.spec.type.rawValue, labels: check.spec.labels)
                    && (filter.health.map { state.health[check.id]?.health == $0 } ?? true)
                    && (filter.includesMade || check.madeBy == nil)
            }
            return Array(matching.sorted { $0.spec.name < $1.spec.name }.prefix(limit))
        }
    }

    package func policies(named names: [String]) async throws(StorageError) -> [Policy] {
        try withState { state, _ in
            Set(names).sorted().compactMap { state.policyIDs[$0] }
                .compactMap { state.policies[$0] }
        }
    }

    package func policies(ids: [PolicyID]) async throws(StorageError) -> [Policy] {
        try withState { state, _ in Set(ids).sorted().compactMap { state.policies[$0] } }
    }

    package func policies(
        matching filter: ObjectFilter, after: String?, limit: Int
    ) async throws(StorageError) -> [Policy] {
        try withState { state, _ in
            let matching = state.policies.values.filter { policy in
                (after.map { policy.spec.name > $0 } ?? true)
                    && filter.admits(
                        set: policy.set, type: policy.spec.type.rawValue,
                        labels: policy.spec.labels)
            }
            return Array(matching.sorted { $0.spec.name < $1.spec.name }.prefix(limit))
        }
    }

    package func policyNames(
        using checks: [CheckID]
    ) async throws(StorageError) -> [CheckID: [String]] {
        try withState { state, _ in
            var names: [CheckID: [String]] = [:]
            for check in checks {
                let users = state.users[check] ?? []
                if users.isEmpty { continue }
                names[check] = users.compactMap { state.policies[$0]?.spec.name }.sorted()
            }
            return names
        }
    }
}

extension ObjectFilter {
    fileprivate func admits(set: String?, type: String, labels: [String: String]) -> Bool {
        (self.set.map { $0 == set } ?? true) && (self.type.map { $0 == type } ?? true)
            && selector.admits(labels)
    }
}
