import HealthWorkerModel
import HealthWorkerMySQL
import HealthWorkerStorage
import StorageConformance
import Testing

@Suite struct SharingTests {
    @Test func `a batch of which one completion fails leaves nothing`() async throws {
        let fixture = try await MySQLFixture()
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
        let fixture = try await MySQLFixture()
        let text = "a\"b\\c{d},e\n'f' \u{1F600} NULL "
        let storage = try await fixture.open()
        let entry = AuditEntry(
            at: try await storage.now(), actor: text, action: "", object: "NULL", before: nil,
            after: "zero \0 inside", message: String(repeating: text, count: 5000))

        try await storage.appendAudit([entry, entry])

        let stored = try await storage.audit(before: nil, limit: 2)
        #expect(stored.count == 2)
        for found in stored {
            #expect(found.actor == text)
            #expect(found.action == "")
            #expect(found.object == "NULL")
            #expect(found.before == nil)
            #expect(found.after == "zero \0 inside")
            #expect(found.message == entry.message)
        }
        await storage.close()
    }

    @Test func `labels that differ in a space at the end are two`() async throws {
        let fixture = try await MySQLFixture()
        let storage = try await fixture.open()
        for (name, value) in [("a", "x"), ("b", "x "), ("c", "X")] {
            var spec = CheckSpec.web(name)
            spec.labels = ["site": value]
            _ = try await storage.write(
                WriteBatch([.putCheck(spec, set: nil)], actor: "ann"))
        }

        let found = try await storage.checks(
            matching: ObjectFilter(selector: LabelSelector(["site": "x"])), after: nil, limit: 10)

        #expect(found.map(\.spec.name) == ["a"])
        await storage.close()
    }

    @Test func `more callers than connections all get their turn`() async throws {
        let fixture = try await MySQLFixture()
        let storage = try await fixture.open(poolSize: 2)

        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { _ = try await storage.now() } }
            try await group.waitForAll()
        }

        // The migrator's own may take a moment to end.
        try await fixture.waitForSessions { (1...2).contains($0.count) }
        await storage.close()
    }
}
