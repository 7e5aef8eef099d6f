import Foundation
import HealthWorkerModel
import HealthWorkerMySQL
import HealthWorkerStorage
import StorageConformance
import Synchronization
import Testing

/// Transactions that meet: the whole of one is done again, and its caller is told nothing.
@Suite struct ConflictTests {
    @Test func `a completion that deadlocks is done again`() async throws {
        let fixture = try await MySQLFixture()
        let storage = try await fixture.open()
        try await storage.put("a", "b")
        let claims = try await storage.claim(ClaimRequest(limit: 10))
        let other = try TestConnection(to: fixture.server)
        // The server ends the transaction that has written less: not this one.
        try other.execute(
            """
            USE \(fixture.database);
            START TRANSACTION;
            INSERT INTO check_ids
            WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 500)
            SELECT n + 1000 FROM up;
            SELECT job_id FROM probe_jobs WHERE check_id = \(claims[1].check) FOR UPDATE
            """)

        async let completed = storage.complete(claims.map { storage.steady($0) })
        try await fixture.waitForLockWaits(1)
        // Each now waits for the other.
        try other.execute(
            "SELECT job_id FROM probe_jobs WHERE check_id = \(claims[0].check) FOR UPDATE")
        try other.execute("ROLLBACK")
        let report = try await completed

        #expect(report.accepted == Set(claims.map(\.job)))
        #expect(try await storage.queueStatus().tally.completed == 2)
        #expect(try await storage.queueStatus().tally.stale == 0)
        await storage.close()
    }

    @Test func `a lock that is held for longer than a call may wait is told as such`() async throws
    {
        let fixture = try await MySQLFixture()
        let storage = try await fixture.open()
        try await storage.put("a")
        let claims = try await storage.claim(ClaimRequest(limit: 10))
        let other = try TestConnection(to: fixture.server)
        try other.execute(
            "USE \(fixture.database); START TRANSACTION; SELECT job_id FROM probe_jobs FOR UPDATE")

        let error = await #expect(throws: StorageError.self) {
            try await storage.complete(claims.map { storage.steady($0) })
        }
        try other.execute("ROLLBACK")

        #expect(error?.isUnavailable(containing: "busy with the same rows") == true)
        #expect(try await storage.complete(claims.map { storage.steady($0) }).accepted.count == 1)
        await storage.close()
    }

    @Test func `a claim passes over jobs that another transaction holds`() async throws {
        let fixture = try await MySQLFixture()
        let storage = try await fixture.open()
        let checks = try await storage.put("a", "b", "c")
        let other = try TestConnection(to: fixture.server)
        try other.execute(
            """
            USE \(fixture.database);
            START TRANSACTION;
            SELECT job_id FROM probe_jobs WHERE check_id = \(checks[1].id) FOR UPDATE
            """)

        let claims = try await storage.claim(ClaimRequest(limit: 10))
        try other.execute("ROLLBACK")

        #expect(Set(claims.map(\.check)) == [checks[0].id, checks[2].id])
        await storage.close()
    }

    /// Workers, registers and an editor at once, 2 % of the probes failing: the anchors of this
    /// engine's traps. How often transactions met stands in the server's own count.
    @Test(.timeLimit(.minutes(10)))
    func `a drain with failing checks, registers and edits surfaces no conflict`() async throws {
        let fixture = try await MySQLFixture(clockRuns: true)
        let worker = try await fixture.open(process: 1, poolSize: 6)
        let register = try await fixture.open(process: 2, poolSize: 3)
        let specs = (0..<1000).map { CheckSpec.web("web\($0)") }
        for start in stride(from: 0, to: specs.count, by: 250) {
            _ = try await worker.write(
                WriteBatch(
                    specs[start..<(start + 250)].map { .putCheck($0, set: nil) }, actor: "ann"))
        }
        let checks = try await worker.checks(named: specs.map(\.name))
        let byID = Dictionary(uniqueKeysWithValues: checks.map { ($0.id, $0.spec) })
        // Until so many have ended all go on, however fast each is.
        let drain = Drain(of: 2000)

        let completed = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<4 {
                group.addTask {
                    var accepted = 0
                    var round = 0
                    while !drain.isOver {
                        let claims = try await worker.claim(
                            ClaimRequest(limit: 60, leaseMargin: .seconds(3600)))
                        let now = try await worker.now()
                        let ends = claims.map { claim in
                            let fails = (claim.job.rawValue &+ Int64(number)) % 50 == 0
                            return worker.end(claim, fails: fails, byID[claim.check], at: now)
                        }
                        let count = try await worker.complete(ends).accepted.count
                        drain.add(count)
                        accepted += count
                        if round % 12 == 0 { _ = try await worker.expireLost(limit: 10) }
                        round += 1
                    }
                    return accepted
                }
            }
            group.addTask {
                while !drain.isOver {
                    for check in checks where !drain.isOver {
                        try await register.enqueueNow(check.id)
                    }
                }
                return 0
            }
            group.addTask {
                while !drain.isOver { _ = try await register.enqueueDue(maxSlots: 8) }
                return 0
            }
            group.addTask {
                for round in 0..<6 {
                    let edits = checks.dropFirst(round * 50).prefix(20).map { check in
                        var spec = check.spec
                        spec.target.port = 1000 + round
                        return ObjectChange.putCheck(spec, set: nil)
                    }
                    _ = try await register.write(WriteBatch(edits, actor: "ann"))
                }
                return 0
            }
            return try await group.reduce(0, +)
        }

        let status = try await worker.queueStatus()
        let tally = status.tally
        #expect(completed >= drain.wanted)
        #expect(tally.completed == Int64(completed))
        #expect(tally.stale == 0)
        #expect(tally.enqueued == tally.completed + Int64(status.live) + tally.lost + tally.void)
        await worker.close()
        await register.close()
    }
}

/// How many have ended, of as many as are wanted.
private final class Drain: Sendable {
    let wanted: Int
    private let ended = Atomic(0)

    init(of wanted: Int) { self.wanted = wanted }

    var isOver: Bool { ended.load(ordering: .relaxed) >= wanted }
    func add(_ count: Int) { ended.add(count, ordering: .relaxed) }
}

extension MySQLFixture {
    /// Asks the server until so many of this fixture's transactions wait for a lock.
    func waitForLockWaits(_ count: Int) async throws {
        let end = ContinuousClock.now + .seconds(300)
        while ContinuousClock.now < end {
            let waiting = try server.execute(
                """
                SELECT count(*)
                FROM information_schema.innodb_trx AS t
                JOIN information_schema.processlist AS p ON p.id = t.trx_mysql_thread_id
                WHERE t.trx_state = 'LOCK WAIT'
                  AND p.db = '\(database)'
                """)
            if waiting[0][0] == "\(count)" { return }
            try await Self.untilTransactionsAreReadAnew()
        }
        throw SetUpError(description: "No transaction of \(database) ever waits for a lock.")
    }
}

extension MySQLStorage {
    /// What a worker makes of an outcome, counting from the base alone.
    fileprivate func end(
        _ claim: Claim, fails: Bool, _ spec: CheckSpec?, at now: Timestamp
    ) -> Completion {
        let outcome: Outcome = fails ? .failure(.connectRefused) : .success
        let request = CountRequest(
            check: claim.check, job: claim.job, attempt: claim.attempt, base: claim.base,
            isSuccess: !fails, interval: .seconds(10))
        let decision = HealthTracker.next(
            base: claim.base,
            observation: HealthTracker.Observation(
                outcome: outcome, run: request.runFromBase, worker: process, othersAlive: false,
                at: now),
            check: spec ?? .web("web"))
        return Completion(
            claim: claim, epoch: claim.base.epoch, report: ProbeReport(outcome: outcome),
            decision: decision, age: .milliseconds(1))
    }
}
