package import HealthWorkerModel
package import HealthWorkerStorage
package import Logging
import ServiceLifecycle
import Synchronization

/// Brings routes to sinks: claims what waits for those that this process reaches, delivers it, and
/// compares once a minute what they hold. Any number may run.
///
/// Every sink has loops of its own, so that none waits for another.
package final class Publisher: Service {
    package struct Limits: Sendable {
        /// How long it waits between looks at the outbox.
        package var poll: Duration
        /// Deliveries to one sink at once.
        package var atOnce: Int
        /// A delivery's time ends so long before its lease.
        package var leaseMargin: Duration
        /// How often what a sink holds is compared.
        package var reconcile: Duration

        package init(
            poll: Duration = .milliseconds(100), atOnce: Int = 16,
            leaseMargin: Duration = .seconds(2), reconcile: Duration = .seconds(60)
        ) {
            self.poll = poll
            self.atOnce = atOnce
            self.leaseMargin = leaseMargin
            self.reconcile = reconcile
        }
    }

    private let storage: any Storage
    private let sinks: LiveSinks
    private let limits: Limits
    private let time: ProcessTime
    private let logger: Logger
    private let contacts = Mutex<[String: Contact]>([:])
    private let looks = Mutex<[Look]>([])
    /// Deliveries that the loop of each sink has on their way.
    private let underWay = Mutex<[String: Int]>([:])
    private let metrics: [String: PublisherMetrics]
    private let arrivals: ArrivalWatch

    /// How a sink looks from here.
    private struct Contact {
        var failures = 0
        var pausedUntil: Duration = .zero
        /// When it answered last, and when it was found away.
        var answeredAt: Duration?
        var failedAt: Duration?
    }

    /// A publication that is to be compared at a moment of the process's clock.
    private struct Look {
        var at: Duration
        var sink: String
        var policy: PolicyID
        var publication: Publication
    }

    package init(
        storage: any Storage, sinks: LiveSinks, limits: Limits = Limits(),
        time: ProcessTime = .continuous, logger: Logger
    ) {
        self.storage = storage
        self.sinks = sinks
        self.limits = limits
        self.time = time
        self.logger = logger
        metrics = Dictionary(
            uniqueKeysWithValues: sinks.now.map { ($0.name, PublisherMetrics(of: $0.name)) })
        arrivals = ArrivalWatch(storage: storage, time: time, logger: logger)
    }

    /// The names of the sinks that answered when they were called last, or were not called yet.
    package var reached: [String] {
        let contacts = contacts.withLock { $0 }
        return sinks.now.map(\.name).filter { contacts[$0]?.failures ?? 0 == 0 }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.arrivals.run() }
                for sink in self.sinks.now {
                    group.addTask { await self.keepPublishing(to: sink) }
                    guard sink.kind == .state else { continue }
                    group.addTask {
                        await self.repeatedly("reconcile", sink) { () throws(StorageError) in
                            try await self.reconcile(self.sinks.latest(of: sink))
                        }
                    }
                    group.addTask {
                        await self.repeatedly("read back", sink) { () throws(StorageError) in
                            try await self.readBack(self.sinks.latest(of: sink))
                        }
                    }
                }
            }
        }
    }

    /// Keeps so many deliveries on their way as there may be at once: one that takes long has one
    /// place, and the others go on.
    private func keepPublishing(to sink: NamedSink) async {
        let (ended, end) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withDiscardingTaskGroup { group in
            await self.repeatedly("publish", sink) { () throws(StorageError) in
                let free = self.limits.atOnce - self.underWay.withLock { $0[sink.name] ?? 0 }
                if free <= 0 {
                    for await _ in ended { break }
                    return .zero
                }
                let (attempts, pause) = try await self.attempts(
                    at: self.sinks.latest(of: sink), limit: free)
                for attempt in attempts {
                    self.underWay.withLock { $0[sink.name, default: 0] += 1 }
                    group.addTask {
                        await self.conclude(attempt)
                        self.underWay.withLock { $0[sink.name, default: 0] -= 1 }
                        end.yield()
                    }
                }
                return pause
            }
        }
    }

    /// Delivers what waits for a sink, several at once.
    /// - Returns: how long to wait before the next step.
    package func publish(to sink: NamedSink) async throws(StorageError) -> Duration {
        let (attempts, pause) = try await attempts(at: sink, limit: limits.atOnce)
        await withDiscardingTaskGroup { group in
            for attempt in attempts { group.addTask { await self.conclude(attempt) } }
        }
        return pause
    }

    /// Claims what waits, and says how long to wait before the next claim.
    private func attempts(
        at sink: NamedSink, limit: Int
    ) async throws(StorageError) -> ([Attempt], Duration) {
        let began = time.now()
        let paused = contacts.withLock { $0[sink.name]?.pausedUntil ?? .zero }
        // Who else reaches the sink takes what waits meanwhile.
        if paused > began { return ([], min(paused - began, limits.poll * 10)) }
        let lease = sink.sink.timeLimit + limits.leaseMargin
        let gathering = sink.sink.gathering
        let deliveries = try await storage.claimDeliveries(
            to: [sink.name], of: sink.kind, limit: gathering?.most ?? limit, lease: lease,
            gathering: gathering)
        let told = DeliveryRules.groups(of: deliveries.filter { !$0.isQuiet }, gathering)
        let attempts = (deliveries.filter(\.isQuiet).map { [$0] } + told).map {
            Attempt(deliveries: $0, sink: sink, began: began, claimedAt: $0[0].leaseEnds - lease)
        }
        return (attempts, attempts.isEmpty ? limits.poll : .zero)
    }

    /// What is on its way is concluded, also while the process ends.
    private func conclude(_ attempt: Attempt) async {
        await Task { await self.carryOut(attempt) }.value
    }

    /// Claimed deliveries that go together, and when this was by both clocks.
    private struct Attempt {
        /// At least one.
        var deliveries: [Delivery]
        var sink: NamedSink
        /// By the process's clock, before the lease began.
        var began: Duration
        /// By the storage's.
        var claimedAt: Timestamp
    }

    private func carryOut(_ attempt: Attempt) async {
        let sink = attempt.sink
        do throws(StorageError) {
            if attempt.deliveries.allSatisfy(\.isQuiet) {
                for delivery in attempt.deliveries { try await pass(over: delivery, sink) }
                return
            }
            let receipt: SinkReceipt?
            do throws(DeliveryError) {
                receipt = try await hand(over: attempt)
            } catch {
                switch error {
                case .storage(let error): throw error
                case .sink(let error):
                    try await note(error, from: sink, since: attempt.began)
                    for delivery in attempt.deliveries {
                        try await fail(delivery, in: attempt, error)
                    }
                }
                return
            }
            try await note(nil, from: sink, since: attempt.began)
            guard let receipt else {
                count(.late, at: sink)
                return
            }
            for delivery in attempt.deliveries {
                try await acknowledge(delivery, in: attempt, receipt)
            }
        } catch {
            // The lease ends, and it is delivered once more.
            for delivery in attempt.deliveries {
                logger.error(
                    "a delivery could not be concluded",
                    metadata: line(delivery, ["error": "\(error)"]))
            }
        }
    }

    /// Concludes what nobody is told, as if the sink had taken it.
    private func pass(over delivery: Delivery, _ sink: NamedSink) async throws(StorageError) {
        guard try await storage.acknowledge(delivery, memory: nil) != .lost else {
            count(.late, at: sink)
            return
        }
        noteQuietSteps(of: delivery, at: sink)
    }

    private func noteQuietSteps(of delivery: Delivery, at sink: NamedSink) {
        for step in delivery.steps {
            guard let quietness = step.quietness else { continue }
            count(.quiet, at: sink)
            logger.info(
                "a sink is not told of a route: what changed is expected",
                metadata: line(
                    delivery,
                    ["generation": "\(step.route.generation)", "members": "\(quietness)"]))
        }
    }

    private func acknowledge(
        _ delivery: Delivery, in attempt: Attempt, _ receipt: SinkReceipt
    ) async throws(StorageError) {
        let sink = attempt.sink
        let word = try await storage.acknowledge(delivery, memory: receipt.memory)
        count(word == .lost ? .late : .delivered, at: sink)
        if word != .lost {
            noteQuietSteps(of: delivery, at: sink)
            measure(delivery, in: attempt)
            watch(delivery, in: attempt, memory: receipt.memory)
        }
        // An earlier attempt may still be on its way, and come after this one.
        if sink.kind == .state, delivery.attempt > 1 || word != .done {
            lookAgain(at: delivery, sink)
        }
    }

    private enum DeliveryError: Error {
        case sink(SinkError)
        case storage(StorageError)
    }

    /// - Returns: nil if somebody else holds the delivery by now, and nothing was sent.
    private func hand(
        over attempt: Attempt
    ) async throws(DeliveryError) -> SinkReceipt? {
        let end = attempt.began + attempt.sink.sink.timeLimit
        var delivery = attempt.deliveries[0]
        if attempt.sink.sink.gathering != nil, delivery.route != nil {
            do throws(SinkError) {
                try await time.within(end - time.now()) { () throws(SinkError) in
                    try await attempt.sink.sink.deliver(together: attempt.deliveries)
                }
            } catch {
                throw .sink(error)
            }
            return SinkReceipt()
        }
        for _ in 1...Self.rounds {
            let receipt: SinkReceipt
            do throws(SinkError) {
                let left = end - time.now()
                receipt = try await time.within(left) { [delivery] () throws(SinkError) in
                    if case .withdraw = delivery.order {
                        try await attempt.sink.sink.withdraw(delivery)
                        return SinkReceipt()
                    }
                    return try await attempt.sink.sink.deliver(delivery)
                }
            } catch {
                throw .sink(error)
            }
            if receipt.isTaken { return receipt }
            guard let memory = receipt.memory else { continue }
            do throws(StorageError) {
                guard try await storage.remember(memory, of: delivery) else { return nil }
            } catch {
                throw .storage(error)
            }
            delivery.remember(memory)
        }
        throw .sink(.notNow("What it holds changes all the time."))
    }

    /// A sink that was told that its memory is kept, and asks for other things to be kept once more,
    /// finds something else there each time.
    private static let rounds = 3

    private func watch(_ delivery: Delivery, in attempt: Attempt, memory: String?) {
        guard attempt.sink.kind == .state, let route = delivery.route else { return }
        let now = time.now()
        arrivals.begin(
            ArrivalWatch.Applied(
                delivery: delivery, route: route, memory: memory ?? delivery.holding?.memory,
                sink: attempt.sink, at: attempt.claimedAt + (now - attempt.began), moment: now))
    }

    private func fail(
        _ delivery: Delivery, in attempt: Attempt, _ error: SinkError
    ) async throws(StorageError) {
        if case .superseded(let later) = error {
            count(error.result, at: attempt.sink)
            if try await storage.outdo(later, of: delivery.policy) {
                logger.warning(
                    "a sink holds a later generation than the storage knows: a newer one is made",
                    metadata: line(delivery, ["held": "\(later)"]))
            }
            return try await storage.release(delivery, after: .zero, error: nil)
        }
        let failures = delivery.failures + 1
        let next = DeliveryRules.next(
            after: error, delivery.kind, failures: failures,
            isAlone: attempt.deliveries.count == 1 && delivery.later.isEmpty,
            waited: attempt.claimedAt - delivery.since, spread: time.spread())
        let metadata = line(
            delivery, ["failures": "\(failures)", "error": "\(error)"])
        switch next {
        case .giveUp:
            if try await storage.giveUp(delivery.alone, error: error.description) {
                count(.givenUp, at: attempt.sink)
                logger.error("a delivery was given up", metadata: metadata)
            }
        case .retry(let pause):
            count(error.result, at: attempt.sink)
            if failures == 1 || failures % 30 == 0 {
                logger.error("a sink did not take a route", metadata: metadata)
            }
            try await storage.release(delivery, after: pause, error: error.description)
        }
    }

    /// Asks for a look now, and for one when whatever an earlier attempt sent must have arrived.
    private func lookAgain(at delivery: Delivery, _ sink: NamedSink) {
        let now = time.now()
        looks.withLock { looks in
            for moment in [now, now + sink.sink.timeLimit] {
                looks.append(
                    Look(
                        at: moment, sink: sink.name, policy: delivery.policy,
                        publication: delivery.publication))
            }
        }
    }

    /// Compares what is to be looked at again.
    /// - Returns: how long to wait before the next step.
    package func readBack(_ sink: NamedSink) async throws(StorageError) -> Duration {
        let now = time.now()
        let due = looks.withLock { looks in
            let due = looks.filter { $0.sink == sink.name && $0.at <= now }
            looks.removeAll { $0.sink == sink.name && $0.at <= now }
            return due
        }
        for (index, look) in due.enumerated() {
            do throws(StorageError) {
                if try await compare(look.policy, look.publication, sink) { continue }
            } catch {
                keep(due[index...])
                throw error
            }
            // It does not answer: the rest is looked at when it may.
            keep(due[index...])
            return limits.reconcile / 4
        }
        return .milliseconds(500)
    }

    private func keep(_ due: ArraySlice<Look>) {
        looks.withLock { $0.insert(contentsOf: due, at: 0) }
    }

    /// - Returns: false if the sink could not be asked.
    private func compare(
        _ policy: PolicyID, _ publication: Publication, _ sink: NamedSink
    ) async throws(StorageError) -> Bool {
        let places = try await storage.places(
            at: sink.name, after: PolicyID(policy.rawValue - 1), limit: 1)
        return try await compare(
            places.filter {
                $0.policy == policy && $0.publication.place == publication.place
            }, sink)
    }

    /// Compares what a sink holds with the routes, a page of policies at a time, where no other
    /// process does.
    /// - Returns: how long to wait before the next step.
    package func reconcile(_ sink: NamedSink) async throws(StorageError) -> Duration {
        let duty = "reconcile \(sink.name)"
        guard try await storage.takeDuty(duty, for: limits.reconcile * 0.9) else {
            return limits.reconcile * time.spread()
        }
        var last = PolicyID(0)
        while !Task.isCancelled {
            // It may take longer than the duty is held for.
            if last != PolicyID(0),
                try await !storage.takeDuty(duty, for: limits.reconcile * 0.9)
            {
                break
            }
            let places = try await storage.places(at: sink.name, after: last, limit: 100)
            guard let end = places.last else { break }
            last = end.policy
            guard try await compare(places, sink) else { return limits.reconcile / 4 }
        }
        return limits.reconcile
    }

    /// - Returns: false if the sink could not be asked: it is when it may answer, not for each of the
    ///   rest.
    private func compare(
        _ places: [PublishedPlace], _ sink: NamedSink
    ) async throws(StorageError) -> Bool {
        var delivered: [PublishedPlace] = []
        for place in places {
            guard let route = place.route, !place.isPending else { continue }
            if place.mode == .live, place.holding?.generation != route.generation {
                // Nothing waits, and yet it was never delivered: a database that was restored.
                try await storage.redeliver(to: place)
            } else {
                delivered.append(place)
            }
        }
        if delivered.isEmpty { return true }
        let began = time.now()
        let found: [Result<SinkDifference?, SinkError>]
        do throws(SinkError) {
            found = try await time.within(sink.sink.timeLimit * delivered.count) {
                [delivered] () throws(SinkError) in
                await sink.sink.differences(from: delivered)
            }
        } catch {
            try await note(error, from: sink, since: began)
            return false
        }
        for (place, found) in zip(delivered, found) {
            switch found {
            case .success(let difference):
                try await note(nil, from: sink, since: began)
                try await conclude(difference, at: place, sink)
            case .failure(.refused(let why, let mend)):
                try await note(nil, from: sink, since: began)
                let refusal = SinkError.refused(why, mend: mend)
                try await conclude(SinkDifference(refusal.description), at: place, sink)
            case .failure(let error):
                try await note(error, from: sink, since: began)
                return false
            }
        }
        return true
    }

    private func conclude(
        _ difference: SinkDifference?, at place: PublishedPlace, _ sink: NamedSink
    ) async throws(StorageError) {
        if difference != nil { count(.differs, at: sink) }
        if let difference, place.mode == .live,
            place.publication.drift == .mend || difference.isOurs
        {
            logger.warning(
                "a sink holds something else, which is mended",
                metadata: [
                    "policy": "\(place.policyName)", "sink": "\(sink.name)",
                    "name": "\(place.publication.name)", "difference": "\(difference.sentence)",
                ])
            try await storage.redeliver(to: place)
        } else if difference?.sentence != place.holding?.difference {
            try await storage.note(difference: difference?.sentence, at: place)
        }
    }

    /// Keeps how a sink looks from here. Once one answers that was away, all that failed is due: it
    /// need not wait for its turn.
    ///
    /// - Parameter began: when what failed was begun. Of several that were under way together one
    ///   counts, and none where another was answered meanwhile.
    private func note(
        _ error: SinkError?, from sink: NamedSink, since began: Duration
    ) async throws(StorageError) {
        let now = time.now()
        let isBack = contacts.withLock { contacts in
            var contact = contacts[sink.name] ?? Contact()
            defer { contacts[sink.name] = contact }
            guard case .unreachable? = error else {
                let isBack = contact.failures > 0
                contact = Contact(answeredAt: now)
                // What it asks for is asked of all that goes there.
                if case .notNow(_, let pause?) = error {
                    contact.pausedUntil = now + min(pause, DeliveryRules.longestPause)
                }
                return isBack
            }
            if let failedAt = contact.failedAt, failedAt >= began { return false }
            if let answeredAt = contact.answeredAt, answeredAt > began { return false }
            contact.failures += 1
            contact.failedAt = now
            contact.pausedUntil =
                now + Backoff.delay(after: contact.failures, spread: time.spread())
            return false
        }
        if isBack { try await storage.hasten(to: sink.name) }
    }

    private func count(_ result: PublisherMetrics.Result, at sink: NamedSink) {
        metrics[sink.name]?.count(result)
    }

    /// How long it took from the decision to the sink's word, by the storage's clock; of a route that goes
    /// there later, for an edit or a repair, from that.
    private func measure(_ delivery: Delivery, in attempt: Attempt) {
        guard let route = delivery.route, delivery.attempt == 1 else { return }
        metrics[attempt.sink.name]?.delivered(
            after: attempt.claimedAt - max(route.decidedAt, delivery.since)
                + (time.now() - attempt.began))
    }

    private func line(_ delivery: Delivery, _ more: Logger.Metadata) -> Logger.Metadata {
        more.merging(
            [
                "policy": "\(delivery.policyName)", "sink": "\(delivery.publication.sink)",
                "name": "\(delivery.publication.name)", "generation": "\(delivery.generation)",
            ]
        ) { own, _ in own }
    }

    private func repeatedly(
        _ name: String, _ sink: NamedSink,
        _ step: () async throws(StorageError) -> Duration
    ) async {
        var failures = 0
        while !Task.isCancelled {
            let pause: Duration
            do throws(StorageError) {
                pause = try await step()
                failures = 0
            } catch {
                failures += 1
                pause = Backoff.delay(after: failures, spread: time.spread())
                if failures == 1 || failures % 30 == 0 {
                    logger.error(
                        "storage does not answer",
                        metadata: [
                            "loop": "\(name)", "sink": "\(sink.name)", "error": "\(error)",
                        ])
                }
            }
            // Cancelled: the loop ends.
            try? await time.sleep(pause)
        }
    }
}

extension SinkError {
    /// As metrics name it.
    fileprivate var result: PublisherMetrics.Result {
        switch self {
        case .unreachable: .unreachable
        case .notNow: .notNow
        case .refused: .refused
        case .superseded: .superseded
        }
    }
}
