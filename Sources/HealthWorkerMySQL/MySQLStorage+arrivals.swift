package import HealthWorkerModel
package import HealthWorkerStorage

extension MySQLStorage {
    package func arrivals(
        of policy: PolicyID, from first: Int64, through last: Int64
    ) async throws(StorageError) -> [Arrival] {
        try await read { session in
            try session.all(
                """
                SELECT policy_id, generation, sink, name, applied_at, result, observed_at, found
                FROM route_arrivals
                WHERE policy_id = ?
                  AND generation >= ?
                  AND generation <= ?
                ORDER BY generation, sink, name
                """, [policy, first, last]
            ) { [now = session.now] in try Arrival(row: $0, at: now) }
        }
    }

    package func conclude(
        _ place: Arrival.Place, _ end: Arrival.End
    ) async throws(StorageError) -> Bool {
        try await read { session in
            let changed = try session.run(
                """
                UPDATE route_arrivals
                SET result = ?,
                    observed_at = ?,
                    found = ?
                WHERE policy_id = ?
                  AND generation = ?
                  AND sink = ?
                  AND name = ?
                  AND result IS NULL
                """,
                [
                    end.result.rawValue, end.observedAt, end.found,
                    place.policy, place.generation, place.sink, place.name,
                ])
            return changed == 1
        }
    }
}

extension Session {
    /// Begins the arrival of what was delivered; once for each generation.
    func beginArrival(of delivery: Delivery) throws {
        guard delivery.route != nil else { return }
        let place = Arrival.Place(delivery)
        try run(
            """
            INSERT IGNORE INTO route_arrivals
                (policy_id, generation, sink, name, applied_at, result)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            [
                place.policy, place.generation, place.sink, place.name, now,
                delivery.kind == .event ? ArrivalResult.told.rawValue : nil,
            ])
    }
}
