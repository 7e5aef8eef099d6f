import Foundation
import Testing

/// Keys as people make and change them: the first on the database, the others through the API.
@Suite struct `The commands for keys` {
    private func run(
        _ arguments: [String], in scratch: Scratch, environment: [String: String] = [:]
    ) async throws -> (code: Int32?, text: String) {
        try await Program.run(
            Here.healthWorker, arguments, in: scratch,
            environment: ["HOME": "/nonexistent"].merging(environment) { $1 })
    }

    private func id(of key: String) -> String {
        key.split(separator: "_").dropFirst().first.map(String.init) ?? "none"
    }

    @Test func `the first key is made on the database, and the next ones through the API`()
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let installation = try await Installation.start(in: scratch, port: try Here.freePort())
        defer { installation.program.send(SIGKILL) }
        let database = [
            "DATABASE_URL": "sqlite:\(scratch.file("data").path)/health-worker.sqlite"
        ]
        let server = ["--server", "http://127.0.0.1:\(installation.port)"]
        func client(_ key: String) throws -> [String] {
            server + ["--key-file", try scratch.write(key, to: "key").path]
        }
        func works(_ key: String) async throws -> Bool {
            try await run(["queue"] + client(key), in: scratch).code != 4
        }

        let first = try await run(
            ["keys", "create", "--role", "admin", "--name", "first"], in: scratch,
            environment: database)
        let admin = first.text.trimmingCharacters(in: .whitespacesAndNewlines)
        let made = try await run(
            [
                "keys", "create", "--name", "deploy", "--set", "shop", "--expires-in", "48h", "-m",
                "for CI",
            ] + client(admin), in: scratch)
        let deploy = made.text.trimmingCharacters(in: .whitespacesAndNewlines)
        let before = try await works(deploy)
        let rotated = try await run(
            ["keys", "rotate", id(of: deploy), "--overlap", "0s"] + client(admin), in: scratch)
        let successor = rotated.text.trimmingCharacters(in: .whitespacesAndNewlines)
        let (old, new) = (try await works(deploy), try await works(successor))
        let again = try await run(["keys", "rotate", id(of: deploy)] + client(admin), in: scratch)
        let list = try await run(["keys", "list"] + client(admin), in: scratch)
        let revoked = try await run(
            ["keys", "revoke", id(of: successor)] + client(admin), in: scratch)
        let after = try await works(successor)
        let stored = try await run(
            ["keys", "list", "--database", "-o", "json"], in: scratch, environment: database)
        let nobody = try await run(
            ["keys", "revoke", "nobody", "--database"], in: scratch, environment: database)
        let keyless = try await run(["keys", "list"] + server, in: scratch)
        let usage = try await run(
            ["keys", "create", "--name", "No Name"], in: scratch, environment: database)
        var outOfRange: [(code: Int32?, text: String)] = []
        for arguments in [
            ["create", "--name", "a", "--expires-in", "0s"],
            ["rotate", id(of: admin), "--overlap", "2161h"],
            ["rotate", id(of: admin), "--expires-in", "59s"],
        ] {
            outOfRange.append(
                try await run(
                    ["keys"] + arguments + ["--database"], in: scratch, environment: database))
        }
        let audit = try await installation.client.get("/v1/audit?limit=100")

        #expect(first.code == 0, "\(first.text)")
        #expect(made.code == 0, "\(made.text)")
        #expect(rotated.code == 0, "\(rotated.text)")
        for key in [admin, deploy, successor] { #expect(key.hasPrefix("hw_")) }
        #expect(before)
        #expect(!old)
        #expect(new)
        #expect(again.code == 6, "\(again.text)")
        #expect(list.text.contains("expired"))
        #expect(list.text.contains("shop"))
        #expect(revoked.code == 0, "\(revoked.text)")
        #expect(!after)
        #expect(stored.text.contains("\"revoked_at\""))
        #expect(nobody.code == 6, "\(nobody.text)")
        #expect(keyless.code == 4, "\(keyless.text)")
        #expect(usage.code == 64, "\(usage.text)")
        for refused in outOfRange { #expect(refused.code == 64, "\(refused.text)") }
        let told = String(decoding: audit.body, as: UTF8.self)
        for action in ["key.created", "key.rotated", "key.revoked"] {
            #expect(told.contains(action))
        }
        #expect(told.contains("for CI"))
        for text in [list.text, stored.text, told, installation.program.written] {
            for key in [admin, deploy, successor] {
                #expect(!text.contains(key.split(separator: "_")[2]))
            }
        }
    }

    @Test func `the first key comes from the configuration, until there is any key`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let first = "hw_first_\(String(repeating: "a1", count: 32))"
        let environment = [
            "HEALTH_WORKER_API_BOOTSTRAP_KEY_FILE": try scratch.write(first, to: "first").path
        ]
        let port = try Here.freePort()
        let server = ["--server", "http://127.0.0.1:\(port)"]
        let byFirst = server + ["--key-file", scratch.file("first").path]
        var installation = try await Installation.start(
            in: scratch, port: port, environment: environment)
        defer { installation.program.send(SIGKILL) }

        let list = try await run(["keys", "list"] + byFirst, in: scratch)
        let made = try await run(
            ["keys", "create", "--role", "admin", "--name", "ann"] + byFirst, in: scratch)
        let byAnn = server + ["--key-file", try scratch.write(made.text, to: "ann").path]
        let revoked = try await run(["keys", "revoke", "first", "-m", "done"] + byAnn, in: scratch)
        installation.program.send(SIGTERM)
        let end = await installation.program.end(within: .seconds(60))
        installation = try await Installation.start(
            in: scratch, port: port, environment: environment)
        let again = try await run(["keys", "list"] + byFirst, in: scratch)
        let audit = try await run(["audit", "--since", "1h"] + byAnn, in: scratch)
        let entries = try await run(
            ["audit", "--action", "key.revoked", "-o", "json"] + byAnn, in: scratch)
        let usage = try await run(["audit", "--since", "yesterday"] + byAnn, in: scratch)

        #expect(list.code == 0, "\(list.text)")
        #expect(list.text.contains("bootstrap"))
        #expect(!FileManager.default.fileExists(atPath: scratch.file("data/admin.key").path))
        #expect(revoked.code == 0, "\(revoked.text)")
        #expect(end == 0)
        #expect(again.code == 4, "\(again.text)")
        #expect(audit.code == 0, "\(audit.text)")
        let lines = audit.text.split(separator: "\n").map(String.init)
        let told = [
            ["BY", "WHAT", "OBJECT", "WHY"], ["key:ann", "key.revoked", "bootstrap", "done"],
            ["key:bootstrap", "key.created", "ann"],
            ["api.bootstrap_key", "key.created", "bootstrap"],
        ]
        #expect(lines.count == told.count, "\(audit.text)")
        for (line, words) in zip(lines, told) {
            #expect(words.allSatisfy(line.contains), "\(words) in \(line)")
        }
        #expect(entries.text.contains(#""message" : "done""#), "\(entries.text)")
        #expect(usage.code == 64, "\(usage.text)")
        for text in [list.text, audit.text, entries.text, installation.program.written] {
            #expect(!text.contains(first.split(separator: "_")[2]))
        }
    }
}
