import HealthWorkerModel
import HealthWorkerRouting
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
}
