package import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func budgets() async throws(StorageError) -> [SafetyBudget] {
        try await perform { try $0.budgets() }
    }

    package func change(_ change: BudgetChange) async throws(StorageError) {
        try await transact { session in
            // Of two changes the second waits here, and its next statement sees the first.
            try session.run("SELECT revision FROM settings_revision WHERE id = 1 FOR UPDATE")
            guard let entry = try change.entry(over: session.budgets(), at: session.now) else {
                return
            }
            if let budget = change.budget {
                try session.run(
                    """
                    INSERT INTO safety_budgets (name, budget)
                    VALUES ($1, $2)
                    ON CONFLICT (name) DO UPDATE
                    SET budget = excluded.budget
                    """, [change.name, try JSONColumn.text(of: budget)])
            } else {
                try session.run(
                    "DELETE FROM safety_budgets WHERE name = $1", [change.name])
            }
            try session.append([entry])
        }
    }
}

extension Session {
    fileprivate func budgets() throws -> [SafetyBudget] {
        try all("SELECT budget FROM safety_budgets ORDER BY name") { try $0.json(0) }
    }
}
