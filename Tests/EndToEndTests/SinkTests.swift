import Foundation
import TestServers
import Testing

/// The real program and a real PowerDNS with its secondary, as `dig` sees them.
@Suite struct `A failover, as dig sees it` {
    private struct Outcomes: Decodable {
        struct Outcome: Decodable {
            var outcome: String
            var reason: String?
        }
        var items: [Outcome]
    }

    @Test(.timeLimit(.minutes(5)))
    func `moves at primary and secondary, also when the program is killed in the middle`()
        async throws
    {
        let dns = try PowerDNSServer()
        let zone = try await dns.makeZone()
        let name = String("www.\(zone)".dropLast())
        let scratch = try Scratch()
        defer { scratch.remove() }
        let targetPort = try Here.freePort()
        let targets = try Targets(scratch, port: targetPort)
        try await targets.start("127.0.0.1")
        try await targets.start("127.0.0.2")
        let key = try scratch.write("secret\n", to: "powerdns.key")
        let apiPort = try #require(URL(string: dns.url)?.port)
        func document(publishing: Bool) throws -> URL {
            try scratch.write(
                """
                format: 1
                set: test
                checks:
                - name: own-sink
                  type: tcp
                  target: {host: 127.0.0.1, port: \(apiPort)}
                  interval: 1s
                policies:
                - name: www
                  type: failover
                  member_check:
                    type: http
                    target: {port: \(targetPort)}
                    interval: 1s
                    fast_interval: 1s
                    timeout: 1s
                    fall: 2
                    rise: 2
                  members:
                  - {name: fra1, value: 127.0.0.1, priority: 10}
                  - {name: ams1, value: 127.0.0.2, priority: 20}
                  failback_delay: 1s
                  ttl: 30
                  ttl_degraded: 10
                  publish: [\(publishing ? "{sink: dns, name: \(name), on_delete: remove}" : "")]
                """, to: "policy.yaml")
        }
        var installation = try await Installation.start(
            in: scratch, port: try Here.freePort(), apply: try document(publishing: true),
            environment: [
                "HEALTH_WORKER_SINKS_DNS_TYPE": "powerdns", "HEALTH_WORKER_SINKS_DNS_URL": dns.url,
                "HEALTH_WORKER_SINKS_DNS_API_KEY_FILE": key.path,
            ])
        let timeline = Timeline()
        for place in PowerDNSServer.Place.allCases {
            try await dns.dig(name, at: place, until: ["127.0.0.1"])
        }
        timeline.note("dig says 127.0.0.1 at primary and secondary")

        await targets.kill("127.0.0.1")
        timeline.begin("target killed")
        for place in PowerDNSServer.Place.allCases {
            try await dns.dig(name, at: place, until: ["127.0.0.2"])
            timeline.note("dig says 127.0.0.2 at the \(place)")
        }
        try await installation.awaitInSync("www")

        // It is killed, and what it wrote goes on being served.
        installation.program.send(SIGKILL)
        #expect(await installation.program.end(within: .seconds(30)) == -SIGKILL)
        try await targets.start("127.0.0.1")
        #expect(try dns.dig(name) == ["127.0.0.2"])
        try await installation.startAgain()
        timeline.begin("program started again, the target is back")
        for place in PowerDNSServer.Place.allCases {
            try await dns.dig(name, at: place, until: ["127.0.0.1"])
            timeline.note("dig says 127.0.0.1 at the \(place)")
        }
        try await installation.awaitInSync("www")

        let listed = try await installation.run("sinks", "list", "-o", "json")
        let tested = try await installation.run("sinks", "test", "dns")
        let strange = try await installation.run("sinks", "test", "other")
        let retried = try await installation.run("sinks", "retry", "dns")
        #expect(
            listed.text.filter { $0 != " " }.contains("\"type\":\"powerdns\""), "\(listed.text)")
        #expect(tested.code == 0, "\(tested.text)")
        #expect(tested.text.contains("answers at \(dns.url) and takes the API key."))
        #expect(tested.text.contains("\(name). in the zone \(zone) holds the route."))
        #expect(strange.code == 6, "\(strange.text)")
        #expect(retried.text == "dns: 0 publications are due now.\n")

        // Its key is changed, and taken up while the program runs.
        for (text, code) in [("wrong\n", false), ("secret\n", true)] {
            _ = try scratch.write(text, to: "powerdns.key")
            installation.program.send(SIGHUP)
            try await installation.await("the key is \(text)") {
                try await installation.run("sinks", "test", "dns").code == 0 ? code : !code
            }
        }
        #expect(installation.program.written.contains(#""key":"sinks.dns.api_key""#))

        // Who may write a check does not thereby reach the sink.
        let outcomes = try await installation.client.read(
            "/v1/checks/own-sink/outcomes", as: Outcomes.self)
        #expect(Set(outcomes.items.map(\.reason)) == ["target_blocked"])

        // What is not published any more is taken back.
        let without = try document(publishing: false)
        let applied = try await installation.run("apply", "-f", without.path)
        #expect(applied.code == 0, "\(applied.text)")
        for place in PowerDNSServer.Place.allCases {
            try await dns.dig(name, at: place, until: [])
        }

        installation.program.send(SIGTERM)
        #expect(await installation.program.end(within: .seconds(60)) == 0)
        await targets.stop()
        print(timeline.text)
    }
}

extension Installation {
    fileprivate func await(_ what: String, _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await !isSo() {
            guard ContinuousClock.now < deadline else {
                throw EndToEndError("waited in vain: \(what)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    fileprivate func awaitInSync(_ policy: String) async throws {
        struct Deliveries: Decodable { var inSync: Bool }
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let text = try await client.get("/v1/routes/\(policy)/deliveries")
            if try text.decoded(Deliveries.self).inSync { return }
            guard ContinuousClock.now < deadline else {
                throw EndToEndError(
                    "not in sync: \(String(decoding: text.body, as: UTF8.self))")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// A command of the program, as a client of this installation.
    fileprivate func run(_ arguments: String...) async throws -> (code: Int32?, text: String) {
        let run = try await Program.run(
            Here.healthWorker, arguments, in: scratch,
            environment: [
                "HEALTH_WORKER_SERVER": "http://127.0.0.1:\(port)",
                "HEALTH_WORKER_KEY_FILE": scratch.file("data/admin.key").path,
            ])
        return (run.code, run.text)
    }
}
