import HealthWorkerModel
import HealthWorkerStorage

extension StoragePromise {
    static let maintenance: [StoragePromise] = [
        StoragePromise("a maintenance is kept as it was ordered, and found by its state") {
            let storage = try await $0.storage(process: 1)
            let now = try await storage.now()
            let past = try await storage.order("site=a", from: now - .hours(2), to: now - .hours(1))
            let active = try await storage.order(
                "site in (a,b)", sets: ["shop", "web"], from: now - .hours(1), to: now + .hours(1),
                breakGlass: true)
            let upcoming = try await storage.order(
                "", from: now + .hours(1), to: now + .hours(2))

            func ids(_ state: MaintenanceState?) async throws -> [MaintenanceID] {
                try await storage.maintenances(in: state, before: nil, limit: 9).map(\.id)
            }
            try expectEqual(
                try await ids(nil), [upcoming.id, active.id, past.id], "all, newest first")
            try expectEqual(try await ids(.past), [past.id], "past ones")
            try expectEqual(try await ids(.active), [active.id], "active ones")
            try expectEqual(try await ids(.upcoming), [upcoming.id], "those to come")
            try expectEqual(
                try await storage.maintenances(in: nil, before: upcoming.id, limit: 1), [active],
                "the page after the first")
            try expectEqual(try await storage.maintenance(id: active.id), active, "the active one")
            try expectEqual(active.sets, ["shop", "web"], "sets")
            try expectEqual(active.selector.description, "site in (a,b)", "selector")
            try expect(active.breakGlass, "That it may break the glass is lost")
            try expectEqual(
                try await storage.maintenance(id: upcoming.id)?.selector, LabelSelector(),
                "a selector that requires nothing")
            try expect(
                try await storage.maintenance(id: 9999) == nil, "A missing one is answered")
        },
        StoragePromise(
            "a maintenance is changed and ended while it is not over, and each is audited"
        ) {
            let storage = try await $0.storage(process: 1)
            let now = try await storage.now()
            let active = try await storage.order("site=a", from: now, to: now + .hours(1))
            let upcoming = try await storage.order(
                "site=b", from: now + .hours(1), to: now + .hours(2))

            let longer = try await storage.change(
                MaintenanceChange(
                    .amend(active.id, endsAt: now + .hours(3), reason: "more", breakGlass: nil),
                    policies: [], actor: "ann", message: "cables", requestID: "r1"))
            let ended = try await storage.change(
                MaintenanceChange(.end(active.id), policies: [], actor: "ann"))
            let calledOff = try await storage.change(
                MaintenanceChange(.end(upcoming.id), policies: [], actor: "ann"))

            try expectEqual(longer.endsAt, now + .hours(3), "the later end")
            try expectEqual(longer.reason, "more", "the other reason")
            try expectEqual(longer.startsAt, active.startsAt, "the beginning")
            try expect(ended.endsAt < now + .hours(1), "It did not end: \(ended)")
            try expectEqual(
                try await storage.maintenances(in: .past, before: nil, limit: 9), [ended],
                "what is over")
            try expectEqual(calledOff, upcoming, "what was called off")
            try expect(
                try await storage.maintenance(id: upcoming.id) == nil,
                "What was called off is still there")
            let log = try await storage.audit(before: nil, limit: 9)
            try expectEqual(
                log.map(\.action),
                [
                    "maintenance.ended", "maintenance.ended", "maintenance.changed",
                    "maintenance.ordered", "maintenance.ordered",
                ], "audit log, newest first")
            try expectEqual(
                log.map(\.object),
                [upcoming, active, active, upcoming, active].map { "\($0.id)" }, "objects")
            try expectEqual(log[2].message, "cables", "message")
            try expectEqual(log[2].requestID, "r1", "request")
            try expect(
                log[0].after == nil && log[1].after?.contains("site=a") == true,
                "What is left is not told: \(log)")
        },
        StoragePromise(
            "what is over or not there is neither changed nor ended, and there is a limit"
        ) {
            let storage = try await $0.storage(process: 1)
            let now = try await storage.now()
            let past = try await storage.order("site=a", from: now - .hours(2), to: now - .hours(1))

            for deed in [
                MaintenanceChange.Deed.end(past.id),
                .amend(past.id, endsAt: now + .hours(1), reason: nil, breakGlass: nil),
            ] {
                let found = try await refusals {
                    _ = try await storage.change(
                        MaintenanceChange(deed, policies: [], actor: "ann"))
                }
                try expectEqual(
                    found, [.nothingToDo("The maintenance \(past.id) is over already.")],
                    "refusals of \(deed)")
            }
            let missing = try await refusals {
                _ = try await storage.change(
                    MaintenanceChange(.end(9999), policies: [], actor: "ann"))
            }
            try expectEqual(missing, [.noSuchMaintenance(9999)], "refusals of a missing one")
            try expectEqual(try await storage.maintenance(id: past.id), past, "what is over")
        },
        StoragePromise("inputs hold what is not over, and whoever is named is evaluated") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www"), .detach("api"))
            for name in ["www", "api"] { try await storage.decide(storage.policy(name).id, []) }
            let policy = try await storage.policy("www").id
            let now = try await storage.now()
            _ = try await storage.order("site=a", from: now - .hours(2), to: now - .hours(1))

            let active = try await storage.order(
                "site=a", from: now, to: now + .hours(1), policies: [policy])
            let upcoming = try await storage.order(
                "site=b", from: now + .hours(1), to: now + .hours(2))

            try expectEqual(
                try await storage.dueEvaluations(limit: 9).map(\.policy), [policy], "due")
            let inputs = try unwrap(try await storage.evaluationInputs(of: policy), "inputs").inputs
            try expectEqual(inputs.maintenances, [active, upcoming], "maintenances")
            try await $0.age(by: .minutes(61))
            let later = try unwrap(try await storage.evaluationInputs(of: policy), "inputs").inputs
            try expectEqual(later.maintenances.map(\.id), [upcoming.id], "maintenances later")
        },
        StoragePromise(
            "members drain from the beginning to the end, and both are told of the policy"
        ) {
            let storage = try await $0.storage(process: 1)
            let evaluator = PolicyEvaluator(storage: storage) { _ in }
            let members = ["a", "b"].enumerated().map { index, site in
                Member(name: site, value: "192.0.2.\(index + 1)", labels: ["site": site])
            }
            try await storage.put(
                PolicySpec(
                    name: "www", type: .detach, members: members,
                    publish: [Publication(sink: "hook", name: "www")]))
            let policy = try await storage.policy("www").id
            _ = try await evaluator.evaluateDue(limit: 9)
            let now = try await storage.now()
            let ordered = try await storage.order(
                "site=a", from: now + .minutes(10), to: now + .minutes(20), policies: [policy])
            func names() async throws -> [String] {
                _ = try await evaluator.evaluateDue(limit: 9)
                let route = try await storage.route(of: policy)?.route
                return (route?.answer.records ?? []).map(\.name)
            }

            try expectEqual(try await names(), ["a", "b"], "before")
            try await $0.age(by: .minutes(11))
            try expectEqual(try await names(), ["b"], "during")
            try await $0.age(by: .minutes(11))
            try expectEqual(try await names(), ["a", "b"], "after")

            let log = try await storage.audit(before: nil, limit: 2)
            try expectEqual(
                log.map(\.action), [AuditEntry.maintenanceEnded, AuditEntry.maintenanceBegan],
                "audit log, newest first")
            try expectEqual(log.map(\.object), ["www", "www"], "objects")
            try expectEqual(log[0].actor, "maintenance \(ordered.id)", "actor")
            try expect(log[1].after?.contains("\"a\"") == true, "Members are not told: \(log[1])")
            let events = try await storage.events(EventQuery(kinds: [.maintenance], limit: 9))
            try expectEqual(events.count, 3, "events")
            let changes = try await storage.routeChanges(of: policy, before: nil, limit: 2)
            try expectEqual(changes.map(\.cause), [.maintenance, .maintenance], "causes")
            // What an event sink is asked to deliver says itself that nobody is to be told.
            var quiet: [Bool] = []
            for _ in 1...3 {
                let delivery = try unwrap(
                    try await storage.claimDeliveries(
                        to: ["hook"], of: .event, limit: 1, lease: .seconds(60)
                    ).first, "delivery")
                guard case .publish(let route, let before) = delivery.order else { break }
                quiet.append(Quietness(of: route, after: before) != nil)
                _ = try await storage.acknowledge(delivery, memory: nil)
            }
            try expectEqual(quiet, [false, true, true], "what is quiet")
        },
        StoragePromise("what is over for long enough goes, oldest first") {
            let storage = try await $0.storage(process: 1)
            let now = try await storage.now()
            var ids: [MaintenanceID] = []
            for hours in Int64(1)...3 {
                ids.append(
                    try await storage.order(
                        "site=a", from: now - .hours(9), to: now - .hours(hours)
                    ).id)
            }
            let active = try await storage.order("site=a", from: now, to: now + .hours(1))

            let gone = try await storage.pruneMaintenances(keep: .minutes(90), limit: 1)
            let first = try await storage.maintenances(in: .past, before: nil, limit: 9)
            let rest = try await storage.pruneMaintenances(keep: .minutes(90), limit: 9)

            try expectEqual([gone, rest], [1, 1], "how many went")
            try expectEqual(first.map(\.id), [ids[1], ids[0]], "what is left at first")
            try expectEqual(
                try await storage.maintenances(in: nil, before: nil, limit: 9).map(\.id),
                [active.id, ids[0]], "what is left")
        },
    ]

    static let dependencies: [StoragePromise] = [
        StoragePromise("an unhealthy check explains what depends on it, also through others") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .sample("router"), .sample("switch", dependsOn: ["router"]),
                .sample("web", dependsOn: ["switch"]), .sample("lone"))
            func explained(_ names: String...) async throws -> [String: [String]] {
                let checks = try await storage.checks(named: names)
                let found = try await storage.unhealthyDependencies(of: checks.map(\.id))
                return Dictionary(
                    uniqueKeysWithValues: checks.compactMap { check in
                        found[check.id].map { (check.spec.name, $0) }
                    })
            }
            try expectEqual(try await explained("web", "switch", "lone"), [:], "at first")

            try await storage.settle("router", .unhealthy)
            try expectEqual(
                try await explained("web", "switch", "router", "lone"),
                ["web": ["router"], "switch": ["router"]], "with an unhealthy router")
            try await storage.settle("switch", .unhealthy)
            try expectEqual(try await explained("web"), ["web": ["router", "switch"]], "with both")
            // A paused one is not probed, so that its health says nothing of now.
            try await storage.put(.sample("router", isEnabled: false))
            try expectEqual(try await explained("web"), ["web": ["switch"]], "with a paused router")
            try await storage.put(.sample("web"))
            try expectEqual(try await explained("web"), [:], "depending on nothing")
        },
        StoragePromise(
            "inputs say what explains an unhealthy member, and a healthy one needs nothing"
        ) {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("router"))
            try await storage.put(
                .sample("a", dependsOn: ["router"]), .sample("b", dependsOn: ["router"]))
            try await storage.put(.detach("www", checks: ["a", "b"]))
            try await storage.settle("router", .unhealthy)
            try await storage.settle("a", .unhealthy)
            try await storage.settle("b", .healthy)

            let policy = try await storage.policy("www").id
            let health = try await storage.evaluationInputs(of: policy)?.inputs.health

            try expectEqual(health?["m0"]?.explainedBy, ["router"], "of the unhealthy one")
            try expect(health?["m1"]?.explainedBy == nil, "A healthy one is explained")
        },
        StoragePromise("a check that others depend on keeps them when it is renamed") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("router"))
            try await storage.put(.sample("web", dependsOn: ["router"]))
            var spec = PolicySpec.making("www", members: ["a"])
            spec.memberCheck = .object([
                "type": .string("tcp"), "depends_on": .array([.string("router")]),
            ])
            var made = spec.made
            made[0].dependsOn = ["router"]
            try await storage.change(.putPolicy(spec, makes: made, set: nil))

            try await storage.change(.renameCheck("router", to: "edge"))

            try expectEqual(try await storage.check("web").spec.dependsOn, ["edge"], "of a check")
            try expectEqual(
                try await storage.check("www.a").spec.dependsOn, ["edge"], "of a made check")
            try expectEqual(
                try await storage.policy("www").spec.memberCheck?["depends_on"],
                .array([.string("edge")]), "of the policy that makes it")
            try await storage.settle("edge", .unhealthy)
            let web = try await storage.check("web").id
            try expectEqual(
                try await storage.unhealthyDependencies(of: [web]), [web: ["edge"]], "explained by")
        },
        StoragePromise(
            "a check that others depend on goes only with them, or once they let go of it"
        ) {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("router"))
            try await storage.put(
                .sample("a", dependsOn: ["router"]), .sample("b", dependsOn: ["router"]))

            let found = try await refusals {
                try await storage.change(.deleteCheck("router"), .deleteCheck("b"))
            }
            try expectEqual(found, [.dependedOn(check: "router", by: ["a"])], "refusals")
            try await storage.change(
                .deleteCheck("router"), .deleteCheck("b"), .putCheck(.sample("a"), set: nil))
            try expectEqual(try await storage.checks(named: ["router", "b"]).count, 0, "left")

            // Another one of the same name is another check.
            try await storage.put(.sample("router"))
            try await storage.settle("router", .unhealthy)
            let a = try await storage.check("a").id
            try expectEqual(try await storage.unhealthyDependencies(of: [a]), [:], "explained by")
        },
        StoragePromise("a name that another check takes over is what is depended on from then on") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("router"), .sample("spare"))
            try await storage.put(.sample("web", dependsOn: ["router"]))
            try await storage.settle("spare", .unhealthy)
            let web = try await storage.check("web").id

            try await storage.change(.deleteCheck("router"), .renameCheck("spare", to: "router"))

            try expectEqual(
                try await storage.unhealthyDependencies(of: [web]), [web: ["router"]],
                "explained by")
        },
        StoragePromise("checks that do not exist and circles are refused, whatever leads to them") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("a"))
            try await storage.put(.sample("b", dependsOn: ["a"]))
            try await storage.put(.sample("c", dependsOn: ["b"]))

            let missing = try await refusals {
                try await storage.put(.sample("d", dependsOn: ["nobody", "a"]))
            }
            let circle = try await refusals {
                try await storage.put(.sample("a", dependsOn: ["c"]))
            }
            let itself = try await refusals {
                try await storage.put(.sample("d", dependsOn: ["d"]))
            }

            try expectEqual(
                missing, [.noSuchDependency(check: "d", dependsOn: "nobody")], "refusals")
            try expectEqual(circle, [.dependencyCircle(["a", "c", "b"])], "refusals of a circle")
            try expectEqual(itself, [.dependencyCircle(["d"])], "refusals of itself")
            try expectEqual(try await storage.check("a").spec.dependsOn, [], "what is stored")
            // The batch is judged as it ends.
            try await storage.put(.sample("a", dependsOn: ["c"]), .sample("b"))
            try expectEqual(try await storage.check("a").spec.dependsOn, ["c"], "turned around")
        },
    ]
}

extension Storage {
    fileprivate func order(
        _ selector: String, sets: [String]? = nil, from start: Timestamp, to end: Timestamp,
        breakGlass: Bool = false, policies: [PolicyID] = []
    ) async throws -> Maintenance {
        try await change(
            MaintenanceChange(
                .order(
                    Maintenance(
                        id: 0,
                        selector: selector.isEmpty ? LabelSelector() : LabelSelector(selector),
                        sets: sets, startsAt: start, endsAt: end, reason: "switches", actor: "ann",
                        createdAt: try await now(), breakGlass: breakGlass)),
                policies: policies, actor: "ann"))
    }
}
