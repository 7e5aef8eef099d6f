/// The rules by which a policy becomes a route. Pure: values in, values out.
package enum PolicyEvaluation {
    /// All that a route is a function of.
    package struct Inputs: Hashable, Sendable {
        package var policy: Policy
        /// By member name; a member without a check has no entry.
        package var health: [String: MemberHealth]
        package var overrides: [Override]
        /// All that are not over: active, or still to come.
        package var maintenances: [Maintenance]
        package var freeze: Freeze?
        /// Nil: the policy has no route yet.
        package var previous: Route?
        /// The moment of the decision, by the storage's clock.
        package var now: Timestamp
        /// What an operator asked for with this very evaluation.
        package var order: Order?
        /// What is to keep members published that would leave now, by name; whoever evaluates asks
        /// ``Guard`` for it once something leaves. Holds that began earlier are in the memory of
        /// `previous`.
        package var holds: [String: Hold]

        package init(
            policy: Policy, health: [String: MemberHealth], overrides: [Override] = [],
            maintenances: [Maintenance] = [], freeze: Freeze? = nil, previous: Route? = nil,
            now: Timestamp, order: Order? = nil, holds: [String: Hold] = [:]
        ) {
            self.policy = policy
            self.health = health
            self.overrides = overrides
            self.maintenances = maintenances
            self.freeze = freeze
            self.previous = previous
            self.now = now
            self.order = order
            self.holds = holds
        }
    }

    /// What is known of one member's check.
    package struct MemberHealth: Hashable, Sendable, Codable {
        package var check: CheckID
        package var health: Health
        package var since: Timestamp
        /// The check's epoch and last turn: which inputs a route was decided from.
        package var epoch: Int64
        package var change: HealthChangeID?
        /// False: paused, so that `health` is the last one.
        package var isEnabled: Bool
        /// When the first of the outcomes in a row came that turned it.
        package var noticedAt: Timestamp?
        /// The names of the unhealthy checks that it depends on, directly or not; nil: none.
        package var explainedBy: [String]?

        package init(
            check: CheckID, health: Health, since: Timestamp, epoch: Int64,
            change: HealthChangeID?, isEnabled: Bool, noticedAt: Timestamp? = nil,
            explainedBy: [String]? = nil
        ) {
            self.check = check
            self.health = health
            self.since = since
            self.epoch = epoch
            self.change = change
            self.isEnabled = isEnabled
            self.noticedAt = noticedAt
            self.explainedBy = explainedBy
        }
    }

    /// An operator's order that ends with the evaluation that carries it out.
    package enum Order: Hashable, Sendable {
        case failback
        /// Nil: every member that waits.
        case reattach(members: [String]?)
        /// Ends every hold: what is held leaves as its health says.
        case release
    }

    /// What to publish, why, and when to look again though nothing turns.
    package struct Verdict: Hashable, Sendable {
        /// Nil: nothing can be answered yet, and nothing is published.
        package var answer: Answer?
        package var cause: RouteCause
        package var members: [MemberVerdict]
        package var memory: RouteMemory
        package var lookAgainAt: Timestamp?
        /// Families without a healthy published member.
        package var unprotected: [RecordFamily]
        /// Members that leave with this verdict because of their health, in the policy's order.
        package var leaving: [String]

        package init(
            answer: Answer?, cause: RouteCause, members: [MemberVerdict], memory: RouteMemory,
            lookAgainAt: Timestamp?, unprotected: [RecordFamily], leaving: [String] = []
        ) {
            self.answer = answer
            self.cause = cause
            self.members = members
            self.memory = memory
            self.lookAgainAt = lookAgainAt
            self.unprotected = unprotected
            self.leaving = leaving
        }
    }
}
