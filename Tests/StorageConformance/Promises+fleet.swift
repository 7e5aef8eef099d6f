import HealthWorkerModel
import HealthWorkerStorage

extension StoragePromise {
    static let listings: [StoragePromise] = [
        StoragePromise("pages of checks follow one another by name, whatever changes meanwhile") {
            let storage = try await $0.storage(process: 1)
            for name in ["e", "b", "d", "a", "c"] { try await storage.put(.sample(name)) }

            let first = try await storage.checks(matching: ObjectFilter(), after: nil, limit: 2)
            try await storage.change(
                .deleteCheck("b"), .putCheck(.sample("aa"), set: nil),
                .putCheck(.sample("bb"), set: nil))
            let second = try await storage.checks(matching: ObjectFilter(), after: "b", limit: 2)
            let third = try await storage.checks(matching: ObjectFilter(), after: "c", limit: 9)

            try expectEqual(first.map(\.spec.name), ["a", "b"], "first page")
            try expectEqual(second.map(\.spec.name), ["bb", "c"], "second page")
            try expectEqual(third.map(\.spec.name), ["d", "e"], "third page")
        },
        StoragePromise("names are ordered by their bytes") {
            let storage = try await $0.storage(process: 1)
            let names = ["a-b", "a.b", "a1", "a_b", "ab", "b", "0", "a"]
            for name in names {
                try await storage.put(.sample(name))
                try await storage.put(PolicySpec.detach(name))
            }
            let sorted = names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }

            let checks = try await storage.checks(matching: ObjectFilter(), after: nil, limit: 99)
            let policies = try await storage.policies(
                matching: ObjectFilter(), after: "a", limit: 99)
            let routes = try await storage.routes(after: nil, limit: 99)

            try expectEqual(checks.map(\.spec.name), sorted, "checks")
            try expectEqual(
                policies.map(\.spec.name), Array(sorted.dropFirst(2)), "policies after a")
            try expectEqual(routes.map(\.policyName), sorted, "routes")
        },
        StoragePromise("a listing shows what its filter admits") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .sample("a", labels: ["site": "fra1", "tier": "gold"]),
                .sample("b", labels: ["site": "fra1"]), set: "x")
            try await storage.put(.sample("c", labels: ["site": "it's \"50%\""]), set: "y")
            try await storage.make(.making("www", members: ["m"]))
            try await storage.settle("a", .healthy)
            try await storage.settle("b", .unhealthy)
            let wanted: [(String, ObjectFilter, [String])] = [
                ("set", ObjectFilter(set: "x"), ["a", "b"]),
                ("type", ObjectFilter(type: "tcp"), ["a", "b", "c", "www.m"]),
                ("another type", ObjectFilter(type: "http"), []),
                ("health", ObjectFilter(health: .healthy), ["a"]),
                (
                    "health of what was never probed", ObjectFilter(health: .unknown),
                    ["c", "www.m"]
                ),
                ("one label", try .labelled("site=fra1"), ["a", "b"]),
                ("two labels", try .labelled("site=fra1,tier=gold"), ["a"]),
                ("odd characters", try .labelled("site=it's \"50%\""), ["c"]),
                ("another value", try .labelled("site!=fra1"), ["c", "www.m"]),
                ("one value, not another", try .labelled("site=fra1,tier!=gold"), ["b"]),
                ("some values", try .labelled("site in (ams1,fra1)"), ["a", "b"]),
                ("no value of some", try .labelled("site notin (ams1,fra1)"), ["c", "www.m"]),
                ("a label", try .labelled("tier"), ["a"]),
                ("no label", try .labelled("!site"), ["www.m"]),
                ("one label without another", try .labelled("site=fra1,!tier"), ["b"]),
                ("what nothing has", try .labelled("site=fra1,site=ams1"), []),
                (
                    "labels, health and set",
                    ObjectFilter(
                        set: "x", health: .healthy, selector: try LabelSelector("site,tier!=dev")),
                    ["a"]
                ),
                ("not made", ObjectFilter(includesMade: false), ["a", "b", "c"]),
                ("set and health", ObjectFilter(set: "x", health: .unhealthy), ["b"]),
            ]

            for (what, filter, names) in wanted {
                let found = try await storage.checks(matching: filter, after: nil, limit: 9)
                try expectEqual(found.map(\.spec.name), names, "checks by \(what)")
            }
            let policies = try await storage.policies(
                matching: ObjectFilter(type: "detach"), after: nil, limit: 9)
            try expectEqual(policies.map(\.spec.name), ["www"], "policies by type")
            let others = try await storage.policies(
                matching: ObjectFilter(type: "failover"), after: nil, limit: 9)
            try expectEqual(others, [], "policies by another type")
        },
        StoragePromise("what is written comes back as it was written") {
            let storage = try await $0.storage(process: 1)
            var check = CheckSpec.sample("web", locations: ["b", "a"], labels: ["ü": "✓ 'x'"])
            check.type = .https
            check.description = "line\nline \\ \"quoted\" \u{1F9EA}"
            check.http = HTTPRequest(
                method: .post, path: "/x?y=1", host: "h", headers: ["A": "b"],
                secretHeaders: ["B": "secret:s"], body: "{}", followRedirects: true)
            check.tls = TLSOptions(serverName: "s", verify: false, ca: "/ca.pem")
            check.expect = Expectation(
                status: [StatusRange(200...200)], bodyContains: "ok", bodyNotContains: "no",
                bodyMatches: "^a+$", bodyLimit: .mebibytes(1))
            check.fastInterval = .milliseconds(1500)
            var policy = PolicySpec.detach("www", checks: ["web"], publish: ["www.example.com"])
            policy.type = .failover
            policy.members[0].priority = 10
            policy.members.append(
                Member(
                    name: "z", value: "2001:db8::1", priority: 20, weight: 7, labels: ["k": "v"],
                    isEnabled: false))
            policy.fallback = ["192.0.2.250"]
            policy.onAllUnhealthy = .fallback
            policy.ttlDegraded = 5
            policy.failback = .manual
            policy.publish[0].adopt = true
            policy.publish[0].onDelete = .restore

            try await storage.put(check, set: "x")
            try await storage.put(policy, set: "y")

            try expectEqual(try await storage.check("web").spec, check, "check")
            try expectEqual(try await storage.policy("www").spec, policy, "policy")
            let stored = try await storage.check("web")
            try expectEqual(try await storage.checks(ids: [stored.id, 9999]), [stored], "by id")
            try expectEqual(try await storage.checks(named: ["web", "no"]), [stored], "by name")
            try expectEqual(stored.set, "x", "set")
            try expectEqual(stored.createdAt, stored.updatedAt, "moments of a new check")
        },
        StoragePromise("histories are read newest first, page by page") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("a", fall: 1, rise: 1), .sample("b", fall: 1, rise: 1))
            for _ in 0..<3 {
                try await storage.probe("a", .success)
                try await storage.probe("b", .failure(.connectRefused))
                try await storage.probe("a", .failure(.connectRefused))
            }
            let id = try await storage.check("a").id

            let outcomes = try await storage.outcomes(of: id, before: nil, limit: 4)
            let older = try await storage.outcomes(of: id, before: outcomes[3].job, limit: 9)
            let changes = try await storage.healthChanges(of: id, before: nil, limit: 4)
            let olderChanges = try await storage.healthChanges(
                of: id, before: changes[3].id, limit: 9)
            let all = try await storage.healthChanges(of: nil, before: nil, limit: 99)

            let jobs = (outcomes + older).map(\.job)
            try expectEqual(jobs.count, 6, "outcomes")
            try expectEqual(jobs, jobs.sorted(by: >), "order of outcomes")
            let ids = (changes + olderChanges).map(\.id)
            try expectEqual(ids.count, 6, "changes of the check")
            try expectEqual(ids, ids.sorted(by: >), "order of changes")
            try expectEqual(all.count, 7, "changes of all checks")
            try expectEqual(all.map(\.id), all.map(\.id).sorted(by: >), "order of all changes")
        },
    ]

    static let fleet: [StoragePromise] = [
        StoragePromise("a process is seen from its announcement until it withdraws") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            let presence = Presence(
                name: "host/1", roles: [.worker, .register], location: "fra1", version: "1.2.3",
                startedAt: Timestamp(seconds: 1_700_000_000), claimed: 3, probing: 2,
                paused: "isolated",
                testimony: Testimony(
                    probed: 20,
                    contradicted: [
                        .init(
                            worker: 2, checks: CheckSample((1...300).map { CheckID($0) }),
                            from: Timestamp(seconds: 1_700_000_000),
                            to: Timestamp(microseconds: 1_700_000_060_000_001))
                    ]),
                quarantine: QuarantineTerm(
                    since: Timestamp(seconds: 1_700_000_000),
                    until: Timestamp(seconds: 1_700_000_300), isServing: false, times: 2,
                    contradicted: 14, probed: 20))
            try await first.announce(presence)
            try await second.announce(
                Presence(name: "host/2", roles: [.api], location: "ams1", version: "1.2.3"))

            let both = try await first.processes(seenWithin: .seconds(30))
            var busier = presence
            busier.claimed = 9
            try await first.announce(busier)
            try await second.withdraw()
            let one = try await second.processes(seenWithin: .seconds(30))

            try expectEqual(both.map(\.id), [1, 2] as [ProcessID], "processes")
            try expectEqual(both.first?.presence, presence, "presence")
            try expectEqual(one.map(\.presence), [busier], "presence after the other's end")
        },
        StoragePromise("what workers say of each other is heard by all of them") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            func presence(_ name: String, _ contradicted: [Testimony.Contradicted]) -> Presence {
                Presence(
                    name: name, roles: [.worker], location: "x", version: "1",
                    testimony: Testimony(probed: 12, contradicted: contradicted))
            }
            let now = try await first.now()
            try await first.announce(presence("a", []))
            try await second.announce(
                presence(
                    "b",
                    [
                        .init(
                            worker: 1, checks: CheckSample((1...12).map { CheckID($0) }),
                            from: now, to: now + .minutes(1))
                    ]))

            let standings = try await first.processes(seenWithin: .seconds(30)).quarantine

            try expectEqual(
                standings,
                [1: Quarantine.Standing(state: .named, contradicted: 12, probed: 12)],
                "who is contradicted")
            try expectEqual(
                try await second.processes(seenWithin: .seconds(30)).quarantine, standings,
                "by the other")
        },
        StoragePromise("a process that is silent is not seen any more") {
            let storage = try await $0.storage(process: 1)
            try await storage.announce(
                Presence(name: "a", roles: [.worker], location: "x", version: "1"))

            try await $0.age(by: .minutes(1))

            try expectEqual(
                try await storage.processes(seenWithin: .seconds(30)), [], "seen within 30 s")
            try expectEqual(
                try await storage.processes(seenWithin: .minutes(5)).count, 1, "seen within 5 min")
        },
        StoragePromise("a process that ends leaves its tally") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            try await first.announce(
                Presence(name: "a", roles: [.worker], location: "x", version: "1"))
            try await first.put(.sample("web"))
            try await first.complete(first.claim("web"), .success)

            try await first.withdraw()
            await first.close()

            try expectEqual(try await second.tally().completed, 1, "completed")
            try await second.expectConservation("after a process ended")
        },
        StoragePromise("a duty is one process's until its lease ends") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)

            try expect(try await first.takeDuty("sweep", for: .minutes(1)), "It was not free")
            try expect(!(try await second.takeDuty("sweep", for: .minutes(1))), "Two hold it")
            try expect(try await second.takeDuty("prune", for: .minutes(1)), "Another is not free")
            try await $0.age(by: .seconds(45))
            try expect(try await first.takeDuty("sweep", for: .minutes(1)), "It is not prolonged")
            try await $0.age(by: .seconds(45))
            try expect(!(try await second.takeDuty("sweep", for: .minutes(1))), "It ended early")
            try await $0.age(by: .seconds(20))
            try expect(try await second.takeDuty("sweep", for: .minutes(1)), "It never ends")
        },
        StoragePromise("a duty is taken by one of two that ask at once") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            for round in 0..<10 {
                async let one = first.takeDuty("duty\(round)", for: .minutes(1))
                async let other = second.takeDuty("duty\(round)", for: .minutes(1))
                let taken = try await [one, other]
                try expectEqual(taken.count { $0 }, 1, "processes that took the duty")
            }
        },
        StoragePromise("the storage answers, and its time goes on") {
            let storage = try await $0.storage(process: 1)
            try await storage.ping()
            let first = try await storage.now()
            let second = try await storage.now()
            try expect(first <= second, "\(second) came after \(first)")
        },
    ]
}

extension ObjectFilter {
    fileprivate static func labelled(_ selector: String) throws -> Self {
        Self(selector: try LabelSelector(selector))
    }
}
