import HealthWorkerModel
import HealthWorkerStorage

extension StoragePromise {
    static let events: [StoragePromise] = [
        StoragePromise("what happened is told in one order, whatever it was") {
            let storage = try await $0.storage(process: 1)
            try await Self.happenings(storage, $0)

            let newest = try await storage.events(EventQuery(limit: 100))
            let oldest = try await storage.events(EventQuery(order: .oldestFirst, limit: 100))

            try expectEqual(oldest, newest.reversed(), "the other order")
            let positions = oldest.map(\.position)
            try expectEqual(positions, Set(positions).sorted(), "positions")
            try expectEqual(
                Dictionary(grouping: oldest.compactMap(\.kind)) { $0 }.mapValues(\.count),
                [
                    .edit: 4, .health: 2, .route: 2, .override: 2, .freeze: 1, .settings: 1,
                    .apply: 1, .quarantine: 1,
                ],
                "what happened")
            let a = try await storage.check("a").id
            for case .turn(let change) in oldest where change.check == a {
                try expectEqual(
                    change, try await storage.healthChanges(of: a, before: nil, limit: 1).first,
                    "the turn of a")
            }
            let policy = try await storage.policy("p").id
            for case .route(policy, let route) in oldest {
                try expectEqual(
                    route, try await storage.routeChanges(of: policy, before: nil, limit: 1).first,
                    "the route of p")
            }
        },
        StoragePromise("events go on after any of them, in both directions") {
            let storage = try await $0.storage(process: 1)
            try await Self.happenings(storage, $0)

            for order in [EventQuery.Order.newestFirst, .oldestFirst] {
                let all = try await storage.events(EventQuery(order: order, limit: 100))
                for size in 1...3 {
                    var found: [Event] = []
                    while true {
                        let page = try await storage.events(
                            EventQuery(beyond: found.last?.position, order: order, limit: size))
                        if page.isEmpty { break }
                        try expect(page.count <= size, "A page of \(size) has \(page.count)")
                        found += page
                    }
                    try expectEqual(found, all, "pages of \(size)")
                }
            }
        },
        StoragePromise("events are found by kind, object and time") {
            let storage = try await $0.storage(process: 1)
            try await Self.happenings(storage, $0)
            let all = try await storage.events(
                EventQuery(applies: .both, order: .oldestFirst, limit: 100))
            let a = try await storage.check("a")
            let p = try await storage.policy("p")
            let middle = all[all.count / 2].position.at
            let objects: [EventQuery.Objects] = [
                .init(checks: [a.id], checkNames: ["a"]),
                .init(policies: [p.id], policyNames: ["p"]),
                .init(
                    checks: [a.id], checkNames: ["a"], policies: [p.id], policyNames: ["p"]),
                .init(checkNames: ["p"], policyNames: ["a"]), .init(),
            ]

            for objects in objects.map(Optional.init) + [nil] {
                for kinds in EventKind.allCases.map({ Set([$0]) })
                    + [[.health, .edit, .freeze], [.edit, .apply]]
                {
                    for applies in [EventQuery.Applies.whole, .parts, .both] {
                        let query = EventQuery(
                            kinds: kinds, objects: objects, applies: applies, order: .oldestFirst,
                            limit: 100)
                        let found = try await storage.events(query)
                        try expectEqual(
                            found, all.filter(query.admits),
                            "\(kinds) of \(String(describing: objects)), applies \(applies)")
                    }
                }
            }
            let later = try await storage.events(
                EventQuery(applies: .both, from: middle, order: .oldestFirst, limit: 100))
            let before = try await storage.events(
                EventQuery(applies: .both, until: middle, order: .oldestFirst, limit: 100))
            try expectEqual(later, all.filter { $0.position.at >= middle }, "from a moment on")
            try expectEqual(before, all.filter { $0.position.at < middle }, "before a moment")
            try expect(!later.isEmpty && !before.isEmpty, "Nothing lies on one side of \(middle)")
            try expectEqual(
                try await storage.events(EventQuery(kinds: [], limit: 9)), [], "of no kind")
        },
        StoragePromise("an apply is one event, and one for each object that is asked for") {
            let storage = try await $0.storage(process: 1)
            try await Self.happenings(storage, $0)
            let p = try await storage.policy("p")
            func deeds(_ query: EventQuery) async throws -> [AuditEntry] {
                try await storage.events(query).compactMap { event in
                    if case .deed(let entry) = event { entry } else { nil }
                }
            }

            let whole = try await deeds(EventQuery(kinds: [.apply], limit: 9))
            let parts = try await deeds(
                EventQuery(kinds: [.apply], applies: .parts, order: .oldestFirst, limit: 9))
            let ofPolicy = try await deeds(
                EventQuery(
                    kinds: [.edit, .apply],
                    objects: .init(policies: [p.id], policyNames: ["p"]), limit: 9))
            let byHand = try await deeds(EventQuery(kinds: [.edit], limit: 9))

            try expectEqual(whole.map(\.object), ["shop"], "the apply")
            try expectEqual(whole.map(\.after), [#"{"created":1,"updated":2}"#], "counts")
            try expectEqual(
                Set(parts.map { "\($0.action) \($0.object) \($0.document ?? "-")" }),
                ["check.created c shop", "check.updated a shop", "policy.updated p shop"],
                "what it did")
            try expectEqual(
                ofPolicy.map { "\($0.action) \($0.document ?? "-")" },
                ["policy.updated shop", "policy.created -"], "of the policy")
            try expectEqual(byHand.count, 4, "edits by hand")
            try expect(byHand.allSatisfy { $0.document == nil }, "An apply is told as an edit")
        },
        StoragePromise("what happens to keys is told to nobody") {
            let storage = try await $0.storage(process: 1)
            try await storage.appendAudit([
                AuditEntry(
                    at: try await storage.now(), actor: "ann", action: "key.created", object: "ci")
            ])

            try expectEqual(try await storage.events(EventQuery(limit: 9)), [], "events")
        },
    ]

    /// Two checks of which each turns, two policies with a route each, an override that comes and
    /// goes, a freeze, a setting, a quarantine, and an apply.
    private static func happenings(
        _ storage: any Storage, _ fixture: any StorageFixture
    ) async throws {
        try await storage.put(.sample("a"), .sample("b"))
        try await storage.put(.detach("p", checks: ["a"]), .detach("q", checks: ["b"]))
        try await fixture.age(by: .seconds(1))
        try await storage.settle("a", .healthy)
        try await storage.settle("b", .unhealthy)
        let evaluator = PolicyEvaluator(storage: storage)
        // A policy without a route waits for its members' health; they have one.
        _ = try await evaluator.evaluateDue(limit: 9)
        try await fixture.age(by: .seconds(1))
        let p = try await storage.policy("p").id
        _ = try await evaluator.setOverrides(
            [.init(member: "m0", word: .up, reason: "x")], of: p, by: .init("ann"))
        let word = try unwrap(try await storage.overrides(of: p).first, "override")
        _ = try await evaluator.clearOverride(word.id, by: .init("bob"))
        try await fixture.age(by: .seconds(1))
        _ = try await evaluator.freeze(p, reason: "sale", until: nil, by: .init("ann"))
        _ = try await storage.change(
            SettingsChange(WorkerSettings(concurrency: 7), for: .all, actor: "ann"))
        // Of a worker that is called as a check is.
        try await storage.appendAudit([
            AuditEntry(
                at: try await storage.now(), actor: "fleet", action: AuditEntry.quarantined,
                object: "a")
        ])
        try await fixture.age(by: .seconds(1))
        _ = try await storage.write(
            WriteBatch(
                [
                    .putCheck(.sample("a", labels: ["tier": "gold"]), set: "shop"),
                    .putCheck(.sample("c"), set: "shop"),
                    .putPolicy(.detach("p", checks: ["a"], ttl: 40), makes: [], set: "shop"),
                ], actor: "ci", appliedDocument: AppliedDocument(set: "shop")))
    }
}
