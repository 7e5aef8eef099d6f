import HealthWorkerModel
import HealthWorkerStorage

extension StoragePromise {
    static let trust: [StoragePromise] = [
        StoragePromise("who turned unhealthy lately is told by policy and member, while it is so") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .sample("old"), .sample("back"), .sample("lone"), .sample("shared"),
                .sample("unused"))
            try await storage.put(
                .detach("p", checks: ["old", "back", "shared"]),
                .detach("q", checks: ["shared", "lone", "lone"]))
            try await storage.settle("old", .unhealthy)
            try await $0.age(by: .minutes(2))
            for name in ["back", "lone", "shared", "unused"] {
                try await storage.settle(name, .healthy)
            }
            for name in ["shared", "back", "lone", "unused"] {
                for _ in 0..<3 { try await storage.probe(name, .failure(.connectRefused)) }
            }
            for _ in 0..<2 { try await storage.probe("back", .success) }
            try expectEqual(try await storage.state(of: "back").health, .healthy, "health")
            let p = try await storage.policy("p").id
            let q = try await storage.policy("q").id
            let shared = try unwrap(try await storage.state(of: "shared").change, "turn")
            let lone = try unwrap(try await storage.state(of: "lone").change, "turn")
            let changes = try await storage.healthChanges(of: nil, before: nil, limit: 99)
            func fall(
                _ policy: PolicyID, _ member: String, _ change: HealthChangeID
            ) throws -> Fall {
                Fall(
                    policy: policy, member: member, change: change,
                    at: try unwrap(changes.first { $0.id == change }, "turn").at,
                    isConfirmedElsewhere: false)
            }

            try expectEqual(
                try await storage.falls(within: .seconds(60)),
                [
                    try fall(p, "m2", shared), try fall(q, "m0", shared), try fall(q, "m1", lone),
                    try fall(q, "m2", lone),
                ], "falls")
            try await $0.age(by: .minutes(1))
            try expectEqual(try await storage.falls(within: .seconds(60)), [], "falls later")
        },
        StoragePromise("that a second location confirmed a turn is kept with it") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"), .sample("api"))
            try await storage.put(.detach("p", checks: ["web", "api"]))
            for name in ["web", "api"] { try await storage.settle(name, .healthy) }
            for name in ["web", "api"] {
                for _ in 0..<2 { try await storage.probe(name, .failure(.connectRefused)) }
                try await storage.enqueueNow(storage.check(name).id)
                var completion = try await storage.completion(
                    of: storage.claim(name), .failure(.connectRefused))
                completion.decision.turn?.isConfirmedElsewhere = name == "web"
                _ = try await storage.complete([completion])
            }

            let changes = try await storage.healthChanges(of: nil, before: nil, limit: 2)
            let events = try await storage.events(EventQuery(kinds: [.health], limit: 2))

            try expectEqual(
                changes.map(\.turn.isConfirmedElsewhere), [false, true], "turns, newest first")
            try expectEqual(events, changes.map { .turn($0) }, "events")
            try expectEqual(
                try await storage.falls(within: .seconds(60)).map(\.isConfirmedElsewhere),
                [true, false], "falls")
        },
        StoragePromise("published members are counted where health decides") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .detach("none"), .detach("one"), .detach("three"),
                PolicySpec(
                    name: "simple", type: .simple,
                    members: [Member(name: "a", value: "192.0.2.9")]))
            try expectEqual(try await storage.publishedMembers(), 0, "at first")

            try await storage.decide(storage.policy("one").id, ["192.0.2.1"])
            try await storage.decide(
                storage.policy("three").id, ["192.0.2.1", "192.0.2.2", "2001:db8::1"])
            try await storage.decide(storage.policy("simple").id, ["192.0.2.9"])

            try expectEqual(try await storage.publishedMembers(), 4, "published members")
        },
        StoragePromise("what is held comes back with the route, is counted, and told to everybody")
        {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("held"), .detach("holds"))
            let policy = try await storage.policy("held").id
            // A name is no mark of anything.
            try await storage.decide(storage.policy("holds").id, ["192.0.2.2"])
            try await storage.decide(policy, ["192.0.2.1"])
            let since = try await storage.now()
            let holds = [
                "m0": Hold(since: since, until: since + .minutes(2)),
                "m1": Hold(since: since, until: since + .minutes(2)),
            ]

            try await storage.hold(policy, holds)
            let held = try unwrap(try await storage.route(of: policy)?.route, "route")
            let inputs = try await storage.evaluationInputs(of: policy)?.inputs
            let holding = try await storage.holdingPolicies()
            let census = try await storage.census().policies
            try await storage.hold(policy, nil, order: .release, by: "ann")

            try expectEqual(held.memory.holds, holds, "holds")
            try expectEqual(inputs?.previous?.memory.holds, holds, "holds to decide from")
            try expectEqual(holding, [policy], "policies that hold")
            try expectEqual(census.holding, 1, "policies that hold, counted")
            try expectEqual(try await storage.holdingPolicies(), [], "policies that hold later")
            try expectEqual(try await storage.census().policies.holding, 0, "counted later")
            let told = try await storage.events(
                EventQuery(
                    kinds: [.hold], objects: EventQuery.Objects(policyNames: ["held"]), limit: 9))
            let deeds = told.compactMap { event -> AuditEntry? in
                if case .deed(let entry) = event { entry } else { nil }
            }
            try expectEqual(
                deeds.map { [$0.actor, $0.action, $0.object] },
                [["ann", "policy.released", "held"], ["guard", "policy.held", "held"]], "deeds")
            try expect(
                deeds.last?.after?.contains(#""members":["m0","m1"]"#) == true,
                "The members are not told: \(deeds)")
        },
        StoragePromise("safety budgets are set, listed by name and taken away, each time told") {
            let storage = try await $0.storage(process: 1)
            let site = SafetyBudget(
                name: "site", selector: LabelSelector(["site": "fra1"]), limit: .members(2),
                window: .hours(1))
            var all = SafetyBudget(
                name: "all", selector: LabelSelector(), limit: .percent(20), window: .minutes(5))
            for budget in [site, all] {
                try await storage.change(BudgetChange(budget.name, budget, actor: "ann"))
            }
            all.limit = .percent(10)
            try await storage.change(
                BudgetChange("all", all, actor: "bob", message: "storm", requestID: "r1"))
            try await storage.change(BudgetChange("all", all, actor: "bob"))

            try expectEqual(try await storage.budgets(), [all, site], "budgets")
            try await storage.change(BudgetChange("site", nil, actor: "ann"))
            try expectEqual(try await storage.budgets(), [all], "budgets later")
            do {
                try await storage.change(BudgetChange("site", nil, actor: "ann"))
                throw BrokenPromise(description: "It is taken away twice")
            } catch StorageError.refused(let refusals) {
                try expectEqual(refusals, [.missing(.budget, "site")], "refusals")
            }
            let entries = try await storage.audit(before: nil, limit: 9)
            try expectEqual(
                entries.map { [$0.actor, $0.action, $0.object] },
                [
                    ["ann", "budget.deleted", "site"], ["bob", "budget.set", "all"],
                    ["ann", "budget.set", "all"], ["ann", "budget.set", "site"],
                ], "deeds")
            try expectEqual(entries[1].message, "storm", "message")
            try expectEqual(entries[1].requestID, "r1", "request")
            try expect(
                entries[1].before?.contains(#""at_most_percent":20"#) == true,
                "What it was is not told: \(entries[1])")
        },
        StoragePromise("that a hold ended by itself is told") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www"))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            let since = try await storage.now()
            try await storage.hold(policy, ["m0": Hold(since: since, until: nil, budget: "eu")])

            try await storage.hold(policy, nil)

            try expectEqual(
                try await storage.audit(before: nil, limit: 2).map { [$0.actor, $0.action] },
                [["budget eu", "policy.hold_ended"], ["budget eu", "policy.held"]], "deeds")
        },
    ]
}

extension Storage {
    /// Commits the same answer with other holds.
    fileprivate func hold(
        _ policy: PolicyID, _ holds: [String: Hold]?, order: PolicyEvaluation.Order? = nil,
        by actor: String? = nil
    ) async throws {
        var read = try unwrap(try await evaluationInputs(of: policy), "inputs of \(policy)")
        read.inputs.order = order
        var verdict = PolicyEvaluation.Verdict.sample(
            read.inputs.previous?.answer.records.map(\.value))
        verdict.memory.holds = holds
        let outcome = try await commit(
            EvaluationCommit(read: read, verdict: verdict, actor: actor))
        if case .superseded = outcome {
            throw BrokenPromise(description: "Nobody else evaluated it")
        }
    }
}
