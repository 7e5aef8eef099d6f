import Foundation
import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import StorageConformance
import Testing

/// Behind PgBouncer in transaction mode: every statement may come to another connection.
@Suite struct PoolerTests {
    @Test func `everything works through PgBouncer in transaction mode`() async throws {
        let pooler = try TestServer(named: "HEALTH_WORKER_TEST_PGBOUNCER", kind: "pgbouncer")
        // PgBouncer passes no search path on: a database instead of a schema.
        let database = "test_" + UUID().uuidString.lowercased().filter { $0 != "-" }
        try TestServer().execute("CREATE DATABASE \(database)")
        let url = pooler.url { $0.path = "/\(database)" }
        let migrator = try PostgreSQLSchema.migrator(url: url, version: PostgreSQLFixture.version)
        #expect(try await migrator.up() == migrator.migrations)

        var storages: [PostgreSQLStorage] = []
        for process in 1...2 {
            storages.append(
                try await PostgreSQLStorage.open(
                    url: url, process: ProcessID(Int64(process)),
                    version: PostgreSQLFixture.version, usesPreparedStatements: false,
                    logger: PostgreSQLFixture.logger))
        }
        let checks = try await storages[0].put((0..<30).map { "web\($0)" })
        let handedOut = try await withThrowingTaskGroup(of: [JobReference].self) { group in
            for storage in storages {
                for _ in 0..<3 {
                    group.addTask {
                        var jobs: [JobReference] = []
                        for _ in 0..<10 {
                            for check in checks.prefix(5) {
                                try await storage.enqueueNow(check.id)
                            }
                            let claims = try await storage.claim(ClaimRequest(limit: 4))
                            let ends = claims.map { storage.steady($0) }
                            #expect(try await storage.complete(ends).accepted.count == claims.count)
                            jobs += claims.map(\.reference)
                        }
                        return jobs
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }

        #expect(Set(handedOut).count == handedOut.count)
        let status = try await storages[0].queueStatus()
        #expect(status.tally.completed == Int64(handedOut.count))
        #expect(status.tally.enqueued == status.tally.completed + Int64(status.live))
        for storage in storages { await storage.close() }
    }
}
