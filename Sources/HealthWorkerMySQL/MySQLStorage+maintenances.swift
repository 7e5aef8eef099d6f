package import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func maintenances(
        in state: MaintenanceState?, before: MaintenanceID?, limit: Int
    ) async throws(StorageError) -> [Maintenance] {
        try await read { session in
            let bounds = MaintenanceBounds(of: state, at: session.now)
            return try session.all(
                """
                SELECT maintenance_id, selector, sets, starts_at, ends_at, reason, actor, created_at,
                       break_glass
                FROM maintenances
                WHERE maintenance_id < ?
                  AND starts_at > ?
                  AND starts_at <= ?
                  AND ends_at > ?
                  AND ends_at <= ?
                ORDER BY maintenance_id DESC
                LIMIT ?
                """,
                [
                    before ?? MaintenanceID(.max), bounds.startsAfter, bounds.startsUntil,
                    bounds.endsAfter, bounds.endsUntil, limit,
                ], Maintenance.init(row:))
        }
    }

    package func maintenance(id: MaintenanceID) async throws(StorageError) -> Maintenance? {
        try await perform { try $0.maintenance(id) }
    }

    package func change(
        _ change: MaintenanceChange
    ) async throws(StorageError) -> Maintenance {
        try await transact { session in
            // Of two changes the second waits here, and its next statement sees the first.
            _ = try session.all("SELECT revision FROM settings_revision WHERE id = 1 FOR UPDATE") {
                $0.integer(0)
            }
            let before = try change.id.flatMap { try session.maintenance($0) }
            var after = try change.outcome(
                over: before, standing: session.standingMaintenances().count, at: session.now)
            switch (before, after) {
            case (nil, let ordered?): after?.id = try session.insert(ordered)
            case (_, let changed?): try session.update(changed)
            case (let ended, nil): try session.deleteMaintenance(ended?.id ?? 0)
            }
            try session.append([try change.entry(before: before, after: after, at: session.now)])
            try session.insertEvaluations(
                of: change.policies, dueAt: session.now, .maintenance)
            guard let kept = after ?? before else {
                throw StorageError.failed("A maintenance was neither before nor after.")
            }
            return kept
        }
    }

    package func pruneMaintenances(
        keep: Duration, limit: Int
    ) async throws(StorageError) -> Int {
        try await read { session in
            try session.run(
                """
                DELETE FROM maintenances
                WHERE ends_at < ?
                ORDER BY ends_at, maintenance_id
                LIMIT ?
                """, [session.now - keep, limit])
        }
    }
}

extension Session {
    /// Those that are not over.
    func standingMaintenances() throws -> [Maintenance] {
        try all(
            """
            SELECT maintenance_id, selector, sets, starts_at, ends_at, reason, actor, created_at,
                   break_glass
            FROM maintenances
            WHERE ends_at > ?
            ORDER BY maintenance_id
            """, [now], Maintenance.init(row:))
    }

    fileprivate func maintenance(_ id: MaintenanceID) throws -> Maintenance? {
        try first(
            """
            SELECT maintenance_id, selector, sets, starts_at, ends_at, reason, actor, created_at,
                   break_glass
            FROM maintenances
            WHERE maintenance_id = ?
            """, [id], Maintenance.init(row:))
    }

    fileprivate func insert(_ maintenance: Maintenance) throws -> MaintenanceID {
        let ids = try insert(
            [
                [
                    maintenance.selector.description,
                    try maintenance.sets.map { try JSONColumn.text(of: $0) }, maintenance.startsAt,
                    maintenance.endsAt, maintenance.reason, maintenance.actor,
                    maintenance.createdAt, maintenance.breakGlass,
                ]
            ],
            into: """
                maintenances
                    (selector, sets, starts_at, ends_at, reason, actor, created_at, break_glass)
                """
        ).ids
        guard let id = ids.first else {
            throw StorageError.failed("A maintenance was not inserted.")
        }
        return MaintenanceID(id)
    }

    fileprivate func update(_ maintenance: Maintenance) throws {
        try run(
            """
            UPDATE maintenances
            SET ends_at = ?,
                reason = ?,
                break_glass = ?
            WHERE maintenance_id = ?
            """,
            [maintenance.endsAt, maintenance.reason, maintenance.breakGlass, maintenance.id])
    }

    fileprivate func deleteMaintenance(_ id: MaintenanceID) throws {
        try run(
            """
            DELETE FROM maintenances
            WHERE maintenance_id = ?
            """, [id])
    }
}
