import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1

/// Asks what a program is told that sends traffic by it: without a key.
struct Consuming: Sendable {
    let port: Int

    struct Answer {
        var status: Int
        /// Nil where it is fresh.
        var staleSeconds: Int?
        var body: Data
    }

    func get(_ path: String) async throws -> Answer {
        let response = try await HTTPClient.shared.execute(
            HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)"), timeout: .seconds(30))
        let body = try await response.body.collect(upTo: 1 << 20)
        return Answer(
            status: Int(response.status.code),
            staleSeconds: response.headers.first(name: "X-Stale-Seconds").flatMap { Int($0) },
            body: Data(buffer: body))
    }

    struct Route: Decodable {
        struct Record: Decodable { var value: String }

        var generation: Int64
        var records: [Record]
        var stale: Bool?
        var age_seconds: Int?

        var values: [String] { records.map(\.value) }
    }

    /// Nil where it is not told.
    func route() async throws -> (route: Route, staleSeconds: Int?)? {
        let answer = try await get("/v1/routes/www")
        guard answer.status == 200 else { return nil }
        return (try JSONDecoder().decode(Route.self, from: answer.body), answer.staleSeconds)
    }
}

/// Two HTTP targets that really die, a policy over them, and a standalone program that watches them.
struct ConsumedPair {
    let scratch: Scratch
    let targets: Targets
    let targetPort: Int
    var installation: Installation

    static func start(
        settings: [String: String], publish: String = ""
    ) async throws -> ConsumedPair {
        let scratch = try Scratch()
        let targetPort = try Here.freePort()
        let targets = try Targets(scratch, port: targetPort)
        try await targets.start("127.0.0.1")
        try await targets.start("127.0.0.2")
        let document = try scratch.write(
            Self.document(targetPort: targetPort, publish: publish), to: "policy.yaml")
        return ConsumedPair(
            scratch: scratch, targets: targets, targetPort: targetPort,
            installation: try await Installation.start(
                in: scratch, port: try Here.freePort(), apply: document, environment: settings))
    }

    /// - Parameters:
    ///   - second: more of the second member.
    ///   - publish: where the route goes.
    static func document(
        targetPort: Int, _ second: String = "", publish: String = ""
    ) -> String {
        """
        format: 1
        set: test
        policies:
        - name: www
          type: detach
          member_check:
            type: http
            target: {port: \(targetPort)}
            interval: 1s
            fast_interval: 1s
            timeout: 1s
            fall: 2
            rise: 2
          members:
          - {name: fra1, value: 127.0.0.1, weight: 20}
          - {name: ams1, value: 127.0.0.2, weight: 10\(second)}
          reattach_delay: 1s
          publish: [\(publish)]
        """
    }

    /// A command of the API's client, to its end.
    func tell(_ arguments: String...) async throws {
        let (code, text) = try await Program.run(
            Here.healthWorker,
            arguments + [
                "--server", "http://127.0.0.1:\(installation.port)", "--key-file",
                scratch.file("data/admin.key").path,
            ], in: scratch)
        guard code == 0 else { throw EndToEndError("\(arguments): \(text)") }
    }

    func until(_ what: String, _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(90)
        while ContinuousClock.now < deadline {
            // What is asked may not be there yet.
            if (try? await isSo()) == true { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw EndToEndError("waited in vain: \(what)")
    }

    func end() async {
        await installation.program.destroy()
        await targets.stop()
        scratch.remove()
    }
}
