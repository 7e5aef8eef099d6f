import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Testing

/// What an operator asks for while the program runs, over HTTP.
@Suite(.serialized) struct `An operator asks, from end to end` {
    @Test(.timeLimit(.minutes(2)))
    func `a probe is made now by the worker, and who listens hears what it turned`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let targetPort = try Here.freePort()
        let targets = try Targets(scratch, port: targetPort)
        try await targets.start("127.0.0.1")
        // Probed once when it is made, and then not for an hour.
        let document = try scratch.write(
            """
            format: 1
            checks:
            - name: shop
              type: tcp
              target: {host: 127.0.0.1, port: \(targetPort)}
              interval: 1h
              fast_interval: 1h
              fall: 1
            """, to: "check.yaml")
        let installation = try await Installation.start(
            in: scratch, port: try Here.freePort(), apply: document)
        let client = installation.client

        let first = try await client.probe("shop")
        await targets.kill("127.0.0.1")
        let second = try await client.probe("shop")
        let turns = try await client.firstEvents(2, "?type=health&since=1h")

        #expect(first.outcome == "success")
        #expect(first.found?.worker.isEmpty == false)
        #expect(second.outcome == "failure")
        #expect(second.found?.reason == "connect_refused")
        #expect(second.health == "unhealthy")
        #expect(second.job > first.job)
        #expect(turns.map { $0.healthChange?.to } == ["healthy", "unhealthy"])
        #expect(turns.map(\.check) == ["shop", "shop"])

        // Nobody who listens keeps it from ending.
        let stream = try await client.listen("")
        installation.program.send(SIGTERM)
        #expect(await installation.program.end(within: .seconds(15)) == 0)
        withExtendedLifetime(stream) {}
    }
}

extension `An operator asks, from end to end` {
    @Test(.timeLimit(.minutes(2)))
    func `a site is taken out of every policy at once, and comes back with its clearing`()
        async throws
    {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let targetPort = try Here.freePort()
        let targets = try Targets(scratch, port: targetPort)
        try await targets.start("127.0.0.1")
        try await targets.start("127.0.0.2")
        func policy(_ name: String) -> String {
            """
            - name: \(name)
              type: detach
              reattach_delay: 0s
              member_check: {type: tcp, target: {port: \(targetPort)}, interval: 1s, timeout: 1s}
              members:
              - {name: fra1, value: 127.0.0.1, labels: {site: fra1}}
              - {name: ams1, value: 127.0.0.2, labels: {site: ams1}}

            """
        }
        let document = try scratch.write(
            "format: 1\npolicies:\n" + policy("www") + policy("mail"), to: "policies.yaml")
        let installation = try await Installation.start(
            in: scratch, port: try Here.freePort(), apply: document)
        let client = installation.client
        for name in ["www", "mail"] {
            try await client.waitForRoute(name, ["127.0.0.1", "127.0.0.2"])
        }

        let simulated = try await client.send(
            .POST, "/v1/policies/www/simulate", #"{"unhealthy": {"selector": "site=fra1"}}"#)
        let drained = try await client.send(
            .POST, "/v1/overrides",
            #"{"selector": "site=fra1", "word": "drain", "reason": "move", "for": "1h"}"#)
        let refused = try await client.send(
            .POST, "/v1/overrides",
            #"{"selector": "site=ams1", "word": "down", "reason": "move", "for": "1h"}"#)
        let routes = [
            try await client.read("/v1/routes/www", as: RouteSeen.self).values,
            try await client.read("/v1/routes/mail", as: RouteSeen.self).values,
        ]
        let member = try await client.get("/v1/routes/www/members/fra1/health")
        let renamed = try await client.send(
            .POST, "/v1/policies/www/rename", #"{"to": "web"}"#)
        let cleared = try await client.send(.DELETE, "/v1/overrides?selector=site%3Dfra1")

        #expect(simulated.status == 200)
        #expect(drained.status == 201)
        #expect(refused.status == 409)
        #expect(routes == [["127.0.0.2"], ["127.0.0.2"]])
        #expect(member.status == 503)
        #expect(renamed.status == 200)
        #expect(cleared.status == 200)
        for name in ["web", "mail"] {
            try await client.waitForRoute(name, ["127.0.0.1", "127.0.0.2"])
        }
        installation.program.send(SIGTERM)
        #expect(await installation.program.end(within: .seconds(15)) == 0)
        await targets.stop()
    }
}

private struct ProbeSeen: Decodable {
    struct Found: Decodable {
        var worker: String
        var reason: String?
    }

    var outcome: String?
    var job: Int64
    var health: String
    var found: Found?
}

private struct EventSeen: Decodable {
    struct HealthChange: Decodable {
        var to: String
    }

    var check: String?
    var healthChange: HealthChange?
}

extension Client {
    fileprivate func waitForRoute(_ policy: String, _ values: [String]) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        var last = ""
        while ContinuousClock.now < deadline {
            let answer = try await get("/v1/routes/\(policy)")
            last = String(decoding: answer.body, as: UTF8.self)
            if answer.status == 200, try answer.decoded(RouteSeen.self).values == values { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw EndToEndError("\(policy) never published \(values); it was \(last)")
    }

    fileprivate func probe(_ check: String) async throws -> ProbeSeen {
        let answer = try await send(.POST, "/v1/checks/\(check)/probe?wait=30s")
        guard answer.status == 200 else {
            throw EndToEndError(
                "The probe answered \(answer.status): "
                    + String(decoding: answer.body, as: UTF8.self))
        }
        return try answer.decoded(ProbeSeen.self)
    }

    fileprivate func listen(_ query: String) async throws -> HTTPClientResponse {
        var request = try request(.GET, "/v1/events\(query)")
        request.headers.add(name: "Accept", value: "text/event-stream")
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        guard response.status == .ok else {
            throw EndToEndError("The events answered \(response.status).")
        }
        return response
    }

    fileprivate func firstEvents(_ count: Int, _ query: String) async throws -> [EventSeen] {
        var text = ""
        for try await buffer in try await listen(query).body {
            text += String(buffer: buffer)
            let lines = text.split(separator: "\n").filter { $0.hasPrefix("data: ") }
            // The last line may have come in part only.
            if lines.count >= count, text.hasSuffix("\n\n") {
                let decoder = JSONDecoder()
                decoder.keyDecodingStrategy = .convertFromSnakeCase
                return try lines.prefix(count).map {
                    try decoder.decode(EventSeen.self, from: Data($0.dropFirst(6).utf8))
                }
            }
        }
        throw EndToEndError("The stream ended after:\n\(text)")
    }
}
