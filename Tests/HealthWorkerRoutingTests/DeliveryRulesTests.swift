import HealthWorkerModel
import HealthWorkerRouting
import HealthWorkerStorage
import Testing

struct DeliveryRulesTests {
    @Test func `a state sink that does not answer is tried twice as late each time, up to 30 s`() {
        let pauses = (1...9).map { failures in
            DeliveryRules.next(
                after: .unreachable("away"), .state, failures: failures, waited: .hours(100),
                spread: 1)
        }

        let wanted: [Duration] = [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]
            .map { .milliseconds($0) }
        #expect(pauses == wanted.map { .retry(after: $0) })
    }

    @Test func `an event is tried for a day and then given up`() {
        func next(_ waited: Duration) -> DeliveryRules.Next {
            DeliveryRules.next(
                after: .unreachable("away"), .event, failures: 40, waited: waited, spread: 1)
        }

        #expect(next(.hours(24) - .seconds(1)) == .retry(after: .seconds(900)))
        #expect(next(.hours(24)) == .giveUp)
    }

    @Test func `what is refused waits for a person, and an event that is refused is given up`() {
        func next(_ kind: SinkKind) -> DeliveryRules.Next {
            DeliveryRules.next(
                after: .refused("a secondary"), kind, failures: 1, waited: .zero, spread: 1)
        }

        #expect(next(.state) == .retry(after: .seconds(60)))
        #expect(next(.event) == .giveUp)
    }

    @Test
    func `a sink that says when to come back is not asked before, and not later than in an hour`() {
        func next(_ after: Duration) -> DeliveryRules.Next {
            DeliveryRules.next(
                after: .notNow("busy", after: after), .event, failures: 1, waited: .zero, spread: 1)
        }

        #expect(next(.milliseconds(1)) == .retry(after: .seconds(1)))
        #expect(next(.minutes(5)) == .retry(after: .minutes(5)))
        #expect(next(.hours(30)) == .retry(after: .hours(1)))
    }

    @Test func `jitter spreads what failed together`() {
        func next(_ spread: Double) -> DeliveryRules.Next {
            DeliveryRules.next(
                after: .unreachable("away"), .state, failures: 3, waited: .zero, spread: spread)
        }

        #expect(next(0.8) == .retry(after: .milliseconds(800)))
        #expect(next(1.2) == .retry(after: .milliseconds(1200)))
    }

    @Test func `what went with others is not given up for what may be another's fault`() {
        let next = DeliveryRules.next(
            after: .refused("413"), .event, failures: 1, isAlone: false, waited: .zero, spread: 1)

        #expect(next == .retry(after: .seconds(1)))
    }

    @Test func `what goes together has not failed, and is a number of routes at most`() {
        func delivery(_ id: DeliveryID, failures: Int = 0, later: Int = 0) -> Delivery {
            let route = Route(
                generation: 1, cause: .first, decidedAt: Timestamp(seconds: 0),
                answer: Answer(records: [], ttl: 30), memory: RouteMemory(), members: [])
            return Delivery(
                id: id, attempt: 1, failures: failures, kind: .event,
                order: .publish(route, after: nil), later: Array(repeating: route, count: later),
                publication: Publication(sink: "hook", name: "www"), policy: 1,
                policyName: "www", since: Timestamp(seconds: 0), leaseEnds: Timestamp(seconds: 0))
        }
        let deliveries = [
            delivery(1, later: 1), delivery(2, failures: 1, later: 2), delivery(3), delivery(4),
            delivery(5, later: 3), delivery(6),
        ]

        let groups = DeliveryRules.groups(
            of: deliveries, Gathering(within: .seconds(1), most: 4))
        let each = DeliveryRules.groups(of: deliveries, nil)

        #expect(groups.map { $0.map(\.id) } == [[2], [1, 3, 4], [5], [6]])
        #expect(groups[0][0].later.isEmpty)
        #expect(groups[1][0].later.count == 1)
        #expect(each.map { $0.map(\.id) } == [[1], [2], [3], [4], [5], [6]])
    }
}
