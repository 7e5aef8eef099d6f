import Crypto
import Foundation
import HealthWorkerModel
import HealthWorkerStorage

/// What is posted: one or several changes of routes, as JSON in the form of Standard Webhooks 1.0.0.
struct WebhookMessage: Encodable, Hashable, Sendable {
    /// The same for the same changes, however often they are sent.
    var id: String
    var type: Kind
    /// When the last of the changes was decided.
    var timestamp: Timestamp
    var data: Content

    enum Kind: String, Encodable, Hashable, Sendable {
        case changed = "route.changed"
        case test
    }

    struct Content: Encodable, Hashable, Sendable {
        var installation: String
        var sink: String
        var changes: [Change]
    }

    /// One policy's step from one route to the next.
    struct Change: Encodable, Hashable, Sendable {
        /// Never another change's.
        var id: String
        var policy: String
        /// Under which the policy publishes there.
        var name: String
        var generation: Int64
        var cause: RouteCause
        var decidedAt: Timestamp
        /// Nil: the first route that is told.
        var before: Published?
        var after: Published
        var members: [MemberVerdict]

        enum CodingKeys: String, CodingKey {
            case id, policy, name, generation, cause
            case decidedAt = "decided_at"
            case before, after, members
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(id, forKey: .id)
            try container.encode(policy, forKey: .policy)
            try container.encode(name, forKey: .name)
            try container.encode(generation, forKey: .generation)
            try container.encode(cause, forKey: .cause)
            try container.encode(decidedAt, forKey: .decidedAt)
            // Null, so that a receiver finds the key.
            try container.encode(before, forKey: .before)
            try container.encode(after, forKey: .after)
            try container.encode(members, forKey: .members)
        }
    }

    struct Published: Encodable, Hashable, Sendable {
        var generation: Int64
        var ttl: Int
        var records: [PublishedMember]

        init(_ route: Route) {
            generation = route.generation
            ttl = route.answer.ttl
            records = route.answer.records
        }
    }

    private enum CodingKeys: String, CodingKey {
        case type, timestamp, data
    }

    /// The bytes that are signed and sent.
    func body() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }
}

extension WebhookMessage.Change {
    /// The changes that deliveries tell of: those of one publication in their order and side by side,
    /// and before those whose first was decided later. A withdrawal is not told, nor a quiet step.
    static func all(of deliveries: [Delivery]) -> [Self] {
        deliveries.map(steps).filter { !$0.isEmpty }
            .sorted { ($0[0].decidedAt, $0[0].id) < ($1[0].decidedAt, $1[0].id) }
            .flatMap(\.self)
    }

    private static func steps(of delivery: Delivery) -> [Self] {
        delivery.steps.filter { $0.quietness == nil }.map { step in
            Self(from: step.before, to: step.route, by: delivery)
        }
    }

    private init(from before: Route?, to route: Route, by delivery: Delivery) {
        self.init(
            id: "\(delivery.policy).\(delivery.publication.name).\(route.generation)",
            policy: delivery.policyName, name: delivery.publication.name,
            generation: route.generation, cause: route.cause, decidedAt: route.decidedAt,
            before: before.map { WebhookMessage.Published($0) },
            after: WebhookMessage.Published(route), members: route.members)
    }
}

extension WebhookMessage {
    /// A message whose id says what it holds: the same changes, however often they are sent, are the
    /// same message.
    init(_ changes: [Change], installation: String, sink: String) {
        // Signed are the id, the time and the body with full stops between them: it has none.
        let content = ([installation, sink] + changes.map(\.id)).joined(separator: "\n")
        let digits = SHA256.hash(data: Array(content.utf8)).prefix(16).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        self.init(
            id: "msg_\(digits.joined())", type: .changed,
            timestamp: changes.map(\.decidedAt).max() ?? Timestamp(seconds: 0),
            data: Content(installation: installation, sink: sink, changes: changes))
    }
}
