package import HealthWorkerModel

/// Evaluations that are due, the routes that they decide, and overrides.
///
/// An evaluation is three steps without a lock across them: read, decide (pure), and commit by
/// compare-and-set on the route's evaluation number. `PolicyEvaluator` does them in that order.
package protocol RouteStore: Sendable {
    /// Policies with an evaluation that is due, the one that waits longest first.
    func dueEvaluations(limit: Int) async throws(StorageError) -> [DueEvaluation]

    /// When the earliest evaluation is due; nil without one.
    func nextEvaluationDue() async throws(StorageError) -> Timestamp?

    /// Everything that a verdict is a function of. The evaluation number is read first, then the due
    /// evaluations, and only then the inputs, so that what changes meanwhile is evaluated again.
    /// Nil: there is no such policy.
    func evaluationInputs(of policy: PolicyID) async throws(StorageError) -> EvaluationInputs?

    /// Stores a verdict, if nobody evaluated the policy since its inputs were read, and answers the
    /// evaluations that were read.
    ///
    /// A new route of a `live` policy waits for each of its publications; a newer generation takes
    /// the place of the one that waits and leaves a lease on it alone. A publication that is new, or
    /// whose policy turned `live`, gets the route also where the answer stayed. The same answer keeps
    /// its generation, and takes over the verdict's lines and memory (``Route/keeping(_:)``).
    func commit(_ commit: EvaluationCommit) async throws(StorageError) -> CommitOutcome

    /// Commits verdicts of several policies, each at most once, in one transaction.
    /// - Returns: what became of each, in order. Nil: somebody else evaluated one of them meanwhile,
    ///   or it is gone; nothing is stored.
    func commit(all commits: [EvaluationCommit]) async throws(StorageError) -> [CommitOutcome]?

    /// Drops what is due of a policy that is gone: the deletion drops what it sees, and a turn that is
    /// stored at the same moment may still ask for an evaluation. Nothing happens to one that is there.
    func dropEvaluations(ofGone policy: PolicyID) async throws(StorageError)

    /// Inserts evaluations for policies whose route was decided from other inputs than the present
    /// ones: nothing but a defect or a restored database makes one.
    /// - Returns: how many were missed.
    func insertMissedEvaluations() async throws(StorageError) -> Int

    func route(of policy: PolicyID) async throws(StorageError) -> StoredRoute?
    /// Routes by policy name, after `after`.
    func routes(after: String?, limit: Int) async throws(StorageError) -> [StoredRoute]
    /// In no order; a policy that is gone has none.
    func routes(of policies: [PolicyID]) async throws(StorageError) -> [StoredRoute]
    /// Which routes there are, in a few numbers: while they are equal, no policy was made or deleted and
    /// none was evaluated. It costs less than the routes themselves, to be asked several times a second.
    func routesMark() async throws(StorageError) -> RoutesMark
    /// The evaluation number of every policy's route: where it is the same, so are the lines and the
    /// answer.
    func routeEvaluations() async throws(StorageError) -> [PolicyID: Int64]
    /// Members whose checks turned unhealthy within `window` and have not turned since, in the order of
    /// the turns; those of every policy, published or not.
    func falls(within window: Duration) async throws(StorageError) -> [Fall]
    /// How many members the policies that act on health publish; a walk through all routes.
    func publishedMembers() async throws(StorageError) -> Int
    /// Policies whose route holds a member, see ``RouteMemory/holds``; a walk through all routes.
    func holdingPolicies() async throws(StorageError) -> [PolicyID]
    /// Newest first, older than generation `before`.
    func routeChanges(of policy: PolicyID, before: Int64?, limit: Int)
        async throws(StorageError) -> [Route]

    /// Overrides that still hold, or of one policy.
    func overrides(of policy: PolicyID?) async throws(StorageError) -> [Override]
    /// Nil also for one that ended or was replaced.
    func override(id: OverrideID) async throws(StorageError) -> Override?
}

package struct DueEvaluation: Hashable, Sendable {
    package var policy: PolicyID
    package var dueAt: Timestamp

    package init(policy: PolicyID, dueAt: Timestamp) {
        self.policy = policy
        self.dueAt = dueAt
    }
}

package struct EvaluationInputs: Hashable, Sendable {
    /// The route's evaluation number: the compare of the compare-and-set.
    package var evaluation: Int64
    /// The due evaluations that this one answers.
    package var answers: [EvaluationID]
    package var inputs: PolicyEvaluation.Inputs

    package init(evaluation: Int64, answers: [EvaluationID], inputs: PolicyEvaluation.Inputs) {
        self.evaluation = evaluation
        self.answers = answers
        self.inputs = inputs
    }
}

package struct EvaluationCommit: Hashable, Sendable {
    package var read: EvaluationInputs
    package var verdict: PolicyEvaluation.Verdict
    /// An operator's word, stored in the same transaction.
    package var writes: [OperatorWrite]
    package var actor: String?
    package var message: String?
    package var requestID: String?

    package init(
        read: EvaluationInputs, verdict: PolicyEvaluation.Verdict, writes: [OperatorWrite] = [],
        actor: String? = nil, message: String? = nil, requestID: String? = nil
    ) {
        self.read = read
        self.verdict = verdict
        self.writes = writes
        self.actor = actor
        self.message = message
        self.requestID = requestID
    }
}

extension EvaluationCommit {
    /// What is to be written where `stored` is the policy's freeze: one that was over when the inputs
    /// were read goes, too.
    package func writes(over stored: Freeze?) -> [OperatorWrite] {
        stored != nil && read.inputs.freeze == nil ? [.thaw] + writes : writes
    }
}

package enum OperatorWrite: Hashable, Sendable {
    /// Replaces an override that holds for the same member. The id of the value is not used.
    case setOverride(Override)
    case clearOverride(OverrideID)
    case freeze(Freeze)
    case thaw
}

package enum CommitOutcome: Hashable, Sendable {
    /// Stored; the route is new where `isNewGeneration`. Nil: there is no answer yet.
    case committed(Route?, isNewGeneration: Bool)
    /// Somebody else evaluated meanwhile, or the policy is gone: read again.
    case superseded
}

/// Ids are never used again and evaluation numbers only rise: each policy that is made, deleted or
/// evaluated makes another one of these.
package struct RoutesMark: Hashable, Sendable {
    package var count: Int64
    package var sumOfIDs: Int64
    package var sumOfEvaluations: Int64

    package init(count: Int64, sumOfIDs: Int64, sumOfEvaluations: Int64) {
        self.count = count
        self.sumOfIDs = sumOfIDs
        self.sumOfEvaluations = sumOfEvaluations
    }
}

/// One member whose check turned unhealthy.
package struct Fall: Hashable, Sendable {
    package var policy: PolicyID
    package var member: String
    package var change: HealthChangeID
    /// When it turned.
    package var at: Timestamp
    /// Whether a second location confirmed the turn.
    package var isConfirmedElsewhere: Bool

    package init(
        policy: PolicyID, member: String, change: HealthChangeID, at: Timestamp,
        isConfirmedElsewhere: Bool
    ) {
        self.policy = policy
        self.member = member
        self.change = change
        self.at = at
        self.isConfirmedElsewhere = isConfirmedElsewhere
    }
}

package struct StoredRoute: Hashable, Sendable, Codable {
    package var policy: PolicyID
    package var policyName: String
    package var mode: PolicyMode
    /// Nil: remembered by a version that did not keep it.
    package var type: PolicyType?
    package var evaluation: Int64
    /// The verdict's lines as of the last evaluation, also where the answer stayed.
    package var members: [MemberVerdict]
    package var lookAgainAt: Timestamp?
    package var unprotected: [RecordFamily]
    package var freeze: Freeze?
    /// Nil: the policy waits for its first answer.
    package var route: Route?

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case policy = "id"
        case policyName = "policy"
        case mode, type, evaluation, members
        case lookAgainAt = "look_again_at"
        case unprotected, freeze, route
    }

    package init(
        policy: PolicyID, policyName: String, mode: PolicyMode, type: PolicyType? = nil,
        evaluation: Int64, members: [MemberVerdict], lookAgainAt: Timestamp?,
        unprotected: [RecordFamily],
        freeze: Freeze?, route: Route?
    ) {
        self.policy = policy
        self.policyName = policyName
        self.mode = mode
        self.type = type
        self.evaluation = evaluation
        self.members = members
        self.lookAgainAt = lookAgainAt
        self.unprotected = unprotected
        self.freeze = freeze
        self.route = route
    }
}

extension PolicyEvaluation.Inputs {
    /// What the last evaluation of a policy saw, but for overrides, maintenances and the time. Which
    /// check watches a member is not in it.
    package init(
        of policy: Policy, as stored: StoredRoute, overrides: [Override],
        maintenances: [Maintenance], now: Timestamp
    ) {
        var health: [String: PolicyEvaluation.MemberHealth] = [:]
        for line in stored.members {
            guard let measured = line.measured else { continue }
            health[line.name] = PolicyEvaluation.MemberHealth(
                check: 0, health: measured, since: line.since ?? policy.createdAt, epoch: 0,
                change: nil, isEnabled: !line.flags.contains(.paused))
        }
        self.init(
            policy: policy, health: health, overrides: overrides, maintenances: maintenances,
            freeze: stored.freeze.flatMap { $0.holds(at: now) ? $0 : nil }, previous: stored.route,
            now: now)
    }
}
