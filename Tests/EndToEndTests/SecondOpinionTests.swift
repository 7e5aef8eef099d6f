import Foundation
import Testing

/// Whose word turns health, with real processes at two locations on PostgreSQL.
@Suite(.serialized) struct `A target that dies, seen from two locations` {
    @Test(.timeLimit(.minutes(3)))
    func `is called unhealthy by a worker at each, the second at once`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let port = try Here.freePort()
        let targets = try Targets(scratch, port: port)
        try await targets.start("127.0.0.1")
        let fleet = try await Fleet.start(
            in: scratch,
            Fleet.Plan(
                registers: 1, workers: ["fra1", "fra1", "ams1"],
                document: """
                    format: 1
                    checks:
                    - name: web
                      type: http
                      target: {host: 127.0.0.1, port: \(port)}
                      locations: [fra1, ams1]
                      interval: 2s
                      fast_interval: 1s
                      timeout: 1s
                      fall: 2
                    """))
        do {
            try await fleet.awaitHealth("healthy", of: "web")
            // Whoever says that it is alive looks who else is: a second time after all were there.
            let workers = "FROM processes WHERE presence::json ->> 'name' LIKE 'worker-%'"
            try await fleet.until("all workers are there") {
                try fleet.postgreSQL.ask("SELECT count(*) \(workers)") == "3"
            }
            let moment = try fleet.postgreSQL.ask("SELECT now_us() + 1000000")
            try await fleet.until("all workers have seen the others") {
                try fleet.postgreSQL.ask("SELECT min(seen_at) > \(moment) \(workers)") == "t"
            }

            await targets.kill("127.0.0.1")
            try await fleet.awaitHealth("unhealthy", of: "web")

            // The failures that turned it, in order: from where, and how long after the one before.
            let seen = try fleet.postgreSQL.ask(
                """
                SELECT string_agg(location || ' ' || reason, ', ' ORDER BY job_id),
                       count(DISTINCT worker_id), max(started_at) - min(started_at),
                       (SELECT cause FROM health_changes WHERE to_health = 'unhealthy')
                FROM outcomes
                WHERE outcome = 'failure'
                  AND job_id <= (SELECT job_id FROM health_changes WHERE to_health = 'unhealthy')
                """
            ).split(separator: "|").map(String.init)

            try #require(seen.count == 4, "\(seen)")
            #expect(
                [
                    "fra1 connect_refused, ams1 connect_refused",
                    "ams1 connect_refused, fra1 connect_refused",
                ].contains(seen[0]))
            #expect(seen[1] == "2")
            #expect(seen[3] == "fall")
            print("the second location's failure came \(seen[2]) µs after the first's")
        } catch {
            print(fleet.logs)
            await fleet.stop()
            await targets.stop()
            throw error
        }
        await fleet.stop()
        await targets.stop()
    }
}
