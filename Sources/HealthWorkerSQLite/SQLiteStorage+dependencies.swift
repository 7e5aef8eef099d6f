import GRDB
package import HealthWorkerModel
package import HealthWorkerStorage

extension SQLiteStorage {
    package func unhealthyDependencies(
        of checks: [CheckID]
    ) async throws(StorageError) -> [CheckID: [String]] {
        try await read { try $0.unhealthyDependencies(of: checks) }
    }
}

extension Session {
    func unhealthyDependencies(of checks: [CheckID]) throws -> [CheckID: [String]] {
        var found: [CheckID: [String]] = [:]
        for check in checks {
            // UNION keeps each row once, so that it ends whatever the rows say.
            let names = try all(
                """
                WITH RECURSIVE above (check_id) AS (
                    SELECT depends_on_id
                    FROM check_dependencies
                    WHERE check_id = ?
                    UNION
                    SELECT d.depends_on_id
                    FROM above AS a
                    JOIN check_dependencies AS d ON d.check_id = a.check_id
                )
                SELECT c.name
                FROM above AS a
                JOIN checks AS c ON c.check_id = a.check_id
                JOIN check_health AS h ON h.check_id = a.check_id
                WHERE h.health = 'unhealthy'
                  AND c.is_enabled
                ORDER BY c.name
                """, [check.rawValue]
            ) { $0.text(0) }
            if !names.isEmpty { found[check] = names }
        }
        return found
    }
}
