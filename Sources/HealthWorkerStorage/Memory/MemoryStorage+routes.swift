package import HealthWorkerModel

extension MemoryStorage {
    package func dueEvaluations(limit: Int) async throws(StorageError) -> [DueEvaluation] {
        try withState { state, now in
            var due: [DueEvaluation] = []
            for (policy, evaluations) in state.evaluations {
                if let first = evaluations.map(\.dueAt).min(), first <= now {
                    due.append(DueEvaluation(policy: policy, dueAt: first))
                }
            }
            due.sort { ($0.dueAt, $0.policy) < ($1.dueAt, $1.policy) }
            return Array(due.prefix(limit))
        }
    }

    package func nextEvaluationDue() async throws(StorageError) -> Timestamp? {
        try withState { state, _ in state.evaluations.values.joined().map(\.dueAt).min() }
    }

    package func evaluationInputs(
        of policy: PolicyID
    ) async throws(StorageError) -> EvaluationInputs? {
        try withState { state, now in
            guard let route = state.routes[policy], let inputs = state.inputs(of: policy, at: now)
            else { return nil }
            let due = (state.evaluations[policy] ?? []).filter { $0.dueAt <= now }
            return EvaluationInputs(
                evaluation: route.evaluation, answers: due.map(\.id), inputs: inputs)
        }
    }

    package func commit(_ commit: EvaluationCommit) async throws(StorageError) -> CommitOutcome {
        try withState { state, now throws(StorageError) in
            try state.commit(commit, at: now)
        }
    }

    package func commit(
        all commits: [EvaluationCommit]
    ) async throws(StorageError) -> [CommitOutcome]? {
        try withState { state, now throws(StorageError) in
            var changed = state
            var outcomes: [CommitOutcome] = []
            for commit in commits {
                let outcome = try changed.commit(commit, at: now)
                if case .superseded = outcome { return nil }
                outcomes.append(outcome)
            }
            state = changed
            return outcomes
        }
    }

    package func dropEvaluations(ofGone policy: PolicyID) async throws(StorageError) {
        try withState { state, _ in
            if state.policies[policy] == nil { state.evaluations[policy] = nil }
        }
    }

    package func insertMissedEvaluations() async throws(StorageError) -> Int {
        try withState { state, now in
            var missed = 0
            for policy in state.policies.keys.sorted() {
                let isDue = (state.evaluations[policy] ?? []).contains { $0.dueAt <= now }
                let present = state.inputs(of: policy, at: now)?.fingerprint
                if isDue || state.routes[policy]?.inputs == present { continue }
                state.insertEvaluation(of: policy, dueAt: now)
                missed += 1
            }
            return missed
        }
    }

    package func route(of policy: PolicyID) async throws(StorageError) -> StoredRoute? {
        try withState { state, _ in state.storedRoute(of: policy) }
    }

    package func routes(
        after: String?, limit: Int
    ) async throws(StorageError) -> [StoredRoute] {
        try withState { state, _ in
            let policies = state.policies.values.filter { policy in
                after.map { policy.spec.name > $0 } ?? true
            }
            return policies.sorted { $0.spec.name < $1.spec.name }.prefix(limit)
                .compactMap { state.storedRoute(of: $0.id) }
        }
    }

    package func routes(of policies: [PolicyID]) async throws(StorageError) -> [StoredRoute] {
        try withState { state, _ in Set(policies).compactMap { state.storedRoute(of: $0) } }
    }

    package func routesMark() async throws(StorageError) -> RoutesMark {
        try withState { state, _ in
            RoutesMark(
                count: Int64(state.routes.count),
                sumOfIDs: state.routes.keys.reduce(0) { $0 + $1.rawValue },
                sumOfEvaluations: state.routes.values.reduce(0) { $0 + $1.evaluation })
        }
    }

    package func routeEvaluations() async throws(StorageError) -> [PolicyID: Int64] {
        try withState { state, _ in state.routes.mapValues(\.evaluation) }
    }

    package func falls(within window: Duration) async throws(StorageError) -> [Fall] {
        try withState { state, now in
            var falls: [Fall] = []
            for change in state.healthChanges.reversed() where change.turn.to == .unhealthy {
                if change.at <= now - window { break }
                guard state.health[change.check]?.change == change.id else { continue }
                for policy in state.users[change.check] ?? [] {
                    for (member, check) in state.memberChecks[policy] ?? [:]
                    where check == change.check {
                        falls.append(
                            Fall(
                                policy: policy, member: member, change: change.id, at: change.at,
                                isConfirmedElsewhere: change.turn.isConfirmedElsewhere))
                    }
                }
            }
            return falls.sorted {
                ($0.change, $0.policy, $0.member) < ($1.change, $1.policy, $1.member)
            }
        }
    }

    package func publishedMembers() async throws(StorageError) -> Int {
        try withState { state, _ in
            state.policies.values.filter { $0.spec.type != .simple }
                .reduce(0) { $0 + (state.routes[$1.id]?.route?.answer.records.count ?? 0) }
        }
    }

    package func holdingPolicies() async throws(StorageError) -> [PolicyID] {
        try withState { state, _ in
            state.routes.filter { $0.value.route?.memory.holds != nil }.map(\.key).sorted()
        }
    }

    package func routeChanges(
        of policy: PolicyID, before: Int64?, limit: Int
    ) async throws(StorageError) -> [Route] {
        try withState { state, _ in
            let changes = (state.routes[policy]?.changes ?? []).reversed()
            return Array(
                changes.lazy.filter { route in before.map { route.generation < $0 } ?? true }
                    .prefix(limit))
        }
    }

    package func overrides(of policy: PolicyID?) async throws(StorageError) -> [Override] {
        try withState { state, now in
            state.overrides.values
                .filter { word in
                    word.holds(at: now) && (policy.map { word.policy == $0 } ?? true)
                }
                .sorted { $0.id < $1.id }
        }
    }

    package func override(id: OverrideID) async throws(StorageError) -> Override? {
        try withState { state, now in
            state.overrides[id].flatMap { $0.holds(at: now) ? $0 : nil }
        }
    }
}

extension MemoryState {
    mutating func insertEvaluation(
        of policy: PolicyID, dueAt: Timestamp, isTimer: Bool = false
    ) {
        let id = lastIDs.evaluation.advance()
        evaluations[policy, default: []].append(
            MemoryEvaluation(id: id, dueAt: dueAt, isTimer: isTimer))
    }

    fileprivate func inputs(
        of id: PolicyID, at now: Timestamp
    ) -> PolicyEvaluation.Inputs? {
        guard let policy = policies[id], let route = routes[id] else { return nil }
        var members: [String: PolicyEvaluation.MemberHealth] = [:]
        for (member, check) in memberChecks[id] ?? [:] {
            guard let state = health[check] else { continue }
            members[member] = PolicyEvaluation.MemberHealth(
                check: check, health: state.health, since: state.since, epoch: state.epoch,
                change: state.change, isEnabled: checks[check]?.spec.isEnabled ?? false,
                noticedAt: healthChanges.last { $0.id == state.change }?.turn.noticedAt)
        }
        return PolicyEvaluation.Inputs(
            policy: policy,
            health: members.explained(
                by: unhealthyDependencies(of: members.unhealthyChecks)),
            overrides: overrides.values.filter { $0.policy == id && $0.holds(at: now) }
                .sorted { $0.id < $1.id },
            maintenances: standingMaintenances(at: now),
            freeze: route.freeze.flatMap { $0.holds(at: now) ? $0 : nil }, previous: route.route,
            now: now)
    }

    fileprivate mutating func commit(
        _ commit: EvaluationCommit, at now: Timestamp
    ) throws(StorageError) -> CommitOutcome {
        let id = commit.read.inputs.policy.id
        guard policies[id] != nil, var route = routes[id],
            route.evaluation == commit.read.evaluation
        else { return .superseded }

        carryOut(commit.writes(over: route.freeze), of: id, route: &route)
        append(audit: try commit.auditEntries(at: now))

        let answered = Set(commit.read.answers)
        evaluations[id]?.removeAll { $0.isTimer || answered.contains($0.id) }
        if let lookAgainAt = commit.verdict.lookAgainAt {
            insertEvaluation(of: id, dueAt: lookAgainAt, isTimer: true)
        }

        route.evaluation += 1
        route.members = commit.verdict.members
        route.lookAgainAt = commit.verdict.lookAgainAt
        route.unprotected = commit.verdict.unprotected
        route.inputs = commit.read.inputs.fingerprint
        let next = Route.next(after: route.route, verdict: commit.verdict, at: now)
        route.route = next ?? route.route?.keeping(commit.verdict)
        if let next { route.changes.append(next) }
        routes[id] = route
        if let published = route.route {
            announce(published, of: id, isNew: next != nil, at: now)
        }
        return .committed(route.route, isNewGeneration: next != nil)
    }

    fileprivate mutating func carryOut(
        _ writes: [OperatorWrite], of policy: PolicyID, route: inout MemoryRoute
    ) {
        for write in writes {
            switch write {
            case .setOverride(var word):
                overrides = overrides.filter {
                    $0.value.policy != policy || $0.value.member != word.member
                }
                word.id = lastIDs.override.advance()
                word.policy = policy
                overrides[word.id] = word
            case .clearOverride(let id):
                if overrides[id]?.policy == policy { overrides[id] = nil }
            case .freeze(let freeze):
                route.freeze = freeze
            case .thaw:
                route.freeze = nil
            }
        }
    }

    fileprivate func storedRoute(of id: PolicyID) -> StoredRoute? {
        guard let policy = policies[id], let row = routes[id] else { return nil }
        return StoredRoute(
            policy: id, policyName: policy.spec.name, mode: policy.spec.mode,
            type: policy.spec.type, evaluation: row.evaluation, members: row.members,
            lookAgainAt: row.lookAgainAt,
            unprotected: row.unprotected, freeze: row.freeze, route: row.route)
    }
}
