import ArgumentParser
import Foundation
import HealthWorkerModel
import HealthWorkerTelling
import NIOHTTP1

/// One policy that an operator gives an order to.
struct PolicyOrder: ParsableArguments {
    @OptionGroup var options: ClientOptions
    @Argument(help: "The policy's name.")
    var policy: String
    @Option(name: [.customShort("m"), .customLong("message")], help: "Why, for the audit log.")
    var message: String?

    var query: String { message.map { "?message=\($0.percentEncoded)" } ?? "" }

    /// Orders, and says what is published now.
    func carryOut(_ order: String, body: JSONValue? = nil) async throws {
        let answer = try await options.client().call(
            .POST, "/v1/policies/\(policy.percentEncoded)/\(order)\(query)",
            body: try body?.compact)
        print(PolicyText.line(of: try answer.json()["route"], policy: policy))
    }
}

/// When an order ends: exactly one of the three.
struct OrderEnd: ParsableArguments {
    @Option(name: .customLong("for"), help: "It ends after this time, such as 2h.")
    var span: TimeSpan?
    @Option(help: "It ends at this moment, such as 2026-01-31T08:00:00Z.")
    var until: String?
    @Flag(help: "It ends only when somebody ends it.")
    var permanent = false

    func validate() throws {
        guard [span != nil, until != nil, permanent].count(where: \.self) == 1 else {
            throw ValidationError(
                "Say when it ends: --for 2h, --until MOMENT or --permanent, one of them.")
        }
    }

    var members: [String: JSONValue] {
        if let span { return ["for": .string(span.description)] }
        if let until { return ["until": .string(until)] }
        return ["permanent": .bool(true)]
    }
}

struct FreezeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "freeze",
        abstract: "Stop automatic changes of a policy: what is published stays.",
        discussion: """
            Health is still measured and shown. Overrides, edits and a failback by hand go on to work.
            """)

    @OptionGroup var order: PolicyOrder
    @OptionGroup var end: OrderEnd

    func validate() throws {
        guard order.message != nil else {
            throw ValidationError("Say why: -m TEXT; who finds it frozen will want to know.")
        }
    }

    func run() async throws {
        var members = end.members
        members["reason"] = .string(order.message ?? "")
        try await order.carryOut("freeze", body: .object(members))
    }
}

struct ThawCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "thaw",
        abstract: "End a freeze: the policy follows its members' health again.")

    @OptionGroup var order: PolicyOrder

    func run() async throws { try await order.carryOut("thaw") }
}

struct FailbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failback",
        abstract: "Return to the best healthy tier now, whatever its delay says.")

    @OptionGroup var order: PolicyOrder

    func run() async throws { try await order.carryOut("failback") }
}

struct ReattachCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reattach",
        abstract: "Take healthy members back now, whatever their delay says.")

    @OptionGroup var order: PolicyOrder
    @Argument(help: "Only these members; without any, all that wait.")
    var members: [String] = []

    func run() async throws {
        let body =
            members.isEmpty
            ? nil : JSONValue.object(["members": .array(members.map { .string($0) })])
        try await order.carryOut("reattach", body: body)
    }
}

extension JSONValue {
    /// As the body of a request.
    var compact: String {
        get throws { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }
    }
}
