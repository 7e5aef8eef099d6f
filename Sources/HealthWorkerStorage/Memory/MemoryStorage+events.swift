import HealthWorkerModel

extension MemoryStorage {
    package func events(_ query: EventQuery) async throws(StorageError) -> [Event] {
        try withState { state, _ in
            var events = state.healthChanges.map(Event.turn)
            for (policy, route) in state.routes {
                events += route.changes.map { .route(policy, $0) }
            }
            events += state.auditLog.map(Event.deed)
            let wanted = events.filter { event in
                let bounds = query.bounds(of: event.position.source)
                return query.admits(event) && event.position > bounds.after
                    && event.position < bounds.before
            }
            return query.merging([wanted])
        }
    }
}
