import HealthWorkerModel
import HealthWorkerStorage

extension StoragePromise {
    static let writing: [StoragePromise] = [
        StoragePromise("a new check is unknown, in its first epoch, due now and on the wheel") {
            let storage = try await $0.storage(process: 1)

            let results = try await storage.put(.sample("web"))

            try expectEqual(results, [.created(revision: 1)], "results")
            let check = try await storage.check("web")
            try expectEqual(check.epoch, 1, "epoch")
            let seen = try await storage.observation(of: "web")
            try expectEqual(seen.state.health, .unknown, "health")
            try expectEqual(seen.state.epoch, 1, "epoch of the health")
            try expect(seen.state.change == nil, "It turned before it was ever probed")
            try expect(seen.slotDueAt != nil, "It has no slot")
            try expectEqual(try await storage.claimAll().map(\.check), [check.id], "visible jobs")
        },
        StoragePromise("many new checks are due spread over their fast interval, 10 s at most") {
            let storage = try await $0.storage(process: 1)
            let specs = (0..<20).map { CheckSpec.sample("web\($0)", interval: .minutes(10)) }

            _ = try await storage.write(
                WriteBatch(specs.map { .putCheck($0, set: nil) }, actor: "ann"))

            let checks = try await storage.checks(named: specs.map(\.name))
            let seen = try await storage.observations(of: checks.map(\.id))
            let visible = seen.values.compactMap(\.job?.visibleAt).sorted()
            try expectEqual(visible.count, 20, "jobs")
            try expectEqual(Set(visible).count, 20, "moments at which they become visible")
            let span = visible[19] - visible[0]
            try expectEqual(
                span, .seconds(10) * 19 / 20, "time between the first and the last of them")
            try expect(try await storage.claimAll().count < 20, "All were visible at once")
        },
        StoragePromise("a check made paused has no job until it is enabled") {
            let storage = try await $0.storage(process: 1)

            try await storage.put(.sample("web", isEnabled: false))
            let paused = try await storage.observation(of: "web")
            try await storage.put(.sample("web"))
            let enabled = try await storage.observation(of: "web")

            try expect(paused.job == nil, "It had a job while it was paused")
            try expect(paused.slotDueAt == nil, "It had a slot while it was paused")
            try expect(enabled.job != nil, "It has no job now that it is enabled")
            try expect(enabled.slotDueAt != nil, "It has no slot now that it is enabled")
        },
        StoragePromise("putting what is stored changes nothing") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"), set: "site")
            try await storage.make(.making("www", members: ["a"], publish: ["www.example.com"]))
            let log = try await storage.audit(before: nil, limit: 100)
            let check = try await storage.check("web")
            let policy = try await storage.policy("www")
            try await storage.decide(policy.id, ["192.0.2.1"])

            let first = try await storage.put(.sample("web"))
            let second = try await storage.make(
                .making("www", members: ["a"], publish: ["www.example.com"]))

            try expectEqual(
                first + second, [.unchanged(revision: 1), .unchanged(revision: 1)], "results")
            try expectEqual(try await storage.check("web"), check, "check")
            try expectEqual(try await storage.policy("www"), policy, "policy")
            try expectEqual(try await storage.audit(before: nil, limit: 100), log, "audit log")
            try expectEqual(
                try await storage.dueEvaluations(limit: 10), [], "evaluations that are due")
        },
        StoragePromise("an edit raises the revision by one") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.put(.detach("www", checks: ["web"]))

            let check = try await storage.put(.sample("web", fall: 5))
            let policy = try await storage.put(.detach("www", checks: ["web"], ttl: 60))

            try expectEqual(check, [.updated(revision: 2)], "results of the check")
            try expectEqual(policy, [.updated(revision: 2)], "results of the policy")
            try expectEqual(try await storage.check("web").spec.fall, 5, "fall")
            try expectEqual(try await storage.policy("www").spec.ttl, 60, "ttl")
        },
        StoragePromise("preconditions are asked of what is stored") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.put(.sample("web", fall: 4))

            let found = try await refusals {
                try await storage.change(
                    .putCheck(.sample("web", fall: 5), set: nil, .absent),
                    .putCheck(.sample("web", fall: 5), set: nil, .revision(1)),
                    .putCheck(.sample("new"), set: nil, .present),
                    .putPolicy(.detach("new"), makes: [], set: nil, .revision(3)),
                    .deleteCheck("web", .revision(7)))
            }

            try expectEqual(
                found,
                [
                    .exists(.check, "web"), .revision(.check, "web", current: 2),
                    .missing(.check, "new"), .missing(.policy, "new"),
                    .revision(.check, "web", current: 2),
                ], "refusals")
            let results = try await storage.change(
                .putCheck(.sample("web", fall: 5), set: nil, .revision(2)),
                .putCheck(.sample("other"), set: nil, .absent))
            try expectEqual(
                results, [.updated(revision: 3), .created(revision: 1)], "results")
        },
        StoragePromise("all refusals are listed together, and nothing is changed") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.put(.detach("www", checks: ["web"], publish: ["www.example.com"]))
            let before = try await Snapshot(of: storage)

            let found = try await refusals {
                try await storage.change(
                    .putCheck(.sample("another"), set: nil),
                    .putCheck(.sample("web", fall: 9), set: nil),
                    .deleteCheck("gone"),
                    .renameCheck("web", to: "another"),
                    .putPolicy(
                        .detach("api", checks: ["nowhere"], publish: ["www.example.com"]),
                        makes: [], set: nil))
            }

            try expectEqual(
                Set(found),
                [
                    .missing(.check, "gone"), .nameTaken(.check, "another"),
                    .noSuchCheck(policy: "api", member: "m0", check: "nowhere"),
                    .publicationTaken(
                        policy: "api", sink: "dns", name: "www.example.com", family: .a, by: "www"),
                ], "refusals")
            try expectEqual(try await Snapshot(of: storage), before, "what is stored")
        },
        StoragePromise("a check that policies use cannot be deleted, and they are named") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.put(.detach("www", checks: ["web"]), .detach("api", checks: ["web"]))

            let found = try await refusals { try await storage.change(.deleteCheck("web")) }

            try expectEqual(found, [.inUse(check: "web", by: ["api", "www"])], "refusals")
            try expectEqual(
                try await storage.policyNames(using: [storage.check("web").id]).map(\.value),
                [["api", "www"]], "policies that use it")
        },
        StoragePromise("a batch may delete a check before the policy that uses it") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"), .sample("old"))
            try await storage.put(.detach("www", checks: ["web"]), .detach("api", checks: ["old"]))

            let results = try await storage.change(
                .deleteCheck("web"), .deleteCheck("old"),
                .putPolicy(.detach("api", checks: ["new"]), makes: [], set: nil),
                .deletePolicy("www"), .putCheck(.sample("new"), set: nil))

            try expectEqual(
                results,
                [.deleted, .deleted, .updated(revision: 2), .deleted, .created(revision: 1)],
                "results")
            try expectEqual(
                try await storage.checks(matching: ObjectFilter(), after: nil, limit: 9)
                    .map(\.spec.name), ["new"], "checks")
            let inputs = try await storage.evaluationInputs(of: storage.policy("api").id)
            try expectEqual(
                inputs?.inputs.health["m0"]?.check, try await storage.check("new").id,
                "check of the member")
        },
        StoragePromise("a deleted check takes its job, health and turns along") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.settle("web", .healthy)
            let id = try await storage.check("web").id
            try await storage.enqueueNow(id)
            let void = try await storage.tally().void

            try await storage.change(.deleteCheck("web"))

            try expectEqual(try await storage.checks(ids: [id]), [], "checks")
            try expect(try await storage.observations(of: [id]).isEmpty, "It is still observed")
            try expectEqual(
                try await storage.healthChanges(of: nil, before: nil, limit: 9), [], "changes")
            try expectEqual(try await storage.tally().void, void + 1, "void jobs")
            try expectEqual(try await storage.claimAll(), [], "claims")
            try await storage.expectConservation("after the deletion")
        },
        StoragePromise("a deleted check's outcomes stay until they are too old, and are no other's")
        {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.settle("web", .healthy)
            let deleted = try await storage.check("web").id
            let prune = { () async throws in
                while try await storage.pruneOutcomes(keep: .hours(8), limit: 100) == 100 {}
            }

            try await storage.change(.deleteCheck("web"))
            try await storage.put(.sample("web"))
            let new = try await storage.check("web").id
            try await prune()

            try expectEqual(
                try await storage.outcomes(of: deleted, before: nil, limit: 9).count, 1,
                "outcomes of the deleted check")
            try expectEqual(
                try await storage.outcomes(of: new, before: nil, limit: 9), [],
                "outcomes of the new one")
            try expect(
                try await storage.observation(of: "web").lastOutcome == nil,
                "The new check was probed before it was made")
            for _ in 0..<4 {
                try await $0.age(by: .hours(24))
                try await prune()
            }
            try expectEqual(
                try await storage.outcomes(of: deleted, before: nil, limit: 9), [],
                "outcomes of the deleted check, days later")
        },
        StoragePromise("ids are never used again, not even after a deletion") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.put(.detach("www"))
            let check = try await storage.check("web").id
            let policy = try await storage.policy("www").id
            let job = try await storage.claim("web").job

            try await storage.change(.deleteCheck("web"), .deletePolicy("www"))
            try await storage.put(.sample("web"))
            try await storage.put(.detach("www"))

            try expect(try await storage.check("web").id > check, "A check's id came back")
            try expect(try await storage.policy("www").id > policy, "A policy's id came back")
            try expect(try await storage.claim("web").job > job, "A job's id came back")
        },
        StoragePromise("a dry run decides everything and stores nothing") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.put(.detach("www", checks: ["web"]))
            let before = try await Snapshot(of: storage)
            let changes: [ObjectChange] = [
                .putCheck(.sample("web", host: "192.0.2.9"), set: nil),
                .putCheck(.sample("new"), set: nil), .deletePolicy("www"),
                .renameCheck("new", to: "newer"),
            ]

            let results = try await storage.write(
                WriteBatch(changes, actor: "ann", isDryRun: true))

            try expectEqual(
                results,
                [
                    .updated(revision: 2), .created(revision: 1), .deleted,
                    .renamed(revision: 1),
                ], "results")
            try expectEqual(try await Snapshot(of: storage), before, "what is stored")
            let found = try await refusals {
                _ = try await storage.write(
                    WriteBatch([.deleteCheck("web")], actor: "ann", isDryRun: true))
            }
            try expectEqual(found, [.inUse(check: "web", by: ["www"])], "refusals")
        },
        StoragePromise("a renamed check keeps id and health, and members follow") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.put(.detach("www", checks: ["web"]))
            try await storage.settle("web", .healthy)
            let before = try await storage.check("web")

            let results = try await storage.change(.renameCheck("web", to: "shop"))

            try expectEqual(results, [.renamed(revision: 2)], "results")
            let after = try await storage.check("shop")
            try expectEqual(after.id, before.id, "id")
            try expectEqual(after.epoch, before.epoch, "epoch")
            try expectEqual(try await storage.state(of: "shop").health, .healthy, "health")
            try expect(try await storage.checks(named: ["web"]).isEmpty, "The old name is left")
            let policy = try await storage.policy("www")
            try expectEqual(policy.spec.members.map(\.check), ["shop"], "check of the member")
            try expectEqual(policy.revision, 2, "revision of the policy")
        },
        StoragePromise("a rename goes by the revision that it names") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.put(.detach("www", checks: ["web"]))

            let found = try await refusals {
                try await storage.change(
                    .renameCheck("web", to: "shop", .revision(2)),
                    .renamePolicy("www", to: "wide", .revision(7)))
            }
            let results = try await storage.change(
                .renameCheck("web", to: "shop", .revision(1)),
                .renamePolicy("www", to: "wide", .revision(1)))

            try expectEqual(
                found,
                [
                    .revision(.check, "web", current: 1), .revision(.policy, "www", current: 1),
                ], "refusals")
            try expectEqual(
                results, [.renamed(revision: 2), .renamed(revision: 2)], "results")
        },
        StoragePromise("a renamed policy keeps its id, and the checks it made follow") {
            let storage = try await $0.storage(process: 1)
            try await storage.make(.making("www", members: ["a", "b"]))
            try await storage.put(.detach("other", checks: ["www.a"]))
            let made = try await storage.checks(named: ["www.a", "www.b"]).map(\.id)
            let id = try await storage.policy("www").id

            try await storage.change(.renamePolicy("www", to: "shop"))

            try expectEqual(try await storage.policy("shop").id, id, "id")
            let after = try await storage.checks(named: ["shop.a", "shop.b"])
            try expectEqual(after.map(\.id), made, "ids of the made checks")
            try expectEqual(after.map(\.madeBy), ["shop", "shop"], "who made them")
            try expectEqual(
                try await storage.policy("other").spec.members.map(\.check), ["shop.a"],
                "check of the other policy's member")
            let health = try await storage.evaluationInputs(of: id)?.inputs.health
            try expectEqual(
                health?.mapValues(\.check), ["a": made[0], "b": made[1]], "checks of the members")
        },
        StoragePromise("a rename to a name that is taken is refused") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"), .sample("api"), .sample("shop.a"))
            try await storage.make(.making("www", members: ["a"]))
            try await storage.put(.detach("other"))

            let found = try await refusals {
                try await storage.change(
                    .renameCheck("web", to: "api"), .renamePolicy("www", to: "other"),
                    .renamePolicy("nobody", to: "x"), .renamePolicy("www", to: "shop"))
            }

            try expectEqual(
                found,
                [
                    .nameTaken(.check, "api"), .nameTaken(.policy, "other"),
                    .missing(.policy, "nobody"), .nameTaken(.check, "shop.a"),
                ], "refusals")
        },
        StoragePromise("two objects may change names in one batch") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("a"), .sample("b"))
            try await storage.put(.detach("p", checks: ["a"]), .detach("q", checks: ["b"]))
            let a = try await storage.check("a").id
            let b = try await storage.check("b").id
            let p = try await storage.policy("p").id

            try await storage.change(
                .renameCheck("a", to: "t"), .renameCheck("b", to: "a"), .renameCheck("t", to: "b"),
                .renamePolicy("p", to: "t"), .renamePolicy("q", to: "p"),
                .renamePolicy("t", to: "q"))

            try expectEqual(try await storage.check("b").id, a, "id of what was a")
            try expectEqual(try await storage.check("a").id, b, "id of what was b")
            try expectEqual(try await storage.policy("q").id, p, "id of what was p")
            try expectEqual(
                try await storage.policy("q").spec.members.map(\.check), ["b"],
                "check of what was p")
            try expectEqual(
                try await storage.evaluationInputs(of: p)?.inputs.health["m0"]?.check, a,
                "check that is really watched")
        },
        StoragePromise("a name that a batch gives up may be taken by another object of it") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("a"), .sample("b"))
            try await storage.put(.detach("p", checks: ["b"]))
            let a = try await storage.check("a").id
            let policy = try await storage.policy("p").id

            try await storage.change(
                .deleteCheck("b"), .renameCheck("a", to: "b"), .putCheck(.sample("a"), set: nil))

            try expectEqual(try await storage.check("b").id, a, "id of what was a")
            try expect(try await storage.check("a").id > a, "The new check is the old one")
            try expectEqual(
                try await storage.evaluationInputs(of: policy)?.inputs.health["m0"]?.check, a,
                "check that the policy watches under its old name")
        },
        StoragePromise("an object of another set is only touched by whoever takes it over") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"), set: "site")
            try await storage.put(.detach("www"), set: "site")

            let found = try await refusals {
                try await storage.change(
                    .putCheck(.sample("web"), set: "other"),
                    .putPolicy(.detach("www"), makes: [], set: "other"))
            }
            let kept = try await storage.put(.sample("web", fall: 4))
            let taken = try await storage.write(
                WriteBatch(
                    [.putCheck(.sample("web", fall: 4), set: "other")], actor: "ann",
                    takesOver: true))

            try expectEqual(
                found,
                [
                    .ownedBySet(.check, "web", set: "site"),
                    .ownedBySet(.policy, "www", set: "site"),
                ], "refusals")
            try expectEqual(kept, [.updated(revision: 2)], "results without a set")
            try expectEqual(taken, [.updated(revision: 3)], "results of taking over")
            try expectEqual(try await storage.check("web").set, "other", "set")
        },
        StoragePromise("an object that nobody owns goes to the set that writes it") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))

            let results = try await storage.put(.sample("web"), set: "site")

            try expectEqual(results, [.updated(revision: 2)], "results")
            try expectEqual(try await storage.check("web").set, "site", "set")
        },
        StoragePromise("two policies never publish the same family of one name at one sink") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("a"))
            let spec = PolicySpec.detach("p", checks: ["a"], publish: ["www.example.com"])
            try await storage.put(spec)
            var rival = spec
            rival.name = "q"
            var sixth = rival
            sixth.members[0].value = "2001:db8::1"
            var elsewhere = rival
            elsewhere.name = "r"
            elsewhere.publish[0].sink = "hook"

            let rivalNow = rival
            let found = try await refusals { try await storage.put(rivalNow) }
            let results = try await storage.put(sixth, elsewhere)

            try expectEqual(
                found,
                [
                    .publicationTaken(
                        policy: "q", sink: "dns", name: "www.example.com", family: .a, by: "p")
                ], "refusals")
            try expectEqual(
                results, [.created(revision: 1), .created(revision: 1)],
                "results of another family and another sink")
        },
        StoragePromise("what one policy gives up to publish another may take in the same batch") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("a"))
            try await storage.put(
                .detach("p", checks: ["a"], publish: ["x.example.com"]),
                .detach("q", checks: ["a"], publish: ["y.example.com"]),
                .detach("r", checks: ["a"], publish: ["z.example.com"]))

            try await storage.change(
                .putPolicy(
                    .detach("p", checks: ["a"], publish: ["y.example.com", "z.example.com"]),
                    makes: [], set: nil),
                .putPolicy(
                    .detach("q", checks: ["a"], publish: ["x.example.com"]), makes: [], set: nil),
                .deletePolicy("r"))

            let found = try await refusals {
                try await storage.put(.detach("s", checks: ["a"], publish: ["z.example.com"]))
            }
            try expectEqual(
                found,
                [
                    .publicationTaken(
                        policy: "s", sink: "dns", name: "z.example.com", family: .a, by: "p")
                ], "refusals")
        },
        StoragePromise("every object that differs has an audit entry that says who, what and why") {
            let storage = try await $0.storage(process: 1)

            _ = try await storage.write(
                WriteBatch(
                    [
                        .putCheck(.sample("web"), set: nil),
                        .putPolicy(.detach("www", checks: ["web"]), makes: [], set: nil),
                    ], actor: "ann", message: "new shop"))
            try await storage.change(.renameCheck("web", to: "shop"))
            try await storage.change(.deletePolicy("www"), .deleteCheck("shop"))

            let log = try await storage.audit(before: nil, limit: 100).reversed()
            try expectEqual(
                log.map { "\($0.actor) \($0.action) \($0.object)" },
                [
                    "ann check.created web", "ann policy.created www", "ann check.renamed shop",
                    "ann policy.updated www", "ann check.deleted shop", "ann policy.deleted www",
                ], "audit log")
            let created = try unwrap(log.first, "entry")
            try expectEqual(created.message, "new shop", "message")
            try expect(created.before == nil, "A new object has a before")
            try expect(created.after?.contains(#""name":"web""#) ?? false, "There is no after")
            let renamed = log.dropFirst(2).first
            try expect(
                renamed?.before?.contains(#""name":"web""#) ?? false, "The old name is not told")
            try expect(log.last?.after == nil, "A deleted object has an after")
        },
        StoragePromise("a document of a thousand checks is one batch") {
            let storage = try await $0.storage(process: 1)
            let specs = (0..<1000).map { CheckSpec.sample("web\($0)") }

            let results = try await storage.write(
                WriteBatch(specs.map { .putCheck($0, set: "site") }, actor: "ann"))
            let again = try await storage.write(
                WriteBatch(specs.map { .putCheck($0, set: "site") }, actor: "ann"))

            try expect(
                results.allSatisfy { $0 == .created(revision: 1) }, "Not all were created")
            try expect(again.allSatisfy { $0 == .unchanged(revision: 1) }, "Some changed again")
            try expectEqual(try await storage.queueStatus().live, 1000, "live jobs")
        },
    ]

    static let madeChecks: [StoragePromise] = [
        StoragePromise("a policy makes the checks of its members, and takes back what it made") {
            let storage = try await $0.storage(process: 1)
            _ = try await storage.write(
                WriteBatch(
                    [
                        .putPolicy(
                            .making("www", members: ["a", "b"]),
                            makes: PolicySpec.making("www", members: ["a", "b"]).made, set: "site")
                    ], actor: "ann"))
            let made = try await storage.checks(named: ["www.a", "www.b"])

            try await storage.make(.making("www", members: ["b", "c"]))

            try expectEqual(made.map(\.madeBy), ["www", "www"], "who made them")
            try expectEqual(made.map(\.set), ["site", "site"], "set of the made checks")
            let names = try await storage.checks(matching: ObjectFilter(), after: nil, limit: 9)
                .map(\.spec.name)
            try expectEqual(names, ["www.b", "www.c"], "checks")
            try expectEqual(
                try await storage.checks(
                    matching: ObjectFilter(includesMade: false), after: nil, limit: 9), [],
                "checks that nobody made")
            try await storage.change(.deletePolicy("www"))
            try expectEqual(
                try await storage.checks(matching: ObjectFilter(), after: nil, limit: 9), [],
                "checks after the policy's deletion")
            try await storage.expectConservation("after the deletion")
        },
        StoragePromise("a made check is edited in its policy only") {
            let storage = try await $0.storage(process: 1)
            try await storage.make(.making("www", members: ["a"]))

            let found = try await refusals {
                try await storage.change(
                    .putCheck(.sample("www.a", fall: 9), set: nil), .deleteCheck("www.a"),
                    .renameCheck("www.a", to: "x"))
            }

            try expectEqual(
                found,
                Array(repeating: .madeByPolicy(check: "www.a", policy: "www"), count: 3),
                "refusals")
        },
        StoragePromise("a policy does not make a check whose name somebody else's has") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("www.a"))

            let found = try await refusals {
                try await storage.make(.making("www", members: ["a"]))
            }

            try expectEqual(found, [.nameTaken(.check, "www.a")], "refusals")
        },
        StoragePromise("a made check that another policy uses keeps its policy from going") {
            let storage = try await $0.storage(process: 1)
            try await storage.make(.making("www", members: ["a"]))
            try await storage.put(.detach("other", checks: ["www.a"]))

            let found = try await refusals { try await storage.change(.deletePolicy("www")) }

            try expectEqual(found, [.inUse(check: "www.a", by: ["other"])], "refusals")
        },
        StoragePromise("a member whose value was edited has a check of a new epoch") {
            let storage = try await $0.storage(process: 1)
            try await storage.make(.making("www", members: ["a"]))
            try await storage.settle("www.a", .healthy)
            var edited = PolicySpec.making("www", members: ["a"])
            edited.members[0].value = "192.0.2.77"

            try await storage.make(edited)

            let check = try await storage.check("www.a")
            try expectEqual(check.epoch, 2, "epoch")
            try expectEqual(check.spec.target.host, "192.0.2.77", "what is probed")
            try expectEqual(try await storage.state(of: "www.a").health, .unknown, "health")
        },
    ]

    static let epochs: [StoragePromise] = [
        StoragePromise("a check that asks something else is unknown, in a new epoch, and due now") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.settle("web", .healthy)
            let before = try await storage.state(of: "web")

            try await storage.put(.sample("web", host: "192.0.2.2"))

            let state = try await storage.state(of: "web")
            try expectEqual(state.health, .unknown, "health")
            try expectEqual(state.epoch, 2, "epoch of the health")
            try expectEqual(state.inARow, 0, "in a row")
            try expectEqual(try await storage.check("web").epoch, 2, "epoch of the check")
            let change = try await storage.healthChanges(of: nil, before: nil, limit: 1).first
            try expectEqual(
                change?.turn, HealthTurn(from: .healthy, to: .unknown, cause: .edited), "turn")
            try expect(state.change != before.change, "The state does not name the change")
            try expectEqual(state.change, change?.id, "change that the state names")
            try expectEqual(try await storage.claimAll().count, 1, "visible jobs")
        },
        StoragePromise("an edit that asks the same leaves health, count and epoch") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.settle("web", .healthy)
            try await storage.probe("web", .failure(.connectRefused))
            let before = try await storage.state(of: "web")

            try await storage.put(.sample("web", interval: .seconds(20), fall: 5))

            try expectEqual(try await storage.state(of: "web"), before, "state")
            try expectEqual(try await storage.check("web").epoch, 1, "epoch")
        },
        StoragePromise("pausing ends the job as void and keeps the health") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.settle("web", .healthy)
            let id = try await storage.check("web").id
            try await storage.enqueueNow(id)
            let claim = try await storage.claim("web")
            let completion = try await storage.completion(of: claim, .success)

            try await storage.put(.sample("web", isEnabled: false))

            let seen = try await storage.observation(of: "web")
            try expectEqual(seen.state.health, .healthy, "health")
            try expect(seen.job == nil, "The job lives on")
            try expect(seen.slotDueAt == nil, "A paused check has no slot")
            try expectEqual(try await storage.tally().void, 1, "void jobs")
            let report = try await storage.complete([completion])
            try expectEqual(report.accepted, [], "accepted completions")
            try expectEqual(try await storage.discard([claim.reference]), 0, "discarded jobs")
            try await storage.enqueueNow(id)
            try expectEqual(try await storage.claimAll(), [], "claims of a paused check")
            try await $0.age(by: .seconds(60))
            try expectEqual(
                try await storage.enqueueDue(maxSlots: 1000).enqueued, 0, "enqueued jobs")
            try await storage.expectConservation("after the pause")
        },
        StoragePromise("a check enabled again is unknown, in a new epoch, and due now") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.settle("web", .healthy)
            try await storage.put(.sample("web", isEnabled: false))

            try await storage.put(.sample("web"))

            let state = try await storage.state(of: "web")
            try expectEqual(state.health, .unknown, "health")
            try expectEqual(state.epoch, 2, "epoch")
            let change = try await storage.healthChanges(of: nil, before: nil, limit: 1).first
            try expectEqual(change?.turn.cause, .enabled, "cause")
            try expectEqual(try await storage.claimAll().count, 1, "visible jobs")
        },
        StoragePromise("an outcome of an older epoch is recorded, moves nothing, and makes it due")
        {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.put(.detach("www", checks: ["web"]))
            let claim = try await storage.claim("web")
            try await storage.put(.sample("web", host: "192.0.2.2"))
            let live = try await storage.observation(of: "web").job

            let report = try await storage.complete(claim, .success)

            try expectEqual(live?.id, claim.job, "live job while the worker held it")
            try expectEqual(report.accepted, [claim.job], "accepted completions")
            try expectEqual(report.turned, [], "turns")
            let seen = try await storage.observation(of: "web")
            try expectEqual(seen.state.health, .unknown, "health")
            try expectEqual(seen.state.epoch, 2, "epoch")
            try expectEqual(seen.lastOutcome?.epoch, 1, "epoch of the recorded outcome")
            let next = try await storage.claim("web")
            try expect(next.job > claim.job, "It is not due now")
            try expectEqual(next.base.epoch, 2, "epoch of the next base")
        },
        StoragePromise("an outcome counted from the base of an older epoch moves nothing") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.settle("web", .healthy)
            try await storage.enqueueNow(storage.check("web").id)
            let claim = try await storage.claim("web")
            try await storage.put(.sample("web", host: "192.0.2.2"))

            // The worker read the check after the edit, so that it probed the new target.
            try await storage.complete(claim, .failure(.connectRefused), epoch: 2)

            let seen = try await storage.observation(of: "web")
            try expectEqual(
                seen.state,
                HealthState(epoch: 2, since: seen.state.since, change: seen.state.change),
                "state")
            try expect(seen.job != nil, "It is not due now")
        },
        StoragePromise("a job that nobody holds follows its check's edit") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web", timeout: .seconds(5)))

            try await storage.put(
                .sample("web", locations: ["fra1"], timeout: .seconds(2)))

            try expectEqual(try await storage.claimAll(), [], "claims from elsewhere")
            let claim = try await storage.claim("web", location: "fra1")
            try expectEqual(claim.leaseEnds - claim.claimedAt, .seconds(62), "lease")
            try expectEqual(claim.revision, 2, "revision")
        },
        StoragePromise("an edit of the interval moves the check to another slot") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web", interval: .hours(20)))
            try await storage.complete(storage.claim("web"), .success)

            try await storage.put(.sample("web", interval: .seconds(10)))

            let due = try unwrap(try await storage.observation(of: "web").slotDueAt, "slot")
            let now = try await storage.now()
            try expect(due - now <= .seconds(10), "The slot is \(due - now) away")
        },
        StoragePromise("policies that see other inputs are evaluated") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"), .sample("other"))
            try await storage.put(.detach("www", checks: ["web"]), .detach("alone"))
            let policy = try await storage.policy("www").id
            let edits: [(String, ObjectChange)] = [
                ("pausing", .putCheck(.sample("web", isEnabled: false), set: nil)),
                ("enabling", .putCheck(.sample("web"), set: nil)),
                ("editing the check", .putCheck(.sample("web", host: "192.0.2.9"), set: nil)),
                ("renaming the check", .renameCheck("web", to: "shop")),
                (
                    "editing the policy",
                    .putPolicy(.detach("www", checks: ["shop"], ttl: 9), makes: [], set: nil)
                ),
                ("renaming the policy", .renamePolicy("www", to: "wide")),
            ]
            try expectEqual(
                try await storage.dueEvaluations(limit: 9).count, 2, "evaluations of new policies")
            try await storage.decide(policy, ["192.0.2.1"])
            try await storage.decide(storage.policy("alone").id, [])

            for (what, edit) in edits {
                try await storage.change(edit)

                try expectEqual(
                    try await storage.dueEvaluations(limit: 9).map(\.policy), [policy],
                    "evaluations after \(what)")
                try await storage.decide(policy, ["192.0.2.1"])
                try expectEqual(
                    try await storage.insertMissedEvaluations(), 0, "missed after \(what)")
            }
            try await storage.put(.sample("other", host: "192.0.2.9"))
            try expectEqual(
                try await storage.dueEvaluations(limit: 9), [], "evaluations for nobody's check")
        },
    ]
}

/// What one can see of a storage's configuration and queue, to compare before and after.
struct Snapshot: Equatable {
    var checks: [Check]
    var policies: [Policy]
    var states: [CheckID: HealthState]
    var jobs: [CheckID: LiveJob?]
    var evaluations: [DueEvaluation]
    var audit: [AuditEntry]
    var tally: Tally

    init(of storage: any Storage) async throws {
        checks = try await storage.checks(matching: ObjectFilter(), after: nil, limit: 1000)
        policies = try await storage.policies(matching: ObjectFilter(), after: nil, limit: 1000)
        let seen = try await storage.observations(of: checks.map(\.id))
        states = seen.mapValues(\.state)
        jobs = seen.mapValues(\.job)
        evaluations = try await storage.dueEvaluations(limit: 1000)
        audit = try await storage.audit(before: nil, limit: 1000)
        tally = try await storage.tally()
    }
}
