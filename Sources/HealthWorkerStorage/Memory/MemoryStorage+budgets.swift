package import HealthWorkerModel

extension MemoryStorage {
    package func budgets() async throws(StorageError) -> [SafetyBudget] {
        try withState { state, _ in state.budgets.values.sorted { $0.name < $1.name } }
    }

    package func change(_ change: BudgetChange) async throws(StorageError) {
        try withState { state, now throws(StorageError) in
            let stored = Array(state.budgets.values)
            guard let entry = try change.entry(over: stored, at: now) else { return }
            state.budgets[change.name] = change.budget
            state.append(audit: [entry])
        }
    }
}
