import HealthWorkerModel
import HealthWorkerPostgreSQL
import HealthWorkerStorage
import StorageConformance
import Testing

@Suite struct SharingTests {
    @Test func `the server waits longer for what is decided on a large document`() async throws {
        let fixture = try await PostgreSQLFixture()
        let storage = try await fixture.open(statementLimit: .seconds(10))
        try fixture.execute(
            """
            CREATE TABLE patience (idle text);
            CREATE FUNCTION note_patience() RETURNS trigger LANGUAGE plpgsql AS '
            BEGIN
                INSERT INTO patience
                VALUES (current_setting(''idle_in_transaction_session_timeout''));
                RETURN NULL;
            END';
            CREATE TRIGGER note_patience AFTER INSERT ON audit_log
            FOR EACH STATEMENT EXECUTE FUNCTION note_patience()
            """)

        for names in [0..<1, 1..<801].map({ $0.map { "web\($0)" } }) {
            _ = try await storage.write(
                WriteBatch(names.map { .putCheck(.web($0), set: nil) }, actor: "ann"))
        }

        #expect(try fixture.execute("SELECT idle FROM patience") == [["2010ms"], ["10s"]])
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

        // The migrator's own may take a moment to end.
        try await fixture.waitForSessions { (1...2).contains($0.count) }
        await storage.close()
    }
}
