import AsyncHTTPClient
import Foundation
import HealthWorkerModel
import Testing

/// The real shape of the service: roles in processes of their own, on a database server and Redis,
/// and one after the other is killed.
@Suite(.serialized) struct `A fleet, from end to end` {
    @Test(.timeLimit(.minutes(4)), arguments: Engine.servers)
    func `the route follows its target whatever is killed on the way`(
        _ engine: Engine
    ) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let targetPort = try Here.freePort()
        let targets = try Targets(scratch, port: targetPort)
        try await targets.start("127.0.0.1")
        try await targets.start("127.0.0.2")
        let fleet = try await Fleet.start(
            in: scratch,
            Fleet.Plan(
                engine: engine,
                document: """
                    format: 1
                    policies:
                    - name: www
                      type: failover
                      member_check:
                        type: http
                        target: {port: \(targetPort)}
                        interval: 1s
                        fast_interval: 1s
                        timeout: 1s
                        fall: 2
                        rise: 2
                      members:
                      - {name: fra1, value: 127.0.0.1, priority: 10}
                      - {name: ams1, value: 127.0.0.2, priority: 20}
                      failback_delay: 8s
                    """))
        do {
            try await follow(fleet, targets)
        } catch {
            print(fleet.logs)
            await fleet.stop()
            await targets.stop()
            throw error
        }
        await fleet.stop()
        await targets.stop()
    }

    private func follow(_ fleet: Fleet, _ targets: Targets) async throws {
        let client = fleet.client
        let reading = Task { await readAllTheTime(client) }
        let timeline = Timeline()
        let first = try await fleet.route { $0.values == ["127.0.0.1"] }
        timeline.note("published 127.0.0.1, generation \(first.generation)")

        // The target dies, and with it one worker, one register and Redis.
        await targets.kill("127.0.0.1")
        timeline.begin("target killed")
        await fleet.kill("worker-1")
        timeline.note("worker-1 killed with SIGKILL")
        await fleet.kill("register-1")
        timeline.note("register-1 killed with SIGKILL")
        await fleet.kill("redis")
        timeline.note("Redis killed with SIGKILL")
        let second = try await fleet.route { $0.values == ["127.0.0.2"] }
        timeline.note(
            "route decided (\(second.cause)), generation \(second.generation)", at: second.decidedAt
        )
        #expect(second.cause == "failover")
        #expect(second.generation > first.generation)

        // The database ends the session of some role; PostgreSQL ends all of them.
        try fleet.server.killSession()
        timeline.note("a session of the database killed")
        try await fleet.startRedis()
        timeline.note("Redis started again, empty")
        try fleet.startWorker("worker-1", location: "fra1")
        try await fleet.awaitOutcome(of: "www.ams1")
        timeline.note("probing goes on")

        // The target comes back; the register that is left is killed while the delay runs.
        try await targets.start("127.0.0.1")
        timeline.begin("target started again")
        try await fleet.awaitHealth("healthy", of: "www.fra1")
        timeline.note("health turned healthy")
        try fleet.startRegister("register-3")
        await fleet.kill("register-2")
        timeline.note("register-2 killed with SIGKILL, register-3 started")
        try fleet.server.restart(crashes: false)
        timeline.note("the database restarted")
        let third = try await fleet.route { $0.values == ["127.0.0.1"] }
        timeline.note(
            "route decided (\(third.cause)), generation \(third.generation)", at: third.decidedAt)
        #expect(third.cause == "failback")
        #expect(third.generation > second.generation)

        // Nobody ever saw anything else than one of the two.
        reading.cancel()
        let seen = await reading.value
        #expect(seen.count > 20)
        #expect(Set(seen) == [["127.0.0.1"], ["127.0.0.2"]])

        // All end by themselves, and every job and change is accounted for.
        let codes = await fleet.drain()
        #expect(codes == codes.mapValues { _ in 0 })
        timeline.note("drained after SIGTERM: \(codes.count) processes")
        let figures = try fleet.account()
        #expect(figures["enqueued"] == figures["ended"])
        #expect(figures["leased"] == 0)
        #expect(figures["doubled_outcomes"] == 0)
        #expect(figures["unanswered"] == 0)
        #expect(figures["generations"] == figures["route_changes"])
        timeline.note("accounted for: \(figures.sorted { $0.key < $1.key })")
        print(timeline.text)
    }
}
