package import HealthWorkerModel

/// What a driver offers to `ConfigurationWriter` inside one of its transactions, so that the rules
/// of writing checks and policies stand in one place for all engines.
///
/// Calls are synchronous: each driver runs them on its connection's own executor. They take many
/// objects at once, because a document of 10,000 checks is one transaction.
package protocol ConfigurationTransaction {
    /// The moment of the transaction, by the storage's clock.
    var now: Timestamp { get }

    func checks(named names: Set<String>) throws(StorageError) -> [Check]
    func checks(madeBy policies: Set<String>) throws(StorageError) -> [Check]
    func policies(named names: Set<String>) throws(StorageError) -> [Policy]
    /// Policies of which some member is watched by one of these checks.
    func policies(using checks: Set<CheckID>) throws(StorageError) -> [Policy]
    /// Checks that depend on one of these directly.
    func checks(dependingOn checks: Set<CheckID>) throws(StorageError) -> [Check]
    /// The names of the policies that publish these.
    func publishers(of keys: Set<PublicationKey>) throws(StorageError) -> [PublicationKey: String]

    /// Inserts checks with a new id each (that of the value is not used), and with each its health
    /// row, unknown in the value's epoch.
    /// - Returns: the ids, in order.
    mutating func insert(checks: [Check]) throws(StorageError) -> [CheckID]
    /// Replaces all but id and creation; what a live job that nobody holds carries of the check
    /// (time-out, locations) follows.
    mutating func update(checks: [Check]) throws(StorageError)
    /// Replaces which checks each of these depends on.
    mutating func bind(dependencies: [CheckID: [CheckID]]) throws(StorageError)
    /// Deletes checks with their health, outcomes, changes and dependencies; a live job ends as void.
    mutating func delete(checks: [CheckID]) throws(StorageError)
    /// Makes health unknown in the check's present epoch, with a health change of this cause where
    /// it was not unknown.
    mutating func forgetHealth(of checks: [CheckID], cause: TurnCause) throws(StorageError)
    /// Makes sure of the slots' rows, so that registers find the checks.
    mutating func ensureSlots(of checks: [Check]) throws(StorageError)
    /// Gives each check a job due now that becomes visible at the given moment. A live job that
    /// nobody holds is moved there; one that a worker holds is left alone.
    mutating func enqueue(_ jobs: [(check: Check, id: CheckID, visibleAt: Timestamp)])
        throws(StorageError)
    /// Ends the live jobs of these checks, held or not, as void.
    mutating func endJobs(of checks: [CheckID]) throws(StorageError)

    /// Inserts policies with a new id each, with members, publications and an empty route.
    /// - Returns: the ids, in order.
    mutating func insert(policies: [BoundPolicy]) throws(StorageError) -> [PolicyID]
    /// Replaces all but id and creation; the route stays. What one of them gives up to publish,
    /// another may take. Deliveries of publications that are no more, and those of policies that are
    /// not `live`, are dropped; withdrawals stay.
    mutating func update(policies: [BoundPolicy]) throws(StorageError)
    /// Deletes policies with members, publications, overrides, evaluations, route, route changes,
    /// deliveries and dead letters; withdrawals stay.
    mutating func delete(policies: [PolicyID]) throws(StorageError)
    /// Before publications go: what waits for each becomes its withdrawal, under the lease that may
    /// be on it. Where nothing is to be taken back, or a policy that only observes never delivered
    /// anything, what is known is forgotten, and a withdrawal is made only of what somebody delivers
    /// right now: whoever publishes there next has to wait for that.
    mutating func part(with partings: [Parting]) throws(StorageError)
    /// Inserts an evaluation due now for each.
    mutating func evaluate(policies: [PolicyID]) throws(StorageError)

    mutating func audit(_ entries: [AuditEntry]) throws(StorageError)
}

/// A policy with the ids of its members' checks.
package struct BoundPolicy: Hashable, Sendable {
    package var policy: Policy
    /// By member name; a member without a check has no entry.
    package var checks: [String: CheckID]

    package init(policy: Policy, checks: [String: CheckID]) {
        self.policy = policy
        self.checks = checks
    }
}

/// A publication that a policy has no more.
package struct Parting: Hashable, Sendable {
    package var policy: PolicyID
    package var withdrawal: Withdrawal
    package var mode: PolicyMode

    /// Whether the sink is to be asked, in any case or if something was delivered to it.
    package var asks: Asking {
        switch (withdrawal.publication.onDelete, mode) {
        case (.leave, _): .never
        case (_, .live): .always
        case (_, .observe): .ifDelivered
        }
    }

    package enum Asking: Hashable, Sendable {
        case always
        /// It was live before it only observed.
        case ifDelivered
        case never
    }

    /// What `old` publishes and `new` does not, in the order of sinks and names; nil: the policy goes.
    static func between(_ old: Policy, and new: PolicySpec?) -> [Parting] {
        let kept = Set((new?.publish ?? []).map(\.place))
        return old.spec.publish.filter { !kept.contains($0.place) }
            .sorted { $0.place < $1.place }
            .map { publication in
                Parting(
                    policy: old.id,
                    withdrawal: Withdrawal(policy: old.spec.name, publication: publication),
                    mode: old.spec.mode)
            }
    }
}

/// What only one policy can publish.
package struct PublicationKey: Hashable, Sendable {
    package var sink: String
    package var name: String
    package var family: RecordFamily

    package init(sink: String, name: String, family: RecordFamily) {
        self.sink = sink
        self.name = name
        self.family = family
    }
}

extension PolicySpec {
    /// The record types that those of these policies publish which do not only observe.
    package static func families(of policies: [PolicySpec]) -> Set<RecordFamily> {
        Set(policies.filter { $0.mode == .live }.flatMap { $0.publicationKeys.map(\.family) })
    }

    package var publicationKeys: Set<PublicationKey> {
        let families = Set(members.map(\.family) + fallback.map(RecordFamily.init(of:)))
        return Set(
            publish.flatMap { publication in
                families.map {
                    PublicationKey(sink: publication.sink, name: publication.name, family: $0)
                }
            })
    }
}
