import ArgumentParser
import Foundation
import HealthWorkerModel

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Tell what happened to a policy: health, routes, and what people did.",
        discussion: """
            Turns of its members' checks, its routes, overrides, freezes, failbacks, edits and applies, \
            and pauses of workers, oldest first, each with who did it.
            """)

    @OptionGroup var options: ClientOptions
    @Argument(help: "The policy's name.")
    var policy: String
    @Option(help: "How far back, such as 2h.")
    var since: TimeSpan = .hours(24)
    @Option(name: [.customShort("o"), .customLong("output")], help: "table, json or yaml.")
    var format: ListingFormat = .table

    func run() async throws {
        let events = try await PolicyHistory(of: policy, since: since, options.client()).events
        guard format == .table else { return try format.show(.array(events.map(\.json))) }
        if events.isEmpty { print("Nothing happened to \(policy) within \(since).") }
        let terminal = Terminal.standardOutput
        for event in events {
            let kind = event.kind.padding(toLength: 9, withPad: " ", startingAt: 0)
            let by = event.actor.map { "  by \($0)" } ?? ""
            print(
                "\(Moments.clock(event.at))  \(terminal.blue(kind)) \(event.sentence)"
                    + terminal.dim(by))
        }
    }
}

/// What happened to one policy, from the events of the API and what waits to be delivered.
private struct PolicyHistory {
    struct Event {
        var at: String
        var kind: String
        var sentence: String
        var actor: String?

        var json: JSONValue {
            var members: [String: JSONValue] = [
                "at": .string(at), "kind": .string(kind), "sentence": .string(sentence),
            ]
            members["actor"] = actor.map { .string($0) }
            return .object(members)
        }
    }

    private(set) var events: [Event]

    init(of name: String, since: TimeSpan, _ client: APIClient) async throws {
        let policy = name.percentEncoded
        // The settings of workers are about no policy, and may be why nothing turned.
        let told = try await client.all("/v1/events?policy=\(policy)&since=\(since)")
        let settings = try await client.all("/v1/events?type=settings&since=\(since)")
        // They come newest first.
        events = (told + settings).reversed().compactMap(Self.event)
        let deliveries = try await client.get("/v1/routes/\(policy)/deliveries")
        events += (deliveries["items"]?.elements ?? []).compactMap { delivery in
            delivery["since"]?.text.map {
                Event(
                    at: $0, kind: "delivery",
                    sentence: "waits since then: " + PolicyText.line(ofDelivery: delivery))
            }
        }
        events = events.enumerated().sorted { left, right in
            let (first, second) = (Timestamp(left.element.at), Timestamp(right.element.at))
            guard let first, let second, first != second else { return left.offset < right.offset }
            return first < second
        }.map(\.element)
    }

    private static func event(_ json: JSONValue) -> Event? {
        guard let at = json["at"]?.text, let kind = json["type"]?.shown else { return nil }
        if let turn = json["health_change"] {
            let why = [turn["cause"]?.shown, turn["reason"]?.shown].compactMap(\.self)
            return Event(
                at: at, kind: kind,
                sentence: "\(json["check"]?.shown ?? "?"): \(turn["from"]?.shown ?? "?") → "
                    + "\(turn["to"]?.shown ?? "?") (\(why.joined(separator: ", ")))",
                actor: turn["worker"]?.shown)
        }
        if let route = json["route_change"] {
            return Event(
                at: at, kind: kind,
                sentence: "\(PolicyText.values(of: route)), ttl \(route["ttl"]?.shown ?? "?") "
                    + "(\(route["cause"]?.shown ?? "?")), generation "
                    + (route["generation"]?.shown ?? "?"))
        }
        guard let deed = json["deed"] else { return nil }
        return Event(
            at: at, kind: kind, sentence: sentence(of: deed, member: json["member"]?.shown),
            actor: deed["actor"]?.shown)
    }

    /// `set ams1 drain until 10:00:00: kernel update`.
    private static func sentence(of deed: JSONValue, member: String?) -> String {
        let action = deed["action"]?.shown ?? "?"
        let word = deed["after"] ?? deed["before"]
        var parts = [action.split(separator: ".").last.map(String.init) ?? action]
        if let member {
            parts += [member, word?["word"]?.shown ?? ""]
            if let until = word?["until"]?.text { parts.append("until \(Moments.clock(until))") }
            if word?["break_glass"] == .bool(true) { parts.append("(break-glass)") }
        } else if !action.hasPrefix("policy.") {
            parts.append(deed["object"]?.shown ?? "")
        }
        let why = word?["reason"]?.shown ?? deed["message"]?.shown
        return parts.filter { !$0.isEmpty }.joined(separator: " ") + (why.map { ": \($0)" } ?? "")
    }
}
