import Foundation
import Testing

/// What becomes of work in hand when processes are told to end, with real ones on PostgreSQL.
@Suite(.serialized) struct `Draining a fleet under load` {
    @Test(.timeLimit(.minutes(3)))
    func `SIGTERM leaves no job held and no outcome unwritten, and every process ends with 0`()
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let target = try await SlowTarget.start(in: scratch, thinking: .milliseconds(700))
        let fleet = try await Fleet.start(
            in: scratch, plan(checks: 240, port: target.port, interval: "2s", timeout: "2s"))
        do {
            try await fleet.until("probes are in flight and others have ended") {
                let figures = try fleet.account()
                return figures["leased", default: 0] >= 20
                    && figures["completed", default: 0] >= 300
            }

            let began = ContinuousClock.now
            let codes = await fleet.drain()
            let took = ContinuousClock.now - began

            #expect(codes == codes.mapValues { _ in 0 })
            let figures = try fleet.account()
            #expect(figures["leased"] == 0)
            #expect(figures["enqueued"] == figures["ended"])
            #expect(figures["doubled_outcomes"] == 0)
            #expect(figures["completed"] == figures["outcomes"])
            #expect(figures["processes"] == 0, "who ends says so")
            print("drained in \(took): \(figures.sorted { $0.key < $1.key })")
        } catch {
            print(fleet.logs)
            await fleet.stop()
            await target.stop()
            throw error
        }
        await fleet.stop()
        await target.stop()
    }

    @Test(.timeLimit(.minutes(3)))
    func `a second signal ends a process at once, and what it held is as after kill -9`()
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let target = try await SlowTarget.start(in: scratch, thinking: .seconds(50))
        var plan = plan(checks: 3, port: target.port, interval: "60s", timeout: "60s")
        plan.registers = 1
        plan.workers = ["fra1"]
        let fleet = try await Fleet.start(in: scratch, plan)
        do {
            try await fleet.until("all probes are in flight") {
                try fleet.account()["leased"] == 3
            }

            fleet.send(SIGTERM, to: "worker-1")
            let draining = await fleet.end(of: "worker-1", within: .seconds(1))
            let began = ContinuousClock.now
            fleet.send(SIGTERM, to: "worker-1")
            let code = await fleet.end(of: "worker-1", within: .seconds(30))

            #expect(draining == nil)
            #expect(code == 1)
            // The probes have 50 s, and so has a drain.
            #expect(ContinuousClock.now - began < .seconds(30))
            // The leases go on, and nothing is lost.
            let figures = try fleet.account()
            #expect(figures["leased"] == 3)
            #expect(figures["enqueued"] == figures["ended"])
        } catch {
            print(fleet.logs)
            await fleet.stop()
            await target.stop()
            throw error
        }
        await fleet.stop()
        await target.stop()
    }

    private func plan(
        checks: Int, port: Int, interval: String, timeout: String
    ) -> Fleet.Plan {
        let list = (0..<checks).map { number in
            """
            - name: web-\(number)
              type: http
              target: {host: 127.0.0.1, port: \(port)}
              interval: \(interval)
              timeout: \(timeout)
            """
        }
        return Fleet.Plan(
            document: "format: 1\nchecks:\n" + list.joined(separator: "\n") + "\n")
    }
}
