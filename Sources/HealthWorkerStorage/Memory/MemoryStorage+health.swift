package import HealthWorkerModel

extension MemoryStorage {
    package func observations(
        of checks: [CheckID]
    ) async throws(StorageError) -> [CheckID: Observation] {
        try withState { state, _ in
            var observations: [CheckID: Observation] = [:]
            for id in checks {
                guard let check = state.checks[id], let health = state.health[id] else { continue }
                let job = state.jobOfCheck[id].flatMap { state.jobs[$0] }
                let slot = Wheel.Slot(of: id, interval: check.spec.interval)
                observations[id] = Observation(
                    state: health,
                    job: job.map {
                        LiveJob(
                            id: $0.id, attempt: $0.attempt, dueAt: $0.dueAt,
                            visibleAt: $0.visibleAt, worker: $0.worker)
                    },
                    slotDueAt: check.spec.isEnabled ? state.slots[slot] : nil,
                    lastOutcome: state.outcomes[id]?.last)
            }
            return observations
        }
    }

    package func outcomes(
        of check: CheckID, before: JobID?, limit: Int
    ) async throws(StorageError) -> [RecordedOutcome] {
        try withState { state, _ in
            let outcomes = (state.outcomes[check] ?? []).reversed()
            return Array(
                outcomes.lazy.filter { outcome in before.map { outcome.job < $0 } ?? true }
                    .prefix(limit))
        }
    }

    package func healthChanges(
        of check: CheckID?, before: HealthChangeID?, limit: Int
    ) async throws(StorageError) -> [RecordedHealthChange] {
        try withState { state, _ in
            let wanted = state.healthChanges.reversed().lazy.filter { change in
                (check.map { change.check == $0 } ?? true)
                    && (before.map { change.id < $0 } ?? true)
            }
            return Array(wanted.prefix(limit))
        }
    }

    package func unhealthyDependencies(
        of checks: [CheckID]
    ) async throws(StorageError) -> [CheckID: [String]] {
        try withState { state, _ in state.unhealthyDependencies(of: checks) }
    }

    package func census() async throws(StorageError) -> Census {
        try withState { state, now in
            var groups: [Census.CheckGroup: Int] = [:]
            for (id, check) in state.checks {
                guard let health = state.health[id] else { continue }
                let staleness = Staleness(
                    of: check.spec, inconclusiveSince: health.inconclusiveSince,
                    jobDue: state.jobOfCheck[id].flatMap { state.jobs[$0] }?.dueAt,
                    slotDue: state.slots[Wheel.Slot(of: id, interval: check.spec.interval)],
                    now: now)
                let group = Census.CheckGroup(
                    locations: check.spec.locations, health: health.health,
                    freshness: Census.Freshness(check.spec, staleness), count: 0)
                groups[group, default: 0] += 1
            }
            return Census(
                checks: groups.map { group, count in
                    Census.CheckGroup(
                        locations: group.locations, health: group.health,
                        freshness: group.freshness, count: count)
                },
                policies: Census.Policies(
                    all: state.routes.count,
                    waiting: state.routes.values.count { $0.route == nil },
                    unprotected: state.routes.values.count { !$0.unprotected.isEmpty },
                    frozen: state.routes.values.count { $0.freeze != nil },
                    holding: state.routes.values.count { $0.route?.memory.holds != nil }),
                sinks: state.sinkCounts)
        }
    }
}

extension MemoryState {
    fileprivate var sinkCounts: [Census.Sink] {
        var counts: [String: Census.Sink] = [:]
        func count(_ sink: String, _ change: (inout Census.Sink) -> Void) {
            change(&counts[sink, default: Census.Sink(name: sink)])
        }
        for key in publishers.keys { count(key.sink) { _ in } }
        for row in deliveries.values {
            count(row.publication.sink) {
                $0.waiting += 1
                $0.waitingSince = min($0.waitingSince ?? row.since, row.since)
            }
        }
        for (place, holding) in holdings
        where holding.difference != nil && holding.generation != nil {
            count(place.publication.sink) { $0.differing += 1 }
        }
        for letter in deadLetters { count(letter.sink) { $0.deadLetters += 1 } }
        return counts.values.sorted { $0.name < $1.name }
    }
}

extension MemoryState {
    func unhealthyDependencies(of checks: [CheckID]) -> [CheckID: [String]] {
        var found: [CheckID: [String]] = [:]
        for check in checks {
            var known: Set<CheckID> = []
            var open = dependencies[check] ?? []
            while let next = open.popFirst() {
                guard known.insert(next).inserted else { continue }
                open.formUnion(dependencies[next] ?? [])
            }
            let names = known.filter { health[$0]?.health == .unhealthy }
                .compactMap { self.checks[$0] }.filter(\.spec.isEnabled).map(\.spec.name)
            if !names.isEmpty { found[check] = names.sorted() }
        }
        return found
    }
}
