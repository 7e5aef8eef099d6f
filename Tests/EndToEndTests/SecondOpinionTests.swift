import Foundation
import Testing

/// Whose word turns health, with real processes at two locations on PostgreSQL.
@Suite(.serialized) struct `A target that dies, seen from two locations` {
    @Test(.timeLimit(.minutes(3)))
    func `is called unhealthy by a worker at each, the second as soon as it may`() async throws {
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

            // The failures that turned it, in order: by whom, from where, when and why.
            let turned = "(SELECT job_id FROM health_changes WHERE to_health = 'unhealthy')"
            let failures = try fleet.database.rows(
                """
                SELECT worker_id, location, started_at, reason
                FROM outcomes
                WHERE outcome = 'failure' AND job_id <= \(turned)
                ORDER BY job_id
                """)
            let cause = try fleet.postgreSQL.ask(
                "SELECT cause FROM health_changes WHERE to_health = 'unhealthy'")
            let (first, last) = try (#require(failures.first), #require(failures.last))

            #expect(cause == "fall")
            #expect(Set(failures.map { $0[0] }).count >= 2, "one worker's word was enough")
            #expect(last[3] == "connect_refused", "\(failures)")
            let began = try #require(Int64(first[2]))
            for failure in failures.dropFirst() {
                let waited = try #require(Int64(failure[2])) - began
                // The first location leaves the re-check, which is due after a second, to the other
                // for another second; only then has it taken part.
                #expect(failure[1] != first[1] || waited >= 1_950_000, "\(failures)")
                print("\(failure[1]) began \(waited) µs after \(first[1])")
            }
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
