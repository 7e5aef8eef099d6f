import HealthWorkerModel
import HealthWorkerStorage

extension StoragePromise {
    static let evaluating: [StoragePromise] = [
        StoragePromise("an evaluation is answered by the commit that read it, and only by that") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www"))
            let policy = try await storage.policy("www").id
            let read = try unwrap(try await storage.evaluationInputs(of: policy), "inputs")
            try await storage.put(.detach("www", ttl: 60))

            let outcome = try await storage.commit(
                EvaluationCommit(read: read, verdict: .sample(["192.0.2.1"])))

            try expect(outcome != .superseded, "It was superseded though nobody evaluated")
            try expectEqual(read.answers.count, 1, "evaluations read")
            let left = try await storage.dueEvaluations(limit: 9)
            try expectEqual(left.map(\.policy), [policy], "evaluations left")
            let again = try unwrap(try await storage.evaluationInputs(of: policy), "inputs")
            try expectEqual(again.answers.count, 1, "evaluations that are read next")
            try expect(again.answers != read.answers, "An answered evaluation came back")
            try await storage.decide(policy, ["192.0.2.1"])
            try expectEqual(try await storage.dueEvaluations(limit: 9), [], "evaluations at last")
        },
        StoragePromise("a commit of an old evaluation number is superseded and changes nothing") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www", publish: ["www.example.com"]))
            let policy = try await storage.policy("www").id
            let old = try unwrap(try await storage.evaluationInputs(of: policy), "inputs")
            try await storage.decide(policy, ["192.0.2.1"])
            let before = try await storage.route(of: policy)

            let word = Override(
                id: 0, policy: policy, member: "m0", word: .down, reason: "", actor: "ann",
                createdAt: old.inputs.now, until: nil)
            let outcome = try await storage.commit(
                EvaluationCommit(
                    read: old, verdict: .sample(["192.0.2.2"]), writes: [.setOverride(word)],
                    actor: "ann"))

            try expectEqual(outcome, .superseded, "outcome")
            try expectEqual(try await storage.route(of: policy), before, "route")
            try expectEqual(try await storage.overrides(of: nil), [], "overrides")
            try await storage.change(.deletePolicy("www"))
            try expectEqual(
                try await storage.commit(EvaluationCommit(read: old, verdict: .sample([]))),
                .superseded, "outcome for a policy that is gone")
        },
        StoragePromise("inputs hold the policy, its members' health, and what was decided before") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("a"), .sample("b", isEnabled: false))
            var spec = PolicySpec.detach("www", checks: ["a", "b"])
            spec.members.append(Member(name: "m2", value: "192.0.2.3"))
            try await storage.put(spec)
            try await storage.settle("a", .healthy)
            let policy = try await storage.policy("www")
            try await storage.decide(policy.id, ["192.0.2.1"])

            let read = try await storage.evaluationInputs(of: policy.id)

            let inputs = try unwrap(read, "inputs").inputs
            try expectEqual(inputs.policy, policy, "policy")
            try expectEqual(Set(inputs.health.keys), ["m0", "m1"], "members with a check")
            let state = try await storage.state(of: "a")
            let noticedAt = inputs.health["m0"]?.noticedAt
            try expect(noticedAt != nil, "When the first turned was noticed is not told")
            try expectEqual(
                inputs.health["m0"],
                PolicyEvaluation.MemberHealth(
                    check: try await storage.check("a").id, health: .healthy, since: state.since,
                    epoch: 1, change: state.change, isEnabled: true, noticedAt: noticedAt),
                "health of the first")
            try expectEqual(inputs.health["m1"]?.isEnabled, false, "whether the second is enabled")
            try expectEqual(
                inputs.previous, try await storage.route(of: policy.id)?.route, "previous route")
            try expect(
                try await storage.evaluationInputs(of: 9999) == nil, "A missing policy has inputs")
        },
        StoragePromise("generations rise, never below the storage's Unix seconds") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www"))
            let policy = try await storage.policy("www").id
            var generations: [Int64] = []
            for round in 0..<5 {
                let before = try await storage.now().seconds
                let outcome = try await storage.decide(policy, ["192.0.2.\(round)"])
                guard case .committed(let route?, isNewGeneration: true) = outcome else {
                    throw BrokenPromise(description: "Not a new generation: \(outcome)")
                }
                try expect(
                    route.generation >= before,
                    "Generation \(route.generation) at \(before) Unix seconds")
                generations.append(route.generation)
            }

            for (earlier, later) in zip(generations, generations.dropFirst()) {
                try expect(later > earlier, "Generation \(later) after \(earlier)")
            }
            let changes = try await storage.routeChanges(of: policy, before: nil, limit: 9)
            try expectEqual(changes.map(\.generation), generations.reversed(), "route changes")
            let older = try await storage.routeChanges(
                of: policy, before: generations[2], limit: 1)
            try expectEqual(older.map(\.generation), [generations[1]], "the page before")
        },
        StoragePromise("an equal answer keeps its generation and takes over what the verdict says")
        {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www", publish: ["www.example.com"]))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            let before = try unwrap(try await storage.route(of: policy), "route")
            for delivery in try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            {
                _ = try await storage.acknowledge(delivery)
            }

            let read = try unwrap(try await storage.evaluationInputs(of: policy), "inputs")
            var verdict = PolicyEvaluation.Verdict.sample(["192.0.2.1"])
            verdict.members[0].reason = .overriddenUp
            verdict.memory.leftAt = ["m3": Timestamp(seconds: 3)]
            verdict.unprotected = [.a]
            let outcome = try await storage.commit(EvaluationCommit(read: read, verdict: verdict))

            guard case .committed(let route?, isNewGeneration: false) = outcome else {
                throw BrokenPromise(description: "It is a new generation: \(outcome)")
            }
            try expectEqual(route.generation, before.route?.generation, "generation")
            let after = try unwrap(try await storage.route(of: policy), "route")
            try expectEqual(after.evaluation, before.evaluation + 1, "evaluation number")
            try expectEqual(after.route?.memory, verdict.memory, "memory")
            try expectEqual(after.members, verdict.members, "lines")
            try expectEqual(after.unprotected, [.a], "unprotected families")
            try expectEqual(after.route?.answer, before.route?.answer, "answer")
            try expectEqual(
                try await storage.pendingDeliveries(of: policy), [], "deliveries that wait")
            try expectEqual(
                try await storage.routeChanges(of: policy, before: nil, limit: 9).count, 1,
                "route changes")
        },
        StoragePromise("a verdict without an answer is no route yet, and is kept") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www", publish: ["www.example.com"]))
            let policy = try await storage.policy("www").id

            let outcome = try await storage.decide(policy, nil, lookAgainAfter: .seconds(30))

            try expectEqual(outcome, .committed(nil, isNewGeneration: false), "outcome")
            let stored = try unwrap(try await storage.route(of: policy), "stored route")
            try expect(stored.route == nil, "It has a route")
            try expectEqual(stored.members.count, 1, "lines")
            try expect(stored.lookAgainAt != nil, "It does not look again")
            try expectEqual(try await storage.pendingDeliveries(of: nil), [], "deliveries")
        },
        StoragePromise("looking again is due at its moment, and the next verdict replaces it") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www"))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"], lookAgainAfter: .minutes(5))
            let next = try unwrap(try await storage.nextEvaluationDue(), "next evaluation")
            try expectEqual(
                next, try await storage.route(of: policy)?.lookAgainAt, "next evaluation")

            try await storage.decide(policy, ["192.0.2.1"], lookAgainAfter: .minutes(10))
            try await $0.age(by: .minutes(6))
            try expectEqual(
                try await storage.dueEvaluations(limit: 9), [], "what the first verdict asked for")
            try await $0.age(by: .minutes(5))
            let due = try await storage.dueEvaluations(limit: 9)
            try await storage.decide(policy, ["192.0.2.1"])

            try expectEqual(due.map(\.policy), [policy], "what the second verdict asked for")
            try expect(
                try await storage.nextEvaluationDue() == nil, "An evaluation is left for ever")
        },
        StoragePromise("what waits longest is evaluated first") {
            let storage = try await $0.storage(process: 1)
            for name in ["c", "a", "b"] {
                try await storage.put(.detach(name))
                try await $0.age(by: .seconds(1))
            }
            let order = try await storage.policies(named: ["a", "b", "c"])
                .sorted { $0.id < $1.id }.map(\.id)

            let due = try await storage.dueEvaluations(limit: 9)
            let two = try await storage.dueEvaluations(limit: 2)

            try expectEqual(due.map(\.policy), order, "order")
            try expectEqual(two.map(\.policy), Array(order.prefix(2)), "the first two")
        },
        StoragePromise("an evaluation that was lost is found, and counted") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("a"), .sample("b"))
            try await storage.put(
                .detach("p", checks: ["a"]), .detach("q", checks: ["b"]), .detach("r"))
            let p = try await storage.policy("p").id
            for name in ["p", "q", "r"] {
                try await storage.decide(storage.policy(name).id, ["192.0.2.1"])
            }
            try expectEqual(
                try await storage.insertMissedEvaluations(), 0, "missed where nothing turned")
            try await storage.settle("a", .healthy)
            try expectEqual(
                try await storage.insertMissedEvaluations(), 0, "missed while it is due")

            try await $0.loseEvaluations()
            try expectEqual(try await storage.dueEvaluations(limit: 9), [], "due evaluations")
            let missed = try await storage.insertMissedEvaluations()

            try expectEqual(missed, 1, "missed")
            try expectEqual(
                try await storage.dueEvaluations(limit: 9).map(\.policy), [p], "due evaluations")
        },
        StoragePromise("a health that turns reaches the route by the real rules") {
            let storage = try await $0.storage(process: 1)
            let policy = try await Self.healthyPair(storage)
            let evaluator = PolicyEvaluator(storage: storage)
            for _ in 0..<3 { try await storage.probe("a", .failure(.connectRefused)) }

            let results = try await evaluator.evaluateDue(limit: 9).results

            guard case .decided(let decision)? = results[policy] else {
                throw BrokenPromise(description: "It was not decided: \(results)")
            }
            try expect(decision.isNewGeneration, "It is no new generation")
            try expectEqual(decision.route?.answer.records.map(\.name), ["m1"], "published")
            try expectEqual(decision.route?.cause, .detached, "cause")
            try expectEqual(try await evaluator.evaluate(policy), .notDue, "a second evaluation")
            try expectEqual(try await evaluator.evaluate(9999), .gone, "a policy that is not there")
        },
        StoragePromise("a deleted policy takes route, overrides, evaluations and deliveries along")
        {
            let storage = try await $0.storage(process: 1)
            let policy = try await Self.healthyPair(storage)
            _ = try await PolicyEvaluator(storage: storage).setOverrides(
                [.init(member: "m0", word: .drain, reason: "work")], of: policy, by: .init("ann"))

            try await storage.change(.deletePolicy("www"))

            try expect(try await storage.route(of: policy) == nil, "The route is left")
            try expectEqual(try await storage.overrides(of: nil), [], "overrides")
            try expectEqual(try await storage.pendingDeliveries(of: nil), [], "deliveries")
            try expectEqual(
                try await storage.routeChanges(of: policy, before: nil, limit: 9), [], "changes")
            try expectEqual(try await storage.dueEvaluations(limit: 9), [], "evaluations")
            try expect(try await storage.nextEvaluationDue() == nil, "An evaluation is left")
        },
        StoragePromise("what is due of a policy that is gone goes with the first look at it") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www"), .detach("api"))
            let (gone, there) = (
                try await storage.policy("www").id, try await storage.policy("api").id
            )
            try await storage.change(.deletePolicy("www"))
            try await $0.leaveEvaluation(of: gone)

            try await storage.dropEvaluations(ofGone: there)
            let due = Set(try await storage.dueEvaluations(limit: 9).map(\.policy))
            let results = try await PolicyEvaluator(storage: storage).evaluateDue(limit: 9).results

            try expectEqual(due, [gone, there], "policies due")
            try expectEqual(results[gone], .gone, "what became of it")
            try expectEqual(try await storage.dueEvaluations(limit: 9), [], "evaluations due")
            try expect(try await storage.nextEvaluationDue() == nil, "An evaluation is left")
        },
        StoragePromise(
            "whatever is made, evaluated or deleted makes another mark, and nothing else"
        ) {
            let storage = try await $0.storage(process: 1)
            var marks = [try await storage.routesMark()]
            var ids: [PolicyID] = []
            for name in ["a", "b", "c"] {
                try await storage.put(.detach(name))
                marks.append(try await storage.routesMark())
                ids.append(try await storage.policy(name).id)
            }
            try await storage.put(.sample("x"))
            try expectEqual(try await storage.routesMark(), marks.last, "mark after a check")
            for id in ids {
                try await storage.decide(id, ["192.0.2.1"])
                marks.append(try await storage.routesMark())
            }
            try await storage.decide(ids[0], ["192.0.2.1"])
            marks.append(try await storage.routesMark())
            try await storage.change(.deletePolicy("c"))
            try await storage.put(.detach("d"))
            marks.append(try await storage.routesMark())

            try expectEqual(Set(marks).count, marks.count, "different marks")
            let numbers = try await storage.routeEvaluations()
            ids = [ids[0], ids[1], try await storage.policy("d").id]
            try expectEqual(Set(numbers.keys), Set(ids), "policies with a number")
            let routes = try await storage.routes(of: [ids[0], ids[2], ids[0], 9999])
            try expectEqual(
                Set(routes),
                [
                    try unwrap(try await storage.route(of: ids[0]), "route"),
                    try unwrap(try await storage.route(of: ids[2]), "route"),
                ], "routes")
            for route in routes {
                try expectEqual(numbers[route.policy], route.evaluation, "evaluation number")
            }
            try expectEqual(try await storage.routes(of: []), [], "routes of nothing")
        },
        StoragePromise("a policy that is renamed or gets another mode is evaluated anew") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www"))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])

            try await storage.change(.renamePolicy("www", to: "web"))
            let renamed = try await storage.dueEvaluations(limit: 9).map(\.policy)
            try await storage.decide(policy, ["192.0.2.1"])
            try await storage.put(.detach("web", mode: .observe))
            let changed = try await storage.dueEvaluations(limit: 9).map(\.policy)

            try expectEqual(renamed, [policy], "evaluations after the renaming")
            try expectEqual(changed, [policy], "evaluations after the other mode")
            try expectEqual(
                try await storage.routes(of: [policy]).map(\.policyName), ["web"], "name")
        },
    ]

    static let overrides: [StoragePromise] = [
        StoragePromise("an override is kept with its commit, and replaces that of the same member")
        {
            let storage = try await $0.storage(process: 1)
            let policy = try await Self.healthyPair(storage)
            let evaluator = PolicyEvaluator(storage: storage)

            _ = try await evaluator.setOverrides(
                [.init(member: "m0", word: .up, reason: "sure")], of: policy, by: .init("ann"))
            let first = try unwrap(try await storage.overrides(of: policy).first, "override")
            let decision = try await evaluator.setOverrides(
                [.init(member: "m0", word: .down, reason: "work")], of: policy, by: .init("bob"))
            let second = try unwrap(try await storage.overrides(of: nil).first, "override")

            try expectEqual(try await storage.overrides(of: nil).count, 1, "overrides")
            try expectEqual(first.word, .up, "first word")
            try expectEqual(second.word, .down, "second word")
            try expectEqual(second.actor, "bob", "who said it")
            try expectEqual(second.reason, "work", "reason")
            try expect(second.id > first.id, "An override's id came back")
            try expectEqual(try await storage.override(id: second.id), second, "override by id")
            try expect(try await storage.override(id: first.id) == nil, "The replaced one is left")
            try expectEqual(
                decision.route?.answer.records.map(\.name), ["m1"], "published members")
            try expectEqual(
                try await storage.evaluationInputs(of: policy)?.inputs.overrides, [second],
                "overrides among the inputs")
        },
        StoragePromise("overrides of several members are set together or not at all") {
            let storage = try await $0.storage(process: 1)
            let policy = try await Self.healthyPair(storage)
            let evaluator = PolicyEvaluator(storage: storage)

            let both = try await refusals {
                _ = try await evaluator.setOverrides(
                    [
                        .init(member: "m0", word: .down, reason: "work"),
                        .init(member: "m1", word: .down, reason: "work"),
                    ], of: policy, by: .init("ann"))
            }
            let strangers = try await refusals {
                _ = try await evaluator.setOverrides(
                    [
                        .init(member: "m0", word: .down, reason: "work"),
                        .init(member: "m8", word: .down, reason: "work"),
                        .init(member: "m9", word: .down, reason: "work"),
                    ], of: policy, by: .init("ann"))
            }

            try expectEqual(both, [.unprotected(policy: "www", families: [.a])], "refusals")
            try expectEqual(
                strangers,
                [
                    .noSuchMember(policy: "www", member: "m8"),
                    .noSuchMember(policy: "www", member: "m9"),
                ], "refusals")
            try expectEqual(try await storage.overrides(of: nil), [], "overrides")
            _ = try await evaluator.setOverrides(
                [
                    .init(member: "m0", word: .down, reason: "work", breakGlass: true),
                    .init(member: "m1", word: .down, reason: "work", breakGlass: true),
                ], of: policy, by: .init("ann"))
            try expectEqual(
                try await storage.overrides(of: nil).map(\.breakGlass), [true, true],
                "overrides that broke the glass")
        },
        StoragePromise("an override ends by itself, and its policy is evaluated then") {
            let storage = try await $0.storage(process: 1)
            let policy = try await Self.healthyPair(storage)
            let evaluator = PolicyEvaluator(storage: storage)
            _ = try await evaluator.setOverrides(
                [
                    .init(
                        member: "m0", word: .down, reason: "work",
                        until: storage.now() + .hours(1))
                ], of: policy, by: .init("ann"))
            let id = try unwrap(try await storage.overrides(of: nil).first, "override").id

            try await $0.age(by: .minutes(59))
            try expectEqual(
                try await storage.dueEvaluations(limit: 9), [], "evaluations while it holds")
            try await $0.age(by: .minutes(2))

            try expectEqual(try await storage.overrides(of: nil), [], "overrides that hold")
            try expect(try await storage.override(id: id) == nil, "It still holds")
            try expectEqual(
                try await storage.dueEvaluations(limit: 9).map(\.policy), [policy], "evaluations")
            try expectEqual(
                try await storage.evaluationInputs(of: policy)?.inputs.overrides, [], "inputs")
        },
        StoragePromise("an override is cleared once") {
            let storage = try await $0.storage(process: 1)
            let policy = try await Self.healthyPair(storage)
            let evaluator = PolicyEvaluator(storage: storage)
            _ = try await evaluator.setOverrides(
                [.init(member: "m0", word: .up, reason: "sure")], of: policy, by: .init("ann"))
            let id = try unwrap(try await storage.overrides(of: nil).first, "override").id

            _ = try await evaluator.clearOverride(id, by: .init("bob"))
            let found = try await refusals {
                _ = try await evaluator.clearOverride(id, by: .init("bob"))
            }

            try expectEqual(try await storage.overrides(of: nil), [], "overrides")
            try expectEqual(found, [.noSuchOverride(id)], "refusals")
        },
        StoragePromise("verdicts of several policies are stored together or not at all") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("p"), .detach("q"))
            let (p, q) = (try await storage.policy("p").id, try await storage.policy("q").id)
            func commits(_ value: String) async throws -> [EvaluationCommit] {
                var commits: [EvaluationCommit] = []
                for policy in [q, p] {
                    let read = try unwrap(
                        try await storage.evaluationInputs(of: policy), "inputs of \(policy)")
                    let word = Override(
                        id: 0, policy: policy, member: "m0", word: .down, reason: "x",
                        actor: "ann", createdAt: read.inputs.now, until: nil)
                    commits.append(
                        EvaluationCommit(
                            read: read, verdict: .sample([value]), writes: [.setOverride(word)],
                            actor: "ann"))
                }
                return commits
            }

            let late = try await commits("192.0.2.1")
            try await storage.decide(p, ["192.0.2.2"])
            let superseded = try await storage.commit(all: late)
            let untouched = try await storage.overrides(of: nil)
            let routeOfQ = try await storage.route(of: q)?.route
            let stored = try unwrap(
                try await storage.commit(all: commits("192.0.2.3")), "outcomes")

            try expect(superseded == nil, "A superseded commit was stored: \(superseded ?? [])")
            try expectEqual(untouched, [], "overrides after it")
            try expect(routeOfQ == nil, "The other policy has a route")
            for (outcome, policy) in zip(stored, [q, p]) {
                guard case .committed(let route?, isNewGeneration: true) = outcome else {
                    throw BrokenPromise(description: "Not a new generation: \(outcome)")
                }
                try expectEqual(
                    route, try await storage.route(of: policy)?.route, "route of \(policy)")
            }
            try expectEqual(
                Set(try await storage.overrides(of: nil).map(\.policy)), [p, q],
                "policies with overrides")
            try expectEqual(
                try await storage.commit(all: []) ?? [.superseded], [], "outcomes of nothing")
        },
        StoragePromise("a freeze stops changes until it is thawed or ends") {
            let storage = try await $0.storage(process: 1)
            let policy = try await Self.healthyPair(storage)
            let evaluator = PolicyEvaluator(storage: storage)
            _ = try await evaluator.freeze(
                policy, reason: "sale", until: storage.now() + .hours(1), by: .init("ann"))
            for _ in 0..<3 { try await storage.probe("a", .failure(.connectRefused)) }
            _ = try await evaluator.evaluateDue(limit: 9)

            let frozen = try unwrap(try await storage.route(of: policy), "route")
            let thawed = try await evaluator.thaw(policy, by: .init("ann"))
            let found = try await refusals {
                _ = try await evaluator.thaw(policy, by: .init("ann"))
            }

            try expectEqual(frozen.freeze?.reason, "sale", "reason")
            try expectEqual(
                frozen.route?.answer.records.map(\.name), ["m0", "m1"], "published while frozen")
            try expectEqual(thawed.route?.answer.records.map(\.name), ["m1"], "published after")
            try expect(try await storage.route(of: policy)?.freeze == nil, "It is still frozen")
            try expectEqual(
                found, [.nothingToDo("The policy www is not frozen.")], "refusals")
            _ = try await evaluator.freeze(
                policy, reason: "sale", until: storage.now() + .hours(1), by: .init("ann"))
            try await $0.age(by: .minutes(61))
            try expectEqual(
                try await storage.dueEvaluations(limit: 9).map(\.policy), [policy],
                "evaluations at the freeze's end")
            try expect(
                try await storage.evaluationInputs(of: policy)?.inputs.freeze == nil,
                "An ended freeze is among the inputs")
            _ = try await evaluator.evaluateDue(limit: 9)
            try expect(
                try await storage.route(of: policy)?.freeze == nil, "An ended freeze is kept")
        },
        StoragePromise("a member that waits to come back is published by an operator's order") {
            let storage = try await $0.storage(process: 1)
            let policy = try await Self.healthyPair(storage)
            let evaluator = PolicyEvaluator(storage: storage)
            for _ in 0..<3 { try await storage.probe("a", .failure(.connectRefused)) }
            _ = try await evaluator.evaluateDue(limit: 9)
            for _ in 0..<2 { try await storage.probe("a", .success) }
            _ = try await evaluator.evaluateDue(limit: 9)
            let waiting = try await storage.route(of: policy)?.route?.answer.records.map(\.name)

            let decision = try await evaluator.reattach(nil, of: policy, by: .init("ann"))
            let found = try await refusals {
                _ = try await evaluator.reattach(nil, of: policy, by: .init("ann"))
            }

            try expectEqual(waiting, ["m1"], "published while it waits")
            try expectEqual(
                decision.route?.answer.records.map(\.name), ["m0", "m1"], "published after")
            try expectEqual(
                found,
                [
                    .nothingToDo(
                        "In policy www every member that is asked for is published already.")
                ],
                "refusals")
        },
        StoragePromise("every order of an operator has an audit entry") {
            let storage = try await $0.storage(process: 1)
            let policy = try await Self.healthyPair(storage)
            let evaluator = PolicyEvaluator(storage: storage)
            let newest = try await storage.audit(before: nil, limit: 1).first?.id ?? 0

            _ = try await evaluator.setOverrides(
                [.init(member: "m0", word: .down, reason: "work")], of: policy,
                by: .init("ann", message: "ticket 7"))
            let id = try unwrap(try await storage.overrides(of: nil).first, "override").id
            _ = try await evaluator.clearOverride(id, by: .init("bob"))
            _ = try await evaluator.freeze(policy, reason: "sale", until: nil, by: .init("ann"))
            _ = try await evaluator.thaw(policy, by: .init("ann"))

            let log = try await storage.audit(before: nil, limit: 100)
                .filter { $0.id > newest }.reversed()
            try expectEqual(
                log.map { "\($0.actor) \($0.action) \($0.object)" },
                [
                    "ann override.set www", "bob override.cleared www", "ann policy.frozen www",
                    "ann policy.thawed www",
                ], "audit log")
            try expectEqual(log.first?.message, "ticket 7", "message")
            try expect(
                log.first?.after?.contains(#""word":"down""#) ?? false, "The word is not told")
        },
    ]
}
