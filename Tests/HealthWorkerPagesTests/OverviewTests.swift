import HealthWorkerModel
import HealthWorkerPages
import Testing

@Suite struct OverviewTests {
    private static func check(
        _ health: Health, isStale: Bool = false, isEnabled: Bool = true
    ) -> JSONValue {
        .object([
            "enabled": .bool(isEnabled),
            "observed": .object(["health": .string(health.rawValue), "stale": .bool(isStale)]),
        ])
    }

    private static func policy(unprotected: [JSONValue] = [], held: [JSONValue] = []) -> JSONValue {
        .object([
            "observed": .object([
                "route": .object([:]), "unprotected": .array(unprotected), "held": .array(held),
            ])
        ])
    }

    @Test func `of what was read as a whole nothing is untold`() {
        var counts = OverviewPage.Counts()
        (counts.checks, counts.unhealthy, counts.stale) = (2, 1, 1)
        (counts.policies, counts.unprotected) = (1, 1)

        let untold = OverviewPage.Untold(
            of: counts, checks: [Self.check(.unhealthy), Self.check(.healthy, isStale: true)],
            policies: [Self.policy(unprotected: [.string("A")])])

        #expect(untold.all == 0)
    }

    @Test func `what is wrong with checks and policies that were not read is told by number`() {
        var counts = OverviewPage.Counts()
        (counts.checks, counts.unhealthy, counts.stale) = (5000, 3, 40)
        (counts.policies, counts.waiting, counts.unprotected, counts.holding) = (9000, 2, 3, 4)

        let untold = OverviewPage.Untold(
            of: counts,
            checks: [
                Self.check(.unhealthy), Self.check(.unhealthy, isStale: true),
                Self.check(.unhealthy, isEnabled: false),
            ],
            policies: [
                Self.policy(), .object(["observed": .object([:])]),
                Self.policy(unprotected: [.string("A")], held: [.object([:])]),
            ])

        #expect(untold.unhealthy == 1)
        #expect(untold.stale == 39)
        #expect(untold.policies == 6)
        #expect(untold.all == 46)
    }
}
