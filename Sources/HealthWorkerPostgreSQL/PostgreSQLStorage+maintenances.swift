package import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func maintenances(
        in state: MaintenanceState?, before: MaintenanceID?, limit: Int
    ) async throws(StorageError) -> [Maintenance] {
        try await perform { session in
            let bounds = MaintenanceBounds(of: state, at: try session.momentOfDatabase())
            return try session.all(
                """
                SELECT maintenance_id, selector, sets, starts_at, ends_at, reason, actor, created_at,
                       break_glass
                FROM maintenances
                WHERE maintenance_id < $1
                  AND starts_at > $2
                  AND starts_at <= $3
                  AND ends_at > $4
                  AND ends_at <= $5
                ORDER BY maintenance_id DESC
                LIMIT $6
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
            try session.run("SELECT revision FROM settings_revision WHERE id = 1 FOR UPDATE")
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
        try await perform { session in
            try session.run(
                """
                DELETE FROM maintenances
                WHERE maintenance_id IN (
                    SELECT maintenance_id
                    FROM maintenances
                    WHERE ends_at < now_us() - $1
                    ORDER BY ends_at, maintenance_id
                    LIMIT $2
                    FOR UPDATE SKIP LOCKED
                )
                """, [keep, limit])
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
            WHERE ends_at > $1
            ORDER BY maintenance_id
            """, [now], Maintenance.init(row:))
    }

    fileprivate func maintenance(_ id: MaintenanceID) throws -> Maintenance? {
        try first(
            """
            SELECT maintenance_id, selector, sets, starts_at, ends_at, reason, actor, created_at,
                   break_glass
            FROM maintenances
            WHERE maintenance_id = $1
            """, [id], Maintenance.init(row:))
    }

    fileprivate func insert(_ maintenance: Maintenance) throws -> MaintenanceID {
        let id: MaintenanceID? = try first(
            """
            INSERT INTO maintenances
                (selector, sets, starts_at, ends_at, reason, actor, created_at, break_glass)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            RETURNING maintenance_id
            """,
            [
                maintenance.selector.description,
                try maintenance.sets.map { try JSONColumn.text(of: $0) }, maintenance.startsAt,
                maintenance.endsAt, maintenance.reason, maintenance.actor, maintenance.createdAt,
                maintenance.breakGlass,
            ]
        ) { $0.id(0) }
        guard let id else { throw StorageError.failed("A maintenance was not inserted.") }
        return id
    }

    fileprivate func update(_ maintenance: Maintenance) throws {
        try run(
            """
            UPDATE maintenances
            SET ends_at = $1,
                reason = $2,
                break_glass = $3
            WHERE maintenance_id = $4
            """,
            [maintenance.endsAt, maintenance.reason, maintenance.breakGlass, maintenance.id])
    }

    fileprivate func deleteMaintenance(_ id: MaintenanceID) throws {
        try run(
            """
            DELETE FROM maintenances
            WHERE maintenance_id = $1
            """, [id])
    }
}
