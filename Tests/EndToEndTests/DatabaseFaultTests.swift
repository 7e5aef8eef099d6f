import Foundation
import Testing

/// What an operator is told, and what a supervisor gets as exit code, when PostgreSQL or Redis are not
/// as the settings say.
@Suite(.serialized) struct `A database that cannot be used` {
    private struct Fault {
        var what: String
        var database: String
        var settings: [String: String] = [:]
        var code: Int32
        var said: [String]
    }

    @Test(.timeLimit(.minutes(3)))
    func `is told in one sentence with what to do, by the same exit code from every role`()
        async throws
    {
        let scratch = try Scratch()
        let server = try PostgreSQLServer.start()
        defer {
            server.stop()
            scratch.remove()
        }
        let address = try #require(URLComponents(string: server.url))
        let place = "127.0.0.1:\(address.port ?? 0)"
        func url(_ change: (inout URLComponents) -> Void) -> String {
            var changed = address
            change(&changed)
            return changed.string ?? ""
        }
        for name in ["newer", "older", "closed"] { _ = try server.ask("CREATE DATABASE \(name)") }
        let current = try await run(["migrate", "up"], url { $0.path = "/newer" }, in: scratch)
        #expect(current.code == 0, "\(current.text)")
        _ = try server.ask(
            "INSERT INTO schema_migrations VALUES (99, 'last', '1', 0, '7.0.1', '7.0.0')",
            in: "newer")
        _ = try server.ask(
            "ALTER DATABASE closed SET default_transaction_read_only = on", in: "postgres")

        let faults = [
            Fault(
                what: "nobody answers", database: "postgresql://ann:sesame@127.0.0.1:1/hw", code: 5,
                said: ["127.0.0.1:1/hw", "does not answer", "check that it runs"]),
            Fault(
                what: "no such host", database: "postgresql://ann:sesame@nowhere.invalid/hw",
                code: 5, said: ["nowhere.invalid:5432/hw", "does not answer"]),
            Fault(
                what: "wrong password", database: url { $0.password = "sesame" }, code: 1,
                said: [place, "the user postgres", "check database.url"]),
            Fault(
                what: "no such database", database: url { $0.path = "/nowhere" }, code: 1,
                said: [place, "createdb nowhere"]),
            Fault(
                what: "read-only", database: url { $0.path = "/closed" }, code: 5,
                said: ["\(place)/closed", "read-only", "name the server that accepts writing"]),
            Fault(
                what: "TLS is asked for", database: server.url + "?sslmode=require", code: 1,
                said: [place, "does not speak TLS", "sslmode=disable"]),
            Fault(
                what: "schema too old", database: url { $0.path = "/older" }, code: 75,
                said: ["health-worker migrate up"]),
            Fault(
                what: "schema too new", database: url { $0.path = "/newer" }, code: 75,
                said: ["install 7.0.0 or later"]),
            Fault(
                what: "Redis with TLS", database: server.url,
                settings: ["REDIS_URL": "rediss://:sesame@cache.example.com"], code: 78,
                said: ["redis.url", "stunnel", "redis://127.0.0.1:6379"]),
        ]
        for fault in faults {
            for role in ["worker", "register", "api"] {
                let seen = try await run([role], fault.database, in: scratch, fault.settings)

                #expect(seen.code == fault.code, "\(fault.what), \(role): \(seen.text)")
                for part in fault.said {
                    #expect(seen.text.contains(part), "\(fault.what), \(role): \(seen.text)")
                }
                #expect(!seen.text.contains("sesame"), "\(fault.what), \(role)")
                #expect(!seen.text.contains("secret"), "\(fault.what), \(role)")
                #expect(
                    seen.text.split(separator: "\n").count == 1,
                    "\(fault.what), \(role): \(seen.text)")
            }
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `is waited for as long as an operator says, and no longer`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let port = try Here.freePort()

        let began = ContinuousClock.now
        let seen = try await run(
            ["worker", "--wait", "2s"], "postgresql://ann:sesame@127.0.0.1:\(port)/hw",
            in: scratch)

        #expect(seen.code == 5, "\(seen.text)")
        #expect(ContinuousClock.now - began >= .seconds(2))
        #expect(seen.text.contains("waiting for the storage"))
        #expect(!seen.text.contains("sesame"))
    }

    private func run(
        _ arguments: [String], _ database: String, in scratch: Scratch,
        _ settings: [String: String] = [:]
    ) async throws -> (code: Int32?, text: String) {
        try await Program.run(
            Here.healthWorker, arguments, in: scratch,
            environment: settings.merging(["DATABASE_URL": database]) { $1 })
    }
}
