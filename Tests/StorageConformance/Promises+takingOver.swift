import HealthWorkerModel
import HealthWorkerStorage

// A server that takes over may have a clock of its own: every moment that is stored is the other's.
extension StoragePromise {
    static let takingOver: [StoragePromise] = [
        StoragePromise("a clock that is an hour behind after a failover keeps nothing waiting") {
            guard $0 is any ServerFixture else { return }
            let dead = try await $0.storage(process: 1)
            let alive = try await $0.storage(process: 2)
            try await dead.announce(
                Presence(name: "dead", roles: [.worker], location: "default", version: "0"))
            try expect(
                try await dead.takeDuty("housekeeping", for: .seconds(55)), "The duty is not had")
            try await dead.put("held")
            let held = try await dead.claimAll()
            try expectEqual(held.count, 1, "jobs held")
            try await dead.put("waiting")
            try await dead.change(
                .putPolicy(
                    PolicySpec(
                        name: "www", type: .detach,
                        members: [Member(name: "m", value: "192.0.2.1", check: "held")]),
                    makes: [], set: nil))

            try await $0.age(by: .hours(-1))
            let report = try await alive.enqueueDue(maxSlots: 1000)

            // Slots keep their phase, and nothing is made up for.
            try expectEqual(report.enqueued, 0, "jobs enqueued")
            try expectEqual(report.missed, 0, "ticks missed")
            let now = try await alive.now()
            let ids = try await alive.checks(named: ["held", "waiting"]).map(\.id)
            for (check, observation) in try await alive.observations(of: ids) {
                let due = try unwrap(observation.slotDueAt, "slot of check \(check)")
                try expect(due <= now + .seconds(60), "A slot is due at \(due), now is \(now)")
            }
            // What waited may be had now, and so may what the dead one held.
            let claims = try await alive.claimAll()
            try expectEqual(Set(claims.map(\.check)), Set(ids), "checks claimed")
            try expectEqual(
                claims.first { $0.job == held[0].job }?.attempt, 2, "attempt of the held job")
            try expectEqual(
                try await dead.complete(held.map { dead.steady($0) }).accepted, [],
                "late completions")
            try expectEqual(
                try await alive.complete(claims.map { alive.steady($0) }).accepted.count, 2,
                "completions")
            let evaluation = try unwrap(try await alive.nextEvaluationDue(), "evaluation")
            try expect(evaluation <= now, "An evaluation waits until \(evaluation), now is \(now)")
            // Nobody is alive, or holds a duty, for an hour after its end.
            try expectEqual(
                try await alive.processes(seenWithin: .seconds(6)).count, 0, "processes alive")
            try expect(
                try await alive.takeDuty("housekeeping", for: .seconds(55)),
                "The duty of the dead one is not to be had")
        },
        StoragePromise("a clock that is set right by a moment breaks no lease") {
            guard $0 is any ServerFixture else { return }
            let storage = try await $0.storage(process: 1)
            let other = try await $0.storage(process: 2)
            try await storage.put((0..<300).map { "web\($0)" })
            let claims = try await storage.claimAll()
            _ = try await storage.enqueueDue(maxSlots: 1000)

            try await $0.age(by: .milliseconds(-300))
            _ = try await other.enqueueDue(maxSlots: 1000)

            try expectEqual(try await other.claimAll().count, 0, "jobs claimed again")
            let report = try await storage.complete(claims.map { storage.steady($0) })
            try expectEqual(report.accepted.count, 300, "completions")
        },
    ]
}
