package import HealthWorkerModel

/// What `apply` would change: a compiled document compared with what is stored.
///
/// Pure. It changes nothing itself; storage carries out ``changes`` in their order.
package struct Plan: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case check
        case policy
    }

    package enum Action: Hashable, Sendable {
        case create
        case update
        /// Perhaps with other fields as well.
        case rename(from: String)
        /// In the set, and no longer in the document.
        case delete
        case unchanged
    }

    /// One field that differs; nil: it has no value there.
    package struct Field: Hashable, Sendable {
        package var path: String
        package var old: JSONValue?
        package var new: JSONValue?
    }

    package struct Change: Sendable {
        package var kind: Kind
        package var name: String
        package var action: Action
        package var fields: [Field]
        /// Those of the checks that a policy makes.
        package var checks: [Change]
        /// What somebody did to the stored object since the last apply of its set.
        package var edit: Edit?
        /// What one probe found that was made with a changed or new check.
        package var trial: Trial?

        package init(
            kind: Kind, name: String, action: Action, fields: [Field] = [], checks: [Change] = [],
            edit: Edit? = nil, trial: Trial? = nil
        ) {
            self.kind = kind
            self.name = name
            self.action = action
            self.fields = fields
            self.checks = checks
            self.edit = edit
            self.trial = trial
        }

        /// Whether anything of it, or of the checks it makes, changes.
        package var isChange: Bool {
            action != .unchanged || checks.contains(where: \.isChange)
        }
    }

    /// A change of a stored object that no apply made.
    package struct Edit: Hashable, Sendable {
        package var at: Timestamp
        package var actor: String
        package var message: String?

        package init(at: Timestamp, actor: String, message: String? = nil) {
            self.at = at
            self.actor = actor
            self.message = message
        }
    }

    /// What one probe found, made before anything is stored.
    package enum Trial: Hashable, Sendable {
        case made(Outcome, detail: String?)
        /// With why.
        case notMade(String)
    }

    /// What becomes of what a policy publishes, as far as it is known beforehand.
    package struct RouteChange: Hashable, Sendable {
        package var policy: String
        /// Nil: nothing is decided yet.
        package var before: [String]?
        /// Nil: it waits for the first outcomes of its members.
        package var after: [String]?
        /// Nil: as long as the policy is not deleted.
        package var cause: RouteCause?

        package init(
            policy: String, before: [String]?, after: [String]?, cause: RouteCause? = nil
        ) {
            self.policy = policy
            self.before = before
            self.after = after
            self.cause = cause
        }
    }

    /// An object by what it is and its name.
    package struct Reference: Hashable, Sendable {
        package var kind: Kind
        package var name: String

        package init(_ kind: Kind, _ name: String) {
            self.kind = kind
            self.name = name
        }
    }

    package struct Counts: Hashable, Sendable {
        package var create = 0
        package var update = 0
        package var rename = 0
        package var delete = 0
        package var unchanged = 0

        package var changes: Int { create + update + rename + delete }
    }

    package var set: String?
    /// Checks as in the document, then policies, then deletions: policies before their checks.
    package var changes: [Change]
    /// Why the document cannot be applied to what is stored; empty when it can.
    package var problems: [Problem]
    /// In the set, not in the document, and left alone because nothing is pruned.
    package var leftOver: [Reference] = []
    /// The policies whose routes change with it.
    package var routes: [RouteChange] = []

    /// Whether `apply` would change nothing.
    package var isEmpty: Bool { !changes.contains(where: \.isChange) }

    /// Objects by what happens to them; those made by policies count with their policy.
    package var counts: Counts {
        var counts = Counts()
        for change in changes {
            switch change.action {
            case .create: counts.create += 1
            case .update: counts.update += 1
            case .rename: counts.rename += 1
            case .delete: counts.delete += 1
            case .unchanged:
                if change.isChange { counts.update += 1 } else { counts.unchanged += 1 }
            }
        }
        return counts
    }

    /// - Parameters:
    ///   - checks: all stored checks that the document may touch: those it names, those in its set,
    ///     and those that policies in its set have made. Giving all is right as well.
    ///   - policies: all stored policies; those of other sets tell what may not be deleted.
    ///   - isPruning: whether what is in the document's set, and not in the document, goes.
    ///   - maxDelete: how much of the set may go so; more is a problem.
    ///   - takesOver: whether objects of other sets become the document's.
    package init(
        _ document: CompiledDocument, checks: [Check], policies: [Policy], isPruning: Bool = true,
        maxDelete: DeletionLimit = .standard, takesOver: Bool = false
    ) {
        var planner = Planner(
            document: document, checks: checks, policies: policies, takesOver: takesOver)
        planner.plan(isPruning: isPruning, maxDelete)
        set = document.set
        changes = planner.changes
        problems = planner.findings.list
        leftOver = planner.leftOver
    }

    init(set: String?, changes: [Change]) {
        self.set = set
        self.changes = changes
        problems = []
    }
}

private struct Planner {
    let document: CompiledDocument
    let checks: [String: Check]
    let policies: [String: Policy]
    let takesOver: Bool
    /// The stored checks by the policy that made them, each list in the order of their names.
    private let made: [String: [Check]]
    var changes: [Plan.Change] = []
    var findings = Findings()
    /// Stored objects that the document has, under this name or their old one.
    var keptChecks: Set<String> = []
    var keptPolicies: Set<String> = []
    var leftOver: [Plan.Reference] = []

    init(document: CompiledDocument, checks: [Check], policies: [Policy], takesOver: Bool) {
        self.document = document
        self.takesOver = takesOver
        self.checks = Dictionary(checks.map { ($0.spec.name, $0) }, uniquingKeysWith: { $1 })
        var made: [String: [Check]] = [:]
        for check in self.checks.values.sorted(by: { $0.spec.name < $1.spec.name }) {
            if let maker = check.madeBy { made[maker, default: []].append(check) }
        }
        self.made = made
        self.policies = Dictionary(policies.map { ($0.spec.name, $0) }, uniquingKeysWith: { $1 })
    }

    mutating func plan(isPruning: Bool, _ maxDelete: DeletionLimit) {
        for check in document.checks where check.madeBy == nil {
            changes.append(change(of: check))
        }
        for policy in document.policies {
            changes.append(change(of: policy))
        }
        if document.set != nil {
            let deletions = self.deletions
            if isPruning {
                changes += deletions
                limit(deletions, to: maxDelete)
            } else {
                leftOver = deletions.map { Plan.Reference($0.kind, $0.name) }
            }
        }
        resolveReferences()
        comparePublications()
    }

    private mutating func change(of check: CompiledCheck) -> Plan.Change {
        let name = check.spec.name
        let old = check.renamedFrom.flatMap { checks[$0] }
        guard let stored = checks[name] ?? old else {
            return Plan.Change(kind: .check, name: name, action: .create)
        }
        keptChecks.insert(stored.spec.name)
        if let maker = stored.madeBy, maker != check.madeBy, check.madeBy == nil {
            findings.add(
                Problem(
                    "the check \(stored.spec.name) is made by the policy \(maker): edit that policy's "
                        + "`member_check`, or write another name",
                    at: check.path, position: check.position))
        } else if let maker = check.madeBy, stored.madeBy == nil {
            findings.add(
                Problem(
                    "`member_check` of the policy \(maker) makes a check called \(name), and there is "
                        + "one already: delete or rename it, or name it at the member",
                    at: check.path, position: check.position))
        }
        var before = stored.spec.normal
        before.name = name
        var fields = before == check.spec ? [] : Plan.differences(before, check.spec)
        let isRenamed = stored.spec.name != name
        // A check made by a policy belongs where the policy does.
        if check.madeBy == nil {
            let isChange = !fields.isEmpty || isRenamed
            fields += change(
                ofSet: stored.set, of: "check \(stored.spec.name)", isChange: isChange,
                at: check.path, check.position)
        }
        return Plan.Change(
            kind: .check, name: name,
            action: isRenamed
                ? .rename(from: stored.spec.name) : fields.isEmpty ? .unchanged : .update,
            fields: fields)
    }

    private mutating func change(of policy: CompiledPolicy) -> Plan.Change {
        let name = policy.spec.name
        let stored = policies[name] ?? policy.renamedFrom.flatMap { policies[$0] }
        var made = policy.checks.map { change(of: $0) }
        guard let stored else {
            return Plan.Change(
                kind: .policy, name: name, action: .create, checks: made)
        }
        keptPolicies.insert(stored.spec.name)
        let names = Set(policy.checks.map(\.spec.name))
        for check in self.made[stored.spec.name] ?? []
        where !names.contains(check.spec.name) && !keptChecks.contains(check.spec.name) {
            keptChecks.insert(check.spec.name)
            made.append(
                Plan.Change(
                    kind: .check, name: check.spec.name, action: .delete))
        }
        var old = stored.spec
        old.name = name
        var fields = old == policy.spec ? [] : Plan.differences(old, policy.spec)
        let isRenamed = stored.spec.name != name
        let isChange = !fields.isEmpty || isRenamed || made.contains(where: \.isChange)
        fields += change(
            ofSet: stored.set, of: "policy \(stored.spec.name)", isChange: isChange,
            at: policy.path, policy.position)
        return Plan.Change(
            kind: .policy, name: name,
            action: isRenamed
                ? .rename(from: stored.spec.name) : fields.isEmpty ? .unchanged : .update,
            fields: fields, checks: made)
    }

    /// An object of no set is taken into the document's; one of another set is refused, unless it is
    /// taken over. A document without a set may repeat objects of any, and change none of them.
    private mutating func change(
        ofSet stored: String?, of what: String, isChange: Bool, at path: Path,
        _ position: Position?
    ) -> [Plan.Field] {
        if stored == document.set { return [] }
        let new = document.set.map { JSONValue.string($0) }
        guard let stored else { return [Plan.Field(path: "set", old: nil, new: new)] }
        if takesOver, new != nil {
            return [Plan.Field(path: "set", old: .string(stored), new: new)]
        }
        if document.set != nil || isChange {
            let remedy =
                document.set == nil
                ? "change it there, or write another name"
                : "change it there, write another name, or take it over (take_over=true, --take-over)"
            findings.add(
                Problem(
                    "the \(what) belongs to the set \(stored): \(remedy)", at: path,
                    position: position))
        }
        return []
    }

    /// What is in the document's set and not in the document.
    private var deletions: [Plan.Change] {
        let inSet = policies.values.filter {
            $0.set == document.set && !keptPolicies.contains($0.spec.name)
        }
        let ofPolicies = inSet.sorted(by: { $0.spec.name < $1.spec.name }).map { policy in
            let made = (made[policy.spec.name] ?? []).filter {
                !keptChecks.contains($0.spec.name)
            }
            return Plan.Change(
                kind: .policy, name: policy.spec.name, action: .delete,
                checks: made.map {
                    Plan.Change(kind: .check, name: $0.spec.name, action: .delete)
                })
        }
        let ofChecks = checks.values.sorted(by: { $0.spec.name < $1.spec.name }).filter {
            $0.set == document.set && $0.madeBy == nil && !keptChecks.contains($0.spec.name)
        }.map { Plan.Change(kind: .check, name: $0.spec.name, action: .delete) }
        return ofPolicies + ofChecks
    }

    private mutating func limit(_ deletions: [Plan.Change], to limit: DeletionLimit) {
        let size =
            policies.values.count { $0.set == document.set }
            + checks.values.count { $0.set == document.set && $0.madeBy == nil }
        guard !limit.allows(deletions.count, of: size) else { return }
        let names = deletions.prefix(5).map { "\($0.kind.rawValue) \($0.name)" }
        let more = deletions.count > names.count ? " and \(deletions.count - names.count) more" : ""
        findings.add(
            Problem(
                "\(deletions.count) of the \(size) objects of the set \(document.set ?? "") would be "
                    + "deleted, and at most \(limit) may: \(names.joined(separator: ", "))\(more). "
                    + "Is a file missing? Where they are to go, max_delete=\(deletions.count) "
                    + "(--max-delete \(deletions.count)) lets them"))
    }

    /// Members name checks that exist once the plan is carried out.
    private mutating func resolveReferences() {
        var deleted: Set<String> = []
        var deletedPolicies: Set<String> = []
        var renamed: [String: String] = [:]
        for change in changes.flatMap({ [$0] + $0.checks }) {
            switch (change.kind, change.action) {
            case (.check, .delete): deleted.insert(change.name)
            case (.check, .rename(let old)): renamed[old] = change.name
            case (.policy, .delete): deletedPolicies.insert(change.name)
            default: break
            }
        }
        // Who misspelt more names than this has forgotten a file; each look compares all names.
        var looks = 20
        let names = checks.keys.sorted() + document.checks.map(\.spec.name)
        for reference in document.references {
            if let new = renamed[reference.check] {
                var problem = reference.problem
                problem.message =
                    "the check \(reference.check) is renamed to \(new) by this document: write \(new)"
                findings.add(problem)
            } else if checks[reference.check] == nil {
                var problem = reference.problem
                if looks > 0 {
                    looks -= 1
                    problem.suggestion = Spelling.nearest(to: reference.check, among: names)
                        .map { "`\($0)`" }
                }
                findings.add(problem)
            } else if deleted.contains(reference.check) {
                var problem = reference.problem
                problem.message =
                    "the check \(reference.check) is in the set and not in the document, so it would be "
                    + "deleted: write it under `checks`, or name another"
                findings.add(problem)
            }
        }
        // Objects that the document does not touch.
        for check in checks.values.sorted(by: { $0.spec.name < $1.spec.name })
        where !keptChecks.contains(check.spec.name) && !deleted.contains(check.spec.name) {
            for parent in check.spec.dependsOn where deleted.contains(parent) {
                findings.add(
                    Problem(
                        "the check \(parent) would be deleted, and the check \(check.spec.name) depends "
                            + "on it: keep it in the document, or change that check first"))
            }
        }
        for policy in policies.values.sorted(by: { $0.spec.name < $1.spec.name })
        where !keptPolicies.contains(policy.spec.name)
            && !deletedPolicies.contains(policy.spec.name)
        {
            for member in policy.spec.members {
                guard let check = member.check, deleted.contains(check) else { continue }
                findings.add(
                    Problem(
                        "the check \(check) would be deleted, and the policy \(policy.spec.name) uses it "
                            + "for its member \(member.name): keep the check in the document, or change "
                            + "that policy first"))
            }
        }
    }

    /// No other stored policy publishes the same name and type.
    private mutating func comparePublications() {
        let deleted = Set(
            changes.filter { $0.kind == .policy && $0.action == .delete }.map(\.name))
        let staying = policies.values.filter {
            !keptPolicies.contains($0.spec.name) && !deleted.contains($0.spec.name)
        }.sorted { $0.spec.name < $1.spec.name }
        var places: [[String]: [Policy]] = [:]
        for policy in staying {
            for publication in policy.spec.publish {
                places[[publication.sink, publication.name], default: []].append(policy)
            }
        }
        for policy in document.policies {
            for (index, publication) in policy.spec.publish.enumerated() {
                for other in places[[publication.sink, publication.name]] ?? [] {
                    if let sentence = policy.spec.families.conflict(
                        with: other.spec.families, at: publication, policy: other.spec.name,
                        place: nil)
                    {
                        findings.add(
                            Problem(
                                sentence, at: policy.path.appending("publish").appending(index),
                                position: policy.position))
                    }
                }
            }
        }
    }
}

extension Plan {
    /// The fields in which two wire forms differ, in the order of the documentation.
    package static func differences(_ old: CheckSpec, _ new: CheckSpec) -> [Field] {
        differences(encoding: old, new, Schema.check)
    }

    package static func differences(_ old: PolicySpec, _ new: PolicySpec) -> [Field] {
        differences(encoding: old, new, Schema.policy)
    }

    private static func differences<Spec: Encodable>(
        encoding old: Spec, _ new: Spec, _ schema: Schema
    ) -> [Field] {
        // Specifications hold only what JSON can say. Should one not, its difference is told whole.
        guard let oldValue = try? JSONValue(encoding: old),
            let newValue = try? JSONValue(encoding: new)
        else { return [Field(path: "", old: nil, new: nil)] }
        var fields: [Field] = []
        differences(oldValue, newValue, schema, at: "", into: &fields)
        return fields
    }

    private static func differences(
        _ old: JSONValue?, _ new: JSONValue?, _ schema: Schema?, at path: String,
        into fields: inout [Field]
    ) {
        if old == new { return }
        let oldMembers = old.flatMap(Self.members)
        let newMembers = new.flatMap(Self.members)
        if let oldMembers, let newMembers {
            for key in order(of: Set(oldMembers.keys).union(newMembers.keys), in: schema) {
                let inner = schema?.properties(in: Schema.components).first { $0.name == key }
                differences(
                    oldMembers[key], newMembers[key], inner?.schema,
                    at: path.isEmpty ? key : "\(path).\(key)", into: &fields)
            }
            return
        }
        if case .array(let oldList)? = old, case .array(let newList)? = new,
            let oldNames = names(of: oldList), let newNames = names(of: newList)
        {
            let element: Schema? =
                if case .list(let element, _, _)? = schema?.shape { element } else { nil }
            let olds = Dictionary(uniqueKeysWithValues: zip(oldNames, oldList))
            let news = Dictionary(uniqueKeysWithValues: zip(newNames, newList))
            for name in newNames + oldNames.filter({ news[$0] == nil }) {
                differences(
                    olds[name], news[name], element, at: "\(path)[\(name)]", into: &fields)
            }
            let common = newNames.filter { olds[$0] != nil }
            if common != oldNames.filter({ news[$0] != nil }) {
                fields.append(
                    Field(
                        path: "\(path) (order)", old: .array(oldNames.map { .string($0) }),
                        new: .array(newNames.map { .string($0) })))
            }
            return
        }
        // Headers may carry credentials although there are better places for these.
        let isHidden = path.contains("http.headers.")
        fields.append(
            Field(
                path: path, old: isHidden ? old.map { _ in hidden } : old,
                new: isHidden ? new.map { _ in hidden } : new))
    }

    private static let hidden = JSONValue.string("(not shown)")

    private static func members(_ value: JSONValue) -> [String: JSONValue]? {
        if case .object(let members) = value { members } else { nil }
    }

    /// The names in a list of objects that each have another one: such lists are compared by name.
    private static func names(of list: [JSONValue]) -> [String]? {
        var names: [String] = []
        for element in list {
            guard case .string(let name)? = element["name"] else { return nil }
            if case .string(let sink)? = element["sink"] {
                names.append("\(sink) \(name)")
            } else {
                names.append(name)
            }
        }
        return Set(names).count == names.count ? names : nil
    }

    private static func order(of keys: Set<String>, in schema: Schema?) -> [String] {
        let known = schema?.properties(in: Schema.components).map(\.name) ?? []
        return known.filter(keys.contains) + keys.subtracting(known).sorted()
    }
}
