package import HealthWorkerModel

extension MemoryStorage {
    package func installation() async throws(StorageError) -> String {
        shared.installation
    }

    package func claimDeliveries(
        to sinks: [String], of kind: SinkKind, limit: Int, lease: Duration,
        gathering: Gathering?
    ) async throws(StorageError) -> [Delivery] {
        try withState { [process] state, now in
            let wanted = Set(sinks)
            let due = state.deliveries.values
                .filter { wanted.contains($0.publication.sink) && $0.visibleAt <= now }
                .filter { !state.isBeingTakenBack($0, at: now) }
                .sorted { ($0.since, $0.id) < ($1.since, $1.id) }
            if let gathering, !due.contains(where: { $0.visibleAt <= now - gathering.within }) {
                return []
            }
            var claimed: [Delivery] = []
            for var row in due.prefix(limit) {
                row.attempt += 1
                row.visibleAt = now + lease
                row.holder = process
                guard let delivery = state.delivery(of: row, kind, gathering?.most ?? 1) else {
                    state.deliveries[row.id] = nil
                    continue
                }
                state.deliveries[row.id] = row
                claimed.append(delivery)
            }
            return claimed
        }
    }

    package func acknowledge(
        _ delivery: Delivery, memory: String?
    ) async throws(StorageError) -> Acknowledgement {
        try withState { state, now in
            let acknowledgement = state.turn(from: delivery, at: now)
            if acknowledgement == .lost { return .lost }
            let place = MemoryPlace(
                policy: delivery.policy, publication: MemoryPublication(delivery.publication))
            if case .withdraw = delivery.order {
                state.holdings[place] = nil
            } else {
                state.holdings[place] = Holding(
                    sink: place.publication.sink, name: place.publication.name,
                    generation: delivery.generation, deliveredAt: now,
                    memory: memory ?? state.holdings[place]?.memory)
            }
            state.beginArrival(of: delivery, at: now)
            return acknowledgement
        }
    }

    package func remember(
        _ memory: String, of delivery: Delivery
    ) async throws(StorageError) -> Bool {
        try withState { state, _ in
            guard let row = state.deliveries[delivery.id], row.attempt == delivery.attempt,
                row.holder != nil
            else { return false }
            var held = delivery
            held.holding = state.holdings[row.place]
            held.remember(memory)
            state.holdings[row.place] = held.holding
            return true
        }
    }

    package func release(
        _ delivery: Delivery, after delay: Duration, error: String?
    ) async throws(StorageError) {
        try withState { state, now in
            guard var row = state.deliveries[delivery.id], row.attempt == delivery.attempt else {
                return
            }
            let isReplaced =
                delivery.kind == .state && row.generation != delivery.generation
            row.visibleAt = isReplaced ? now : now + delay
            row.holder = nil
            row.lastError = error
            row.failures = error == nil ? 0 : row.failures + 1
            state.deliveries[row.id] = row
        }
    }

    package func giveUp(
        _ delivery: Delivery, error: String
    ) async throws(StorageError) -> Bool {
        try withState { state, now in
            if state.turn(from: delivery, at: now) == .lost { return false }
            state.deadLetters.append(
                DeadLetter(
                    policy: delivery.policy, sink: delivery.publication.sink,
                    name: delivery.publication.name, generation: delivery.generation,
                    since: delivery.since, givenUpAt: now, failures: delivery.failures + 1,
                    lastError: error))
            return true
        }
    }

    package func retryDeliveries(
        to sink: String, of policy: PolicyID?
    ) async throws(StorageError) -> Int {
        try withState { state, now in
            func isMeant(_ other: String, _ owner: PolicyID) -> Bool {
                other == sink && policy.map { owner == $0 } ?? true
            }
            for letter in state.deadLetters where isMeant(letter.sink, letter.policy) {
                guard let newest = state.routes[letter.policy]?.route?.generation else { continue }
                let place = MemoryPlace(
                    policy: letter.policy,
                    publication: MemoryPublication(sink: letter.sink, name: letter.name))
                // What is taken back is not told of again.
                if state.deliveries.values.contains(where: {
                    $0.place == place && $0.withdrawal != nil
                }) {
                    continue
                }
                state.deliver(newest, from: letter.generation, to: place, at: now)
            }
            state.deadLetters.removeAll { isMeant($0.sink, $0.policy) }
            var count = 0
            for row in state.deliveries.values
            where isMeant(row.publication.sink, row.policy) && row.holder == nil {
                state.deliveries[row.id]?.visibleAt = now
                state.deliveries[row.id]?.failures = 0
                count += 1
            }
            return count
        }
    }

    package func hasten(to sink: String) async throws(StorageError) {
        try withState { state, now in
            for row in state.deliveries.values
            where row.publication.sink == sink && row.holder == nil && row.failures > 0 {
                state.deliveries[row.id]?.visibleAt = min(row.visibleAt, now)
            }
        }
    }

    package func outdo(
        _ generation: Int64, of policy: PolicyID
    ) async throws(StorageError) -> Bool {
        try withState { state, now in
            guard var stored = state.routes[policy],
                let route = stored.route?.outdoing(generation, at: now)
            else { return false }
            stored.evaluation += 1
            stored.route = route
            stored.changes.append(route)
            state.routes[policy] = stored
            state.announce(route, of: policy, isNew: true, at: now)
            return true
        }
    }

    package func pendingDeliveries(
        of policy: PolicyID?
    ) async throws(StorageError) -> [PendingDelivery] {
        try withState { state, _ in
            state.deliveries.values.filter { row in policy.map { row.policy == $0 } ?? true }
                .sorted { $0.id < $1.id }
                .map { row in
                    PendingDelivery(
                        id: row.id, policy: row.policy, sink: row.publication.sink,
                        name: row.publication.name, generation: row.generation,
                        attempt: row.attempt, failures: row.failures, since: row.since,
                        visibleAt: row.visibleAt, lastError: row.lastError, holder: row.holder)
                }
        }
    }

    package func deadLetters(
        of policy: PolicyID?
    ) async throws(StorageError) -> [DeadLetter] {
        try withState { state, _ in
            state.deadLetters.filter { letter in policy.map { letter.policy == $0 } ?? true }
        }
    }

    package func pruneDeadLetters(
        keep: Duration, limit: Int
    ) async throws(StorageError) -> Int {
        try withState { state, now in
            let oldest = state.deadLetters.prefix(limit)
            let kept = oldest.filter { $0.givenUpAt >= now - keep }
            state.deadLetters.replaceSubrange(oldest.indices, with: kept)
            return oldest.count - kept.count
        }
    }

    package func holdings(of policy: PolicyID) async throws(StorageError) -> [Holding] {
        try withState { state, _ in
            state.holdings.filter { $0.key.policy == policy }.values
                .sorted { ($0.sink, $0.name) < ($1.sink, $1.name) }
        }
    }

    package func places(
        at sink: String, after: PolicyID, limit: Int
    ) async throws(StorageError) -> [PublishedPlace] {
        try withState { state, _ in
            var found = PlacesAtSink()
            for (place, holding) in state.holdings where holding.sink == sink {
                found.add(holding, of: place.policy)
            }
            for row in state.deliveries.values where row.publication.sink == sink {
                found.addPending(row.publication.name, of: row.policy)
            }
            return state.policies.values
                .filter { $0.id > after && $0.spec.publish.contains { $0.sink == sink } }
                .sorted { $0.id < $1.id }
                .prefix(limit)
                .flatMap { policy in
                    found.places(
                        of: policy.id, policy.spec, state.routes[policy.id]?.route, at: sink)
                }
        }
    }

    package func note(
        difference: String?, at place: PublishedPlace
    ) async throws(StorageError) {
        try withState { state, _ in
            let key = MemoryPlace(place)
            guard state.policies[place.policy] != nil else { return }
            let known = state.holdings[key]
            guard known?.generation == place.holding?.generation else { return }
            var holding =
                known
                ?? Holding(
                    sink: place.publication.sink, name: place.publication.name, generation: nil,
                    deliveredAt: nil)
            holding.difference = difference
            state.holdings[key] = holding
        }
    }

    package func redeliver(to place: PublishedPlace) async throws(StorageError) {
        try withState { state, now in
            let key = MemoryPlace(place)
            guard let newest = state.routes[place.policy]?.route?.generation,
                !state.deliveries.values.contains(where: { $0.place == key })
            else { return }
            state.deliver(newest, to: key, at: now)
        }
    }
}

extension MemoryPlace {
    fileprivate init(_ place: PublishedPlace) {
        self.init(
            policy: place.policy, publication: MemoryPublication(place.publication))
    }
}

extension MemoryState {
    /// Puts a route on its way to every publication of its policy: a new one to all of them, one
    /// that stays to those that never got any.
    mutating func announce(
        _ published: Route, of id: PolicyID, isNew: Bool, at now: Timestamp
    ) {
        guard let policy = policies[id], policy.spec.mode == .live else { return }
        for publication in policy.spec.publish {
            let publication = MemoryPublication(publication)
            let isFirst = routes[id]?.announced.insert(publication).inserted ?? false
            if isFirst || isNew {
                deliver(
                    published.generation, to: MemoryPlace(policy: id, publication: publication),
                    at: now)
            }
        }
    }

    /// Whether somebody takes back right now what another policy had published under its name.
    fileprivate func isBeingTakenBack(_ row: MemoryDelivery, at now: Timestamp) -> Bool {
        row.withdrawal == nil
            && deliveries.values.contains {
                $0.publication == row.publication && $0.policy != row.policy
                    && $0.withdrawal != nil && $0.holder != nil && $0.visibleAt > now
            }
    }

    /// What other live policies publish there.
    fileprivate func families(
        at publication: MemoryPublication, exceptOf policy: PolicyID
    ) -> Set<RecordFamily> {
        Set(
            publishers.filter { key, owner in
                key.sink == publication.sink && key.name == publication.name && owner != policy
                    && policies[owner]?.spec.mode == .live
            }.map(\.key.family))
    }

    /// A newer generation takes the place of the one that waits; a lease on it stays.
    mutating func deliver(
        _ generation: Int64, from oldest: Int64? = nil, to place: MemoryPlace, at now: Timestamp
    ) {
        if var waiting = deliveries.values.first(where: { $0.place == place }) {
            if waiting.withdrawal != nil { waiting.oldest = generation }
            waiting.withdrawal = nil
            waiting.generation = generation
            if let oldest {
                waiting.oldest = min(waiting.oldest, oldest)
                waiting.since = now
            }
            // What failed before may be taken now.
            if waiting.holder == nil { waiting.visibleAt = min(waiting.visibleAt, now) }
            deliveries[waiting.id] = waiting
        } else {
            let id = lastIDs.delivery.advance()
            deliveries[id] = MemoryDelivery(
                id: id, policy: place.policy, publication: place.publication,
                oldest: oldest ?? generation, generation: generation, since: now, visibleAt: now)
        }
    }

    mutating func part(with parting: Parting, at now: Timestamp) {
        let place = MemoryPlace(
            policy: parting.policy,
            publication: MemoryPublication(parting.withdrawal.publication))
        let isAsked =
            switch parting.asks {
            case .always: true
            case .ifDelivered: holdings[place]?.wasDelivered ?? false
            case .never: false
            }
        if !isAsked {
            holdings[place] = nil
            deliveries = deliveries.filter { _, row in
                row.place != place || row.holder != nil && row.visibleAt > now
            }
            guard deliveries.values.contains(where: { $0.place == place }) else { return }
        }
        deliver(Withdrawal.generation, to: place, at: now)
        for id in deliveries.keys where deliveries[id]?.place == place {
            deliveries[id]?.withdrawal = parting.withdrawal
        }
    }

    /// Nil for what its policy does not publish any more.
    fileprivate func delivery(
        of row: MemoryDelivery, _ kind: SinkKind, _ most: Int
    ) -> Delivery? {
        let order: Delivery.Order
        var later: [Route] = []
        let publication: Publication
        let policyName: String
        if let withdrawal = row.withdrawal {
            order = .withdraw
            publication = withdrawal.publication
            policyName = withdrawal.policy
        } else if let policy = policies[row.policy], policy.spec.mode == .live,
            let stored = routes[row.policy], let newest = stored.route,
            let published = policy.spec.publish.first(where: {
                MemoryPublication($0) == row.publication
            })
        {
            publication = published
            policyName = policy.spec.name
            switch kind {
            case .state:
                order = .publish(newest, after: nil)
            case .event:
                let routes = stored.changes.filter { $0.generation >= row.oldest }.prefix(most)
                let route = routes.first ?? newest
                later = Array(routes.dropFirst())
                order = .publish(
                    route, after: stored.changes.last { $0.generation < route.generation })
            }
        } else {
            return nil
        }
        return Delivery(
            id: row.id, attempt: row.attempt, failures: row.failures, kind: kind, order: order,
            later: later, publication: publication, policy: row.policy, policyName: policyName,
            holding: holdings[row.place],
            taken: row.withdrawal == nil
                ? [] : families(at: row.publication, exceptOf: row.policy),
            oldest: row.oldest, since: row.since, leaseEnds: row.visibleAt)
    }

    /// Removes what was delivered, or turns to what comes next.
    fileprivate mutating func turn(
        from delivery: Delivery, at now: Timestamp
    ) -> Acknowledgement {
        guard var row = deliveries[delivery.id], row.attempt == delivery.attempt else {
            return .lost
        }
        // Of an event sink's, an earlier one may have been brought back meanwhile.
        let isOldest = delivery.kind == .state || row.oldest == delivery.oldest
        if row.generation == delivery.generation, isOldest {
            deliveries[row.id] = nil
            return .done
        }
        // Acknowledged already, or given back.
        guard row.holder != nil else { return .lost }
        if delivery.kind == .event, row.withdrawal == nil, isOldest,
            let next = routes[row.policy]?.changes.first(where: {
                $0.generation > delivery.generation
            })
        {
            row.oldest = next.generation
            row.since = max(row.since, next.decidedAt)
        }
        row.visibleAt = now
        row.holder = nil
        row.failures = 0
        row.lastError = nil
        deliveries[row.id] = row
        return .moreWaits
    }
}
