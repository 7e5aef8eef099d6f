import Foundation
import Testing

/// What is told to the program and must stay there, and what it must not be made to reach.
@Suite struct `What is kept` {
    private struct Outcomes: Decodable {
        struct Outcome: Decodable {
            var outcome: String
            var reason: String?
            var detail: String?
            var address: String?
        }
        var items: [Outcome]
    }

    /// The first outcome of each check, once all have one.
    private func outcomes(
        of checks: [String], _ client: Client
    ) async throws -> [String: Outcomes.Outcome] {
        var found: [String: Outcomes.Outcome] = [:]
        let deadline = ContinuousClock.now + .seconds(60)
        while found.count < checks.count, ContinuousClock.now < deadline {
            for check in checks where found[check] == nil {
                found[check] = try await client.read(
                    "/v1/checks/\(check)/outcomes?limit=1", as: Outcomes.self
                ).items.first
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        return found
    }

    @Test func `no secret is in a log, an answer, an outcome or the database`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let secrets = ["token": "planted-t0ken", "key": "PLANTED-K3Y", "redis": "planted-r3dis"]
        let port = try Here.freePort()
        let server = try Program(
            Here.python, ["-c", Parrot.script, "\(port)"], log: scratch.file("parrot.log"))
        defer { server.send(SIGKILL) }
        try await server.listens(at: port)
        let (nobody, redis) = (try Here.freePort(), try Here.freePort())
        func check(_ name: String, _ port: Int, _ http: String, _ expect: String = "{}") -> String {
            """
            - name: \(name)
              type: http
              target: {host: 127.0.0.1, port: \(port)}
              interval: 1s
              http: {secret_headers: {X-Token: "secret:token", X-Key: "secret:key"}, \(http)}
              expect: \(expect)
            """
        }
        let checks = ["status", "body", "redirect", "refused", "unknown"]
        let document = try scratch.write(
            "format: 1\nchecks:\n"
                + [
                    check("status", port, "path: /"),
                    check("body", port, "path: /", "{status: [500], body_contains: hello}"),
                    check("redirect", port, "path: /redirect, follow_redirects: true"),
                    check("refused", nobody, "path: /"),
                    check("unknown", port, "path: /").replacing("secret:key", with: "secret:none"),
                ].joined(separator: "\n"), to: "checks.yaml")
        let installation = try await Installation.start(
            in: scratch, port: try Here.freePort(), apply: document,
            environment: [
                "HEALTH_WORKER_SECRETS_TOKEN": secrets["token"] ?? "",
                "HEALTH_WORKER_SECRETS_KEY": secrets["key"] ?? "",
                "HEALTH_WORKER_LOG_LEVEL": "trace",
                "REDIS_URL": "redis://:\(secrets["redis"] ?? "")@127.0.0.1:\(redis)/0",
            ])
        defer { installation.program.send(SIGKILL) }

        let found = try await outcomes(of: checks, installation.client)

        let reasons = found.mapValues { $0.reason ?? "none" }
        #expect(reasons["status"] == "status_mismatch")
        #expect(reasons["body"] == "body_mismatch")
        // Whether such a name is known not to be depends on who answers for names here.
        #expect(reasons["redirect"]?.hasPrefix("dns_") == true)
        #expect(reasons["refused"] == "connect_refused")
        #expect(reasons["unknown"] == "secret_missing")
        #expect(
            found["redirect"]?.detail?.hasPrefix("redirect 1, to http://[secret].invalid: ") == true
        )
        var told = [installation.program.written]
        for path in [
            "/v1/checks", "/v1/fleet", "/v1/queue", "/v1/audit", "/v1/events", "/openapi.json",
            "/metrics", "/readyz", "/v1/apply",
        ]
            + checks.flatMap({
                ["/v1/checks/\($0)", "/v1/checks/\($0)/outcomes", "/v1/checks/\($0)/health"]
            })
        {
            told.append(
                String(decoding: try await installation.client.get(path).body, as: UTF8.self))
        }
        installation.program.send(SIGTERM)
        _ = await installation.program.end(within: .seconds(60))
        told.append(installation.program.written)
        let files = try FileManager.default.contentsOfDirectory(
            at: scratch.file("data"), includingPropertiesForKeys: nil)
        for file in files {
            told.append(String(decoding: try Data(contentsOf: file), as: UTF8.self))
        }

        #expect(told.contains { $0.contains("secret:token") })
        for text in told {
            for secret in secrets.values {
                #expect(!text.lowercased().contains(secret.lowercased()))
            }
        }
    }

    @Test func `the installation's own Redis is not probed, by whatever address`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let port = try Here.freePort()
        let redis = try Program(
            URL(filePath: "/usr/bin/redis-server"),
            [
                "--port", "\(port)", "--bind", "127.0.0.1", "127.0.0.2", "::1", "--save", "",
                "--dir",
                scratch.folder.path,
            ], log: scratch.file("redis.log"))
        defer { redis.send(SIGKILL) }
        try await redis.listens(at: port)
        let hosts = [
            "name": "localhost", "address": "127.0.0.1", "other": "127.0.0.2", "six": "::1",
            "mapped": "::ffff:127.0.0.1",
        ]
        let document = try scratch.write(
            "format: 1\nchecks:\n"
                + hosts.map { name, host in
                    """
                    - name: \(name)
                      type: tcp
                      target: {host: "\(host)", port: \(port)}
                      tcp: {send: "FLUSHALL\\r\\n"}
                      interval: 1s
                    """
                }.joined(separator: "\n"), to: "checks.yaml")
        func outcomes(_ environment: [String: String], _ folder: String) async throws
            -> [String: Outcomes.Outcome]
        {
            let scratch = Scratch(folder: scratch.file(folder))
            try FileManager.default.createDirectory(
                at: scratch.folder, withIntermediateDirectories: true)
            let installation = try await Installation.start(
                in: scratch, port: try Here.freePort(), apply: document,
                environment: environment.merging([
                    "REDIS_URL": "redis://localhost:\(port)/0"
                ]) { $1 })
            defer { installation.program.send(SIGKILL) }
            return try await self.outcomes(of: Array(hosts.keys), installation.client)
        }

        let found = try await outcomes([:], "denied")
        let allowed = try await outcomes(
            ["HEALTH_WORKER_PROBE_ALLOW_NETWORKS": "127.0.0.2/32"], "allowed")

        for name in hosts.keys {
            #expect(found[name]?.outcome == "inconclusive")
            #expect(found[name]?.reason == "target_blocked", "\(name)")
            #expect(
                found[name]?.detail?.hasSuffix(" is a service of this installation") == true,
                "\(name)")
        }
        #expect(allowed["other"]?.outcome == "success")
        #expect(allowed["address"]?.reason == "target_blocked")
    }
}
