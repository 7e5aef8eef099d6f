import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/events`: what happened, and what happens.
struct EventEndpoints {
    let backend: Backend

    var all: [Endpoint] { [events] }

    private var events: Endpoint {
        Endpoint(
            .get, "/v1/events", "listEvents", tag: .events, role: .read,
            summary: "List what happened, newest first, or listen to what happens",
            description: "Turns of health, new routes, overrides, freezes, maintenances, orders, "
                + "edits, applies, and settings and quarantines of workers. An apply is one event; with `policy`, `check` or "
                + "`selector` it is one for each object that is meant and that it changed.\n\nWith "
                + "`Accept: text/event-stream` it goes on for as long as the caller listens, oldest "
                + "first, beginning with `since` or with what happens from now on. Each event has "
                + "an `id`; who sends the last one that came as `Last-Event-ID` gets what came "
                + "after it. Nothing is left out, and what happened within the 15 s before that "
                + "event may come a second time, with the same id. A comment every 15 s says that "
                + "the connection lives. `limit` and `cursor` are for listings.",
            parameters: [
                .query("type", .choice(of: EventKind.self), "Only of these types.", repeats: true),
                .query(
                    "policy", .name,
                    "Only about this policy and, for turns of health, about the checks of its "
                        + "members."),
                .query("check", .name, "Only about this check."),
                .query(
                    "selector", .selector,
                    "Only about checks, policies and members with these labels."),
                AskedMoment.parameter(
                    "since", "From this moment on; a span is so long before now."),
                AskedMoment.parameter(
                    "until", "Before this moment; a span is so long before now."),
                .header("Last-Event-ID", "The `id` of the last event that came."),
            ] + Listing.parameters,
            answers: [
                Endpoint.Answer(
                    .ok, "Events.", .reference("EventPage"), types: [.json, .eventStream],
                    headers: [("ETag", "Of a page, not of a stream."), Listing.linkHeader]),
                Listing.notModified,
            ], problems: [.notFound]
        ) { [backend] call in
            var filter = try await filter(call)
            if call.wantedType == .eventStream {
                let last = try Self.lastEvent(call)
                return try await EventStream(backend: backend, filter: filter)
                    .response(to: call, after: last)
            }
            filter.query.beyond = try Self.cursor(call)
            return try await page(of: filter, call)
        }
    }

    // MARK: - What is asked for

    private func filter(_ call: Call) async throws -> EventFilter {
        var kinds = Set(EventKind.allCases)
        let named = call.texts("type").compactMap(EventKind.init)
        if !named.isEmpty { kinds = Set(named) }
        let now = try await backend.storage.now()
        let selector = try call.selector
        return EventFilter(
            query: EventQuery(
                kinds: kinds, objects: try await objects(call),
                applies: selector == nil ? .whole : .parts, from: call.moment("since", now: now),
                until: call.moment("until", now: now), limit: Listing.limit(call)),
            selector: selector)
    }

    private func objects(_ call: Call) async throws -> EventQuery.Objects? {
        guard call.text("policy") != nil || call.text("check") != nil else { return nil }
        var objects = EventQuery.Objects()
        if let name = call.text("policy") {
            let policy = try await backend.policy(name)
            let names = policy.spec.members.compactMap(policy.spec.checkName(of:))
            objects.policies = [policy.id]
            objects.policyNames = [name]
            objects.checkNames = names
            objects.checks = try await backend.storage.checks(named: names).map(\.id)
        }
        if let name = call.text("check") {
            let check = try await backend.check(name)
            // With a policy: the turns of that one of its checks.
            if call.text("policy") != nil, !objects.checks.contains(check.id) {
                objects.checks = []
                objects.checkNames = []
            } else {
                objects.checks = [check.id]
                objects.checkNames = [name]
            }
            objects.policies = []
            objects.policyNames = []
        }
        return objects
    }

    private static func lastEvent(_ call: Call) throws -> EventPosition? {
        guard let text = call.request.headers[.lastEventID] else { return nil }
        guard let position = EventPosition(text) else {
            throw ProblemDetails(
                .invalidParameter, "Send the id of an event.",
                errors: [.init("is not the id of an event", at: .header("Last-Event-ID"))])
        }
        return position
    }

    private static func cursor(_ call: Call) throws -> EventPosition? {
        guard let text = try Listing.after(call, in: "events") else { return nil }
        guard let position = EventPosition(text) else { throw Listing.noCursor }
        return position
    }

    // MARK: - A page

    /// With a selector, events are read until enough fit, at most so many: the page is then short,
    /// and its cursor goes on where reading stopped.
    private static let scanned = 5000

    private func page(of filter: EventFilter, _ call: Call) async throws -> Response {
        let limit = filter.query.limit
        var query = filter.query
        var found: [ToldEvent] = []
        var next: EventPosition?
        var read = 0
        repeat {
            query.limit = filter.selector == nil ? limit + 1 : max(limit + 1, 500)
            let events = try await backend.storage.events(query)
            read += events.count
            for told in try await ToldEvent.telling(of: events, from: backend.storage)
            where filter.admits(told) {
                if found.count == limit {
                    next = found.last?.position
                    break
                }
                found.append(told)
            }
            guard next == nil, events.count == query.limit else { break }
            query.beyond = events.last?.position
            if read >= Self.scanned { next = query.beyond }
        } while next == nil
        return Listing.answer(
            call, nodes: found.map(\.node),
            next: next.map { Cursor(listing: "events", after: $0.description) })
    }
}

extension HTTPField.Name {
    static let lastEventID = Self("Last-Event-ID")!  // a token (RFC 9110 §5.1)
}
