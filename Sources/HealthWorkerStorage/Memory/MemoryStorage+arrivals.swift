package import HealthWorkerModel

extension MemoryStorage {
    package func arrivals(
        of policy: PolicyID, from first: Int64, through last: Int64
    ) async throws(StorageError) -> [Arrival] {
        try withState { state, now in
            state.arrivals.values
                .filter {
                    $0.place.policy == policy && $0.place.generation >= first
                        && $0.place.generation <= last
                }
                .sorted { left, right in
                    (left.place.generation, left.place.sink, left.place.name)
                        < (right.place.generation, right.place.sink, right.place.name)
                }
                .map { arrival in
                    guard arrival.state == .awaited, now - arrival.appliedAt > Arrival.end else {
                        return arrival
                    }
                    var lost = arrival
                    lost.state = .unknown
                    return lost
                }
        }
    }

    package func conclude(
        _ place: Arrival.Place, _ end: Arrival.End
    ) async throws(StorageError) -> Bool {
        try withState { state, _ in
            guard state.arrivals[place]?.state == .awaited else { return false }
            state.arrivals[place]?.state = .ended(end)
            return true
        }
    }
}

extension MemoryState {
    /// Begins the arrival of what was delivered; once for each generation.
    mutating func beginArrival(of delivery: Delivery, at now: Timestamp) {
        let place = Arrival.Place(delivery)
        guard delivery.route != nil, arrivals[place] == nil else { return }
        arrivals[place] = Arrival(
            place: place, appliedAt: now, state: delivery.kind == .event ? .told : .awaited)
    }
}
