package import HealthWorkerModel

extension Arrival {
    /// Reads `policy_id, generation, sink, name, applied_at, result, observed_at, found`.
    package init(row: some StoredRow, at now: Timestamp) throws {
        let appliedAt = row.moment(4)
        let result: ArrivalResult? = try row.optionalWord(5)
        self.init(
            place: Place(
                policy: row.id(0), generation: row.integer(1), sink: row.text(2), name: row.text(3)),
            appliedAt: appliedAt,
            state: State(
                result, observedAt: row.optionalMoment(6) ?? appliedAt,
                found: row.optionalText(7) ?? "", isOver: now - appliedAt > Self.end))
    }
}

extension Arrival.State {
    fileprivate init(
        _ result: ArrivalResult?, observedAt: Timestamp, found: String, isOver: Bool
    ) {
        switch result {
        case .observed: self = .ended(.observed(observedAt))
        case .replaced: self = .ended(.replaced)
        case .notObserved: self = .ended(.notObserved(found: found))
        case .told: self = .told
        case nil: self = isOver ? .unknown : .awaited
        }
    }
}
