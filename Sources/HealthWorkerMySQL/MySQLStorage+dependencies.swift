package import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func unhealthyDependencies(
        of checks: [CheckID]
    ) async throws(StorageError) -> [CheckID: [String]] {
        try await perform { try $0.unhealthyDependencies(of: checks) }
    }
}

extension Session {
    func unhealthyDependencies(of checks: [CheckID]) throws -> [CheckID: [String]] {
        if checks.isEmpty { return [:] }
        // UNION keeps each pair once, so that it ends whatever the rows say.
        let found = try all(
            """
            WITH RECURSIVE above (check_id, depends_on_id) AS (
                SELECT d.check_id, d.depends_on_id
                FROM JSON_TABLE(?, '$[*]' COLUMNS (check_id BIGINT PATH '$[0]')) AS i
                STRAIGHT_JOIN check_dependencies AS d FORCE INDEX (PRIMARY)
                     ON d.check_id = i.check_id
                UNION
                SELECT a.check_id, d.depends_on_id
                FROM above AS a
                JOIN check_dependencies AS d ON d.check_id = a.depends_on_id
            )
            SELECT a.check_id, c.name
            FROM above AS a
            JOIN checks AS c ON c.check_id = a.depends_on_id
            JOIN check_health AS h ON h.check_id = a.depends_on_id
            WHERE h.health = 'unhealthy'
              AND c.is_enabled
            ORDER BY a.check_id, c.name
            """, [NumberTable(checks)]
        ) { (check: $0.id(0, of: CheckID.self), name: $0.text(1)) }
        return Dictionary(grouping: found, by: \.check).mapValues { $0.map(\.name) }
    }
}
