package import HealthWorkerModel

extension MemoryStorage {
    package func hourMark() async throws(StorageError) -> HourMark {
        try withState { state, _ in state.hourMark }
    }

    package func checks(
        of hour: Hour, after: CheckID, limit: Int
    ) async throws(StorageError) -> [CheckOfHour] {
        try withState { state, _ in
            var checks: [CheckOfHour] = []
            for id in state.checks.keys.filter({ $0 > after }).sorted() where checks.count < limit {
                guard let check = state.checks[id], check.createdAt < hour.end,
                    let health = state.health[id]
                else { continue }
                let before = state.checkHours[MemoryHour(id: id.rawValue, hour: hour.previous)]
                checks.append(
                    CheckOfHour(
                        check: id, createdAt: check.createdAt,
                        staleAfter: Staleness.limit(for: check.spec), health: health.health,
                        healthSince: health.since, lastJob: before?.lastJob ?? 0,
                        seenAt: before?.seenAt))
            }
            return checks
        }
    }

    package func outcomes(
        of check: CheckID, from start: Timestamp, after job: JobID, limit: Int
    ) async throws(StorageError) -> [HourOutcome] {
        try withState { state, _ in
            let outcomes = (state.outcomes[check] ?? []).lazy.filter {
                $0.startedAt >= start && $0.job > job
            }
            return outcomes.prefix(limit).map {
                HourOutcome(
                    job: $0.job, at: $0.startedAt, kind: $0.report.outcome.kind,
                    phases: $0.report.phases)
            }
        }
    }

    package func policies(
        of hour: Hour, after: PolicyID, limit: Int
    ) async throws(StorageError) -> [PolicyID] {
        try withState { state, _ in
            let ids = state.policies.values.filter { $0.id > after && $0.createdAt < hour.end }
                .map(\.id)
            return Array(ids.sorted().prefix(limit))
        }
    }

    package func keep(
        _ hours: MadeHours, from mark: HourMark, to next: HourMark
    ) async throws(StorageError) -> Bool {
        try withState { state, _ in
            guard state.hourMark == mark else { return false }
            for hour in hours.checks {
                state.checkHours[MemoryHour(id: hour.check.rawValue, hour: hour.hour)] = hour
            }
            for hour in hours.policies {
                state.policyHours[MemoryHour(id: hour.policy.rawValue, hour: hour.hour)] = hour
            }
            state.hourMark = next
            return true
        }
    }

    package func checkHours(
        of check: CheckID, from start: Hour, until end: Hour
    ) async throws(StorageError) -> [CheckHour] {
        try withState { state, _ in
            state.checkHours.values
                .filter { $0.check == check && $0.hour >= start && $0.hour < end }
                .sorted { $0.hour < $1.hour }
        }
    }

    package func policyHours(
        of policy: PolicyID, from start: Hour, until end: Hour
    ) async throws(StorageError) -> [PolicyHour] {
        try withState { state, _ in
            state.policyHours.values
                .filter { $0.policy == policy && $0.hour >= start && $0.hour < end }
                .sorted { $0.hour < $1.hour }
        }
    }

    package func pruneHours(
        before hour: Hour, limit: Int
    ) async throws(StorageError) -> Int {
        try withState { state, _ in
            state.checkHours.prune(before: hour, limit: limit)
                + state.policyHours.prune(before: hour, limit: limit)
        }
    }
}

/// The key of an hour of a check or policy.
struct MemoryHour: Hashable {
    var id: Int64
    var hour: Hour
}

extension Dictionary where Key == MemoryHour {
    fileprivate mutating func prune(before hour: Hour, limit: Int) -> Int {
        let old = keys.filter { $0.hour < hour }.sorted { $0.hour < $1.hour }.prefix(limit)
        for key in old { self[key] = nil }
        return old.count
    }
}
