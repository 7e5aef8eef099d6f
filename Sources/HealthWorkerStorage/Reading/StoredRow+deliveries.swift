package import HealthWorkerModel

/// A row of the outbox that was claimed.
package struct ClaimedRow {
    package var id: DeliveryID
    package var attempt: Int
    /// The first generation that was not delivered.
    package var oldest: Int64
    /// With the newest route; nil: its policy does not publish it any more.
    package var delivery: Delivery?

    /// Reads `generation, cause, decided_at, answer, memory, members` of the route, `delivery_id,
    /// attempt, sink, name, policy_id, visible_at` of the outbox, `spec` of the policy, `failures,
    /// since, oldest, withdrawal` of the outbox, and `generation, delivered_at, difference, memory` of
    /// the holding. What stands for a route, a policy or a holding may be NULL.
    package init(_ row: some StoredRow, _ kind: SinkKind) throws {
        id = row.id(6)
        attempt = row.int(7)
        oldest = row.integer(15)
        let sink = row.text(8)
        let name = row.text(9)
        let order: Delivery.Order
        let publication: Publication
        let policyName: String
        if let withdrawal: Withdrawal = try row.optionalJSON(16) {
            order = .withdraw
            publication = withdrawal.publication
            policyName = withdrawal.policy
        } else if let spec: PolicySpec = try row.optionalJSON(12), spec.mode == .live,
            let published = spec.publish.first(where: { $0.sink == sink && $0.name == name }),
            !row.isNull(0)
        {
            order = .publish(try Route(row, from: 0), after: nil)
            publication = published
            policyName = spec.name
        } else {
            delivery = nil
            return
        }
        let isHeld = (17...20).contains { !row.isNull($0) }
        delivery = Delivery(
            id: id, attempt: attempt, failures: row.int(13), kind: kind, order: order,
            publication: publication, policy: row.id(10), policyName: policyName,
            holding: isHeld ? Holding(sink: sink, name: name, row, from: 17) : nil,
            oldest: oldest, since: row.moment(14), leaseEnds: row.moment(11))
    }
}

extension Holding {
    /// Reads `generation, delivered_at, difference, memory`, of which the first stands at `first`.
    package init(sink: String, name: String, _ row: some StoredRow, from first: Int) {
        self.init(
            sink: sink, name: name, generation: row.optionalInteger(first),
            deliveredAt: row.optionalMoment(first + 1), difference: row.optionalText(first + 2),
            memory: row.optionalText(first + 3))
    }

    /// Reads `sink, name, generation, delivered_at, difference, memory`.
    package init(row: some StoredRow) {
        self.init(sink: row.text(0), name: row.text(1), row, from: 2)
    }
}

extension PendingDelivery {
    /// Reads `delivery_id, policy_id, sink, name, generation, attempt, failures, since, visible_at,
    /// last_error, holder`.
    package init(row: some StoredRow) {
        self.init(
            id: row.id(0), policy: row.id(1), sink: row.text(2), name: row.text(3),
            generation: row.integer(4), attempt: row.int(5), failures: row.int(6),
            since: row.moment(7), visibleAt: row.moment(8), lastError: row.optionalText(9),
            holder: row.optionalID(10))
    }
}

extension DeadLetter {
    /// Reads `policy_id, sink, name, generation, since, given_up_at, failures, last_error`.
    package init(row: some StoredRow) {
        self.init(
            policy: row.id(0), sink: row.text(1), name: row.text(2), generation: row.integer(3),
            since: row.moment(4), givenUpAt: row.moment(5), failures: row.int(6),
            lastError: row.text(7))
    }
}

/// The places of policies at one sink, put together from what three readings found.
package struct PlacesAtSink {
    private var holdings: [PolicyPlace: Holding] = [:]
    private var pending: Set<PolicyPlace> = []

    private struct PolicyPlace: Hashable {
        var policy: PolicyID
        var name: String
    }

    package init() {}

    package mutating func add(_ holding: Holding, of policy: PolicyID) {
        holdings[PolicyPlace(policy: policy, name: holding.name)] = holding
    }

    package mutating func addPending(_ name: String, of policy: PolicyID) {
        pending.insert(PolicyPlace(policy: policy, name: name))
    }

    package func places(
        of policy: PolicyID, _ spec: PolicySpec, _ route: Route?, at sink: String
    ) -> [PublishedPlace] {
        spec.publish.filter { $0.sink == sink }.map { publication in
            let place = PolicyPlace(policy: policy, name: publication.name)
            return PublishedPlace(
                policy: policy, policyName: spec.name, mode: spec.mode, publication: publication,
                route: route, holding: holdings[place], isPending: pending.contains(place))
        }
    }
}
