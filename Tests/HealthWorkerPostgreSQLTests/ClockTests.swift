import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import StorageConformance
import Testing

/// A server that takes over may have a clock of its own: every moment that is stored is the other's.
@Suite struct ClockTests {
    @Test func `a clock that is an hour behind after a failover keeps nothing waiting`()
        async throws
    {
        let fixture = try await PostgreSQLFixture()
        let dead = try await fixture.open(process: 1)
        let alive = try await fixture.open(process: 2)
        try await dead.announce(
            Presence(name: "dead", roles: [.worker], location: "default", version: "0"))
        #expect(try await dead.takeDuty("housekeeping", for: .seconds(55)))
        try await dead.put("held")
        let held = try await dead.claim(ClaimRequest(limit: 9))
        try await dead.put("waiting")
        _ = try await dead.write(
            WriteBatch(
                [
                    .putPolicy(
                        PolicySpec(
                            name: "www", type: .detach,
                            members: [Member(name: "m", value: "192.0.2.1", check: "held")]),
                        makes: [], set: nil)
                ], actor: "ann"))
        try #require(held.count == 1)

        try await fixture.age(by: .hours(-1))
        let report = try await alive.enqueueDue(maxSlots: 1000)

        // Slots keep their phase, and nothing is made up for.
        #expect(report.enqueued == 0)
        #expect(report.missed == 0)
        let now = try await alive.now()
        let ids = try await alive.checks(named: ["held", "waiting"]).map(\.id)
        for (_, observation) in try await alive.observations(of: ids) {
            #expect(try #require(observation.slotDueAt) <= now + .seconds(60))
        }
        // What waited may be had now, and so may what the dead one held.
        let claims = try await alive.claim(ClaimRequest(limit: 9))
        #expect(Set(claims.map(\.check)) == Set(ids))
        #expect(claims.first { $0.job == held[0].job }?.attempt == 2)
        #expect(try await dead.complete(held.map { dead.steady($0) }).accepted.isEmpty)
        #expect(try await alive.complete(claims.map { alive.steady($0) }).accepted.count == 2)
        #expect(try #require(try await alive.nextEvaluationDue()) <= now)
        // Nobody is alive, or holds a duty, for an hour after its end.
        #expect(try await alive.processes(seenWithin: .seconds(6)).isEmpty)
        #expect(try await alive.takeDuty("housekeeping", for: .seconds(55)))
        await dead.close()
        await alive.close()
    }

    @Test func `a clock that is set right by a moment breaks no lease`() async throws {
        let fixture = try await PostgreSQLFixture()
        let storage = try await fixture.open(process: 1)
        let other = try await fixture.open(process: 2)
        try await storage.put((0..<300).map { "web\($0)" })
        let claims = try await storage.claim(ClaimRequest(limit: 500))
        _ = try await storage.enqueueDue(maxSlots: 1000)

        try await fixture.age(by: .milliseconds(-300))
        _ = try await other.enqueueDue(maxSlots: 1000)

        #expect(try await other.claim(ClaimRequest(limit: 500)).isEmpty)
        let report = try await storage.complete(claims.map { storage.steady($0) })
        #expect(report.accepted.count == 300)
        await storage.close()
        await other.close()
    }
}
