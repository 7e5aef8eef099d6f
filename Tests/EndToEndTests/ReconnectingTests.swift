import Foundation
import Testing

/// A fleet whose database goes away in the ways that networks and failovers have, and comes back.
@Suite(.serialized) struct `Reconnecting a fleet` {
    @Test(.timeLimit(.minutes(3)))
    func `a migration waits for a database that is not up yet`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let server = try PostgreSQLServer.start()
        defer { server.stop() }
        try server.crash()
        let migration = try Program(
            Here.healthWorker, ["migrate", "up", "--wait", "120s"], environment: server.settings,
            log: scratch.file("migrate.log"))
        let deadline = ContinuousClock.now + .seconds(60)
        while !migration.written.contains("Waiting for the database: "),
            ContinuousClock.now < deadline
        {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(migration.isRunning, "\(migration.written)")

        try server.restart(crashes: false)

        let code = await migration.end(within: .seconds(60))
        await migration.destroy()
        #expect(code == 0, "\(migration.written)")
        #expect(migration.written.contains("applied 1 "), "\(migration.written)")
    }

    @Test(.timeLimit(.minutes(5)))
    func `a worker whose cable is cut is replaced, notices, and works again when it is mended`()
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let namespace = try await Namespace(in: scratch)
        let port = try Here.freePort()
        let targets = try Targets(scratch, port: port)
        do {
            try await targets.start("127.0.0.1")
            // The same address inside is another one.
            try targets.start("127.0.0.1", inside: namespace)
            var plan = Fleet.Plan(registers: 1, workers: ["here"], document: Self.checks(port))
            plan.listensOn = namespace.here
            let fleet = try await Fleet.start(in: scratch, plan)
            do {
                try await cutAndMend(fleet, namespace)
            } catch {
                print(fleet.logs)
                await fleet.stop()
                throw error
            }
            await fleet.stop()
        } catch {
            await targets.stop()
            await namespace.remove()
            throw error
        }
        await targets.stop()
        await namespace.remove()
    }

    private func cutAndMend(_ fleet: Fleet, _ namespace: Namespace) async throws {
        let timeline = Timeline()
        try fleet.startWorker("worker-there", location: "there", inside: namespace)
        try await fleet.until("the worker there probes") {
            try Self.newOutcomes(of: "there", on: fleet, since: 0) > 20
        }

        try namespace.cut()
        timeline.begin("the cable is cut")
        // What it held is claimed again, and probing goes on.
        let cutAt = try fleet.database.number("SELECT now_us()")
        try await fleet.until("every check is probed by the worker here") {
            try fleet.database.number(
                """
                SELECT count(DISTINCT check_id) FROM outcomes
                WHERE location = 'here' AND started_at > \(cutAt)
                """) == 20
        }
        timeline.note("every check probed by the other worker")
        try await fleet.until("the worker there has noticed") {
            fleet.log(of: "worker-there").contains("storage does not answer")
        }
        timeline.note("the worker there has noticed")
        try await fleet.until("it is not counted among the living") {
            try fleet.database.number(
                """
                SELECT count(*) FROM processes
                WHERE presence::json ->> 'name' = 'worker-there' AND seen_at > now_us() - 6000000
                """) == 0
        }
        timeline.note("the fleet has noticed")

        try namespace.mend()
        timeline.begin("the cable is mended")
        let mendedAt = try fleet.database.number("SELECT now_us()")
        try await fleet.until("the worker there probes again") {
            try Self.newOutcomes(of: "there", on: fleet, since: mendedAt) > 20
        }
        timeline.note("the worker there probes again")
        let links = try fleet.database.rows(
            """
            SELECT count(*) FILTER (WHERE (extract(epoch FROM backend_start) * 1000000) > \(cutAt))
            FROM pg_stat_activity
            WHERE client_addr = '\(namespace.there)'
            """)
        #expect(Int(links[0][0]) ?? 0 > 0, "on new connections")

        let codes = await fleet.drain()
        #expect(codes == codes.mapValues { _ in 0 })
        try Self.expectAccounts(of: fleet)
        print(timeline.text)
    }

    @Test(.timeLimit(.minutes(5)), arguments: [0, 3600])
    func `a server that takes over at another address is found, whatever its clock says`(
        behind: Int
    ) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let target = try await SlowTarget.start(in: scratch, thinking: .milliseconds(50))
        let server = try ReplicatedServer()
        var plan = Fleet.Plan(
            registers: 2, workers: ["here", "here"], document: Self.checks(target.port))
        plan.database = server
        do {
            let fleet = try await Fleet.start(in: scratch, plan)
            do {
                try await failOver(fleet, server, behind)
            } catch {
                print(fleet.logs)
                await fleet.stop()
                throw error
            }
            await fleet.stop()
        } catch {
            await target.stop()
            server.stop()
            throw error
        }
        await target.stop()
    }

    private func failOver(_ fleet: Fleet, _ server: ReplicatedServer, _ behind: Int) async throws {
        let timeline = Timeline()
        try await fleet.until("probes are made") {
            try Self.newOutcomes(of: "here", on: fleet, since: 0) > 60
        }

        try server.crashPrimary()
        timeline.begin("the first server is gone")
        // A standby alone is no database to work on, and says so.
        let refused = try await fleet.run(["worker"])
        #expect(refused.code == 5)
        #expect(refused.text.contains("is read-only"), "\(refused.text)")
        #expect(refused.text.contains("in_hot_standby"), "\(refused.text)")

        try server.promote(clockBehindBy: behind)
        timeline.note("the second took over, its clock \(behind) s behind")
        let last = try fleet.database.number("SELECT max(job_id) FROM outcomes")
        try await fleet.until("every check is probed again") {
            try fleet.database.number(
                "SELECT count(DISTINCT check_id) FROM outcomes WHERE job_id > \(last)") == 20
        }
        timeline.note("every check was probed again")
        try await fleet.until("both registers and both workers are alive") {
            try fleet.database.number(
                """
                SELECT count(*) FROM processes
                WHERE seen_at BETWEEN now_us() - 6000000 AND now_us() + 6000000
                """) == 5
        }
        timeline.note("all processes are there")

        let codes = await fleet.drain()
        #expect(codes == codes.mapValues { _ in 0 })
        try Self.expectAccounts(of: fleet)
        print(timeline.text)
    }

    private static func checks(_ port: Int) -> String {
        let list = (0..<20).map { number in
            """
            - name: web-\(number)
              type: http
              target: {host: 127.0.0.1, port: \(port)}
              interval: 1s
              timeout: 1s
            """
        }
        return "format: 1\nchecks:\n" + list.joined(separator: "\n") + "\n"
    }

    private static func newOutcomes(
        of location: String, on fleet: Fleet, since moment: Int64
    ) throws -> Int64 {
        try fleet.database.number(
            """
            SELECT count(*) FROM outcomes
            WHERE location = '\(location)' AND outcome = 'success' AND started_at > \(moment)
            """)
    }

    private static func expectAccounts(of fleet: Fleet) throws {
        let figures = try fleet.account()
        #expect(figures["enqueued"] == figures["ended"])
        #expect(figures["leased"] == 0)
        #expect(figures["doubled_outcomes"] == 0)
        #expect(figures["recorded"] == figures["outcomes"])
        // Nobody turned unhealthy for our trouble.
        #expect(
            try fleet.database.number(
                "SELECT count(*) FROM health_changes WHERE to_health = 'unhealthy'") == 0)
    }
}
