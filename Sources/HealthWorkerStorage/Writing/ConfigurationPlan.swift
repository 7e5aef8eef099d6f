import HealthWorkerModel

/// What must be written so that the stored objects are those of a draft, or why that cannot be.
struct ConfigurationPlan {
    private(set) var refusals: [Refusal]
    private var draft: ConfigurationDraft
    private let now: Timestamp
    /// By index in the draft: what the object will be; nil where nothing is written of it.
    private var newChecks: [Check?]
    private var newPolicies: [Policy?]
    /// By name as stored before the batch.
    private var originalChecks: [String: Int] = [:]
    private var originalPolicies: [String: Int] = [:]
    /// Stored policies that see other inputs though they do not change themselves.
    private var onlookers: [PolicyID] = []
    /// Policies that do not change, and of which a member's check is another one now.
    private var rebound = Set<Int>()
    /// Checks that do not change, and of which one that they depend on is another one now.
    private var reboundChecks = Set<Int>()

    private static let longestSpread = Duration.seconds(10)

    init<Transaction: ConfigurationTransaction>(
        of draft: ConfigurationDraft, in transaction: Transaction
    ) throws(StorageError) {
        self.draft = draft
        now = transaction.now
        refusals = draft.refusals
        newChecks = draft.checks.map { [now = transaction.now] entry in entry.successor(at: now) }
        newPolicies = []

        try readUsers(in: transaction)
        try readReferences(in: transaction)
        try readDependents(in: transaction)
        try readDependencies(in: transaction)
        newPolicies = self.draft.policies.map { [now] entry in entry.successor(at: now) }
        for (index, entry) in self.draft.checks.enumerated() {
            if let original = entry.original { originalChecks[original.spec.name] = index }
        }
        for (index, entry) in self.draft.policies.enumerated() {
            if let original = entry.original { originalPolicies[original.spec.name] = index }
        }
        resolveReferences()
        resolveDependencies()
        try comparePublications(in: transaction)
    }

    /// Policies with a member whose check goes, is paused or resumed, or forgets its health.
    private mutating func readUsers<Transaction: ConfigurationTransaction>(
        in transaction: Transaction
    ) throws(StorageError) {
        var touched = Set<CheckID>()
        for (index, entry) in draft.checks.enumerated() {
            guard let original = entry.original else { continue }
            if entry.isDeleted {
                touched.insert(original.id)
            } else if let check = newChecks[index],
                check.epoch != original.epoch || check.spec.isEnabled != original.spec.isEnabled
            {
                touched.insert(original.id)
            }
        }
        guard !touched.isEmpty else { return }
        let known = Set(draft.policies.lazy.compactMap(\.original?.id))
        for policy in try transaction.policies(using: touched).sorted(by: { $0.id < $1.id }) {
            onlookers.append(policy.id)
            if !known.contains(policy.id) { draft.load(policy) }
        }
    }

    /// Checks that members name and no change touches.
    private mutating func readReferences<Transaction: ConfigurationTransaction>(
        in transaction: Transaction
    ) throws(StorageError) {
        var names = Set<String>()
        for entry in draft.policies where !entry.isDeleted {
            names.formUnion(entry.spec.members.lazy.compactMap(entry.spec.checkName(of:)))
        }
        // A stored name that the batch took away from its check is no name any more.
        let known = Set(draft.checks.lazy.compactMap(\.original?.spec.name))
        names = names.filter { draft.checkIndex[$0] == nil && !known.contains($0) }
        guard !names.isEmpty else { return }
        for check in try transaction.checks(named: names) {
            draft.load(check)
            newChecks.append(nil)
        }
    }

    /// Checks that depend on one that goes.
    private mutating func readDependents<Transaction: ConfigurationTransaction>(
        in transaction: Transaction
    ) throws(StorageError) {
        let deleted = Set(draft.checks.filter(\.isDeleted).compactMap(\.original?.id))
        guard !deleted.isEmpty else { return }
        let known = Set(draft.checks.lazy.compactMap(\.original?.id))
        for check in try transaction.checks(dependingOn: deleted).sorted(by: { $0.id < $1.id })
        where !known.contains(check.id) {
            draft.load(check)
            newChecks.append(nil)
        }
    }

    /// Checks that others depend on and no change touches, up to those that depend on none: a circle may
    /// lead through them.
    private mutating func readDependencies<Transaction: ConfigurationTransaction>(
        in transaction: Transaction
    ) throws(StorageError) {
        var looked = 0
        while looked < draft.checks.count {
            var names = Set<String>()
            for entry in draft.checks[looked...] where !entry.isDeleted {
                names.formUnion(entry.spec.dependsOn)
            }
            looked = draft.checks.count
            if names.isEmpty { return }
            let known = Set(draft.checks.lazy.compactMap(\.original?.spec.name))
            names = names.filter { draft.checkIndex[$0] == nil && !known.contains($0) }
            if names.isEmpty { return }
            for check in try transaction.checks(named: names) {
                draft.load(check)
                newChecks.append(nil)
            }
        }
    }

    private mutating func resolveDependencies() {
        var dependents: [String: Set<String>] = [:]
        var graph: [String: [String]] = [:]
        for (index, entry) in draft.checks.enumerated()
        where !entry.isDeleted && !entry.spec.dependsOn.isEmpty {
            graph[entry.spec.name] = entry.spec.dependsOn
            for parent in entry.spec.dependsOn {
                if draft.check(named: parent) != nil {
                    if newChecks[index] == nil, draft.checkIndex[parent] != originalChecks[parent] {
                        reboundChecks.insert(index)
                    }
                } else if draft.checkIndex[parent] == nil {
                    refusals.append(
                        .noSuchDependency(check: entry.spec.name, dependsOn: parent))
                } else {
                    dependents[parent, default: []].insert(entry.spec.name)
                }
            }
        }
        for (check, names) in dependents.sorted(by: { $0.key < $1.key }) {
            refusals.append(.dependedOn(check: check, by: names.sorted()))
        }
        refusals += Dependencies.circles(in: graph).map { .dependencyCircle($0) }
    }

    private mutating func resolveReferences() {
        var inUse: [String: Set<String>] = [:]
        for (index, entry) in draft.policies.enumerated() where !entry.isDeleted {
            for member in entry.spec.members {
                guard let name = entry.spec.checkName(of: member) else { continue }
                if draft.check(named: name) == nil {
                    if draft.checkIndex[name] == nil {
                        refusals.append(
                            .noSuchCheck(
                                policy: entry.spec.name, member: member.name, check: name))
                    } else {
                        inUse[name, default: []].insert(entry.spec.name)
                    }
                } else if newPolicies[index] == nil, draft.checkIndex[name] != originalChecks[name]
                {
                    rebound.insert(index)
                }
            }
        }
        for (check, policies) in inUse.sorted(by: { $0.key < $1.key }) {
            refusals.append(.inUse(check: check, by: policies.sorted()))
        }
    }

    private mutating func comparePublications<Transaction: ConfigurationTransaction>(
        in transaction: Transaction
    ) throws(StorageError) {
        var takers: [PublicationKey: String] = [:]
        for (index, entry) in draft.policies.enumerated()
        where !entry.isDeleted && newPolicies[index] == nil {
            for key in entry.spec.publicationKeys { takers[key] = entry.spec.name }
        }
        var wanted: [(key: PublicationKey, policy: String)] = []
        for (index, entry) in draft.policies.enumerated()
        where !entry.isDeleted && newPolicies[index] != nil {
            for key in entry.spec.publicationKeys.sorted() {
                wanted.append((key, entry.spec.name))
            }
        }
        guard !wanted.isEmpty else { return }
        let stored = try transaction.publishers(of: Set(wanted.lazy.map(\.key)))
        for (key, policy) in wanted {
            // What a policy of the batch publishes is known from the draft.
            let outsider = stored[key].flatMap { originalPolicies[$0] == nil ? $0 : nil }
            if let other = takers[key] ?? outsider {
                refusals.append(
                    .publicationTaken(
                        policy: policy, sink: key.sink, name: key.name, family: key.family,
                        by: other))
            } else {
                takers[key] = policy
            }
        }
    }
}

// Writing.
extension ConfigurationPlan {
    /// Calls the transaction in the order of the locks: checks, jobs, health, policies, evaluations.
    /// Only the deletion of checks comes after the policies that let go of them.
    mutating func write<Transaction: ConfigurationTransaction>(
        to transaction: inout Transaction
    ) throws(StorageError) {
        try writeChecks(to: &transaction)
        let evaluated = try writePolicies(to: &transaction)
        let deleted = draft.checks.filter(\.isDeleted).compactMap(\.original?.id)
        if !deleted.isEmpty { try transaction.delete(checks: deleted) }
        if !evaluated.isEmpty { try transaction.evaluate(policies: evaluated) }
    }

    private mutating func writeChecks<Transaction: ConfigurationTransaction>(
        to transaction: inout Transaction
    ) throws(StorageError) {
        let parked = parkedChecks()
        if !parked.isEmpty { try transaction.update(checks: parked) }

        let created = newChecks.indices.filter {
            newChecks[$0] != nil && draft.checks[$0].original == nil
        }
        if !created.isEmpty {
            let ids = try transaction.insert(checks: created.compactMap { newChecks[$0] })
            for (index, id) in zip(created, ids) { newChecks[index]?.id = id }
        }

        var updates: [Check] = []
        var forgets: [TurnCause: [CheckID]] = [:]
        var pauses: [CheckID] = []
        var slots: [Check] = []
        var due: [Check] = []
        for (entry, check) in zip(draft.checks, newChecks) {
            guard let check else { continue }
            guard let original = entry.original else {
                slots.append(check)
                if check.spec.isEnabled { due.append(check) }
                continue
            }
            updates.append(check)
            if check.epoch != original.epoch {
                let cause: TurnCause =
                    check.spec.asksSomethingElse(than: original.spec) ? .edited : .enabled
                forgets[cause, default: []].append(check.id)
                if check.spec.isEnabled { due.append(check) }
            }
            if original.spec.isEnabled, !check.spec.isEnabled { pauses.append(check.id) }
            if check.spec.interval != original.spec.interval { slots.append(check) }
        }
        if !updates.isEmpty { try transaction.update(checks: updates) }
        let dependencies = boundDependencies()
        if !dependencies.isEmpty { try transaction.bind(dependencies: dependencies) }
        if !slots.isEmpty { try transaction.ensureSlots(of: slots) }
        if !pauses.isEmpty { try transaction.endJobs(of: pauses) }
        if !due.isEmpty { try transaction.enqueue(spread(due)) }
        for cause in [TurnCause.edited, .enabled] {
            if let checks = forgets[cause] {
                try transaction.forgetHealth(of: checks, cause: cause)
            }
        }
    }

    /// Of each check that is written and depends on others, or did.
    private func boundDependencies() -> [CheckID: [CheckID]] {
        var bound: [CheckID: [CheckID]] = [:]
        for (index, entry) in draft.checks.enumerated() {
            guard newChecks[index] != nil || reboundChecks.contains(index),
                let id = newChecks[index]?.id ?? entry.original?.id
            else { continue }
            if entry.spec.dependsOn.isEmpty, entry.original?.spec.dependsOn.isEmpty ?? true {
                continue
            }
            bound[id] = entry.spec.dependsOn.compactMap { name in
                draft.check(named: name).flatMap {
                    newChecks[$0]?.id ?? draft.checks[$0].original?.id
                }
            }
        }
        return bound
    }

    /// Many new checks at once are no reason to probe them all at once; nor is a long interval one to
    /// wait for the first health of any of them.
    private func spread(_ due: [Check]) -> [(check: Check, id: CheckID, visibleAt: Timestamp)] {
        due.enumerated().map { position, check in
            let fast = min(
                check.spec.effectiveFastInterval.microseconds, Self.longestSpread.microseconds)
            let delay = fast * Int64(position) / Int64(due.count)
            return (check, check.id, now + .microseconds(delay))
        }
    }

    /// - Returns: the policies to evaluate.
    private mutating func writePolicies<Transaction: ConfigurationTransaction>(
        to transaction: inout Transaction
    ) throws(StorageError) -> [PolicyID] {
        let partings = partings()
        if !partings.isEmpty { try transaction.part(with: partings) }
        let deleted = draft.policies.filter(\.isDeleted).compactMap(\.original?.id)
        if !deleted.isEmpty { try transaction.delete(policies: deleted) }

        let parked = parkedPolicies()
        if !parked.isEmpty { try transaction.update(policies: parked) }

        var updates: [BoundPolicy] = []
        var creations: [BoundPolicy] = []
        for (index, entry) in draft.policies.enumerated() {
            if let policy = newPolicies[index] {
                if entry.original == nil {
                    creations.append(bound(policy))
                } else {
                    updates.append(bound(policy))
                }
            } else if rebound.contains(index), let policy = entry.original {
                updates.append(bound(policy))
            }
        }
        if !updates.isEmpty { try transaction.update(policies: updates) }
        var evaluated = Set(onlookers).subtracting(deleted)
        evaluated.formUnion(updates.lazy.map(\.policy.id))
        if !creations.isEmpty {
            evaluated.formUnion(try transaction.insert(policies: creations))
        }
        return evaluated.sorted()
    }

    /// In the order of the locks.
    private func partings() -> [Parting] {
        var partings: [Parting] = []
        for (entry, successor) in zip(draft.policies, newPolicies) {
            guard let original = entry.original, entry.isDeleted || successor != nil else {
                continue
            }
            partings += Parting.between(original, and: successor?.spec)
        }
        return partings.sorted { $0.policy < $1.policy }
    }

    private func bound(_ policy: Policy) -> BoundPolicy {
        var checks: [String: CheckID] = [:]
        for member in policy.spec.members {
            if let index = policy.spec.checkName(of: member).flatMap(draft.check(named:)) {
                checks[member.name] = newChecks[index]?.id ?? draft.checks[index].original?.id
            }
        }
        return BoundPolicy(policy: policy, checks: checks)
    }

    // Names are unique at every moment, not only at the end: an object whose name another one gets
    // in this batch steps aside first. No name that can be written contains a tilde.

    private func parkedChecks() -> [Check] {
        var parked: [Check] = []
        for (index, check) in newChecks.enumerated() {
            guard let check, let holder = originalChecks[check.spec.name], holder != index,
                var held = draft.checks[holder].original
            else { continue }
            held.spec.name = "\(held.id)~"
            parked.append(held)
        }
        return parked
    }

    private func parkedPolicies() -> [BoundPolicy] {
        var parked: [BoundPolicy] = []
        for (index, policy) in newPolicies.enumerated() {
            guard let policy, let holder = originalPolicies[policy.spec.name], holder != index,
                let held = newPolicies[holder]
            else { continue }
            var aside = bound(held)
            aside.policy.spec.name = "\(held.id)~"
            parked.append(aside)
        }
        return parked
    }
}

// What is told.
extension ConfigurationPlan {
    func results() -> [WriteResult] {
        draft.steps.map { step in
            switch step {
            case .refused:
                // Never seen: a batch with a refusal throws before.
                .unchanged(revision: 0)
            case .check(let index, let effect):
                result(
                    effect,
                    newChecks[index]?.revision ?? draft.checks[index].original?.revision ?? 1)
            case .policy(let index, let effect):
                result(
                    effect,
                    newPolicies[index]?.revision ?? draft.policies[index].original?.revision ?? 1)
            }
        }
    }

    private func result(_ effect: ConfigurationDraft.Effect, _ revision: Int64) -> WriteResult {
        switch effect {
        case .created: .created(revision: revision)
        case .updated: .updated(revision: revision)
        case .unchanged: .unchanged(revision: revision)
        case .deleted: .deleted
        case .renamed: .renamed(revision: revision)
        }
    }

    func auditEntries() throws(StorageError) -> [AuditEntry] {
        var audit = ConfigurationAudit(batch: draft.batch, at: now)
        for (index, entry) in draft.checks.enumerated()
        where newChecks[index] != nil || entry.isDeleted {
            try audit.note(
                "check", before: entry.original?.spec, after: newChecks[index]?.spec, \.name)
        }
        for (index, entry) in draft.policies.enumerated()
        where newPolicies[index] != nil || entry.isDeleted {
            try audit.note(
                "policy", before: entry.original?.spec, after: newPolicies[index]?.spec, \.name)
        }
        try audit.close()
        return audit.entries
    }
}

extension ConfigurationDraft.CheckEntry {
    /// The check to write; nil where it goes or stays as it is.
    fileprivate func successor(at now: Timestamp) -> Check? {
        if isDeleted { return nil }
        guard let original else {
            return Check(
                id: 0, revision: 1, epoch: 1, spec: spec, set: set, madeBy: madeBy, createdAt: now,
                updatedAt: now)
        }
        if original.spec == spec, original.set == set, original.madeBy == madeBy { return nil }
        var check = original
        check.revision += 1
        check.spec = spec
        check.set = set
        check.madeBy = madeBy
        check.updatedAt = now
        let isEnabledAgain = spec.isEnabled && !original.spec.isEnabled
        if isEnabledAgain || spec.asksSomethingElse(than: original.spec) { check.epoch += 1 }
        return check
    }
}

extension ConfigurationDraft.PolicyEntry {
    fileprivate func successor(at now: Timestamp) -> Policy? {
        if isDeleted { return nil }
        guard let original else {
            return Policy(
                id: 0, revision: 1, spec: spec, set: set, createdAt: now, updatedAt: now)
        }
        if original.spec == spec, original.set == set, !makesOthers { return nil }
        var policy = original
        policy.revision += 1
        policy.spec = spec
        policy.set = set
        policy.updatedAt = now
        return policy
    }
}

extension PublicationKey: Comparable {
    package static func < (left: Self, right: Self) -> Bool {
        (left.sink, left.name, left.family) < (right.sink, right.name, right.family)
    }
}
