import HealthWorkerModel

/// The objects that a batch touches, as they are stored and as the batch leaves them.
///
/// An object goes from one revision to the next however many changes of a batch touch it.
struct ConfigurationDraft {
    struct CheckEntry {
        let original: Check?
        var spec: CheckSpec
        var set: String?
        var madeBy: String?
        var isDeleted = false

        init(_ check: Check) {
            original = check
            spec = check.spec
            set = check.set
            madeBy = check.madeBy
        }

        init(new spec: CheckSpec, set: String?, madeBy: String?) {
            original = nil
            self.spec = spec
            self.set = set
            self.madeBy = madeBy
        }
    }

    struct PolicyEntry {
        let original: Policy?
        var spec: PolicySpec
        var set: String?
        var isDeleted = false
        /// The checks it makes are not those of before.
        var makesOthers = false

        init(_ policy: Policy) {
            original = policy
            spec = policy.spec
            set = policy.set
        }

        init(new spec: PolicySpec, set: String?) {
            original = nil
            self.spec = spec
            self.set = set
        }
    }

    /// What became of a change; the revision is known at the end of the batch.
    enum Step {
        case refused
        case check(Int, Effect)
        case policy(Int, Effect)
    }

    enum Effect {
        case created
        case updated
        case unchanged
        case deleted
        case renamed
    }

    let batch: WriteBatch
    private(set) var checks: [CheckEntry] = []
    private(set) var policies: [PolicyEntry] = []
    private(set) var steps: [Step] = []
    private(set) var refusals: [Refusal] = []
    /// By present name; a deleted object keeps its name here until another takes it, so that one
    /// that is put again in the same batch keeps id and history.
    private(set) var checkIndex: [String: Int] = [:]
    private(set) var policyIndex: [String: Int] = [:]
    /// Which policies made which checks, by the policy's present name.
    private var made: [String: Set<Int>] = [:]
    /// Which policies name a check explicitly.
    private var users: [String: Set<Int>] = [:]
    /// Which checks depend on one of this name; also some that do not any more.
    private var dependents: [String: Set<Int>] = [:]

    /// Reads everything stored that the changes name, in a number of calls that does not depend on
    /// the number of changes.
    init<Transaction: ConfigurationTransaction>(
        reading batch: WriteBatch, in transaction: Transaction
    ) throws(StorageError) {
        self.batch = batch
        steps.reserveCapacity(batch.changes.count)
        let named = NamesOfBatch(batch.changes)

        var stored: [CheckID: Check] = [:]
        for check in try transaction.checks(madeBy: named.policies) {
            stored[check.id] = check
        }
        let names = named.checks.union(named.madeAfterRenames(made: stored.values))
        for check in try transaction.checks(named: names) {
            stored[check.id] = check
        }
        let renamed = stored.values.filter {
            named.renamedChecks.contains($0.spec.name)
                || $0.madeBy.map(named.renamedPolicies.contains) ?? false
        }
        var makers = named.policies
        if !renamed.isEmpty {
            for check in try transaction.checks(dependingOn: Set(renamed.map(\.id))) {
                stored[check.id] = check
                if let maker = check.madeBy { makers.insert(maker) }
            }
        }
        for check in stored.values.sorted(by: { $0.id < $1.id }) {
            load(check)
        }

        var loaded = Set<PolicyID>()
        for policy in try transaction.policies(named: makers) {
            load(policy)
            loaded.insert(policy.id)
        }
        if !renamed.isEmpty {
            for policy in try transaction.policies(using: Set(renamed.map(\.id)))
            where !loaded.contains(policy.id) {
                load(policy)
            }
        }
    }

    /// Adds a stored check that no change touches.
    mutating func load(_ check: Check) {
        checkIndex[check.spec.name] = checks.count
        if let policy = check.madeBy { made[policy, default: []].insert(checks.count) }
        checks.append(CheckEntry(check))
        noteDependencies(ofCheck: checks.count - 1)
    }

    /// Adds a stored policy that no change touches.
    mutating func load(_ policy: Policy) {
        policyIndex[policy.spec.name] = policies.count
        policies.append(PolicyEntry(policy))
        noteUses(ofPolicy: policies.count - 1)
    }

    mutating func apply(_ change: ObjectChange) {
        let known = refusals.count
        let step: Step
        switch change {
        case .putCheck(let spec, let set, let precondition):
            step = put(spec, set: set, precondition)
        case .putPolicy(let spec, let makes, let set, let precondition):
            step = put(spec, makes: makes, set: set, precondition)
        case .deleteCheck(let name, let precondition):
            step = deleteCheck(name, precondition)
        case .deletePolicy(let name, let precondition):
            step = deletePolicy(name, precondition)
        case .renameCheck(let name, let newName, let precondition):
            step = renameCheck(name, to: newName, precondition)
        case .renamePolicy(let name, let newName, let precondition):
            step = renamePolicy(name, to: newName, precondition)
        }
        steps.append(refusals.count == known ? step : .refused)
    }

    func check(named name: String) -> Int? {
        checkIndex[name].flatMap { checks[$0].isDeleted ? nil : $0 }
    }

    func policy(named name: String) -> Int? {
        policyIndex[name].flatMap { policies[$0].isDeleted ? nil : $0 }
    }
}

// Checks.
extension ConfigurationDraft {
    private mutating func put(
        _ spec: CheckSpec, set: String?, _ precondition: Precondition
    ) -> Step {
        let index = check(named: spec.name)
        demand(
            precondition, of: .check, spec.name, exists: index != nil,
            revision: index.flatMap { checks[$0].original?.revision })
        guard let index else { return create(spec, set: set, madeBy: nil) }

        if let policy = checks[index].madeBy {
            refusals.append(.madeByPolicy(check: spec.name, policy: policy))
        }
        let owner = owner(after: set, over: checks[index].set, .check, spec.name)
        if checks[index].spec == spec, checks[index].set == owner {
            return .check(index, .unchanged)
        }
        checks[index].spec = spec
        checks[index].set = owner
        noteDependencies(ofCheck: index)
        return .check(index, .updated)
    }

    private mutating func create(_ spec: CheckSpec, set: String?, madeBy: String?) -> Step {
        let index: Int
        if let deleted = checkIndex[spec.name] {
            index = deleted
            checks[index].isDeleted = false
            checks[index].spec = spec
            checks[index].set = set
            checks[index].madeBy = madeBy
        } else {
            index = checks.count
            checks.append(CheckEntry(new: spec, set: set, madeBy: madeBy))
            checkIndex[spec.name] = index
        }
        if let madeBy { made[madeBy, default: []].insert(index) }
        noteDependencies(ofCheck: index)
        return .check(index, checks[index].original == nil ? .created : .updated)
    }

    private mutating func deleteCheck(_ name: String, _ precondition: Precondition) -> Step {
        guard let index = check(named: name) else {
            refusals.append(.missing(.check, name))
            return .refused
        }
        demand(
            precondition, of: .check, name, exists: true,
            revision: checks[index].original?.revision)
        if let policy = checks[index].madeBy {
            refusals.append(.madeByPolicy(check: name, policy: policy))
        } else {
            checks[index].isDeleted = true
        }
        return .check(index, .deleted)
    }

    private mutating func renameCheck(
        _ name: String, to newName: String, _ precondition: Precondition
    ) -> Step {
        guard let index = check(named: name) else {
            refusals.append(.missing(.check, name))
            return .refused
        }
        demand(
            precondition, of: .check, name, exists: true,
            revision: checks[index].original?.revision)
        if let policy = checks[index].madeBy {
            refusals.append(.madeByPolicy(check: name, policy: policy))
            return .refused
        }
        rename(check: index, to: newName)
        return .check(index, .renamed)
    }

    /// The members that name the check, and the checks that depend on it, follow.
    private mutating func rename(check index: Int, to newName: String) {
        let name = checks[index].spec.name
        if name == newName { return }
        guard check(named: newName) == nil else {
            refusals.append(.nameTaken(.check, newName))
            return
        }
        checkIndex[name] = nil
        checkIndex[newName] = index
        checks[index].spec.name = newName
        let followers = users.removeValue(forKey: name) ?? []
        for policy in followers {
            for member in policies[policy].spec.members.indices
            where policies[policy].spec.members[member].check == name {
                policies[policy].spec.members[member].check = newName
            }
        }
        users[newName, default: []].formUnion(followers)
        for dependent in dependents.removeValue(forKey: name) ?? [] {
            follow(check: dependent, from: name, to: newName)
        }
    }

    private mutating func follow(check index: Int, from name: String, to newName: String) {
        guard let place = checks[index].spec.dependsOn.firstIndex(of: name) else { return }
        checks[index].spec.dependsOn[place] = newName
        dependents[newName, default: []].insert(index)
        if let maker = checks[index].madeBy, let maker = policy(named: maker) {
            policies[maker].spec.memberCheck?.replaceDependency(on: name, by: newName)
        }
    }

    private mutating func noteDependencies(ofCheck index: Int) {
        for name in checks[index].spec.dependsOn {
            dependents[name, default: []].insert(index)
        }
    }
}

// Policies.
extension ConfigurationDraft {
    private mutating func put(
        _ spec: PolicySpec, makes: [CheckSpec], set: String?, _ precondition: Precondition
    ) -> Step {
        let found = policy(named: spec.name)
        demand(
            precondition, of: .policy, spec.name, exists: found != nil,
            revision: found.flatMap { policies[$0].original?.revision })

        let index: Int
        var effect = Effect.created
        if let found {
            index = found
            let owner = owner(after: set, over: policies[index].set, .policy, spec.name)
            let differs = policies[index].spec != spec || policies[index].set != owner
            effect = differs ? .updated : .unchanged
            forgetUses(ofPolicy: index)
            policies[index].spec = spec
            policies[index].set = owner
        } else if let deleted = policyIndex[spec.name] {
            index = deleted
            effect = .updated
            policies[index].isDeleted = false
            policies[index].spec = spec
            policies[index].set = set
        } else {
            index = policies.count
            policies.append(PolicyEntry(new: spec, set: set))
            policyIndex[spec.name] = index
        }
        noteUses(ofPolicy: index)

        if make(makes, forPolicy: index) {
            policies[index].makesOthers = true
            if effect == .unchanged { effect = .updated }
        }
        return .policy(index, effect)
    }

    /// - Returns: whether the made checks are others than before.
    private mutating func make(_ specs: [CheckSpec], forPolicy index: Int) -> Bool {
        let policy = policies[index].spec.name
        let set = policies[index].set
        var differs = false
        var kept = Set<Int>()
        for spec in specs {
            guard let found = check(named: spec.name) else {
                if case .check(let created, _) = create(spec, set: set, madeBy: policy) {
                    kept.insert(created)
                }
                differs = true
                continue
            }
            kept.insert(found)
            guard checks[found].madeBy == policy else {
                refusals.append(.nameTaken(.check, spec.name))
                continue
            }
            if checks[found].spec != spec || checks[found].set != set {
                differs = true
                checks[found].spec = spec
                checks[found].set = set
                noteDependencies(ofCheck: found)
            }
        }
        for check in made[policy] ?? [] where !kept.contains(check) && !checks[check].isDeleted {
            checks[check].isDeleted = true
            differs = true
        }
        made[policy] = kept
        return differs
    }

    private mutating func deletePolicy(_ name: String, _ precondition: Precondition) -> Step {
        guard let index = policy(named: name) else {
            refusals.append(.missing(.policy, name))
            return .refused
        }
        demand(
            precondition, of: .policy, name, exists: true,
            revision: policies[index].original?.revision)
        policies[index].isDeleted = true
        forgetUses(ofPolicy: index)
        for check in made.removeValue(forKey: name) ?? [] {
            checks[check].isDeleted = true
        }
        return .policy(index, .deleted)
    }

    private mutating func renamePolicy(
        _ name: String, to newName: String, _ precondition: Precondition
    ) -> Step {
        guard let index = policy(named: name) else {
            refusals.append(.missing(.policy, name))
            return .refused
        }
        demand(
            precondition, of: .policy, name, exists: true,
            revision: policies[index].original?.revision)
        if name == newName { return .policy(index, .renamed) }
        guard policy(named: newName) == nil else {
            refusals.append(.nameTaken(.policy, newName))
            return .refused
        }
        policyIndex[name] = nil
        policyIndex[newName] = index
        policies[index].spec.name = newName
        // Lowest index first, so that what is refused does not depend on a hash.
        let makes = made.removeValue(forKey: name) ?? []
        for check in makes.sorted() where !checks[check].isDeleted {
            checks[check].madeBy = newName
            rename(
                check: check, to: newName + checks[check].spec.name.dropFirst(name.utf8.count))
        }
        made[newName] = makes
        return .policy(index, .renamed)
    }

    private mutating func noteUses(ofPolicy index: Int) {
        for member in policies[index].spec.members {
            if let check = member.check { users[check, default: []].insert(index) }
        }
    }

    private mutating func forgetUses(ofPolicy index: Int) {
        for member in policies[index].spec.members {
            if let check = member.check { users[check]?.remove(index) }
        }
    }
}

// What every change demands.
extension ConfigurationDraft {
    private mutating func demand(
        _ precondition: Precondition, of kind: ObjectKind, _ name: String, exists: Bool,
        revision: Int64?
    ) {
        if let refusal = precondition.refusal(of: kind, name, exists: exists, revision: revision) {
            refusals.append(refusal)
        }
    }

    /// Whose the object is after a put: no set leaves it with its owner, and what nobody owns goes to
    /// the set that writes it.
    private mutating func owner(
        after set: String?, over current: String?, _ kind: ObjectKind, _ name: String
    ) -> String? {
        guard let set else { return current }
        if let current, current != set, !batch.takesOver {
            refusals.append(.ownedBySet(kind, name, set: current))
        }
        return set
    }
}

/// The names that must be read before a batch can be decided.
private struct NamesOfBatch {
    var checks = Set<String>()
    var policies = Set<String>()
    var renamedChecks = Set<String>()
    var renamedPolicies = Set<String>()
    private let changes: [ObjectChange]

    init(_ changes: [ObjectChange]) {
        self.changes = changes
        for change in changes {
            switch change {
            case .putCheck(let spec, _, _):
                checks.insert(spec.name)
            case .putPolicy(let spec, let makes, _, _):
                policies.insert(spec.name)
                checks.formUnion(makes.lazy.map(\.name))
                checks.formUnion(spec.members.lazy.compactMap(spec.checkName(of:)))
            case .deleteCheck(let name, _):
                checks.insert(name)
            case .deletePolicy(let name, _):
                policies.insert(name)
            case .renameCheck(let name, let newName, _):
                checks.formUnion([name, newName])
                renamedChecks.insert(name)
            case .renamePolicy(let name, let newName, _):
                policies.formUnion([name, newName])
                renamedPolicies.insert(name)
            }
        }
    }

    /// The names that made checks get when their policies are renamed.
    func madeAfterRenames(made: some Sequence<Check>) -> Set<String> {
        guard !renamedPolicies.isEmpty else { return [] }
        var endings: [String: Set<Substring>] = [:]
        for check in made {
            guard let policy = check.madeBy else { continue }
            endings[policy, default: []].insert(check.spec.name.dropFirst(policy.utf8.count))
        }
        var names = Set<String>()
        for change in changes {
            switch change {
            case .putPolicy(let spec, let makes, _, _):
                endings[spec.name, default: []].formUnion(
                    makes.lazy.map { $0.name.dropFirst(spec.name.utf8.count) })
            case .renamePolicy(let name, let newName, _):
                let moved = endings[name] ?? []
                endings[newName, default: []].formUnion(moved)
                names.formUnion(moved.lazy.map { newName + $0 })
            default:
                break
            }
        }
        return names
    }
}

extension JSONValue {
    /// Of a `member_check` as it was written.
    fileprivate mutating func replaceDependency(on name: String, by newName: String) {
        guard case .object(var members) = self, case .array(let names)? = members["depends_on"]
        else { return }
        members["depends_on"] = .array(
            names.map { $0 == .string(name) ? .string(newName) : $0 })
        self = .object(members)
    }
}
