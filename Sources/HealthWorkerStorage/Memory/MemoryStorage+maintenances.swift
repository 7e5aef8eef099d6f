package import HealthWorkerModel

extension MemoryStorage {
    package func maintenances(
        in state: MaintenanceState?, before: MaintenanceID?, limit: Int
    ) async throws(StorageError) -> [Maintenance] {
        try withState { stored, now in
            Array(
                stored.maintenances.values.filter { maintenance in
                    (state.map { $0 == maintenance.state(at: now) } ?? true)
                        && (before.map { maintenance.id < $0 } ?? true)
                }
                .sorted { $0.id > $1.id }.prefix(limit))
        }
    }

    package func maintenance(id: MaintenanceID) async throws(StorageError) -> Maintenance? {
        try withState { state, _ in state.maintenances[id] }
    }

    package func change(
        _ change: MaintenanceChange
    ) async throws(StorageError) -> Maintenance {
        try withState { state, now throws(StorageError) in
            let before = change.id.flatMap { state.maintenances[$0] }
            var after = try change.outcome(
                over: before, standing: state.standingMaintenances(at: now).count, at: now)
            if before == nil { after?.id = state.lastIDs.maintenance.advance() }
            if let id = (after ?? before)?.id { state.maintenances[id] = after }
            state.append(audit: [try change.entry(before: before, after: after, at: now)])
            for policy in change.policies { state.insertEvaluation(of: policy, dueAt: now) }
            guard let kept = after ?? before else {
                throw .failed("A maintenance was neither before nor after.")
            }
            return kept
        }
    }

    package func pruneMaintenances(
        keep: Duration, limit: Int
    ) async throws(StorageError) -> Int {
        try withState { state, now in
            let old = state.maintenances.values.filter { $0.endsAt < now - keep }
                .sorted { ($0.endsAt, $0.id) < ($1.endsAt, $1.id) }.prefix(limit)
            for maintenance in old { state.maintenances[maintenance.id] = nil }
            return old.count
        }
    }
}

extension MemoryState {
    /// Those that are not over, by id.
    func standingMaintenances(at now: Timestamp) -> [Maintenance] {
        maintenances.values.filter { $0.endsAt > now }.sorted { $0.id < $1.id }
    }
}
