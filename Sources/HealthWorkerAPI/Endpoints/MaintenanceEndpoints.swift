import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/maintenances`
struct MaintenanceEndpoints {
    let backend: Backend

    private static let id = Endpoint.Parameter.path(
        "id", .integer(1...Int64.max), "The maintenance's id.")

    private static let selector = Schema.selector.described(
        "The members that are meant, by their labels; those of a policy count for each of its members."
    )

    private static let reason = Schema.text(length: 1...1024).shown(
        as: .string("New switches in row 4, ticket 4711"))

    private static let breakGlass = Answers.optional(
        "break_glass",
        .boolean.described(
            "Carry it out even if it leaves a family without a healthy published member."))

    private static let request = Schema.object([
        Answers.required("selector", selector),
        Answers.optional(
            "starts_at",
            Answers.time.described("When it begins; by default, and in the past, now.")),
        Answers.optional(
            "for",
            .timeSpan(.seconds(1)...(.hours(24 * 30))).described(
                "It ends so long after it begins.")),
        Answers.optional("until", Answers.time.described("It ends at this moment.")),
        Answers.required("reason", reason),
        breakGlass,
    ])

    private static let amendment = Schema.object([
        Answers.optional("until", Answers.time.described("It ends at this moment.")),
        Answers.optional("reason", reason),
        breakGlass,
    ])

    var all: [Endpoint] { [list, order, get, amend, end] }

    // MARK: - The operations

    private var list: Endpoint {
        Endpoint(
            .get, "/v1/maintenances", "listMaintenances", tag: .maintenances, role: .read,
            summary: "List maintenances, newest first",
            description: "Those that are over are kept for as long as the audit log.",
            parameters: [
                .query("state", .choice(of: MaintenanceState.self), "Only of this state.")
            ] + Listing.parameters,
            answers: Listing.answers("MaintenancePage", "Maintenances.")
        ) { [backend] call in
            let before = try Listing.before(call, in: "maintenances")
            let now = try await backend.storage.now()
            let found = try await backend.storage.maintenances(
                in: call.text("state").flatMap(MaintenanceState.init),
                before: before.map { MaintenanceID($0) }, limit: Listing.limit(call) + 1)
            return Listing.answer(
                call, "maintenances", found, position: \.id.description,
                node: { Self.node($0, at: now) })
        }
    }

    private var get: Endpoint {
        Endpoint(
            .get, "/v1/maintenances/{id}", "getMaintenance", tag: .maintenances, role: .read,
            summary: "Get a maintenance, and whom it means now", parameters: [Self.id],
            answers: [Endpoint.Answer(.ok, "The maintenance.", .reference("Maintenance"))],
            problems: [.notFound]
        ) { [backend] call in
            let maintenance = try await stored(call)
            let policies = try await backend.policies(of: maintenance)
            return try await answer(maintenance, policies)
        }
    }

    private var order: Endpoint {
        Endpoint(
            .post, "/v1/maintenances", "orderMaintenance", tag: .maintenances, role: .operate,
            summary: "Order a maintenance of members with some labels",
            description: "From its beginning to its end these members are not published, as if an "
                + "override said `drain`, and webhooks are not told that they leave and come back. "
                + "Health is measured and shown all the same. Members that come to have these labels "
                + "meanwhile are meant, too. An override of a member holds more. One that would, if it "
                + "began now, leave a family without a healthy published member is refused. Exactly "
                + "one of `for` and `until` says when it ends, at most 30 days after it begins.",
            parameters: [ObjectWriting.message],
            body: Endpoint.Body(
                Self.request,
                example: .object([
                    .init("selector", .text("site=fra1")),
                    .init("reason", .text("New switches in row 4, ticket 4711")),
                    .init("for", .text("2h")),
                ])),
            answers: [
                Endpoint.Answer(
                    .created, "The maintenance.", .reference("Maintenance"),
                    headers: [("Location", "Where it is.")])
            ], problems: [.notFound, .conflict]
        ) { [backend] call in
            let document = try call.document
            let caller = try call.caller
            let now = try await backend.storage.now()
            let (start, end) = try Self.window(of: document, now: now)
            let proposed = Maintenance(
                id: 0, selector: try LabelSelector(document["selector"]?.text ?? ""),
                // Members that come to match later are meant where the key may write, too.
                sets: caller.sets.isEmpty ? nil : caller.sets, startsAt: start, endsAt: end,
                reason: document["reason"]?.text ?? "", actor: caller.actor, createdAt: now,
                breakGlass: document["break_glass"]?.bool ?? false)
            var meant = proposed
            meant.sets = nil
            let policies = try await backend.policies(of: meant)
            guard !policies.isEmpty else {
                throw ProblemDetails(
                    .notFound, "No member has these labels.",
                    errors: [.init("No member has these labels.", at: .body(pointer: "/selector"))])
            }
            for policy in policies {
                try backend.mayWrite(call, .policy, policy.spec.name, set: policy.set)
            }
            let ordered = try await backend.change(
                .order(proposed), to: proposed, of: policies, call)
            return try await answer(
                ordered, policies, status: .created,
                headers: [.location: "/v1/maintenances/\(ordered.id)"])
        }
    }

    private var amend: Endpoint {
        Endpoint(
            .patch, "/v1/maintenances/{id}", "changeMaintenance", tag: .maintenances,
            role: .operate, summary: "Change the end or the reason of a maintenance",
            description: "While it is not over. Refused like a new one.",
            parameters: [Self.id, ObjectWriting.message],
            body: Endpoint.Body([
                .init(
                    type: .mergePatch, schema: Self.amendment,
                    example: .object([.init("until", .text("2026-01-31T10:00:00Z"))]))
            ]),
            answers: [Endpoint.Answer(.ok, "The maintenance.", .reference("Maintenance"))],
            problems: [.notFound, .conflict]
        ) { [backend] call in
            let document = try call.document
            var changed = try await stored(call)
            try mayChange(changed, call)
            let now = try await backend.storage.now()
            let until = document["until"]?.text.flatMap(Timestamp.init)
            if let until {
                try Self.admit(until, after: max(changed.startsAt, now), changed.startsAt)
            }
            let reason = document["reason"]?.text
            let breakGlass = document["break_glass"]?.bool
            changed.endsAt = until ?? changed.endsAt
            changed.breakGlass = breakGlass ?? changed.breakGlass
            let policies = try await backend.policies(of: changed)
            let kept = try await backend.change(
                .amend(changed.id, endsAt: until, reason: reason, breakGlass: breakGlass),
                // A shorter one leaves nobody without members.
                to: until == nil ? nil : changed, of: policies, call)
            return try await answer(kept, policies)
        }
    }

    private var end: Endpoint {
        Endpoint(
            .delete, "/v1/maintenances/{id}", "endMaintenance", tag: .maintenances, role: .operate,
            summary: "End a maintenance now",
            description:
                "It is kept among those that are over; one that did not begin yet is gone.",
            parameters: [Self.id, ObjectWriting.message],
            answers: [
                Endpoint.Answer(.ok, "What it was, with its end.", .reference("Maintenance"))
            ], problems: [.notFound, .conflict]
        ) { [backend] call in
            let maintenance = try await stored(call)
            try mayChange(maintenance, call)
            let policies = try await backend.policies(of: maintenance)
            let ended = try await backend.change(
                .end(maintenance.id), to: nil, of: policies, call)
            return try await answer(ended, policies)
        }
    }

    // MARK: - What is asked for

    private func stored(_ call: Call) async throws -> Maintenance {
        let id = MaintenanceID(Int64(call.name("id")) ?? 0)  // the schema made sure of a number
        guard let maintenance = try await backend.storage.maintenance(id: id) else {
            throw ProblemDetails([.noSuchMaintenance(id)])
        }
        return maintenance
    }

    private func mayChange(_ maintenance: Maintenance, _ call: Call) throws {
        let caller = try call.caller
        let isTheirs =
            maintenance.sets.map { $0.allSatisfy { caller.mayWrite(set: $0) } }
            ?? caller.mayWrite(set: nil)
        guard isTheirs else {
            let sets = maintenance.sets.map { "the sets \($0.joined(separator: ", "))" }
            throw ProblemDetails(
                .forbidden,
                "The maintenance \(maintenance.id) speaks of members of \(sets ?? "all sets"), and "
                    + "this key may write \(caller.sets.joined(separator: ", ")) only.")
        }
    }

    private static func window(
        of document: Node, now: Timestamp
    ) throws -> (start: Timestamp, end: Timestamp) {
        let start = max(now, document["starts_at"]?.text.flatMap(Timestamp.init) ?? now)
        let span = document["for"]?.text.flatMap(TimeSpan.init)
        let until = document["until"]?.text.flatMap(Timestamp.init)
        switch (span, until) {
        case (let span?, nil):
            return (start, start + span.duration)
        case (nil, let until?):
            try admit(until, after: start, start)
            return (start, until)
        default:
            throw ProblemDetails(
                .invalid, [Problem("needs exactly one of `for` and `until`")])
        }
    }

    private static func admit(
        _ until: Timestamp, after moment: Timestamp, _ start: Timestamp
    ) throws {
        let wrong: String? =
            if until <= moment {
                moment == start ? "is not after its beginning" : "is over already"
            } else if until - start > Maintenance.longest {
                "is more than 30 days after its beginning: take the members out of their policies, "
                    + "or disable them"
            } else {
                nil
            }
        if let wrong {
            throw ProblemDetails(.invalid, [Problem(wrong, at: .root.appending("until"))])
        }
    }

    // MARK: - The answer

    private func answer(
        _ maintenance: Maintenance, _ policies: [Policy],
        status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) async throws -> Response {
        var members: [Node] = []
        for policy in policies {
            for member in policy.spec.members where maintenance.means(member, of: policy) {
                members.append(
                    .object([
                        .init("policy", .text(policy.spec.name)),
                        .init("member", .text(member.name)),
                    ]))
            }
        }
        return .json(
            Self.node(maintenance, at: try await backend.storage.now()).with([
                .init("members", .list(members))
            ]), status: status, headers: headers)
    }

    static func node(_ maintenance: Maintenance, at now: Timestamp) -> Node {
        .object([
            .init("id", .number(maintenance.id.rawValue)),
            .init("state", .text(maintenance.state(at: now).rawValue)),
            .init("selector", .text(maintenance.selector.description)),
            entry("sets", maintenance.sets.map(Node.names)),
            .init("starts_at", .time(maintenance.startsAt)),
            .init("until", .time(maintenance.endsAt)),
            .init("reason", .text(maintenance.reason)), .init("actor", .text(maintenance.actor)),
            .init("created_at", .time(maintenance.createdAt)),
            .init("break_glass", .flag(maintenance.breakGlass)),
        ])
    }
}

extension Backend {
    /// Those of which some member is meant now.
    func policies(of maintenance: Maintenance) async throws(StorageError) -> [Policy] {
        try await storage.allPolicies(matching: ObjectFilter()).filter(maintenance.concerns)
    }

    /// Changes a maintenance, and evaluates the policies that it concerns. What is not done within 2 s is
    /// left to the sweep of the registers: its evaluations are stored already.
    ///
    /// - Parameter proposed: What is to be refused where it would leave a family without a healthy
    ///   published member; nil: nothing.
    func change(
        _ deed: MaintenanceChange.Deed, to proposed: Maintenance?, of policies: [Policy],
        _ call: Call
    ) async throws -> Maintenance {
        if let proposed {
            var refusals: [Refusal] = []
            for policy in policies {
                guard let read = try await storage.evaluationInputs(of: policy.id) else { continue }
                let families = PolicyEvaluation.refusal(of: proposed, in: read.inputs)
                if !families.isEmpty {
                    refusals.append(.unprotected(policy: policy.spec.name, families: families))
                }
            }
            guard refusals.isEmpty else { throw ProblemDetails(refusals) }
        }
        let kept: Maintenance
        do {
            kept = try await storage.change(
                MaintenanceChange(
                    deed, policies: policies.map(\.id), actor: try call.caller.actor,
                    message: call.text("message"), requestID: call.context.requestID))
        } catch StorageError.refused(let refusals) {
            throw ProblemDetails(refusals)
        }
        let end = ContinuousClock.now + .seconds(2)
        for policy in policies where ContinuousClock.now < end {
            try await evaluate(policy.id)
        }
        return kept
    }
}
