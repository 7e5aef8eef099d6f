package import HealthWorkerModel
package import HealthWorkerStorage

extension PostgreSQLStorage {
    package func arrivals(
        of policy: PolicyID, from first: Int64, through last: Int64
    ) async throws(StorageError) -> [Arrival] {
        try await perform { session in
            try session.all(
                """
                SELECT policy_id, generation, sink, name, applied_at, result, observed_at, found,
                       now_us()
                FROM route_arrivals
                WHERE policy_id = $1
                  AND generation >= $2
                  AND generation <= $3
                ORDER BY generation, sink, name
                """, [policy, first, last]
            ) { try Arrival(row: $0, at: $0.moment(8)) }
        }
    }

    package func conclude(
        _ place: Arrival.Place, _ end: Arrival.End
    ) async throws(StorageError) -> Bool {
        try await perform { session in
            let changed = try session.run(
                """
                UPDATE route_arrivals
                SET result = $5,
                    observed_at = $6,
                    found = $7
                WHERE policy_id = $1
                  AND generation = $2
                  AND sink = $3
                  AND name = $4
                  AND result IS NULL
                """,
                [
                    place.policy, place.generation, place.sink, place.name,
                    end.result.rawValue, end.observedAt, end.found,
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
            INSERT INTO route_arrivals (policy_id, generation, sink, name, applied_at, result)
            VALUES ($1, $2, $3, $4, now_us(), $5)
            ON CONFLICT (policy_id, generation, sink, name) DO NOTHING
            """,
            [
                place.policy, place.generation, place.sink, place.name,
                delivery.kind == .event ? ArrivalResult.told.rawValue : nil,
            ])
    }
}
