import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import Testing

@Suite struct SharingTests {
    @Test func `many processes on one database never share a job, and none is lost`() async throws {
        let fixture = try await PostgreSQLFixture(clockRuns: true)
        let storages = [
            try await fixture.open(process: 1), try await fixture.open(process: 2),
        ]
        let checks = try await storages[0].put((0..<60).map { "web\($0)" }).map(\.id)

        let handedOut = try await withThrowingTaskGroup(of: [JobReference].self) { group in
            for storage in storages {
                for _ in 0..<3 {
                    group.addTask { try await storage.work(on: checks, rounds: 20) }
                }
                group.addTask {
                    for _ in 0..<20 {
                        _ = try await storage.enqueueDue(maxSlots: 4)
                        _ = try await storage.queueStatus()
                        _ = try await storage.observations(of: checks)
                    }
                    return []
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }

        #expect(handedOut.count > checks.count)
        #expect(Set(handedOut).count == handedOut.count)
        let status = try await storages[1].queueStatus()
        let tally = status.tally
        #expect(tally.completed == Int64(handedOut.count))
        #expect(tally.enqueued == tally.completed + Int64(status.live) + tally.lost + tally.void)
        for storage in storages { await storage.close() }
    }

    @Test func `an edit while jobs are completed leaves each check one job, due now`() async throws
    {
        let fixture = try await PostgreSQLFixture(clockRuns: true)
        let editor = try await fixture.open(process: 1)
        let worker = try await fixture.open(process: 2)
        let checks = try await editor.put((0..<20).map { "web\($0)" })

        for round in 0..<10 {
            for check in checks { try await editor.enqueueNow(check.id) }
            let claims = try await worker.claim(ClaimRequest(limit: 100))
            let edits = checks.map { check in
                var spec = check.spec
                spec.target.port = 1000 + round
                return ObjectChange.putCheck(spec, set: nil)
            }

            async let edited = editor.write(WriteBatch(edits, actor: "ann"))
            async let completed = worker.complete(claims.map { worker.steady($0) })
            let (results, report) = try await (edited, completed)

            #expect(results.count == checks.count)
            #expect(report.accepted.count == claims.count)
            let now = try await editor.now()
            for (check, observation) in try await editor.observations(of: checks.map(\.id)) {
                #expect(observation.job != nil, "check \(check)")
                #expect(observation.state.health == .unknown)
                // New checks are spread over their fast interval.
                if let job = observation.job { #expect(job.visibleAt <= now + .seconds(2)) }
            }
        }
        await editor.close()
        await worker.close()
    }

    @Test func `of two policies written at once one gets the publication`() async throws {
        let fixture = try await PostgreSQLFixture()
        let first = try await fixture.open(process: 1)
        let second = try await fixture.open(process: 2)

        for round in 0..<5 {
            async let one = first.publish("a\(round)", as: "www\(round).example.com")
            async let other = second.publish("b\(round)", as: "www\(round).example.com")
            let done = try await [one, other]

            #expect(done.count { $0 } == 1)
        }
        await first.close()
        await second.close()
    }

    @Test func `a check is not deleted under a policy that is written at once`() async throws {
        let fixture = try await PostgreSQLFixture()
        let first = try await fixture.open(process: 1)
        let second = try await fixture.open(process: 2)

        for round in 0..<5 {
            try await first.put("web\(round)")
            async let used = first.attempt(
                .putPolicy(
                    PolicySpec(
                        name: "p\(round)", type: .detach,
                        members: [Member(name: "m", value: "192.0.2.1", check: "web\(round)")]),
                    makes: [], set: nil))
            async let deleted = second.attempt(.deleteCheck("web\(round)"))
            let done = try await [used, deleted]

            #expect(done.count { $0 } == 1)
        }
        await first.close()
        await second.close()
    }

    @Test func `a call that was made in a cancelled task is carried out`() async throws {
        let fixture = try await PostgreSQLFixture()
        let storage = try await fixture.open(poolSize: 1)
        try await storage.put("web")
        let claims = try await storage.claim(ClaimRequest(limit: 10))

        let released = try await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await storage.release(claims.map(\.reference))
        }.value

        #expect(released == 1)
        #expect(try await storage.queueStatus().ready == 1)
        await storage.close()
    }

    @Test func `a batch of which one completion fails leaves nothing`() async throws {
        let fixture = try await PostgreSQLFixture()
        let storage = try await fixture.open()
        let checks = try await storage.put("a", "b", "c")
        let claims = try await storage.claim(ClaimRequest(limit: 10))
        let before = try await storage.queueStatus()
        try fixture.execute(
            "ALTER TABLE outcomes ADD CONSTRAINT refuse CHECK (check_id <> \(checks[1].id))")

        await #expect(throws: StorageError.self) {
            try await storage.complete(claims.map { storage.steady($0) })
        }

        let after = try await storage.queueStatus()
        #expect(after.tally == before.tally)
        #expect(after.leased == before.leased)
        #expect(try await storage.outcomes(of: checks[0].id, before: nil, limit: 10).isEmpty)
        try fixture.execute("ALTER TABLE outcomes DROP CONSTRAINT refuse")
        let report = try await storage.complete(claims.map { storage.steady($0) })
        #expect(report.accepted == Set(claims.map(\.job)))
        await storage.close()
    }

    @Test func `texts of any kind come back as they were written`() async throws {
        let fixture = try await PostgreSQLFixture()
        let text = "a\"b\\c{d},e\n'f' \u{1F600} NULL"
        for prepared in [true, false] {
            let storage = try await fixture.open(usesPreparedStatements: prepared)
            let entry = AuditEntry(
                at: try await storage.now(), actor: text, action: "", object: "NULL",
                before: nil, after: "zero \0 inside", message: text)

            try await storage.appendAudit([entry])

            let stored = try await storage.audit(before: nil, limit: 1)
            #expect(stored.first?.actor == text)
            #expect(stored.first?.action == "")
            #expect(stored.first?.object == "NULL")
            #expect(stored.first?.before == nil)
            #expect(stored.first?.after == "zero \u{FFFD} inside")
            #expect(stored.first?.message == text)
            await storage.close()
        }
    }

    @Test func `without prepared statements everything is the same`() async throws {
        let fixture = try await PostgreSQLFixture()
        let storage = try await fixture.open(usesPreparedStatements: false)
        try await storage.put("web")

        let claims = try await storage.claim(ClaimRequest(limit: 10))
        let report = try await storage.complete(claims.map { storage.steady($0) })

        #expect(report.accepted == Set(claims.map(\.job)))
        #expect(try await storage.queueStatus().tally.completed == 1)
        await storage.close()
    }

    @Test func `more callers than connections all get their turn`() async throws {
        let fixture = try await PostgreSQLFixture()
        let storage = try await fixture.open(poolSize: 2)

        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { _ = try await storage.now() } }
            try await group.waitForAll()
        }

        var sessions = 0
        try await fixture.waitForSessions { states in
            sessions = states.count
            return true
        }
        #expect((1...2).contains(sessions))
        await storage.close()
    }
}

extension PostgreSQLStorage {
    /// Makes checks due, claims a few jobs at a time and completes them.
    fileprivate func work(on checks: [CheckID], rounds: Int) async throws -> [JobReference] {
        var handedOut: [JobReference] = []
        for round in 0..<rounds {
            for check in checks.dropFirst(round % 7).prefix(10) {
                try await enqueueNow(check)
            }
            let claims = try await claim(ClaimRequest(limit: 8))
            let report = try await complete(claims.map { steady($0) })
            #expect(report.accepted == Set(claims.map(\.job)))
            handedOut += claims.map(\.reference)
        }
        return handedOut
    }

    /// - Returns: false where it was refused.
    fileprivate func attempt(_ change: ObjectChange) async throws -> Bool {
        do {
            _ = try await write(WriteBatch([change], actor: "ann"))
            return true
        } catch .refused {
            return false
        }
    }

    fileprivate func publish(_ policy: String, as name: String) async throws -> Bool {
        try await attempt(
            .putPolicy(
                PolicySpec(
                    name: policy, type: .detach,
                    members: [Member(name: "m", value: "192.0.2.1")],
                    publish: [Publication(sink: "dns", name: name)]),
                makes: [], set: nil))
    }
}
