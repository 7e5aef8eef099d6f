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
