import HealthWorkerModel
import HealthWorkerStorage

extension StoragePromise {
    static let census: [StoragePromise] = [
        StoragePromise("a census counts checks by where, their health and how fresh it is") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .sample("healthy"), .sample("unsure"), .sample("paused", isEnabled: false),
                .sample("away", locations: ["fra1", "ams1"]),
                .sample("paused-away", isEnabled: false, locations: ["fra1", "ams1"]))
            try await storage.settle("healthy", .healthy)
            try await storage.settle("unsure", .healthy)
            try await storage.probe("unsure", .inconclusive(.dnsError))
            func group(
                _ locations: [String], _ health: Health, _ freshness: Census.Freshness,
                _ count: Int = 1
            ) -> Census.CheckGroup {
                Census.CheckGroup(
                    locations: locations, health: health, freshness: freshness, count: count)
            }

            let now = try await storage.census().checks
            try await $0.age(by: .minutes(2))
            let later = try await storage.census().checks
            _ = try await storage.enqueueDue(maxSlots: 100)
            let enqueued = try await storage.census().checks

            let others = [
                group([], .unknown, .paused), group(["fra1", "ams1"], .unknown, .paused),
            ]
            try expectEqual(
                Set(now),
                Set(
                    others + [
                        group([], .healthy, .fresh, 2),
                        group(["fra1", "ams1"], .unknown, .fresh),
                    ]), "checks")
            // Nobody enqueued: the job that waits needs a worker first.
            try expectEqual(
                Set(later),
                Set(
                    others + [
                        group([], .healthy, .notEnqueued, 2),
                        group(["fra1", "ams1"], .unknown, .noWorker),
                    ]), "checks after two minutes")
            try expectEqual(
                Set(enqueued),
                Set(
                    others + [
                        group([], .healthy, .fresh), group([], .healthy, .inconclusive),
                        group(["fra1", "ams1"], .unknown, .noWorker),
                    ]), "checks that are due again")
            try expectEqual(enqueued.count, Set(enqueued).count, "groups that are there once")
        },
        StoragePromise("a census tells checks of long intervals from those that are stale") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .sample("often"), .sample("seldom", interval: .seconds(300)),
                .sample("slow", interval: .seconds(60), timeout: .seconds(60)))

            try await $0.age(by: .minutes(3) + .seconds(30))
            let staleAfterThree = try await storage.census().staleChecks
            try await $0.age(by: .minutes(1))
            let staleAfterFour = try await storage.census().staleChecks

            // max(3 × interval + time-out, 60 s)
            try expectEqual(staleAfterThree, 1, "stale checks after 3 min 30 s")
            try expectEqual(staleAfterFour, 2, "stale checks after 4 min 30 s")
        },
        StoragePromise("a census counts policies by what is the matter with them") {
            let storage = try await $0.storage(process: 1)
            for name in ["waiting", "served", "unprotected", "frozen"] {
                try await storage.put(PolicySpec.detach(name))
            }
            let empty = try await storage.census()
            try await storage.decide(try await storage.policy("served").id, ["192.0.2.1"])
            let frozen = try await storage.policy("frozen").id
            try await storage.decide(
                frozen, ["192.0.2.1"],
                writes: [
                    .freeze(
                        Freeze(
                            reason: "r", actor: "ann", since: try await storage.now(), until: nil))
                ])
            let id = try await storage.policy("unprotected").id
            let read = try unwrap(try await storage.evaluationInputs(of: id), "inputs")
            var verdict = PolicyEvaluation.Verdict.sample(["192.0.2.1"])
            verdict.unprotected = [.a]
            _ = try await storage.commit(EvaluationCommit(read: read, verdict: verdict))

            let policies = try await storage.census().policies

            try expectEqual(empty.checks, [], "checks")
            try expectEqual(empty.policies, Census.Policies(all: 4, waiting: 4), "at first")
            try expectEqual(
                policies, Census.Policies(all: 4, waiting: 1, unprotected: 1, frozen: 1), "policies"
            )
        },
    ]
}

extension Census {
    fileprivate var staleChecks: Int {
        checks.filter(\.freshness.isStale).reduce(0) { $0 + $1.count }
    }
}
