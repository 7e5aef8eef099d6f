import Foundation
import HealthWorkerModel
import Testing

/// The whole path with the real binary: a real HTTP target dies and comes back, and the program is
/// killed on the way.
@Suite(.serialized) struct `A failover, from end to end` {
    @Test(.timeLimit(.minutes(5)))
    func `the route moves with its target, also when the program is killed in the middle`()
        async throws
    {
        let scratch = try Scratch()
        let targetPort = try Here.freePort()
        let targets = try Targets(scratch, port: targetPort)
        try await targets.start("127.0.0.1")
        try await targets.start("127.0.0.2")
        let document = try scratch.write(
            """
            format: 1
            set: test
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
              failback_delay: 3s
            """, to: "policy.yaml")
        var installation = try await Installation.start(
            in: scratch, port: try Here.freePort(), apply: document)
        defer { scratch.remove() }
        let client = installation.client
        let reading = Task { await readAllTheTime(client) }
        let timeline = Timeline()

        // Healthy: the first tier is published.
        let first = try await route(of: installation) { $0.values == ["127.0.0.1"] }
        timeline.note("published 127.0.0.1, generation \(first.generation)")

        // The target dies: the second tier takes over.
        await targets.kill("127.0.0.1")
        timeline.begin("target killed")
        let second = try await route(of: installation) { $0.values == ["127.0.0.2"] }
        let changes = try await installation.client.read(
            "/v1/checks/www.fra1/health-changes", as: HealthChangesSeen.self)
        timeline.note("health turned \(changes.items[0].to)", at: changes.items[0].at)
        timeline.note(
            "route decided (\(second.cause)), generation \(second.generation)", at: second.decidedAt
        )
        #expect(changes.items[0].to == "unhealthy")
        #expect(second.cause == "failover")
        #expect(second.generation > first.generation)

        // The program is killed while it works, and started again on what it left.
        installation.program.send(SIGKILL)
        #expect(await installation.program.end(within: .seconds(30)) == -SIGKILL)
        timeline.note("program killed with SIGKILL")
        try await installation.startAgain()
        timeline.note("program is ready again")
        let afterCrash = try await route(of: installation) { _ in true }
        #expect(afterCrash == second)

        // The target comes back: the route returns once its delay is over.
        try await targets.start("127.0.0.1")
        timeline.begin("target started again")
        let third = try await route(of: installation) { $0.values == ["127.0.0.1"] }
        let back = try await installation.client.read(
            "/v1/checks/www.fra1/health-changes", as: HealthChangesSeen.self)
        timeline.note("health turned \(back.items[0].to)", at: back.items[0].at)
        timeline.note(
            "route decided (\(third.cause)), generation \(third.generation)", at: third.decidedAt)
        #expect(back.items[0].to == "healthy")
        #expect(third.cause == "failback")
        let turned = try #require(Timestamp(back.items[0].at))
        let returned = try #require(Timestamp(third.decidedAt))
        #expect(returned - turned >= .seconds(3))
        // What a loaded machine adds is its own affair; the figure is in the timeline.
        #expect(returned - turned < .seconds(30))

        // Nobody ever saw anything else than one of the two.
        reading.cancel()
        let seen = await reading.value
        #expect(seen.count > 10)
        #expect(Set(seen) == [["127.0.0.1"], ["127.0.0.2"]])

        // Every job is accounted for, while it runs and after it ended.
        let queue = try await installation.client.read("/v1/queue", as: QueueSeen.self)
        #expect(queue.tally.enqueued > 10)
        #expect(
            queue.tally.enqueued
                == queue.tally.completed + queue.live + queue.tally.lost + queue.tally.void)
        installation.program.send(SIGTERM)
        #expect(await installation.program.end(within: .seconds(60)) == 0)
        timeline.note("drained after SIGTERM")
        try accountFor(scratch.file("data/health-worker.sqlite"))
        await targets.stop()
        print(timeline.text)
    }

    /// What the database itself says once the program has ended: each job that ever was is an
    /// outcome, live, or counted as void, none is held, and the tally agrees.
    private func accountFor(_ database: URL) throws {
        let sql = """
            SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'probe_jobs'),
                   (SELECT SUM(enqueued) FROM queue_tallies),
                   (SELECT COUNT(DISTINCT job_id) FROM outcomes),
                   (SELECT SUM(completed) + SUM(lost) FROM queue_tallies),
                   (SELECT COUNT(*) FROM probe_jobs),
                   (SELECT SUM(void) FROM queue_tallies),
                   (SELECT COUNT(*) FROM outcomes) - (SELECT COUNT(DISTINCT job_id) FROM outcomes);
            """
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/sqlite3")
        process.arguments = [database.path, sql]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let figures = text.trimmingCharacters(in: .whitespacesAndNewlines).split(
            separator: "|", omittingEmptySubsequences: false
        ).map { Int($0) ?? 0 }
        try #require(figures.count == 7, "sqlite3 said: \(text)")
        let (issued, enqueued, recorded, ended, live, void, doubles) = (
            figures[0], figures[1], figures[2], figures[3], figures[4], figures[5], figures[6]
        )

        // An id is burnt where a check turned out to have a live job.
        #expect(issued >= enqueued)
        #expect(recorded == ended)
        #expect(enqueued == ended + live + void)
        #expect(doubles == 0)
    }

    private func route(
        of installation: Installation, _ isWanted: (RouteSeen) -> Bool
    ) async throws -> RouteSeen {
        let deadline = ContinuousClock.now + .seconds(60)
        var last: RouteSeen?
        while ContinuousClock.now < deadline {
            let answer = try await installation.client.get("/v1/routes/www")
            if answer.status == 200 {
                let route = try answer.decoded(RouteSeen.self)
                if isWanted(route) { return route }
                last = route
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw EndToEndError(
            "the route did not become what was waited for; it is \(String(describing: last)), and the "
                + "program wrote:\n\(installation.program.written.suffix(4000))")
    }
}
