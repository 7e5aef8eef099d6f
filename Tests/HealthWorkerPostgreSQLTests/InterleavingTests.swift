import CPostgreSQL
import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import StorageConformance
import Testing

/// Statements that see snapshots from before each other, one of them held open by a lock.
@Suite struct InterleavingTests {
    @Test func `a job enqueued while its check is edited is given back with the new time-out`()
        async throws
    {
        let (fixture, editor, worker, check) = try await checkWithoutJob()
        var edited = check.spec
        edited.timeout = .seconds(9)
        edited.labels = ["team": "dns"]
        // The edit's last statement waits for whoever writes the same label.
        let held = HeldTransaction(
            fixture, "INSERT INTO check_labels VALUES ('team', 'dns', '\(check.spec.name)', 0)")

        async let results = editor.write(WriteBatch([.putCheck(edited, set: nil)], actor: "ann"))
        try await fixture.waitForLock()
        let report = try await worker.enqueueDue(maxSlots: 1000)
        held.end()
        _ = try await results

        #expect(report.enqueued == 1)
        try await expectMended(by: worker)
        await editor.close()
        await worker.close()
    }

    @Test func `a re-check that an edit waited for is given back with the new time-out`()
        async throws
    {
        let (fixture, editor, worker, check) = try await checkWithoutJob()
        _ = try await worker.enqueueDue(maxSlots: 1000)
        let claim = try #require(try await worker.claim(ClaimRequest(limit: 9)).first)
        var decision = HealthTracker.Decision(state: claim.base)
        decision.state.inARow += 1
        decision.recheck = HealthTracker.Recheck(afterProbeStart: .zero, avoiding: nil)
        let failure = Completion(
            claim: claim, epoch: claim.base.epoch,
            report: ProbeReport(outcome: .failure(.connectRefused)), decision: decision, age: .zero)
        var edited = check.spec
        edited.timeout = .seconds(9)
        // The completion has locked the job, and waits for the check's health.
        let held = HeldTransaction(
            fixture, "SELECT 1 FROM check_health WHERE check_id = \(check.id) FOR UPDATE")

        async let completed = worker.complete([failure])
        try await fixture.waitForLock()
        async let results = editor.write(
            WriteBatch([.putCheck(edited, set: nil)], actor: "ann"))
        try await fixture.waitForLock(of: 2)
        held.end()
        let report = try await completed
        _ = try await results

        #expect(report.accepted == [claim.job])
        try await expectMended(by: worker)
        await editor.close()
        await worker.close()
    }

    @Test func `an evaluation that a turn asks for while its policy is deleted is no burden`()
        async throws
    {
        let fixture = try await PostgreSQLFixture()
        let editor = try await fixture.open(process: 1)
        let worker = try await fixture.open(process: 2)
        let check = try #require(try await editor.put("web").first)
        let spec = PolicySpec(
            name: "www", type: .detach,
            members: [Member(name: "m", value: "192.0.2.1", check: "web")])
        _ = try await editor.write(
            WriteBatch([.putPolicy(spec, makes: [], set: nil)], actor: "ann"))
        let policy = try #require(try await editor.policies(named: ["www"]).first).id
        let claim = try #require(try await worker.claim(ClaimRequest(limit: 9)).first)
        var decision = HealthTracker.Decision(state: claim.base)
        decision.state.health = .healthy
        decision.turn = HealthTurn(from: .unknown, to: .healthy, cause: .firstSuccess)
        let success = Completion(
            claim: claim, epoch: claim.base.epoch, report: ProbeReport(outcome: .success),
            decision: decision, age: .zero)
        // The completion has seen the policy's members, and waits for the check's health.
        let held = HeldTransaction(
            fixture, "SELECT 1 FROM check_health WHERE check_id = \(check.id) FOR UPDATE")

        async let completed = worker.complete([success])
        try await fixture.waitForLock()
        _ = try await editor.write(WriteBatch([.deletePolicy("www")], actor: "ann"))
        held.end()
        let report = try await completed
        let left = try await editor.dueEvaluations(limit: 9)
        let results = try await PolicyEvaluator(storage: editor).evaluateDue(limit: 9)
            .results

        #expect(report.turned.map(\.policies) == [[policy]])
        #expect(left.map(\.policy) == [policy], "the interleaving happened")
        #expect(results == [policy: .gone])
        #expect(try await editor.nextEvaluationDue() == nil)
        await editor.close()
        await worker.close()
    }

    /// A check with 5 s to answer, whose slot is due.
    private func checkWithoutJob() async throws -> (
        PostgreSQLFixture, PostgreSQLStorage, PostgreSQLStorage, Check
    ) {
        let fixture = try await PostgreSQLFixture()
        let editor = try await fixture.open(process: 1)
        let worker = try await fixture.open(process: 2)
        let check = try #require(try await editor.put("web").first)
        #expect(check.spec.effectiveTimeout == .seconds(5))
        let claims = try await worker.claim(ClaimRequest(limit: 9))
        _ = try await worker.complete(claims.map { worker.steady($0) })
        try await fixture.age(by: check.spec.interval.duration)
        return (fixture, editor, worker, check)
    }

    /// The job was left behind, and is not once it was given back.
    private func expectMended(by worker: PostgreSQLStorage) async throws {
        let short = try #require(try await worker.claim(ClaimRequest(limit: 9)).first)
        #expect(try await worker.release([short.reference]) == 1)
        let long = try #require(try await worker.claim(ClaimRequest(limit: 9)).first)

        #expect(short.leaseEnds - short.claimedAt == .seconds(10), "the interleaving happened")
        #expect(long.job == short.job)
        #expect(long.leaseEnds - long.claimedAt == .seconds(14))
    }
}

/// One statement whose locks are kept until the end.
final class HeldTransaction {
    private let link: OpaquePointer?

    init(_ fixture: PostgreSQLFixture, _ statement: String) {
        link = PQconnectdb(fixture.url)
        PQclear(PQexec(link, "BEGIN"))
        PQclear(PQexec(link, statement))
        #expect(PQtransactionStatus(link) == PQTRANS_INTRANS)
    }

    func end() {
        PQclear(PQexec(link, "ROLLBACK"))
    }

    deinit {
        PQfinish(link)
    }
}

extension PostgreSQLFixture {
    /// Waits until so many sessions on this schema wait for another one's lock.
    fileprivate func waitForLock(of sessions: Int = 1) async throws {
        let end = ContinuousClock.now + .seconds(300)
        while ContinuousClock.now < end {
            let waiting = try execute(
                """
                SELECT count(*)
                FROM pg_stat_activity
                WHERE application_name = '\(schema)'
                  AND wait_event_type = 'Lock'
                """)
            if waiting == [["\(sessions)"]] { return }
            await Task.yield()
        }
        throw SetUpError(description: "No session of \(schema) waits for a lock.")
    }
}
