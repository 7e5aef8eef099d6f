import AsyncHTTPClient
import Foundation
import HealthWorkerModel
import HealthWorkerRouting
import HealthWorkerSettings
import Logging
import TestServers
import Testing

/// A webhook as the configuration makes one, and what its receiver reads.
enum Hook {
    static let secret = "whsec_" + Data((0..<32).map { UInt8($0) }).base64EncodedString()

    static func sink(
        _ receiver: WebhookReceiver, secret: String = secret, previous: String? = nil,
        timeout: Duration = .seconds(60), groupWithin: Duration = .zero, path: String = "/hook",
        allowed: String = "127.0.0.0/8",
        addresses: @escaping SinkContext.Addresses = { _, _, _ in [.v4(0x7f00_0001)] }
    ) throws -> WebhookSink {
        var environment = [
            "HEALTH_WORKER_SINKS_HOOK_TYPE": "webhook",
            "HEALTH_WORKER_SINKS_HOOK_URL": "http://hooks.example.com:\(receiver.port)\(path)",
            "HEALTH_WORKER_SINKS_HOOK_SECRET": secret,
            "HEALTH_WORKER_SINKS_HOOK_TIMEOUT": "\(TimeSpan(timeout))",
            "HEALTH_WORKER_SINKS_HOOK_GROUP_WITHIN": "\(TimeSpan(groupWithin))",
            "HEALTH_WORKER_SINKS_HOOK_ALLOW_NETWORKS": allowed,
        ]
        environment["HEALTH_WORKER_SINKS_HOOK_PREVIOUS_SECRET"] = previous
        let settings = try Settings.load(
            file: nil, environment: environment, sinks: [WebhookSink.settingsType],
            defaultFile: "/nowhere/worker.toml")
        let configuration = try #require(
            settings.sinks.first?.configuration as? WebhookConfiguration)
        return try WebhookSink(
            configuration,
            SinkContext(
                name: "hook", installation: "hw1", http: HTTPClient.shared,
                askNameServer: Stage.nobodyAnswers, logger: Logger(label: "test"),
                addresses: addresses))
    }

    struct Told: Decodable {
        struct Content: Decodable {
            var changes: [Change]
        }

        struct Change: Decodable {
            var id: String
            var policy: String
            var cause: String
            var generation: Int64
            var before: Published?
            var after: Published
            var members: [Member]
        }

        struct Published: Decodable {
            struct Record: Decodable {
                var value: String
            }

            var generation: Int64
            var records: [Record]

            var values: [String] { records.map(\.value) }
        }

        struct Member: Decodable {
            var name: String
            var reason: String
        }

        var type: String
        var timestamp: String
        var data: Content

        init(_ message: WebhookReceiver.Message) throws {
            self = try JSONDecoder().decode(Self.self, from: Data(message.body.utf8))
        }
    }
}
