import HealthWorkerModel

/// A transaction is a copy of the state: what it leaves is taken over, or forgotten.
struct MemoryTransaction: ConfigurationTransaction {
    var state: MemoryState
    let now: Timestamp

    func checks(named names: Set<String>) throws(StorageError) -> [Check] {
        names.compactMap { state.checkIDs[$0] }.compactMap { state.checks[$0] }
    }

    func checks(madeBy policies: Set<String>) throws(StorageError) -> [Check] {
        policies.flatMap { state.madeChecks[$0] ?? [] }.compactMap { state.checks[$0] }
    }

    func policies(named names: Set<String>) throws(StorageError) -> [Policy] {
        names.compactMap { state.policyIDs[$0] }.compactMap { state.policies[$0] }
    }

    func policies(using checks: Set<CheckID>) throws(StorageError) -> [Policy] {
        var users = Set<PolicyID>()
        for check in checks { users.formUnion(state.users[check] ?? []) }
        return users.compactMap { state.policies[$0] }
    }

    func checks(dependingOn checks: Set<CheckID>) throws(StorageError) -> [Check] {
        let dependents = checks.reduce(into: Set<CheckID>()) {
            $0.formUnion(state.dependents[$1] ?? [])
        }
        return dependents.compactMap { state.checks[$0] }
    }

    func publishers(
        of keys: Set<PublicationKey>
    ) throws(StorageError) -> [PublicationKey: String] {
        var names: [PublicationKey: String] = [:]
        for key in keys {
            names[key] = state.publishers[key].flatMap { state.policies[$0]?.spec.name }
        }
        return names
    }
}

// Checks.
extension MemoryTransaction {
    mutating func insert(checks: [Check]) throws(StorageError) -> [CheckID] {
        var ids: [CheckID] = []
        for var check in checks {
            check.id = state.lastIDs.check.advance()
            state.add(check)
            state.health[check.id] = HealthState(epoch: check.epoch, since: now)
            ids.append(check.id)
        }
        return ids
    }

    mutating func update(checks: [Check]) throws(StorageError) {
        for check in checks {
            state.remove(check: check.id)
            state.add(check)
            state.updateJob(of: check.id)
        }
    }

    mutating func bind(dependencies: [CheckID: [CheckID]]) throws(StorageError) {
        for (check, parents) in dependencies { state.bind(check, to: Set(parents)) }
    }

    mutating func delete(checks: [CheckID]) throws(StorageError) {
        let deleted = Set(checks)
        for check in checks {
            state.bind(check, to: [])
            state.dependents[check] = nil
            state.voidJob(of: check)
            state.remove(check: check)
            state.health[check] = nil
        }
        state.healthChanges.removeAll { deleted.contains($0.check) }
    }

    mutating func forgetHealth(
        of checks: [CheckID], cause: TurnCause
    ) throws(StorageError) {
        for id in checks {
            guard let check = state.checks[id], let before = state.health[id] else { continue }
            var after = HealthState(epoch: check.epoch, since: now, change: before.change)
            if before.health != .unknown {
                let change = state.lastIDs.healthChange.advance()
                after.change = change
                state.healthChanges.append(
                    RecordedHealthChange(
                        id: change, check: id, at: now,
                        turn: HealthTurn(from: before.health, to: .unknown, cause: cause),
                        job: nil, worker: nil))
            }
            state.health[id] = after
        }
    }

    mutating func ensureSlots(of checks: [Check]) throws(StorageError) {
        for check in checks {
            let slot = Wheel.Slot(of: check.id, interval: check.spec.interval)
            if state.slots[slot] == nil { state.slots[slot] = slot.firstDue(after: now) }
        }
    }

    mutating func enqueue(
        _ jobs: [(check: Check, id: CheckID, visibleAt: Timestamp)]
    ) throws(StorageError) {
        for job in jobs { state.makeDue(job.id, visibleAt: job.visibleAt, now: now) }
    }

    mutating func endJobs(of checks: [CheckID]) throws(StorageError) {
        for check in checks { state.voidJob(of: check) }
    }
}

// Policies.
extension MemoryTransaction {
    mutating func insert(policies: [BoundPolicy]) throws(StorageError) -> [PolicyID] {
        var ids: [PolicyID] = []
        for var bound in policies {
            bound.policy.id = state.lastIDs.policy.advance()
            state.add(bound)
            state.routes[bound.policy.id] = MemoryRoute()
            ids.append(bound.policy.id)
        }
        return ids
    }

    mutating func update(policies: [BoundPolicy]) throws(StorageError) {
        for bound in policies { state.remove(policy: bound.policy.id) }
        for bound in policies {
            state.add(bound)
            let spec = bound.policy.spec
            let stays = Set(spec.mode == .live ? spec.publish.map { MemoryPublication($0) } : [])
            state.routes[bound.policy.id]?.announced.formIntersection(stays)
            state.deliveries = state.deliveries.filter { _, row in
                row.policy != bound.policy.id || row.withdrawal != nil
                    || stays.contains(row.publication)
            }
        }
    }

    mutating func delete(policies: [PolicyID]) throws(StorageError) {
        let deleted = Set(policies)
        for policy in policies {
            state.remove(policy: policy)
            state.routes[policy] = nil
            state.evaluations[policy] = nil
        }
        state.overrides = state.overrides.filter { !deleted.contains($0.value.policy) }
        state.deliveries = state.deliveries.filter {
            $0.value.withdrawal != nil || !deleted.contains($0.value.policy)
        }
        state.deadLetters.removeAll { deleted.contains($0.policy) }
        state.arrivals = state.arrivals.filter { !deleted.contains($0.key.policy) }
    }

    mutating func part(with partings: [Parting]) throws(StorageError) {
        for parting in partings { state.part(with: parting, at: now) }
    }

    mutating func evaluate(policies: [PolicyID]) throws(StorageError) {
        for policy in policies { state.insertEvaluation(of: policy, dueAt: now) }
    }

    mutating func audit(_ entries: [AuditEntry]) throws(StorageError) {
        state.append(audit: entries)
    }
}

extension MemoryState {
    fileprivate mutating func add(_ check: Check) {
        checks[check.id] = check
        checkIDs[check.spec.name] = check.id
        if let policy = check.madeBy { madeChecks[policy, default: []].insert(check.id) }
        let slot = Wheel.Slot(of: check.id, interval: check.spec.interval)
        checksOfSlot[slot, default: []].insert(check.id)
    }

    fileprivate mutating func remove(check id: CheckID) {
        guard let check = checks.removeValue(forKey: id) else { return }
        checkIDs[check.spec.name] = nil
        if let policy = check.madeBy { madeChecks[policy]?.remove(id) }
        let slot = Wheel.Slot(of: id, interval: check.spec.interval)
        checksOfSlot[slot]?.remove(id)
    }

    fileprivate mutating func bind(_ check: CheckID, to parents: Set<CheckID>) {
        for parent in dependencies[check] ?? [] { dependents[parent]?.remove(check) }
        dependencies[check] = parents.isEmpty ? nil : parents
        for parent in parents { dependents[parent, default: []].insert(check) }
    }

    fileprivate mutating func add(_ bound: BoundPolicy) {
        let policy = bound.policy
        policies[policy.id] = policy
        policyIDs[policy.spec.name] = policy.id
        memberChecks[policy.id] = bound.checks
        for check in bound.checks.values { users[check, default: []].insert(policy.id) }
        for key in policy.spec.publicationKeys { publishers[key] = policy.id }
    }

    fileprivate mutating func remove(policy id: PolicyID) {
        guard let policy = policies.removeValue(forKey: id) else { return }
        policyIDs[policy.spec.name] = nil
        for check in (memberChecks.removeValue(forKey: id) ?? [:]).values {
            users[check]?.remove(id)
        }
        for key in policy.spec.publicationKeys { publishers[key] = nil }
    }
}
