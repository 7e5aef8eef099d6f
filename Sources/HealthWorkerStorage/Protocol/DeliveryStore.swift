package import HealthWorkerModel

/// Routes on their way to sinks, and what sinks took.
///
/// One row waits for each publication, from the first generation that was not delivered to the
/// newest. Whoever decides routes need not know what kind of sink waits: a claim does.
package protocol DeliveryStore: Sendable {
    /// What this installation calls itself where others write, too: the same for all its processes,
    /// made with the schema.
    func installation() async throws(StorageError) -> String

    /// Claims deliveries to these sinks, all of one kind, that are due, oldest first. Nobody else
    /// gets them until the lease ends.
    ///
    /// A `state` sink gets the newest route, an `event` sink the oldest that it did not acknowledge.
    /// What the policy does not publish any more is dropped. Nothing is published under a name while
    /// somebody takes back there what another policy had published.
    /// - Parameter gathering: for `event` sinks; nil: each delivery is one route.
    func claimDeliveries(
        to sinks: [String], of kind: SinkKind, limit: Int, lease: Duration,
        gathering: Gathering?
    ) async throws(StorageError) -> [Delivery]
    /// Keeps that a delivery reached its sink, and removes it or turns to the next generation.
    /// - Parameter memory: what the sink wants to know again; nil leaves what is kept.
    func acknowledge(_ delivery: Delivery, memory: String?)
        async throws(StorageError) -> Acknowledgement
    /// Keeps what the sink wants to know again whatever becomes of the delivery, before it sends any of
    /// it.
    /// - Returns: false if the lease was over and somebody else holds the delivery.
    func remember(_ memory: String, of delivery: Delivery) async throws(StorageError) -> Bool
    /// Gives a delivery back, to be tried again after `delay`; with an error it is one failure more.
    /// To a `state` sink a route that a later one replaced meanwhile is due at once.
    func release(_ delivery: Delivery, after delay: Duration, error: String?)
        async throws(StorageError)
    /// Makes a dead letter of a delivery, and turns to the next generation.
    /// - Returns: false if the lease was over and somebody else holds it.
    func giveUp(_ delivery: Delivery, error: String) async throws(StorageError) -> Bool

    /// Makes due at once what waits for a sink, and brings back its dead letters: from the oldest of
    /// them on every generation is delivered again, and waits since now. What somebody holds is left alone.
    /// - Returns: how many publications are due then.
    func retryDeliveries(to sink: String, of policy: PolicyID?) async throws(StorageError) -> Int

    /// Makes due at once what failed at a sink; what somebody holds is left alone.
    func hasten(to sink: String) async throws(StorageError)
    /// Makes a later generation than `generation` of a policy's route, and announces it, unless there
    /// is one: a sink holds `generation`, and the storage was restored from before it.
    /// - Returns: whether one was made.
    func outdo(_ generation: Int64, of policy: PolicyID) async throws(StorageError) -> Bool

    /// What has not reached its sink yet, of one policy or all.
    func pendingDeliveries(of policy: PolicyID?) async throws(StorageError) -> [PendingDelivery]
    /// What was given up, of one policy or all, oldest first.
    func deadLetters(of policy: PolicyID?) async throws(StorageError) -> [DeadLetter]
    /// Removes, of the `limit` oldest dead letters, those that were given up longer ago than `keep`.
    /// - Returns: how many went.
    func pruneDeadLetters(keep: Duration, limit: Int) async throws(StorageError) -> Int
    /// What was delivered last to each publication of a policy, in the order of sinks and names.
    func holdings(of policy: PolicyID) async throws(StorageError) -> [Holding]

    /// The publications of `limit` policies at a sink, those after `after` in the order of ids.
    func places(at sink: String, after: PolicyID, limit: Int)
        async throws(StorageError) -> [PublishedPlace]
    /// Keeps how a sink differs from the route; nil: not at all. Nothing happens where something was
    /// delivered since `place` was read.
    func note(difference: String?, at place: PublishedPlace) async throws(StorageError)
    /// Sends the present route once more.
    func redeliver(to place: PublishedPlace) async throws(StorageError)
}

extension DeliveryStore {
    package func claimDeliveries(
        to sinks: [String], of kind: SinkKind, limit: Int, lease: Duration
    ) async throws(StorageError) -> [Delivery] {
        try await claimDeliveries(
            to: sinks, of: kind, limit: limit, lease: lease, gathering: nil)
    }
}

/// How changes that come together are claimed together.
package struct Gathering: Hashable, Sendable {
    /// Nothing is claimed before something has been due for so long; then all is that is due.
    package var within: Duration
    /// So many routes of one publication at most.
    package var most: Int

    package init(within: Duration, most: Int) {
        self.within = within
        self.most = most
    }
}

/// A route on its way to one sink, held by one register until its lease ends.
package struct Delivery: Hashable, Sendable {
    package var id: DeliveryID
    /// The fence: only the latest attempt is acknowledged.
    package var attempt: Int
    /// In a row.
    package var failures: Int
    package var kind: SinkKind
    package var order: Order
    /// For an `event` sink that gathers: the routes after that of the order, in their order, to be
    /// told with it.
    package var later: [Route]
    package var publication: Publication
    package var policy: PolicyID
    package var policyName: String
    /// What was delivered there last.
    package var holding: Holding?
    /// Of a withdrawal: the records that other policies publish at the place by now.
    package var taken: Set<RecordFamily>
    /// The first generation that was not delivered, when it was claimed.
    package var oldest: Int64
    /// Since when it waits.
    package var since: Timestamp
    package var leaseEnds: Timestamp

    package enum Order: Hashable, Sendable {
        /// The route, and for an `event` sink the one before it.
        case publish(Route, after: Route?)
        /// The publication is no more, and is to be taken back as its `on_delete` says.
        case withdraw
    }

    package init(
        id: DeliveryID, attempt: Int, failures: Int = 0, kind: SinkKind = .state, order: Order,
        later: [Route] = [], publication: Publication, policy: PolicyID, policyName: String,
        holding: Holding? = nil, taken: Set<RecordFamily> = [], oldest: Int64 = 0,
        since: Timestamp, leaseEnds: Timestamp
    ) {
        self.id = id
        self.attempt = attempt
        self.failures = failures
        self.kind = kind
        self.order = order
        self.later = later
        self.publication = publication
        self.policy = policy
        self.policyName = policyName
        self.holding = holding
        self.taken = taken
        self.oldest = oldest
        self.since = since
        self.leaseEnds = leaseEnds
    }

    /// The same delivery once the storage keeps this.
    package mutating func remember(_ memory: String) {
        let place = publication
        var known =
            holding
            ?? Holding(sink: place.sink, name: place.name, generation: nil, deliveredAt: nil)
        known.memory = memory
        holding = known
    }

    /// Nil for a withdrawal.
    package var route: Route? {
        if case .publish(let route, _) = order { route } else { nil }
    }

    /// What is acknowledged: the last route's, or that of withdrawals.
    package var generation: Int64 { (later.last ?? route)?.generation ?? Withdrawal.generation }

    /// Without the later routes, which wait for another one then.
    package var alone: Delivery {
        var delivery = self
        delivery.later = []
        return delivery
    }
}

package enum Acknowledgement: Hashable, Sendable {
    /// Nothing more waits for this publication.
    case done
    /// A later generation waits, due at once.
    case moreWaits
    /// The lease was over: somebody else delivers it, or nobody is to any more.
    case lost
}

/// What was delivered last to a publication, and how the sink differs since.
package struct Holding: Hashable, Sendable {
    package var sink: String
    package var name: String
    /// Nil: nothing was delivered yet.
    package var generation: Int64?
    package var deliveredAt: Timestamp?
    /// For people; nil: none is known.
    package var difference: String?
    /// The sink's own, such as what it found there.
    package var memory: String?

    /// Whether something was delivered, or is to be taken for it.
    package var wasDelivered: Bool { generation != nil || memory != nil }

    package init(
        sink: String, name: String, generation: Int64?, deliveredAt: Timestamp?,
        difference: String? = nil, memory: String? = nil
    ) {
        self.sink = sink
        self.name = name
        self.generation = generation
        self.deliveredAt = deliveredAt
        self.difference = difference
        self.memory = memory
    }
}

/// A publication of a policy, and what is known of it at its sink.
package struct PublishedPlace: Hashable, Sendable {
    package var policy: PolicyID
    package var policyName: String
    package var mode: PolicyMode
    package var publication: Publication
    /// Nil: the policy waits for its first answer.
    package var route: Route?
    package var holding: Holding?
    /// Whether a delivery waits or is under way.
    package var isPending: Bool

    package init(
        policy: PolicyID, policyName: String, mode: PolicyMode, publication: Publication,
        route: Route?, holding: Holding?, isPending: Bool
    ) {
        self.policy = policy
        self.policyName = policyName
        self.mode = mode
        self.publication = publication
        self.route = route
        self.holding = holding
        self.isPending = isPending
    }
}

/// A publication that a policy, or the policy itself, does not have any more, and that its sink is
/// to take back.
package struct Withdrawal: Hashable, Sendable, Codable {
    package var policy: String
    package var publication: Publication

    /// The generation of a row of the outbox that is one.
    package static let generation: Int64 = 0

    package init(policy: String, publication: Publication) {
        self.policy = policy
        self.publication = publication
    }
}

package struct PendingDelivery: Hashable, Sendable {
    package var id: DeliveryID
    package var policy: PolicyID
    package var sink: String
    package var name: String
    /// The newest; that of withdrawals for one.
    package var generation: Int64
    package var attempt: Int
    package var failures: Int
    package var since: Timestamp
    package var visibleAt: Timestamp
    package var lastError: String?
    /// Who delivers it, if its lease is not over.
    package var holder: ProcessID?

    package init(
        id: DeliveryID, policy: PolicyID, sink: String, name: String, generation: Int64,
        attempt: Int, failures: Int = 0, since: Timestamp, visibleAt: Timestamp,
        lastError: String?, holder: ProcessID? = nil
    ) {
        self.id = id
        self.policy = policy
        self.sink = sink
        self.name = name
        self.generation = generation
        self.attempt = attempt
        self.failures = failures
        self.since = since
        self.visibleAt = visibleAt
        self.lastError = lastError
        self.holder = holder
    }
}

/// A generation that an `event` sink never acknowledged and that was given up.
package struct DeadLetter: Hashable, Sendable {
    package var policy: PolicyID
    package var sink: String
    package var name: String
    package var generation: Int64
    /// Since when it waited.
    package var since: Timestamp
    package var givenUpAt: Timestamp
    package var failures: Int
    package var lastError: String

    package init(
        policy: PolicyID, sink: String, name: String, generation: Int64, since: Timestamp,
        givenUpAt: Timestamp, failures: Int, lastError: String
    ) {
        self.policy = policy
        self.sink = sink
        self.name = name
        self.generation = generation
        self.since = since
        self.givenUpAt = givenUpAt
        self.failures = failures
        self.lastError = lastError
    }
}
