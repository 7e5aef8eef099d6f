import HealthWorkerModel
import HealthWorkerStorage
import Logging
import Metrics
import Synchronization

/// Closes the loop: asks after each delivery whether what the sink took is what is answered there, until
/// it is, or for ``Arrival/limit``.
///
/// Nobody waits for it. What it did not see when its process ended is told as unknown.
final class ArrivalWatch: Sendable {
    /// A route that its sink took.
    struct Applied: Sendable {
        var delivery: Delivery
        var route: Route
        /// What the sink remembers since.
        var memory: String?
        var sink: NamedSink
        /// When this was, by the storage's clock and by the process's.
        var at: Timestamp
        var moment: Duration

        /// How long it took from the first failed probe to `moment`, by the storage's clock. Nil where no
        /// failure brought the route there: it is older than what did, an edit or a repair.
        func timeToFailover(at moment: Timestamp) -> Duration? {
            guard delivery.since <= route.decidedAt, let turn = route.turn, turn.to == .unhealthy
            else { return nil }
            return max(.zero, moment - (turn.noticedAt ?? turn.turnedAt))
        }
    }

    /// So many are looked for at one sink at once; of more nobody knows when they arrived.
    private static let most = 200
    private static let firstPause = Duration.milliseconds(20)
    private static let longestPause = Duration.seconds(1)

    private let storage: any Storage
    private let time: ProcessTime
    private let logger: Logger
    private let applied = AsyncStream.makeStream(of: Applied.self)
    private let underWay = Mutex<[String: Int]>([:])

    init(storage: any Storage, time: ProcessTime, logger: Logger) {
        self.storage = storage
        self.time = time
        self.logger = logger
    }

    /// Looks for it as soon as ``run()`` can. Returns at once.
    func begin(_ route: Applied) {
        let hasRoom = underWay.withLock { underWay in
            guard underWay[route.sink.name, default: 0] < Self.most else { return false }
            underWay[route.sink.name, default: 0] += 1
            return true
        }
        if hasRoom { applied.continuation.yield(route) }
    }

    /// Until it is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await route in applied.stream {
                group.addTask {
                    await self.watch(route)
                    self.underWay.withLock { $0[route.sink.name, default: 1] -= 1 }
                }
            }
        }
    }

    /// Looks until it is there, or the limit is over.
    func watch(_ applied: Applied) async {
        var pause = Self.firstPause
        var looks = 0
        while !Task.isCancelled {
            looks += 1
            let found = await look(at: applied)
            let passed = time.now() - applied.moment
            if found == nil || passed >= Arrival.limit {
                do throws(StorageError) {
                    let end = try await end(applied, found, looks, seenAt: applied.at + passed)
                    if try await storage.conclude(Arrival.Place(applied.delivery), end) {
                        tell(end, of: applied)
                    }
                    return
                } catch {
                    if passed >= Arrival.end { return }
                    logger.debug(
                        "storage does not answer", metadata: ["error": "\(error)"])
                }
            }
            // Cancelled: it is told as unknown.
            try? await time.sleep(pause)
            pause = min(pause * 2, Self.longestPause)
        }
    }

    /// What is there instead of the route; nil: nothing else.
    private func look(at applied: Applied) async -> String? {
        let delivery = applied.delivery
        let publication = delivery.publication
        let place = PublishedPlace(
            policy: delivery.policy, policyName: delivery.policyName, mode: .live,
            publication: publication, route: applied.route,
            holding: Holding(
                sink: publication.sink, name: publication.name,
                generation: applied.route.generation, deliveredAt: applied.at,
                memory: applied.memory), isPending: false)
        do throws(SinkError) {
            return try await time.within(applied.sink.sink.timeLimit) { () throws(SinkError) in
                try await applied.sink.sink.observe(place)
            }
        } catch {
            return error.description
        }
    }

    private func end(
        _ applied: Applied, _ found: String?, _ looks: Int, seenAt: Timestamp
    ) async throws(StorageError) -> Arrival.End {
        // Seen at once it was there, whatever came since. Later the same answer may be that of another
        // generation, and another answer that of a newer one.
        if found == nil, looks == 1 { return .observed(seenAt) }
        let newest = try await storage.route(of: applied.delivery.policy)?.route?.generation
        if newest != applied.route.generation { return .replaced }
        return found.map { .notObserved(found: $0) } ?? .observed(seenAt)
    }

    private func tell(_ end: Arrival.End, of applied: Applied) {
        let sink = applied.sink.name
        Counter(
            label: MetricName.arrivals.rawValue,
            dimensions: [("sink", sink), ("result", end.result.rawValue)]
        ).increment()
        switch end {
        case .observed(let moment):
            guard let took = applied.timeToFailover(at: moment) else { return }
            Timer(label: MetricName.timeToFailover.rawValue, dimensions: [("sink", sink)])
                .recordNanoseconds(took.microseconds * 1000)
        case .notObserved(let found):
            logger.error(
                "a sink took a route, and it is not what is answered",
                metadata: [
                    "policy": "\(applied.delivery.policyName)", "sink": "\(sink)",
                    "name": "\(applied.delivery.publication.name)",
                    "generation": "\(applied.route.generation)", "found": "\(found)",
                ])
        case .replaced:
            break
        }
    }
}
