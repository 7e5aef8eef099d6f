package import HealthWorkerModel

/// Checks and policies, as operators write them.
package protocol ConfigurationStore: Sendable {
    /// Carries out all changes in one transaction, or none.
    ///
    /// What follows from them is part of it: a new, enabled or asked-something-else check is unknown
    /// in a new epoch and due now (spread over its fast interval where there are many), jobs of
    /// paused and deleted checks end as void, every policy that sees other inputs gets an
    /// evaluation due now, and the audit log gets an entry for each object that differs.
    ///
    /// The changes follow one another, and what they leave behind must fit together: a check may be
    /// deleted before the policy that uses it. However many changes of a batch touch an object, its
    /// revision rises by one, and not at all where it ends as it was. Preconditions speak of the
    /// stored revision.
    ///
    /// - Returns: what became of each change, in order.
    /// - Throws: ``StorageError/refused(_:)`` with all refusals, and nothing is changed.
    func write(_ batch: WriteBatch) async throws(StorageError) -> [WriteResult]

    func checks(named names: [String]) async throws(StorageError) -> [Check]
    func checks(ids: [CheckID]) async throws(StorageError) -> [Check]
    /// Checks by name, after `after`, at most `limit`.
    func checks(matching filter: ObjectFilter, after: String?, limit: Int)
        async throws(StorageError) -> [Check]

    func policies(named names: [String]) async throws(StorageError) -> [Policy]
    func policies(ids: [PolicyID]) async throws(StorageError) -> [Policy]
    func policies(matching filter: ObjectFilter, after: String?, limit: Int)
        async throws(StorageError) -> [Policy]

    /// Names of the policies that use each of these checks; a check that none uses has no entry.
    func policyNames(using checks: [CheckID]) async throws(StorageError) -> [CheckID: [String]]
}

/// Which objects a listing shows; nil means any.
package struct ObjectFilter: Hashable, Sendable {
    package var set: String?
    package var type: String?
    /// Checks only.
    package var health: Health?
    package var selector: LabelSelector
    /// False: without the checks that policies made.
    package var includesMade: Bool

    package init(
        set: String? = nil, type: String? = nil, health: Health? = nil,
        selector: LabelSelector = LabelSelector(), includesMade: Bool = true
    ) {
        self.set = set
        self.type = type
        self.health = health
        self.selector = selector
        self.includesMade = includesMade
    }
}

extension LabelSelector {
    /// How a listing by name is found: along the rows of one label with one value where something
    /// requires that, and what is left to be asked of each.
    package var walk: (label: String, value: String, rest: [Requirement])? {
        for (index, requirement) in requirements.enumerated() {
            guard case .isOneOf(let values) = requirement.test, values.count == 1 else { continue }
            var rest = requirements
            rest.remove(at: index)
            return (requirement.label, values[0], rest)
        }
        return nil
    }
}

/// Changes that are made together.
package struct WriteBatch: Hashable, Sendable {
    package var changes: [ObjectChange]
    package var actor: String
    /// Why, for the audit log.
    package var message: String?
    /// Objects of other sets may be taken over.
    package var takesOver: Bool
    /// Everything is decided and nothing is stored.
    package var isDryRun: Bool
    /// The document that the changes are from; nil for changes of single objects.
    package var appliedDocument: AppliedDocument?
    package var requestID: String?

    package init(
        _ changes: [ObjectChange], actor: String, message: String? = nil, takesOver: Bool = false,
        isDryRun: Bool = false, appliedDocument: AppliedDocument? = nil, requestID: String? = nil
    ) {
        self.changes = changes
        self.actor = actor
        self.message = message
        self.takesOver = takesOver
        self.isDryRun = isDryRun
        self.appliedDocument = appliedDocument
        self.requestID = requestID
    }

    /// How many objects the changes name, those included that policies make.
    package var objectCount: Int {
        changes.reduce(0) { count, change in
            if case .putPolicy(_, let makes, _, _) = change {
                count + 1 + makes.count
            } else {
                count + 1
            }
        }
    }
}

/// A whole document that is applied: the audit log gets an entry of its own for it, after those of its
/// objects, so that what follows it was done by others.
package struct AppliedDocument: Hashable, Sendable {
    package var set: String?

    package init(set: String?) {
        self.set = set
    }

    /// What the audit log calls it.
    var name: String { self.set ?? AuditEntry.noSet }
}

/// One change. A put without a set leaves an object with its owner; one that nobody owns goes to the
/// set that writes it.
package enum ObjectChange: Hashable, Sendable {
    /// Creates the check or replaces what is written of it.
    case putCheck(CheckSpec, set: String?, Precondition = .none)
    /// Creates or replaces a policy together with the checks that its `member_check` makes. Made
    /// checks of before that are not among these are deleted.
    case putPolicy(PolicySpec, makes: [CheckSpec], set: String?, Precondition = .none)
    case deleteCheck(String, Precondition = .none)
    /// Deletes a policy, its made checks, its route and its overrides. Sinks keep what they hold.
    case deletePolicy(String, Precondition = .none)
    /// Keeps id, health, history, and the members that name it.
    case renameCheck(String, to: String, Precondition = .none)
    /// Keeps id, overrides, generation and history; its made checks are renamed with it.
    case renamePolicy(String, to: String, Precondition = .none)
}

package enum Precondition: Hashable, Sendable {
    case none
    /// It must not exist (`If-None-Match: *`).
    case absent
    /// It must exist (a plain update).
    case present
    /// It must exist with this revision (`If-Match`).
    case revision(Int64)
}

package enum WriteResult: Hashable, Sendable {
    case created(revision: Int64)
    case updated(revision: Int64)
    /// Equal to what is stored: the revision stays.
    case unchanged(revision: Int64)
    case deleted
    case renamed(revision: Int64)
}

/// Why a change contradicts what is stored.
package enum Refusal: Hashable, Sendable {
    case missing(ObjectKind, String)
    case exists(ObjectKind, String)
    case revision(ObjectKind, String, current: Int64)
    /// A check that policies use cannot go.
    case inUse(check: String, by: [String])
    /// A member names a check that does not exist.
    case noSuchCheck(policy: String, member: String, check: String)
    /// A check depends on one that does not exist.
    case noSuchDependency(check: String, dependsOn: String)
    /// A check on which others depend cannot go.
    case dependedOn(check: String, by: [String])
    /// Each of these checks depends on the next one, and the last on the first.
    case dependencyCircle([String])
    /// A check that a policy makes is edited in that policy.
    case madeByPolicy(check: String, policy: String)
    case nameTaken(ObjectKind, String)
    case ownedBySet(ObjectKind, String, set: String)
    /// Two policies cannot publish the same family of one name at one sink.
    case publicationTaken(
        policy: String, sink: String, name: String, family: RecordFamily, by: String)
    /// An override that would leave these families without a healthy published member.
    case unprotected(policy: String, families: [RecordFamily])
    case noSuchMember(policy: String, member: String)
    case noSuchOverride(OverrideID)
    case noSuchMaintenance(MaintenanceID)
    /// An order of an operator that nothing fits, with what would do it.
    case nothingToDo(String)
    /// A secret that checks use cannot go.
    case secretInUse(String, by: [String])
    /// No more of these can be stored.
    case tooMany(ObjectKind, limit: Int)
}

package enum ObjectKind: String, Hashable, Sendable, Codable {
    case check
    case policy
    case key
    case setting
    case secret
    case budget
    case maintenance
}

extension Refusal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missing(let kind, let name):
            "There is no \(kind.rawValue) \(name)."
        case .exists(let kind, let name):
            "The \(kind.rawValue) \(name) exists already."
        case .revision(let kind, let name, let current):
            "The \(kind.rawValue) \(name) was edited meanwhile and is at revision \(current); "
                + "read it again."
        case .inUse(let check, let policies):
            "The check \(check) is used by \(policies.joined(separator: ", ")); "
                + "take it out of there first."
        case .noSuchCheck(let policy, let member, let check):
            "Member \(member) of policy \(policy) names the check \(check), which does not exist."
        case .noSuchDependency(let check, let parent):
            "The check \(check) depends on the check \(parent), which does not exist."
        case .dependedOn(let check, let dependents):
            "On the check \(check) depend \(Self.some(of: dependents)); "
                + "take it out of their depends_on first."
        case .dependencyCircle(let checks):
            "Checks depend on each other in a circle: "
                + (checks + checks.prefix(1)).joined(separator: " → ") + "."
        case .madeByPolicy(let check, let policy):
            "The check \(check) is made by the member_check of policy \(policy); edit it there."
        case .nameTaken(let kind, let name):
            "The name \(name) is taken by another \(kind.rawValue)."
        case .ownedBySet(let kind, let name, let set):
            "The \(kind.rawValue) \(name) belongs to the set \(set)."
        case .publicationTaken(let policy, let sink, let name, let family, let other):
            "Policy \(policy) cannot publish \(family.rawValue) of \(name) at \(sink): "
                + "policy \(other) does."
        case .unprotected(let policy, let families):
            "This would leave \(families.map(\.rawValue).joined(separator: ", ")) of policy "
                + "\(policy) without a healthy published member; break_glass (--break-glass) does it all the same."
        case .noSuchMember(let policy, let member):
            "Policy \(policy) has no member \(member)."
        case .noSuchOverride(let id):
            "There is no override \(id)."
        case .noSuchMaintenance(let id):
            "There is no maintenance \(id)."
        case .nothingToDo(let why):
            why
        case .secretInUse(let secret, let checks):
            "The secret \(secret) is used by \(Self.some(of: checks)); take it out of there first."
        case .tooMany(let kind, let limit):
            "There are \(limit) \(kind.rawValue)s already, which is the most; delete one first."
        }
    }

    /// A sentence stays one that can be read.
    private static func some(of names: [String]) -> String {
        let shown = names.prefix(20).joined(separator: ", ")
        return names.count > 20 ? "\(shown) and \(names.count - 20) more" : shown
    }
}
