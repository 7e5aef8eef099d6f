import HealthWorkerModel
import HealthWorkerStorage

// Several processes at work on one storage, as fast as they can.
extension StoragePromise {
    static let sharing: [StoragePromise] = [
        StoragePromise("many processes never share a job, and none is lost") {
            let storages = [
                try await $0.storage(process: 1), try await $0.storage(process: 2),
            ]
            let checks = try await storages[0].put((0..<60).map { "web\($0)" }).map(\.id)

            let handedOut = try await withThrowingTaskGroup(of: [JobReference].self) { group in
                for storage in storages {
                    for _ in 0..<3 {
                        group.addTask { try await work(on: checks, of: storage, rounds: 20) }
                    }
                    group.addTask {
                        for _ in 0..<20 {
                            _ = try await storage.enqueueDue(maxSlots: 4)
                            _ = try await storage.queueStatus()
                            _ = try await storage.observations(of: checks)
                        }
                        return []
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }

            try expect(handedOut.count > checks.count, "Only \(handedOut.count) jobs were claimed")
            try expectEqual(Set(handedOut).count, handedOut.count, "attempts handed out")
            let tally = try await storages[1].queueStatus().tally
            try expectEqual(tally.completed, Int64(handedOut.count), "completed jobs")
            try await storages[1].expectConservation("after many processes")
        },
        StoragePromise("an edit while jobs are completed leaves each check one job, due now") {
            let editor = try await $0.storage(process: 1)
            let worker = try await $0.storage(process: 2)
            let checks = try await editor.put((0..<20).map { "web\($0)" })
            for round in 0..<10 {
                for check in checks { try await editor.enqueueNow(check.id) }
                let claims = try await worker.claimAll()
                let edits = checks.map { check in
                    var spec = check.spec
                    spec.target.port = 1000 + round
                    return ObjectChange.putCheck(spec, set: nil)
                }

                async let edited = editor.write(WriteBatch(edits, actor: "ann"))
                async let completed = worker.complete(claims.map { worker.steady($0) })
                let (results, report) = try await (edited, completed)

                try expectEqual(results.count, checks.count, "edits")
                try expectEqual(report.accepted.count, claims.count, "accepted completions")
                let now = try await editor.now()
                for (check, observation) in try await editor.observations(of: checks.map(\.id)) {
                    let job = try unwrap(observation.job, "job of check \(check)")
                    try expectEqual(observation.state.health, .unknown, "health")
                    // New checks are spread over their fast interval.
                    try expect(job.visibleAt <= now + .seconds(2), "A job is visible late")
                }
            }
        },
        StoragePromise("of two policies written at once one gets the publication") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            for round in 0..<5 {
                let name = "www\(round).example.com"
                async let one = attempt(publishing("a\(round)", as: name), on: first)
                async let other = attempt(publishing("b\(round)", as: name), on: second)
                let done = try await [one, other]

                try expectEqual(done.count { $0 }, 1, "policies that were written")
            }
        },
        StoragePromise("a check is not deleted under a policy that is written at once") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            for round in 0..<5 {
                try await first.put(.sample("web\(round)"))
                async let used = attempt(
                    .putPolicy(.detach("p\(round)", checks: ["web\(round)"]), makes: [], set: nil),
                    on: first)
                async let deleted = attempt(.deleteCheck("web\(round)"), on: second)
                let done = try await [used, deleted]

                try expectEqual(done.count { $0 }, 1, "writes that were carried out")
            }
        },
        StoragePromise("a call that was made in a cancelled task is carried out") {
            let storage = try await $0.storage(process: 1)
            try await storage.put("web")
            let claims = try await storage.claimAll()

            let released = try await Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await storage.release(claims.map(\.reference))
            }.value

            try expectEqual(released, 1, "jobs given back")
            try expectEqual(try await storage.queueStatus().ready, 1, "ready jobs")
        },
    ]

    /// Makes checks due, claims a few jobs at a time and completes them.
    private static func work(
        on checks: [CheckID], of storage: any Storage, rounds: Int
    ) async throws -> [JobReference] {
        var handedOut: [JobReference] = []
        for round in 0..<rounds {
            for check in checks.dropFirst(round % 7).prefix(10) {
                try await storage.enqueueNow(check)
            }
            let claims = try await storage.claim(ClaimRequest(limit: 8))
            let report = try await storage.complete(claims.map { storage.steady($0) })
            try expectEqual(report.accepted, Set(claims.map(\.job)), "accepted completions")
            handedOut += claims.map(\.reference)
        }
        return handedOut
    }

    private static func publishing(_ policy: String, as name: String) -> ObjectChange {
        .putPolicy(
            PolicySpec(
                name: policy, type: .detach, members: [Member(name: "m", value: "192.0.2.1")],
                publish: [Publication(sink: "dns", name: name)]),
            makes: [], set: nil)
    }

    /// - Returns: false where it was refused.
    private static func attempt(
        _ change: ObjectChange, on storage: any Storage
    ) async throws -> Bool {
        do {
            try await storage.change(change)
            return true
        } catch StorageError.refused {
            return false
        }
    }
}
