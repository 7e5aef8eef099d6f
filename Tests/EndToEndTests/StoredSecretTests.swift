import Foundation
import Testing

/// Secrets that are stored through the API: workers send them, and nobody else ever sees them.
@Suite struct `Stored secrets` {
    /// Lets in whoever sends what stands in a file, and says back what it was told.
    private static let gate = """
        import http.server, sys
        class Gate(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_GET(self):
                told = self.headers.get("X-Token", "")
                wanted = open(sys.argv[2]).read()
                body = ("you said " + told).encode()
                self.send_response(200 if told == wanted else 403)
                self.send_header("X-Said", told)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *arguments): pass
        http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Gate).serve_forever()
        """

    private struct Outcomes: Decodable {
        struct Outcome: Decodable {
            var job: Int64
            var outcome: String
            var reason: String?
            var detail: String?
        }
        var items: [Outcome]
    }

    /// The first outcome of a check that is as wanted; nil after half a minute.
    private func outcome(
        of check: String, _ client: Client, where isWanted: (Outcomes.Outcome) -> Bool
    ) async throws -> Outcomes.Outcome? {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            let found = try await client.read(
                "/v1/checks/\(check)/outcomes?limit=1", as: Outcomes.self
            ).items.first
            if let found, isWanted(found) { return found }
            try await Task.sleep(for: .milliseconds(50))
        }
        return nil
    }

    @Test func `are sent by workers, changed while they run, and shown to nobody`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let (one, two) = ("planted-0ne", "planted-tw0")
        let sealing = Data((0..<32).map { UInt8($0) }).base64EncodedString()
        let wanted = try scratch.write(one, to: "wanted")
        let (port, metrics) = (try Here.freePort(), try Here.freePort())
        let gate = try Program(
            Here.python, ["-c", Self.gate, "\(port)", wanted.path], log: scratch.file("gate.log"))
        defer { gate.send(SIGKILL) }
        func check(_ name: String, _ secret: String) -> String {
            """
            - name: \(name)
              type: http
              target: {host: 127.0.0.1, port: \(port)}
              interval: 1s
              http: {secret_headers: {X-Token: "secret:\(secret)"}}
              expect: {status: [200]}
            """
        }
        let document = try scratch.write(
            "format: 1\nchecks:\n\(check("gate", "token"))\n\(check("lost", "none"))\n",
            to: "checks.yaml")
        let installation = try await Installation.start(
            in: scratch, port: try Here.freePort(), apply: document,
            environment: [
                "HEALTH_WORKER_DATABASE_SECRETS_KEY_FILE": try scratch.write(
                    sealing + "\n", to: "sealing"
                ).path,
                "HEALTH_WORKER_LOG_LEVEL": "trace",
                "HEALTH_WORKER_METRICS_LISTEN": "127.0.0.1:\(metrics)",
            ])
        defer { installation.program.send(SIGKILL) }
        let client = installation.client
        let options = [
            "--server", "http://127.0.0.1:\(installation.port)", "--key-file",
            client.keyFile.path,
        ]
        func run(_ arguments: [String]) async throws -> (code: Int32?, text: String) {
            try await Program.run(Here.healthWorker, arguments + options, in: scratch)
        }

        let missing = try await outcome(of: "lost", client) { $0.reason != nil }
        let before = try await outcome(of: "gate", client) { $0.reason == "secret_missing" }
        let set = try await run(
            ["secrets", "set", "token", "--value-file", try scratch.write(one, to: "one").path])
        let sent = try await outcome(of: "gate", client) { $0.outcome == "success" }
        _ = try scratch.write(two, to: "wanted")
        let refused = try await outcome(of: "gate", client) { $0.reason == "status_mismatch" }
        let changed = try await run(
            [
                "secrets", "set", "token", "-m", "rotation", "--value-file",
                try scratch.write(two + "\n", to: "two").path,
            ])
        let sentAgain = try await outcome(of: "gate", client) { $0.outcome == "success" }
        let list = try await run(["secrets", "list"])
        let deleted = try await run(["secrets", "delete", "token"])
        let resealed = try await run(["secrets", "reseal"])
        let settings = try await Program.run(
            Here.healthWorker, ["config", "show"], in: scratch,
            environment: ["HEALTH_WORKER_DATABASE_SECRETS_KEY": sealing])
        let wrong = try await Program.run(
            Here.healthWorker, ["config", "check"], in: scratch,
            environment: ["HEALTH_WORKER_DATABASE_SECRETS_KEY": "planted-key"])

        #expect(missing?.outcome == "inconclusive")
        #expect(missing?.reason == "secret_missing")
        #expect(missing?.detail?.contains("\"none\"") == true)
        #expect(before != nil)
        #expect(set.code == 0, "\(set.text)")
        #expect(sent != nil)
        #expect(refused != nil)
        #expect(changed.code == 0, "\(changed.text)")
        #expect(sentAgain != nil)
        #expect(list.text.contains("gate"))
        #expect(deleted.code == 6, "\(deleted.text)")
        #expect(deleted.text.contains("gate"))
        #expect(resealed.code == 0, "\(resealed.text)")
        #expect(wrong.code == 78)

        var told = [list.text, deleted.text, settings.text, wrong.text]
        for path in [
            "/v1/secrets", "/v1/secrets/token", "/v1/checks", "/v1/checks/gate",
            "/v1/checks/gate/outcomes?limit=500", "/v1/audit?limit=500", "/v1/export",
            "/openapi.json", "/readyz?verbose",
        ] {
            told.append(String(decoding: try await client.get(path).body, as: UTF8.self))
        }
        let counted = try await Client(port: metrics, keyFile: client.keyFile).get(
            "/metrics", authorized: false)
        told.append(String(decoding: counted.body, as: UTF8.self))
        installation.program.send(SIGTERM)
        _ = await installation.program.end(within: .seconds(20))
        told.append(installation.program.written)
        for file in try FileManager.default.contentsOfDirectory(
            at: scratch.file("data"), includingPropertiesForKeys: nil)
        {
            told.append(String(decoding: try Data(contentsOf: file), as: UTF8.self))
        }
        #expect(told.contains { $0.contains("secret.updated") })
        for text in told {
            for secret in ["planted", sealing] { #expect(!text.contains(secret)) }
        }
    }
}
