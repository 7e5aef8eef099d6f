import HealthWorkerModel
import HealthWorkerStorage

extension StoragePromise {
    static let arrivals: [StoragePromise] = [
        StoragePromise("what a sink took is awaited there until somebody says how that ended") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www", publish: ["a.example.com", "b.example.com"]))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            let before = try await storage.arrivals(of: policy, from: 0, through: .max)
            let places = try await storage.take(2)

            let awaited = try await storage.arrivals(of: policy, from: 0, through: .max)
            let seenAt = try await storage.now() + .seconds(1)
            let isFirst = try await storage.conclude(places[0], .observed(seenAt))
            let isAgain = try await storage.conclude(places[0], .replaced)
            let isOther = try await storage.conclude(
                places[1], .notObserved(found: "192.0.2.9"))

            let ended = try await storage.arrivals(of: policy, from: 0, through: .max)
            try expectEqual(before, [], "arrivals before anything was delivered")
            try expectEqual(awaited.map(\.place), places, "places")
            try expectEqual(awaited.map(\.state), [.awaited, .awaited], "states")
            try expect(
                try await storage.now() - awaited[0].appliedAt < .seconds(60),
                "applied at \(awaited[0].appliedAt)")
            try expectEqual([isFirst, isAgain, isOther], [true, false, true], "conclusions")
            try expectEqual(
                ended.map(\.state),
                [.ended(.observed(seenAt)), .ended(.notObserved(found: "192.0.2.9"))],
                "states in the end")
        },
        StoragePromise("the same generation arrives once, and each later one by itself") {
            let storage = try await $0.storage(process: 1)
            // Where a name has no members, nobody publishes there.
            try await storage.put(.sample("a"))
            try await storage.put(.detach("www", checks: ["a"], publish: ["www.example.com"]))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            let first = try await storage.take(1)
            _ = try await storage.conclude(first[0], .replaced)
            let place = try unwrap(
                try await storage.places(at: "dns", after: 0, limit: 1).first, "place")
            try await storage.redeliver(to: place)
            let again = try await storage.take(1)
            try await storage.decide(policy, ["192.0.2.2"])
            let second = try await storage.take(1)

            let all = try await storage.arrivals(of: policy, from: 0, through: .max)
            let newest = try await storage.arrivals(
                of: policy, from: second[0].generation, through: second[0].generation)
            try expectEqual(again, first, "what was delivered again")
            try expectEqual(all.map(\.place), first + second, "arrivals")
            try expectEqual(all.map(\.state), [.ended(.replaced), .awaited], "states")
            try expectEqual(newest.map(\.place), second, "arrivals of one generation")
        },
        StoragePromise("nobody looks for what a sink is told of, nor for ever") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www", publish: ["www.example.com"]))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            let places = try await storage.take(1, of: .event)
            try await storage.put(.detach("mail", publish: ["mail.example.com"]))
            let other = try await storage.policy("mail").id
            try await storage.decide(other, ["192.0.2.2"])
            let lost = try await storage.take(1)
            try await $0.age(by: Arrival.end + .seconds(5))

            let told = try await storage.arrivals(of: policy, from: 0, through: .max)
            let isConcluded = try await storage.conclude(places[0], .replaced)
            let unknown = try await storage.arrivals(of: other, from: 0, through: .max)
            try expectEqual(told.map(\.state), [.told], "state of what an event sink took")
            try expect(!isConcluded, "It ended before")
            try expectEqual(unknown.map(\.place), lost, "places")
            try expectEqual(unknown.map(\.state), [.unknown], "state of what nobody saw")
        },
        StoragePromise("a delivery that was lost, and a policy that is gone, leave no arrival") {
            let storage = try await $0.storage(process: 1)
            let other = try await $0.storage(process: 2)
            try await storage.put(.detach("www", publish: ["www.example.com"]))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            let late = try unwrap(
                try await storage.claimDeliveries(to: ["dns"], limit: 1, lease: .seconds(30)).first,
                "delivery")
            try await $0.age(by: .seconds(31))
            _ = try await other.claimDeliveries(to: ["dns"], limit: 1, lease: .seconds(30))
            let acknowledged = try await storage.acknowledge(late)
            let lost = try await storage.arrivals(of: policy, from: 0, through: .max)
            try await $0.age(by: .seconds(31))
            _ = try await storage.take(1)
            let taken = try await storage.arrivals(of: policy, from: 0, through: .max)

            try await storage.change(.deletePolicy("www"))

            let gone = try await storage.arrivals(of: policy, from: 0, through: .max)
            try expectEqual(acknowledged, .lost, "what was acknowledged late")
            try expectEqual(lost, [], "arrivals of what was lost")
            try expectEqual(taken.count, 1, "arrivals before it is deleted")
            try expectEqual(gone, [], "arrivals of a policy that is gone")
        },
    ]
}

extension Storage {
    /// Delivers what waits at `dns`.
    fileprivate func take(
        _ count: Int, of kind: SinkKind = .state
    ) async throws -> [Arrival.Place] {
        let deliveries = try await claimDeliveries(
            to: ["dns"], of: kind, limit: 9, lease: .seconds(30))
        try expectEqual(deliveries.count, count, "deliveries")
        for delivery in deliveries { _ = try await acknowledge(delivery) }
        return deliveries.map { Arrival.Place($0) }.sorted { $0.name < $1.name }
    }
}
