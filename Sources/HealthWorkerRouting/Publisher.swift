package import HealthWorkerModel
package import HealthWorkerStorage
package import Logging
import Metrics
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
    private let sinks: [NamedSink]
    private let limits: Limits
    private let time: ProcessTime
    private let logger: Logger
    private let contacts = Mutex<[String: Contact]>([:])
    private let looks = Mutex<[Look]>([])

    /// How a sink looks from here.
    private struct Contact {
        var failures = 0
        var pausedUntil: Duration = .zero
    }

    /// A publication that is to be compared at a moment of the process's clock.
    private struct Look {
        var at: Duration
        var sink: String
        var policy: PolicyID
        var publication: Publication
    }

    package init(
        storage: any Storage, sinks: [NamedSink], limits: Limits = Limits(),
        time: ProcessTime = .continuous, logger: Logger
    ) {
        self.storage = storage
        self.sinks = sinks
        self.limits = limits
        self.time = time
        self.logger = logger
    }

    /// The names of the sinks that answered when they were called last, or were not called yet.
    package var reached: [String] {
        let contacts = contacts.withLock { $0 }
        return sinks.map(\.name).filter { contacts[$0]?.failures ?? 0 == 0 }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                for sink in self.sinks {
                    group.addTask {
                        await self.repeatedly("publish", sink) { () throws(StorageError) in
                            try await self.publish(to: sink)
                        }
                    }
                    guard sink.kind == .state else { continue }
                    group.addTask {
                        await self.repeatedly("reconcile", sink) { () throws(StorageError) in
                            try await self.reconcile(sink)
                        }
                    }
                    group.addTask {
                        await self.repeatedly("read back", sink) { () throws(StorageError) in
                            try await self.readBack(sink)
                        }
                    }
                }
            }
        }
    }

    /// Delivers what waits for a sink, several at once.
    /// - Returns: how long to wait before the next step.
    package func publish(to sink: NamedSink) async throws(StorageError) -> Duration {
        let began = time.now()
        let paused = contacts.withLock { $0[sink.name]?.pausedUntil ?? .zero }
        // Who else reaches the sink takes what waits meanwhile.
        if paused > began { return min(paused - began, limits.poll * 10) }
        let lease = sink.sink.timeLimit + limits.leaseMargin
        let deliveries = try await storage.claimDeliveries(
            to: [sink.name], of: sink.kind, limit: limits.atOnce, lease: lease)
        if deliveries.isEmpty { return limits.poll }
        // What is on its way is concluded, also while the process ends.
        await Task {
            await withTaskGroup(of: Void.self) { group in
                for delivery in deliveries {
                    group.addTask {
                        await self.carryOut(
                            Attempt(
                                delivery: delivery, sink: sink, began: began,
                                claimedAt: delivery.leaseEnds - lease))
                    }
                }
            }
        }.value
        return .zero
    }

    /// A claimed delivery, and when this was by both clocks.
    private struct Attempt {
        var delivery: Delivery
        var sink: NamedSink
        /// By the process's clock, before the lease began.
        var began: Duration
        /// By the storage's.
        var claimedAt: Timestamp
    }

    private func carryOut(_ attempt: Attempt) async {
        let delivery = attempt.delivery
        let sink = attempt.sink
        do throws(StorageError) {
            let receipt: SinkReceipt
            do throws(SinkError) {
                receipt = try await within(attempt.began + sink.sink.timeLimit) {
                    () throws(SinkError) in
                    if case .withdraw = delivery.order {
                        try await sink.sink.withdraw(delivery)
                        return SinkReceipt()
                    }
                    return try await sink.sink.deliver(delivery)
                }
            } catch {
                note(error, from: sink)
                try await fail(attempt, error)
                return
            }
            note(nil, from: sink)
            let word = try await storage.acknowledge(delivery, memory: receipt.memory)
            count(word == .lost ? "late" : "delivered", at: sink)
            if word != .lost { measure(attempt) }
            // An earlier attempt may still be on its way, and come after this one.
            if sink.kind == .state, delivery.attempt > 1 || word != .done {
                lookAgain(at: delivery, sink)
            }
        } catch {
            // The lease ends, and it is delivered once more.
            logger.error(
                "a delivery could not be concluded", metadata: line(delivery, ["error": "\(error)"])
            )
        }
    }

    private func fail(_ attempt: Attempt, _ error: SinkError) async throws(StorageError) {
        let delivery = attempt.delivery
        let failures = delivery.failures + 1
        let next = DeliveryRules.next(
            after: error, delivery.kind, failures: failures,
            waited: attempt.claimedAt - delivery.since, spread: time.spread())
        let metadata = line(
            delivery, ["failures": "\(failures)", "error": "\(error)"])
        switch next {
        case .giveUp:
            if try await storage.giveUp(delivery, error: error.description) {
                count("given_up", at: attempt.sink)
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
        for look in due { try await compare(look.policy, look.publication, sink) }
        return .milliseconds(500)
    }

    private func compare(
        _ policy: PolicyID, _ publication: Publication, _ sink: NamedSink
    ) async throws(StorageError) {
        let places = try await storage.places(
            at: sink.name, after: PolicyID(policy.rawValue - 1), limit: 1)
        for place in places
        where place.policy == policy && place.publication.place == publication.place {
            _ = try await compare(place, sink)
        }
    }

    /// Compares what a sink holds with the routes, a page of policies at a time, where no other
    /// process does.
    /// - Returns: how long to wait before the next step.
    package func reconcile(_ sink: NamedSink) async throws(StorageError) -> Duration {
        let isOurs = try await storage.takeDuty(
            "reconcile \(sink.name)", for: limits.reconcile * 0.9)
        guard isOurs else { return limits.reconcile * time.spread() }
        var last = PolicyID(0)
        while !Task.isCancelled {
            let places = try await storage.places(at: sink.name, after: last, limit: 100)
            guard let end = places.last else { break }
            last = end.policy
            for place in places {
                // One that does not answer is asked again the next time, not for each of the rest.
                guard try await compare(place, sink) else { return limits.reconcile / 4 }
            }
        }
        return limits.reconcile
    }

    /// - Returns: false if the sink could not be asked.
    private func compare(
        _ place: PublishedPlace, _ sink: NamedSink
    ) async throws(StorageError) -> Bool {
        guard let route = place.route, !place.isPending else { return true }
        if place.mode == .live, place.holding?.generation != route.generation {
            // Nothing waits, and yet it was never delivered: a database that was restored.
            try await storage.redeliver(to: place)
            return true
        }
        var difference: String?
        do {
            difference = try await within(time.now() + sink.sink.timeLimit) {
                () throws(SinkError) in try await sink.sink.difference(from: place)
            }
        } catch {
            note(error, from: sink)
            guard case .refused = error else { return false }
            difference = error.description
        }
        if difference != nil { count("differs", at: sink) }
        if difference != nil, place.mode == .live, place.publication.drift == .mend {
            logger.warning(
                "a sink holds something else, which is mended",
                metadata: [
                    "policy": "\(place.policyName)", "sink": "\(sink.name)",
                    "name": "\(place.publication.name)", "difference": "\(difference ?? "")",
                ])
            try await storage.redeliver(to: place)
        } else if difference != place.holding?.difference {
            try await storage.note(difference: difference, at: place)
        }
        return true
    }

    /// What `body` answers, cancelled at a moment of the process's clock.
    private func within<Value: Sendable>(
        _ end: Duration, _ body: @escaping @Sendable () async throws(SinkError) -> Value
    ) async throws(SinkError) -> Value {
        let time = time
        let limit = max(.milliseconds(1), end - time.now())
        let first: Result<Value, SinkError>? = await withTaskGroup(
            of: Result<Value, SinkError>.self
        ) { group in
            group.addTask {
                do throws(SinkError) {
                    return .success(try await body())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                // Cancelled once there is an answer.
                try? await time.sleep(limit)
                return .failure(.unreachable("It did not answer in time."))
            }
            let first = await group.next()
            group.cancelAll()
            return first
        }
        guard let first else { throw .unreachable("It was not asked.") }
        return try first.get()
    }

    private func note(_ error: SinkError?, from sink: NamedSink) {
        contacts.withLock { contacts in
            var contact = contacts[sink.name] ?? Contact()
            if case .unreachable? = error {
                contact.failures += 1
                contact.pausedUntil =
                    time.now() + Backoff.delay(after: contact.failures, spread: time.spread())
            } else {
                contact = Contact()
            }
            contacts[sink.name] = contact
        }
    }

    private func count(_ result: String, at sink: NamedSink) {
        Counter(
            label: "health_worker_deliveries_total",
            dimensions: [("sink", sink.name), ("result", result)]
        ).increment()
    }

    /// How long it took from the decision to the sink's word, by the storage's clock.
    private func measure(_ attempt: Attempt) {
        guard let route = attempt.delivery.route, attempt.delivery.attempt == 1 else { return }
        let took = attempt.claimedAt - route.decidedAt + (time.now() - attempt.began)
        Timer(
            label: "health_worker_route_delivery_seconds", dimensions: [("sink", sink(attempt))]
        ).recordNanoseconds(max(0, took.microseconds) * 1000)
    }

    private func sink(_ attempt: Attempt) -> String { attempt.sink.name }

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
        _ step: @escaping @Sendable () async throws(StorageError) -> Duration
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
    fileprivate var result: String {
        switch self {
        case .unreachable: "unreachable"
        case .notNow: "not_now"
        case .refused: "refused"
        }
    }
}
