import AsyncHTTPClient
import Foundation
package import HealthWorkerModel
import HealthWorkerSettings
package import HealthWorkerStorage
import NIOCore
import NIOHTTP1

/// Posts each change of a route, signed as Standard Webhooks 1.0.0 says: at least once, and those of a
/// policy one after the other.
///
/// The name of the receiver is looked up for each message, what it leads to is asked of the address
/// rules, and redirects are not followed, so that who may name a receiver does not reach what nobody
/// may.
package final class WebhookSink: RouteSink {
    package static let type = "webhook"
    package static let summary =
        "Posts each change of a route to a URL, signed (Standard Webhooks)."
    package static let kind = SinkKind.event
    /// Standard Webhooks asks for small messages.
    package static let mostChanges = 50

    private let configuration: WebhookConfiguration
    private let context: SinkContext
    private let secrets: [WebhookSecret]
    private let rules: ReceiverRules
    /// As the HTTP client reads it from the URL: what is looked up is what it connects to.
    private let host: String

    package init(
        _ configuration: WebhookConfiguration, _ context: SinkContext
    ) throws(SinkError) {
        self.configuration = configuration
        self.context = context
        guard let host = URL(string: configuration.url.text)?.host, !host.isEmpty else {
            throw .refused("sinks.\(context.name).url has no host.")
        }
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        var allowed: [Network] = []
        for text in configuration.allowedNetworks {
            do throws(NetworkError) {
                allowed.append(try Network(text))
            } catch {
                throw .refused("sinks.\(context.name).allow_networks: \(error).")
            }
        }
        rules = ReceiverRules(allowed: allowed)
        var secrets: [WebhookSecret] = []
        for (key, secret) in [
            ("secret", configuration.secret), ("previous_secret", configuration.previousSecret),
        ] {
            guard let secret else { continue }
            guard let signing = WebhookSecret(secret.revealed) else {
                throw .refused(
                    "sinks.\(context.name).\(key) is not whsec_ and the base64 of 24 to 64 bytes.",
                    mend: "openssl rand -base64 32 makes the latter.")
            }
            secrets.append(signing)
        }
        self.secrets = secrets
    }

    package var timeLimit: Duration { configuration.timeout.duration + .seconds(1) }

    package var gathering: Gathering? {
        let within = configuration.groupWithin.duration
        return within == .zero ? nil : Gathering(within: within, most: Self.mostChanges)
    }

    package func deliver(_ delivery: Delivery) async throws(SinkError) -> SinkReceipt {
        try await deliver(together: [delivery])
        return SinkReceipt()
    }

    package func deliver(together deliveries: [Delivery]) async throws(SinkError) {
        let changes = WebhookMessage.Change.all(of: deliveries)
        if changes.isEmpty { return }
        try await send(
            WebhookMessage(changes, installation: context.installation, sink: context.name),
            failures: deliveries.map(\.failures).max() ?? 0)
    }

    package func test(_ places: [PublishedPlace]) async -> [SinkFinding] {
        do {
            try await send(
                WebhookMessage(
                    id: "test_\(UUID().uuidString.lowercased())", type: .test, timestamp: Self.now,
                    data: .init(
                        installation: context.installation, sink: context.name, changes: [])),
                failures: 0)
            let signatures = secrets.count == 1 ? "its signature" : "both signatures"
            return [SinkFinding(.ok, "\(receiver) took a test message with \(signatures).")]
        } catch {
            return [error.finding]
        }
    }

    // MARK: - Sending

    /// Host and port alone: a path may hold what is nobody else's business.
    private var receiver: String { configuration.url.address.description }

    private static var now: Timestamp {
        Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }

    private func send(_ message: WebhookMessage, failures: Int) async throws(SinkError) {
        let end = NIODeadline.now() + TimeAmount(configuration.timeout.duration)
        let body: [UInt8]
        do {
            body = try message.body()
        } catch {
            throw .refused("A message cannot be written as JSON: \(error)")
        }
        let address = try await address(failures: failures)
        let answer: (status: UInt, retryAfter: Duration?)
        do {
            answer = try await post(body, message.id, to: address, by: end)
        } catch {
            throw .unreachable("\(receiver) did not answer: \(SinkError.why(error))")
        }
        switch answer.status {
        case 200..<300: return
        case 300..<400:
            throw .notNow(
                "\(receiver) answered \(answer.status), and redirects are not followed: name the "
                    + "URL that it leads to.")
        case 410: throw .refused("\(receiver) answered 410: it wants no more messages.")
        default:
            throw .notNow("\(receiver) answered \(answer.status).", after: answer.retryAfter)
        }
    }

    /// Another one of the receiver's after each failure, where it has several.
    private func address(failures: Int) async throws(SinkError) -> IPAddress {
        let port = configuration.url.port
        let found = try await context.addresses(host, port, configuration.timeout.duration)
        let admitted = found.filter { rules.denial(of: $0) == nil }
        if !admitted.isEmpty { return admitted[failures % admitted.count] }
        guard let denied = found.first, let sort = rules.denial(of: denied) else {
            throw .notNow("\(host) has no address at present.")
        }
        throw .notNow(
            "\(denied.text(port: port)) may not be called: it is \(sort). Name its network in "
                + "sinks.\(context.name).allow_networks to allow it.")
    }

    private func post(
        _ body: [UInt8], _ id: String, to address: IPAddress, by end: NIODeadline
    ) async throws -> (status: UInt, retryAfter: Duration?) {
        let now = Self.now
        var request = HTTPClientRequest(url: configuration.url.text)
        request.method = .POST
        request.headers = [
            "Content-Type": "application/json", "User-Agent": "health-worker",
            "webhook-id": id, "webhook-timestamp": "\(now.seconds)",
            "webhook-signature": secrets.map {
                $0.signature(id: id, timestamp: now.seconds, body: body)
            }.joined(separator: " "),
        ]
        request.body = .bytes(body)
        var settings = HTTPClient.Configuration()
        settings.redirectConfiguration = .disallow
        settings.connectionPool.retryConnectionEstablishment = false
        // The very address that was admitted: a name may lead elsewhere a moment later.
        settings.dnsOverride = [host: address.text]
        // Of its own, because an address is admitted for one message only.
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
        let response: Result<HTTPClientResponse, any Error>
        do {
            response = .success(try await client.execute(request, deadline: end))
        } catch {
            response = .failure(error)
        }
        // What was answered is known, however the connection ends.
        try? await client.shutdown()
        let answer = try response.get()
        return (
            answer.status.code,
            answer.headers.first(name: "Retry-After").flatMap { RetryAfter.pause($0, at: now) }
        )
    }
}
