import HealthWorkerModel
import HealthWorkerStorage

// Two processes at the same moment, in both orders and at once.
extension StoragePromise {
    static let interleavings: [StoragePromise] = [
        StoragePromise("claims at the same time share the jobs out") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            for round in 0..<5 {
                let specs = (0..<40).map { CheckSpec.sample("web\(round)-\($0)") }
                _ = try await first.write(
                    WriteBatch(specs.map { .putCheck($0, set: nil) }, actor: "ann"))
                try await $0.age(by: .seconds(5))

                async let mine = first.claim(ClaimRequest(limit: 25))
                async let theirs = second.claim(ClaimRequest(limit: 25))
                let claims = try await mine + theirs

                try expectEqual(
                    Set(claims.map(\.reference)).count, claims.count, "attempts handed out")
                try expectEqual(claims.count, 40, "claims")
                for claim in claims { try await first.complete(claim, .success) }
            }
        },
        StoragePromise("a claim while a job is completed gets the job or does not, and never both")
        {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            for round in 0..<10 {
                try await first.put(.sample("web\(round)"))
                let held = try await first.claim("web\(round)")
                let completion = try await first.completion(of: held, .success)

                async let ended = first.complete([completion])
                async let claimed = second.claim(ClaimRequest(limit: 9))
                let (report, claims) = try await (ended, claimed)

                try expectEqual(report.accepted, [held.job], "accepted completions")
                try expectEqual(claims, [], "claims of a job that was held and then gone")
            }
            try await first.expectConservation("after claims and completions at once")
        },
        StoragePromise("at the lease's edge either the holder completes or the sweep rescues") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            for round in 0..<10 {
                let name = "web\(round)"
                try await first.put(.sample(name))
                let held = try await first.claim(name)
                let late = try await first.completion(of: held, .success)
                try await $0.age(by: .seconds(66))

                async let ended = first.complete([late])
                async let swept = second.claim(ClaimRequest(limit: 9, from: 0))
                let (report, rescued) = try await (ended, swept)

                try expectEqual(
                    report.accepted.count + rescued.count, 1, "outcomes and rescues of one job")
                for claim in rescued {
                    try expectEqual(claim.attempt, 2, "attempt of the rescue")
                    try await second.complete(claim, .success)
                }
                try expectEqual(
                    try await first.outcomes(of: held.check, before: nil, limit: 9).count, 1,
                    "outcomes of one job")
            }
            try await first.expectConservation("at the lease's edge")
        },
        StoragePromise("registers at the same time give each check one job a tick") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            let specs = (0..<50).map { CheckSpec.sample("web\($0)") }
            _ = try await first.write(
                WriteBatch(specs.map { .putCheck($0, set: nil) }, actor: "ann"))
            try await $0.age(by: .seconds(5))
            for claim in try await first.claimAll() { try await first.complete(claim, .success) }

            for _ in 0..<5 {
                try await $0.age(by: .seconds(10))
                async let mine = first.enqueueDue(maxSlots: 1000)
                async let theirs = second.enqueueDue(maxSlots: 1000)
                let reports = try await [mine, theirs]

                try expectEqual(reports.map(\.enqueued).reduce(0, +), 50, "enqueued jobs")
                try expectEqual(reports.map(\.superseded).reduce(0, +), 0, "superseded ticks")
                let claims = try await first.claimAll()
                try expectEqual(Set(claims.map(\.check)).count, 50, "checks with a job")
                try expectEqual(claims.count, 50, "jobs")
                for claim in claims { try await first.complete(claim, .success) }
            }
            try await first.expectConservation("after registers at once")
        },
        StoragePromise("a tick while its check is re-checked makes one job, not two") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            try await first.put(.sample("web", fall: 100))
            let id = try await first.check("web").id
            for _ in 0..<10 {
                try await first.enqueueNow(id)
                let completion = try await first.completion(
                    of: first.claim("web"), .failure(.connectRefused))
                try await $0.age(by: .seconds(20))

                async let ended = first.complete([completion])
                async let ticked = second.enqueueDue(maxSlots: 1000)
                _ = try await (ended, ticked)

                try expectEqual(try await first.queueStatus().live, 1, "live jobs")
                try await first.expectConservation("after a tick and a completion at once")
            }
        },
        StoragePromise("of two evaluations at once one is stored, and nothing due is forgotten") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            try await first.put(.detach("www"))
            let policy = try await first.policy("www").id
            let mine = try unwrap(try await first.evaluationInputs(of: policy), "inputs")
            let theirs = try unwrap(try await second.evaluationInputs(of: policy), "inputs")

            async let one = first.commit(
                EvaluationCommit(read: mine, verdict: .sample(["192.0.2.1"])))
            async let other = second.commit(
                EvaluationCommit(read: theirs, verdict: .sample(["192.0.2.2"])))
            let outcomes = try await [one, other]

            try expectEqual(outcomes.count { $0 == .superseded }, 1, "superseded commits")
            let stored = try unwrap(try await first.route(of: policy), "route")
            try expectEqual(stored.evaluation, mine.evaluation + 1, "evaluation number")
            try expectEqual(
                try await first.routeChanges(of: policy, before: nil, limit: 9).count, 1,
                "generations")
            try expectEqual(try await first.dueEvaluations(limit: 9), [], "evaluations due")
        },
        StoragePromise("of two overrides at once the second sees the first") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            let policy = try await Self.healthyPair(first)
            async let one = Self.putDown("m0", of: policy, on: first)
            async let other = Self.putDown("m1", of: policy, on: second)
            let done = try await [one, other]

            try expectEqual(done.count { $0 }, 1, "overrides that were set")
            try expectEqual(try await first.overrides(of: policy).count, 1, "overrides")
            let records = try await first.route(of: policy)?.route?.answer.records.count
            try expectEqual(records, 1, "published members")
        },
        StoragePromise("of two writes at once that each take a name, one is refused") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            async let one = Self.createWeb(first)
            async let other = Self.createWeb(second)
            let done = try await [one, other]

            try expectEqual(done.count { $0 }, 1, "creations")
        },
        StoragePromise("of two deliveries claimed at once each goes to one register") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            for index in 0..<10 {
                try await first.put(.detach("p\(index)", publish: ["x\(index).example.com"]))
                try await first.decide(first.policy("p\(index)").id, ["192.0.2.1"])
            }

            async let one = first.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60))
            async let other = second.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60))
            let claimed = try await one + other

            try expectEqual(claimed.count, 10, "claims")
            try expectEqual(Set(claimed.map(\.id)).count, 10, "deliveries")
        },
        StoragePromise("what is given up while a retry runs stays a letter or is told again") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            for round in 0..<20 {
                let name = "p\(round)"
                try await first.put(.detach(name, publish: ["x\(round).example.com"]))
                let policy = try await first.policy(name).id
                try await first.decide(policy, ["192.0.2.1"])
                let claimed = try await first.claimDeliveries(
                    to: ["dns"], of: .event, limit: 99, lease: .hours(1))
                let delivery = try unwrap(claimed.first { $0.policy == policy }, "delivery")

                async let isGivenUp = first.giveUp(delivery, error: "410 Gone")
                async let retried = second.retryDeliveries(to: "dns", of: nil)
                let ended = try await (isGivenUp, retried)

                try expect(ended.0, "It was not given up")
                let letters = try await first.deadLetters(of: policy).count
                let waiting = try await first.pendingDeliveries(of: policy).count
                try expectEqual(letters + waiting, 1, "places where the route is kept")
            }
        },
    ]

    /// - Returns: false where it was refused because nothing would be left.
    private static func putDown(
        _ member: String, of policy: PolicyID, on storage: any Storage
    ) async throws -> Bool {
        do {
            _ = try await PolicyEvaluator(storage: storage).setOverrides(
                [.init(member: member, word: .down, reason: "work")], of: policy,
                by: .init("ann"))
            return true
        } catch StorageError.refused(let refusals) {
            try expectEqual(refusals, [.unprotected(policy: "www", families: [.a])], "refusals")
            return false
        }
    }

    /// - Returns: false where it was refused because it was there already.
    private static func createWeb(_ storage: any Storage) async throws -> Bool {
        do {
            try await storage.change(.putCheck(.sample("web"), set: nil, .absent))
            return true
        } catch StorageError.refused(let refusals) {
            try expectEqual(refusals, [.exists(.check, "web")], "refusals")
            return false
        }
    }

    /// A policy `www` of two healthy members, decided by the real rules.
    static func healthyPair(_ storage: any Storage) async throws -> PolicyID {
        try await storage.put(.sample("a"), .sample("b"))
        try await storage.put(
            .detach("www", checks: ["a", "b"], publish: ["www.example.com"]))
        try await storage.settle("a", .healthy)
        try await storage.settle("b", .healthy)
        let policy = try await storage.policy("www").id
        _ = try await PolicyEvaluator(storage: storage).evaluate(policy)
        let names = try await storage.route(of: policy)?.route?.answer.records.map(\.name)
        try expectEqual(names, ["m0", "m1"], "published members")
        return policy
    }
}
