import ArgumentParser
import Foundation
import HealthWorkerModel
import HealthWorkerTelling

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Tell what happened to a policy: health, routes, and what people did.",
        discussion: """
            Turns of its members' checks, its routes, what waits to be delivered, overrides, freezes, \
            maintenances, failbacks, what the guard holds, edits and applies; settings of workers, and processes that were lost; oldest \
            first, each with who did it.
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

/// What happened to one policy: the events of the API, what waits to be delivered, and who was lost.
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
        // What workers go by is about no policy, and may be why nothing turned.
        let told = try await client.all("/v1/events?policy=\(policy)&since=\(since)")
        let settings = try await client.all(
            "/v1/events?type=settings&type=quarantine&since=\(since)")
        // They come newest first.
        events = Self.events(telling: (told + settings).reversed())
        let deliveries = try await client.get("/v1/routes/\(policy)/deliveries")
        events += (deliveries["items"]?.elements ?? []).compactMap { delivery in
            delivery["since"]?.text.map {
                Event(
                    at: $0, kind: "delivery",
                    sentence: "waits since then: " + PolicyText.line(ofDelivery: delivery))
            }
        }
        events += try await Self.arrivals(of: policy, since: since, client)
        events += try await Self.losses(since: since, client)
        events = events.enumerated().sorted { left, right in
            let (first, second) = (Timestamp(left.element.at), Timestamp(right.element.at))
            guard let first, let second, first != second else { return left.offset < right.offset }
            return first < second
        }.map(\.element)
    }

    /// An apply is one event, whatever it did to the policy and its checks.
    private static func events(telling items: [JSONValue]) -> [Event] {
        var events: [Event] = []
        var parts: [JSONValue] = []
        func tellApply() {
            if let event = apply(of: parts) { events.append(event) }
            parts = []
        }
        for item in items {
            guard item["type"]?.text == "apply" else {
                tellApply()
                if let event = event(item) { events.append(event) }
                continue
            }
            // All that one apply writes has one moment.
            if let first = parts.first, applied(first) != applied(item) { tellApply() }
            parts.append(item)
        }
        tellApply()
        return events
    }

    private static func applied(_ item: JSONValue) -> [String?] {
        [
            item["at"]?.text, item["deed"]?["actor"]?.text, item["deed"]?["document"]?.text,
            item["deed"]?["request_id"]?.text,
        ]
    }

    /// `shop: updated www; created www.fra1, www.ams1: from git`.
    private static func apply(of parts: [JSONValue]) -> Event? {
        guard let first = parts.first, let at = first["at"]?.text, let deed = first["deed"] else {
            return nil
        }
        var changes: [(verb: String, names: [String])] = []
        for part in parts {
            let action = part["deed"]?["action"]?.shown ?? "?"
            let verb = action.split(separator: ".").last.map(String.init) ?? action
            let name = part["deed"]?["object"]?.shown ?? "?"
            if let index = changes.firstIndex(where: { $0.verb == verb }) {
                changes[index].names.append(name)
            } else {
                changes.append((verb, [name]))
            }
        }
        let told = changes.map { verb, names in
            let more = names.count > 8 ? " and \(names.count - 8) more" : ""
            return "\(verb) \(names.prefix(8).joined(separator: ", "))\(more)"
        }.joined(separator: "; ")
        let why = deed["message"]?.shown.map { ": \($0)" } ?? ""
        return Event(
            at: at, kind: "apply", sentence: "\(deed["document"]?.shown ?? "?"): \(told)\(why)",
            actor: deed["actor"]?.shown)
    }

    /// When its routes were applied and seen: those of the last 500 within the time.
    private static func arrivals(
        of policy: String, since: TimeSpan, _ client: APIClient
    ) async throws -> [Event] {
        let changes = try await client.get("/v1/routes/\(policy)/changes?limit=500")
        let start = Moments.now - since.duration
        var events: [Event] = []
        for change in changes["items"]?.elements ?? [] {
            let timeline = change["timeline"]
            for arrival in timeline?["arrivals"]?.elements ?? [] {
                guard let at = (arrival["observed_at"] ?? arrival["applied_at"])?.text,
                    let moment = Timestamp(at), moment >= start
                else { continue }
                events.append(
                    Event(
                        at: at, kind: "arrival",
                        sentence: "generation \(change["generation"]?.shown ?? "?"): "
                            + ArrivalText.line(of: arrival, in: timeline)))
            }
        }
        return events
    }

    /// Processes that were killed, or are cut off: a change may be late because of them.
    private static func losses(since: TimeSpan, _ client: APIClient) async throws -> [Event] {
        // Longer ago nobody remembers.
        let span = min(since, .hours(24))
        let fleet = try await client.get("/v1/fleet?lost=\(span)")
        return (fleet["lost"]?.elements ?? []).compactMap { process in
            process["seen_at"]?.text.map { at in
                let roles = process["roles"]?.elements.compactMap(\.shown) ?? []
                return Event(
                    at: at, kind: "lost",
                    sentence: "\(roles.joined(separator: ", ")) \(process["name"]?.shown ?? "?") "
                        + "(\(process["location"]?.shown ?? "?")) was seen last, and did not say "
                        + "that it ends")
            }
        }
    }

    private static func event(_ json: JSONValue) -> Event? {
        EventText(json).map {
            Event(at: $0.at, kind: $0.kind, sentence: $0.sentence, actor: $0.actor)
        }
    }
}
