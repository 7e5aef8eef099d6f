import HealthWorkerModel
package import HealthWorkerStorage

extension StoragePromise {
    static let deliveries: [StoragePromise] = [
        StoragePromise("a new route waits for every publication, and goes when it was delivered") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .detach("www", publish: ["www.example.com", "example.com"]))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            let route = try unwrap(try await storage.route(of: policy)?.route, "route")

            let waiting = try await storage.pendingDeliveries(of: policy)
            let foreign = try await storage.claimDeliveries(
                to: ["hook"], limit: 9, lease: .seconds(60))
            let claimed = try await storage.claimDeliveries(
                to: ["hook", "dns"], limit: 9, lease: .seconds(60))
            let twice = try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))

            try expectEqual(
                Set(waiting.map(\.name)), ["www.example.com", "example.com"], "names that wait")
            try expectEqual(
                waiting.map(\.generation), [route.generation, route.generation], "generations")
            try expectEqual(foreign, [], "claims for another sink")
            try expectEqual(claimed.map(\.route), [route, route], "routes to deliver")
            try expectEqual(claimed.map(\.attempt), [1, 1], "attempts")
            try expectEqual(claimed.map(\.policyName), ["www", "www"], "policy")
            try expectEqual(twice, [], "claims of what is held")
            for delivery in claimed {
                try expectEqual(
                    try await storage.acknowledge(delivery), .done, "what was acknowledged")
            }
            try expectEqual(try await storage.pendingDeliveries(of: nil), [], "what waits")
        },
        StoragePromise(
            "a newer generation takes the waiting one's place and leaves its lease alone"
        ) {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www", publish: ["www.example.com"]))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            let old = try unwrap(
                try await storage.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60)).first,
                "delivery")

            try await storage.decide(policy, ["192.0.2.2"])
            let held = try await storage.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60))
            let waiting = try await storage.pendingDeliveries(of: policy)
            let acknowledged = try await storage.acknowledge(old)
            let next = try await storage.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60))

            let route = try unwrap(try await storage.route(of: policy)?.route, "route")
            try expectEqual(held, [], "claims while the lease holds")
            try expectEqual(waiting.map(\.id), [old.id], "deliveries that wait")
            try expectEqual(waiting.map(\.generation), [route.generation], "generation that waits")
            try expectEqual(acknowledged, .moreWaits, "what was acknowledged")
            try expectEqual(next.map(\.route), [route], "route of the next claim")
            try expect(next[0].attempt > old.attempt, "The attempt did not rise")
        },
        StoragePromise("a delivery whose lease ended is claimed again, and the late one is stale") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            try await first.put(.detach("www", publish: ["www.example.com"]))
            try await first.decide(first.policy("www").id, ["192.0.2.1"])
            let late = try unwrap(
                try await first.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60)).first,
                "delivery")
            try await $0.age(by: .seconds(61))
            let again = try await second.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))

            let acknowledged = try await first.acknowledge(late)
            try await first.release(late, after: .zero, error: "late")

            try expectEqual(again.map(\.attempt), [2], "attempt")
            try expectEqual(acknowledged, .lost, "what was acknowledged late")
            let waiting = try await first.pendingDeliveries(of: nil)
            try expectEqual(waiting.map(\.lastError), [nil], "error")
            try expectEqual(
                try await first.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60)), [],
                "claims of what the second holds")
        },
        StoragePromise("a delivery that failed is tried again after its delay, its error told") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www", publish: ["www.example.com"]))
            try await storage.decide(storage.policy("www").id, ["192.0.2.1"])
            let delivery = try unwrap(
                try await storage.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60)).first,
                "delivery")

            try await storage.release(delivery, after: .minutes(5), error: "connection refused")
            let waiting = try unwrap(
                try await storage.pendingDeliveries(of: nil).first, "what waits")
            try await $0.age(by: .minutes(2))
            let early = try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            try await $0.age(by: .minutes(4))
            let due = try await storage.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60))

            try expectEqual(waiting.lastError, "connection refused", "error")
            try expectEqual(early, [], "claims before the delay is over")
            try expectEqual(due.map(\.attempt), [2], "attempt")
        },
        StoragePromise("a policy that only observes delivers nothing, until it is live") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .detach("www", mode: .observe, publish: ["www.example.com"]))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            let observed = try await storage.pendingDeliveries(of: nil)

            try await storage.put(.detach("www", mode: .live, publish: ["www.example.com"]))
            try await storage.decide(policy, ["192.0.2.1"])
            let live = try await storage.pendingDeliveries(of: nil)
            try await storage.put(
                .detach("www", mode: .observe, publish: ["www.example.com"]))
            let again = try await storage.pendingDeliveries(of: nil)

            try expectEqual(observed, [], "what waits while it observes")
            try expectEqual(live.map(\.name), ["www.example.com"], "what waits once it is live")
            try expectEqual(again, [], "what waits once it observes again")
        },
        StoragePromise("a publication that is added gets the route though the answer stays") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www", publish: ["a.example.com"]))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            for delivery in try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            {
                _ = try await storage.acknowledge(delivery)
            }

            try await storage.put(.detach("www", publish: ["a.example.com", "b.example.com"]))
            try await storage.decide(policy, ["192.0.2.1"])
            let added = try await storage.pendingDeliveries(of: nil)
            try await storage.put(.detach("www", publish: ["a.example.com"]))
            let removed = try await storage.pendingDeliveries(of: nil)

            try expectEqual(added.map(\.name), ["b.example.com"], "what waits for the added one")
            try expectEqual(removed, [], "what waits for the removed one")
        },
        StoragePromise("an event sink is told of every generation, oldest first, each by its word")
        {
            let storage = try await $0.storage(process: 1)
            let routes = try await Self.threeRoutes(storage)

            var told: [Delivery] = []
            var words: [Acknowledgement] = []
            for _ in 0..<3 {
                let claimed = try await storage.claimDeliveries(
                    to: ["dns"], of: .event, limit: 9, lease: .seconds(60))
                let held = try await storage.claimDeliveries(
                    to: ["dns"], of: .event, limit: 9, lease: .seconds(60))
                try expectEqual(claimed.count, 1, "claims")
                try expectEqual(held, [], "claims of what is held")
                told += claimed
                words.append(try await storage.acknowledge(claimed[0]))
            }

            try expectEqual(told.map(\.route), routes, "routes")
            try expectEqual(
                told.map(\.order),
                [
                    .publish(routes[0], after: nil), .publish(routes[1], after: routes[0]),
                    .publish(routes[2], after: routes[1]),
                ], "routes with those before them")
            try expectEqual(words, [.moreWaits, .moreWaits, .done], "acknowledgements")
            try expectEqual(told.map(\.kind), [.event, .event, .event], "kinds")
            try expectEqual(try await storage.pendingDeliveries(of: nil), [], "what waits")
        },
        StoragePromise("an event sink that gathers gets what came together, not before its time") {
            let storage = try await $0.storage(process: 1)
            let routes = try await Self.threeRoutes(storage)
            let gathering = Gathering(within: .minutes(5), most: 2)
            func claim() async throws -> [Delivery] {
                try await storage.claimDeliveries(
                    to: ["dns"], of: .event, limit: 9, lease: .hours(1), gathering: gathering)
            }

            let early = try await claim()
            try await $0.age(by: .minutes(6))
            try await storage.put(.detach("late", publish: ["late.example.com"]))
            try await storage.decide(storage.policy("late").id, ["192.0.2.9"])
            let due = try await claim()
            let first = try unwrap(due.first, "delivery")
            let word = try await storage.acknowledge(first)
            let again = try await claim()
            try await $0.age(by: .minutes(6))
            let last = try unwrap(try await claim().first, "delivery")

            try expectEqual(early, [], "claims before their time")
            try expectEqual(due.map(\.policyName), ["www", "late"], "what is claimed together")
            try expectEqual(first.order, .publish(routes[0], after: nil), "order")
            try expectEqual(first.later, [routes[1]], "what is told with it")
            try expectEqual(first.generation, routes[1].generation, "what is acknowledged")
            try expectEqual(word, .moreWaits, "acknowledgement")
            try expectEqual(again, [], "claims before the next one's time")
            try expectEqual(last.order, .publish(routes[2], after: routes[1]), "what comes next")
            try expectEqual(last.later, [], "what is told with that")
            try expectEqual(try await storage.acknowledge(last), .done, "last acknowledgement")
        },
        StoragePromise("of routes that go together the first alone may be given up") {
            let storage = try await $0.storage(process: 1)
            let routes = try await Self.threeRoutes(storage)
            func claim() async throws -> Delivery {
                try unwrap(
                    try await storage.claimDeliveries(
                        to: ["dns"], of: .event, limit: 9, lease: .hours(1),
                        gathering: Gathering(within: .zero, most: 9)
                    ).first, "delivery")
            }

            let all = try await claim()
            _ = try await storage.giveUp(all.alone, error: "413")
            let rest = try await claim()

            try expectEqual(all.later, [routes[1], routes[2]], "what went together")
            try expectEqual(
                try await storage.deadLetters(of: nil).map(\.generation), [routes[0].generation],
                "dead letters")
            try expectEqual(rest.order, .publish(routes[1], after: routes[0]), "what is left")
            try expectEqual(rest.later, [routes[2]], "what goes with it")
        },
        StoragePromise("a state sink gets the newest of what waited, and that alone") {
            let storage = try await $0.storage(process: 1)
            let routes = try await Self.threeRoutes(storage)

            let claimed = try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            let word = try await storage.acknowledge(try unwrap(claimed.first, "delivery"))

            try expectEqual(claimed.map(\.order), [.publish(routes[2], after: nil)], "orders")
            try expectEqual(word, .done, "acknowledgement")
            try expectEqual(try await storage.pendingDeliveries(of: nil), [], "what waits")
        },
        StoragePromise("an event that failed stays the next one, and failures in a row are counted")
        {
            let storage = try await $0.storage(process: 1)
            let routes = try await Self.threeRoutes(storage)
            func claim() async throws -> Delivery {
                try unwrap(
                    try await storage.claimDeliveries(
                        to: ["dns"], of: .event, limit: 9, lease: .seconds(60)
                    ).first, "delivery")
            }

            try await storage.release(try await claim(), after: .zero, error: "refused")
            let second = try await claim()
            try await storage.release(second, after: .zero, error: "refused")
            let third = try await claim()
            let word = try await storage.acknowledge(third)
            let next = try await claim()

            try expectEqual(second.route, routes[0], "route of the second attempt")
            try expectEqual([second.failures, third.failures], [1, 2], "failures")
            try expectEqual(word, .moreWaits, "acknowledgement")
            try expectEqual(next.route, routes[1], "route after it")
            try expectEqual(next.failures, 0, "failures of the next one")
            try expect(next.attempt > third.attempt, "The fence went back")
            try expectEqual(
                try await storage.acknowledge(third), .lost, "the acknowledgement of before")
        },
        StoragePromise("what is given up is a dead letter, and a retry tells of it again") {
            let storage = try await $0.storage(process: 1)
            let routes = try await Self.threeRoutes(storage)
            let policy = try await storage.policy("www").id
            let first = try unwrap(
                try await storage.claimDeliveries(
                    to: ["dns"], of: .event, limit: 9, lease: .seconds(60)
                ).first, "delivery")

            let isGivenUp = try await storage.giveUp(first, error: "410 Gone")
            let again = try await storage.giveUp(first, error: "410 Gone")
            let letters = try await storage.deadLetters(of: policy)
            let second = try unwrap(
                try await storage.claimDeliveries(
                    to: ["dns"], of: .event, limit: 9, lease: .seconds(60)
                ).first, "delivery")
            try await storage.release(second, after: .hours(1), error: nil)
            let retried = try await storage.retryDeliveries(to: "dns", of: nil)
            let brought = try await storage.claimDeliveries(
                to: ["dns"], of: .event, limit: 9, lease: .seconds(60))

            try expect(isGivenUp, "It was not given up")
            try expect(!again, "It was given up twice")
            try expectEqual(letters.map(\.generation), [routes[0].generation], "dead letters")
            try expectEqual(letters.map(\.lastError), ["410 Gone"], "errors")
            try expectEqual(letters.map(\.failures), [1], "failures")
            try expectEqual(second.route, routes[1], "what came after it")
            try expectEqual(retried, 1, "publications retried")
            try expectEqual(brought.map(\.route), [routes[0]], "what is told again")
            try expectEqual(try await storage.deadLetters(of: nil), [], "dead letters left")
        },
        StoragePromise("dead letters are forgotten when they are old, so many at a time") {
            let storage = try await $0.storage(process: 1)
            let routes = try await Self.threeRoutes(storage)
            func giveUp() async throws {
                let delivery = try unwrap(
                    try await storage.claimDeliveries(
                        to: ["dns"], of: .event, limit: 9, lease: .seconds(60)
                    ).first, "delivery")
                try expect(try await storage.giveUp(delivery, error: "410"), "It was not given up")
            }
            try await giveUp()
            try await giveUp()
            try await $0.age(by: .hours(2))
            try await giveUp()

            let early = try await storage.pruneDeadLetters(keep: .hours(3), limit: 9)
            let first = try await storage.pruneDeadLetters(keep: .hours(1), limit: 1)
            let left = try await storage.deadLetters(of: nil).map(\.generation)
            let second = try await storage.pruneDeadLetters(keep: .hours(1), limit: 9)
            let third = try await storage.pruneDeadLetters(keep: .hours(1), limit: 9)

            try expectEqual([early, first, second, third], [0, 1, 1, 0], "forgotten")
            try expectEqual(left, routes.dropFirst().map(\.generation), "left by the first step")
            try expectEqual(
                try await storage.deadLetters(of: nil).map(\.generation),
                [routes[2].generation], "left")
        },
        StoragePromise("a retry makes due what waits, and leaves alone what somebody holds") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .detach("held", publish: ["held.example.com"]),
                .detach("waits", publish: ["waits.example.com"]),
                .detach("other", publish: ["other.example.com"]))
            var claimed: [String: Delivery] = [:]
            for name in ["held", "waits", "other"] {
                try await storage.decide(storage.policy(name).id, ["192.0.2.1"])
            }
            for delivery in try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            {
                claimed[delivery.policyName] = delivery
            }
            for name in ["waits", "other"] {
                try await storage.release(
                    unwrap(claimed[name], "delivery"), after: .hours(1), error: "refused")
            }

            let other = try await storage.retryDeliveries(to: "hook", of: nil)
            let one = try await storage.retryDeliveries(
                to: "dns", of: storage.policy("waits").id)
            let due = try await storage.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60))

            try expectEqual([other, one], [0, 1], "publications retried")
            try expectEqual(due.map(\.policyName), ["waits"], "what is due")
            try expectEqual(due.map(\.failures), [0], "failures")
            let waiting = try await storage.pendingDeliveries(of: nil)
            try expectEqual(
                Dictionary(uniqueKeysWithValues: waiting.map { ($0.name, $0.holder) }),
                ["held.example.com": 1, "waits.example.com": 1, "other.example.com": nil],
                "who holds what")
        },
        StoragePromise("what a sink took is kept with what it remembers") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www", publish: ["www.example.com"]))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            let before = try await storage.holdings(of: policy)
            let first = try unwrap(
                try await storage.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60)).first,
                "delivery")
            _ = try await storage.acknowledge(first, memory: "found 192.0.2.9")
            try await storage.decide(policy, ["192.0.2.2"])
            let second = try unwrap(
                try await storage.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60)).first,
                "delivery")
            _ = try await storage.acknowledge(second, memory: nil)

            let held = try await storage.holdings(of: policy)

            try expectEqual(before, [], "holdings before the first delivery")
            try expect(first.holding == nil, "The first delivery knows of another")
            try expectEqual(second.holding?.generation, first.generation, "what was held")
            try expectEqual(second.holding?.memory, "found 192.0.2.9", "memory with the delivery")
            try expectEqual(held.map(\.generation), [second.generation], "what is held")
            try expectEqual(held.map(\.memory), ["found 192.0.2.9"], "memory")
            try expect(held[0].deliveredAt != nil, "It was never delivered")
        },
        StoragePromise("the places at a sink are read page by page, with what is known of each") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .publishing("a", publish: ["a.example.com", "aa.example.com"]),
                .publishing("b", mode: .observe, publish: ["b.example.com"]),
                .publishing("c", publish: ["c.example.com"], at: "hook"),
                .publishing("d", publish: ["d.example.com"]))
            let a = try await storage.policy("a").id
            try await storage.decide(a, ["192.0.2.1"])
            let delivery = try unwrap(
                try await storage.claimDeliveries(to: ["dns"], limit: 1, lease: .seconds(60)).first,
                "delivery")
            _ = try await storage.acknowledge(delivery)

            let first = try await storage.places(at: "dns", after: 0, limit: 2)
            let b = try await storage.policy("b").id
            let second = try await storage.places(at: "dns", after: b, limit: 2)

            try expectEqual(
                first.map(\.publication.name),
                ["a.example.com", "aa.example.com", "b.example.com"],
                "names of the first page")
            try expectEqual(first.map(\.mode), [.live, .live, .observe], "modes")
            let route = try await storage.route(of: a)?.route
            try expectEqual(first.map(\.route), [route, route, nil], "routes")
            for place in first.prefix(2) {
                let isDelivered = place.publication.name == delivery.publication.name
                try expectEqual(place.isPending, !isDelivered, "whether it waits")
                try expectEqual(
                    place.holding?.generation, isDelivered ? route?.generation : nil,
                    "what is held")
            }
            try expectEqual(second.map(\.policyName), ["d"], "policies of the second page")
        },
        StoragePromise("how a sink differs is kept until the next delivery, and no older word is") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.publishing("www", publish: ["www.example.com"]))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            let observed = try unwrap(
                try await storage.places(at: "dns", after: 0, limit: 9).first, "place")
            try await storage.note(difference: "holds nothing", at: observed)
            let noted = try await storage.holdings(of: policy)
            let delivery = try unwrap(
                try await storage.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60)).first,
                "delivery")
            _ = try await storage.acknowledge(delivery)
            let delivered = try await storage.holdings(of: policy)
            try await storage.note(difference: "holds nothing", at: observed)
            let late = try await storage.holdings(of: policy)
            let present = try unwrap(
                try await storage.places(at: "dns", after: 0, limit: 9).first, "place")
            try await storage.note(difference: "holds 192.0.2.9", at: present)
            let drifted = try await storage.holdings(of: policy)
            try await storage.note(difference: nil, at: present)
            let mended = try await storage.holdings(of: policy)

            try expectEqual(noted.map(\.difference), ["holds nothing"], "difference")
            try expectEqual(noted.map(\.generation), [nil], "generation before a delivery")
            try expectEqual(delivered.map(\.difference), [nil], "difference once it is delivered")
            try expectEqual(late.map(\.difference), [nil], "difference by an older word")
            try expectEqual(drifted.map(\.difference), ["holds 192.0.2.9"], "drift")
            try expectEqual(drifted.map(\.generation), [delivery.generation], "generation")
            try expectEqual(mended.map(\.difference), [nil], "difference at last")
        },
        StoragePromise("a route is sent once more on request, and only once at a time") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .publishing("www", publish: ["www.example.com"]),
                .publishing("new", publish: ["new.example.com"]))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            for delivery in try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            {
                _ = try await storage.acknowledge(delivery)
            }

            for place in try await storage.places(at: "dns", after: 0, limit: 9) {
                try await storage.redeliver(to: place)
                try await storage.redeliver(to: place)
            }
            let claimed = try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))

            try expectEqual(
                claimed.map(\.route), [try await storage.route(of: policy)?.route], "routes")
        },
        StoragePromise("a deleted policy's publications are withdrawn where they are to be") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.leaving("www"))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            for delivery in try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            {
                _ = try await storage.acknowledge(delivery, memory: "m")
            }

            try await storage.change(.deletePolicy("www"))
            let claimed = try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            let known = try await storage.holdings(of: policy)
            for delivery in claimed {
                try expectEqual(
                    try await storage.acknowledge(delivery), .done, "acknowledgement")
            }

            try expectEqual(
                Set(claimed.map(\.publication.name)),
                ["remove.example.com", "restore.example.com"],
                "names")
            try expectEqual(claimed.map(\.order), [.withdraw, .withdraw], "orders")
            try expectEqual(claimed.map(\.policyName), ["www", "www"], "policy")
            try expectEqual(claimed.map(\.holding?.memory), ["m", "m"], "memory")
            try expectEqual(known.count, 2, "holdings until then")
            try expectEqual(try await storage.pendingDeliveries(of: nil), [], "what waits")
            try expectEqual(try await storage.holdings(of: policy), [], "holdings at last")
        },
        StoragePromise("a publication that comes back is no withdrawal any more") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.leaving("www"))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            let held = try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            try await storage.put(.detach("www"))
            let underLease = try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            let waiting = try await storage.pendingDeliveries(of: policy)
            for delivery in held {
                _ = try await storage.acknowledge(delivery)
            }
            try await storage.put(.leaving("www"))
            try await storage.decide(policy, ["192.0.2.1"])

            let claimed = try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))

            try expectEqual(held.count, 3, "deliveries")
            try expectEqual(underLease, [], "claims while the delivery is under way")
            try expectEqual(
                // What is left may be under way, too.
                Set(waiting.map(\.name)),
                ["leave.example.com", "remove.example.com", "restore.example.com"],
                "withdrawals that wait")
            try expectEqual(
                Set(claimed.map(\.publication.name)),
                ["leave.example.com", "remove.example.com", "restore.example.com"],
                "names that are published again")
            let route = try await storage.route(of: policy)?.route
            try expectEqual(claimed.map(\.route), [route, route, route], "routes")
        },
        StoragePromise("nothing is published where another policy's is being taken back") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.withdrawn("old"))
            try await storage.decide(storage.policy("old").id, ["192.0.2.1"])
            for delivery in try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            {
                _ = try await storage.acknowledge(delivery)
            }
            try await storage.change(.deletePolicy("old"))
            let withdrawal = try unwrap(
                try await storage.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60)).first,
                "withdrawal")
            // The same name to DNS.
            try await storage.put(.publishing("new", publish: ["REMOVE.example.com."]))
            try await storage.decide(storage.policy("new").id, ["192.0.2.2"])

            let held = try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            _ = try await storage.acknowledge(withdrawal)
            let free = try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))

            try expectEqual(held, [], "claims while it is taken back")
            try expectEqual(free.map(\.policyName), ["new"], "claims afterwards")
        },
        StoragePromise("who left a place keeps others from it until what is under way is over") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.publishing("old", publish: ["www.example.com"]))
            try await storage.decide(storage.policy("old").id, ["192.0.2.1"])
            let underWay = try unwrap(
                try await storage.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60)).first,
                "delivery")
            try await storage.change(.deletePolicy("old"))
            try await storage.put(.publishing("new", publish: ["www.example.com"]))
            try await storage.decide(storage.policy("new").id, ["192.0.2.2"])

            let held = try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            let word = try await storage.acknowledge(underWay)
            let claimed = try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            for delivery in claimed { _ = try await storage.acknowledge(delivery) }

            try expectEqual(held, [], "claims while it is under way")
            try expectEqual(word, .moreWaits, "acknowledgement")
            // What is left is only forgotten.
            try expectEqual(Set(claimed.map(\.policyName)), ["old", "new"], "claims afterwards")
            try expectEqual(
                claimed.filter { $0.policyName == "old" }.map(\.publication.onDelete), [.leave],
                "what becomes of it")
            try expectEqual(try await storage.pendingDeliveries(of: nil), [], "what waits")
        },
        StoragePromise("a withdrawal knows what others publish at the name by now") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.withdrawn("old"))
            try await storage.decide(storage.policy("old").id, ["192.0.2.1"])
            for delivery in try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            {
                _ = try await storage.acknowledge(delivery)
            }
            try await storage.change(.deletePolicy("old"))
            try await storage.put(
                .publishing("new", publish: ["remove.example.com"]),
                .publishing(
                    "six", mode: .observe, publish: ["remove.example.com"], value: "2001:db8::1"))

            let claimed = try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))

            try expectEqual(claimed.map(\.order), [.withdraw], "orders")
            try expectEqual(claimed.map(\.taken), [[.a]], "records of others")
        },
        StoragePromise("what was delivered before a policy only observed is withdrawn, too") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .withdrawn("was"), .withdrawn("never", mode: .observe, "never.example.com"))
            try await storage.decide(storage.policy("was").id, ["192.0.2.1"])
            for delivery in try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            {
                _ = try await storage.acknowledge(delivery)
            }
            try await storage.put(.withdrawn("was", mode: .observe))

            try await storage.change(.deletePolicy("was"), .deletePolicy("never"))
            let claimed = try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))

            try expectEqual(claimed.map(\.policyName), ["was"], "what is withdrawn")
            try expectEqual(claimed.map(\.order), [.withdraw], "orders")
        },
        StoragePromise("a later generation than one that is not known is made once") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www", publish: ["www.example.com"]))
            let policy = try await storage.policy("www").id
            let without = try await storage.outdo(5, of: policy)
            try await storage.decide(policy, ["192.0.2.1"])
            let first = try unwrap(try await storage.route(of: policy)?.route, "route")
            for delivery in try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            {
                _ = try await storage.acknowledge(delivery)
            }
            let held = first.generation + 1_000_000

            let known = try await storage.outdo(first.generation, of: policy)
            let made = try await storage.outdo(held, of: policy)
            let twice = try await storage.outdo(held, of: policy)

            let route = try unwrap(try await storage.route(of: policy)?.route, "route")
            let waiting = try await storage.pendingDeliveries(of: policy)
            try expectEqual([without, known, made, twice], [false, false, true, false], "made")
            try expectEqual(route.generation, held + 1, "generation")
            try expectEqual(route.answer, first.answer, "answer")
            try expectEqual(waiting.map(\.generation), [held + 1], "generations that wait")
            try await storage.decide(policy, ["192.0.2.2"])
            let next = try unwrap(try await storage.route(of: policy)?.route, "route")
            try expectEqual(next.generation, held + 2, "generation after it")
        },
        StoragePromise("a dead letter is told again also when a later event is on its way") {
            let storage = try await $0.storage(process: 1)
            let routes = try await Self.threeRoutes(storage)
            func claim() async throws -> Delivery {
                try unwrap(
                    try await storage.claimDeliveries(
                        to: ["dns"], of: .event, limit: 9, lease: .seconds(60)
                    ).first, "delivery")
            }
            _ = try await storage.giveUp(try await claim(), error: "410 Gone")
            _ = try await storage.acknowledge(try await claim())
            let last = try await claim()

            _ = try await storage.retryDeliveries(to: "dns", of: nil)
            let word = try await storage.acknowledge(last)
            var told: [Route?] = []
            while let next = try await storage.claimDeliveries(
                to: ["dns"], of: .event, limit: 9, lease: .seconds(60)
            ).first {
                told.append(next.route)
                _ = try await storage.acknowledge(next)
            }

            try expectEqual(last.route, routes[2], "what was on its way")
            try expectEqual(word, .moreWaits, "acknowledgement")
            try expectEqual(told, routes, "what is told then")
        },
        StoragePromise("what is taken back is not told of again by a retry") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.withdrawn("www"))
            try await storage.decide(storage.policy("www").id, ["192.0.2.1"])
            let delivery = try unwrap(
                try await storage.claimDeliveries(
                    to: ["dns"], of: .event, limit: 9, lease: .seconds(60)
                ).first, "delivery")
            _ = try await storage.giveUp(delivery, error: "410 Gone")
            try await storage.put(.publishing("www", publish: []))

            let retried = try await storage.retryDeliveries(to: "dns", of: nil)
            let claimed = try await storage.claimDeliveries(
                to: ["dns"], of: .event, limit: 9, lease: .seconds(60))

            try expectEqual(retried, 1, "publications retried")
            try expectEqual(claimed.map(\.order), [.withdraw], "orders")
        },
        StoragePromise("what one sink holds is not told of another one with the same name") {
            let storage = try await $0.storage(process: 1)
            var spec = PolicySpec.publishing("www", publish: [])
            let sinks = ["dns", "lab", "hook"]
            spec.publish = sinks.map { Publication(sink: $0, name: "www.example.com") }
            try await storage.put(spec)
            try await storage.decide(storage.policy("www").id, ["192.0.2.1"])
            for sink in sinks {
                let delivery = try unwrap(
                    try await storage.claimDeliveries(to: [sink], limit: 9, lease: .seconds(60))
                        .first, "delivery to \(sink)")
                _ = try await storage.acknowledge(delivery, memory: sink)
            }

            var told: [String] = []
            for sink in sinks {
                let places = try await storage.places(at: sink, after: 0, limit: 9)
                told += places.compactMap { $0.holding?.memory }
            }

            try expectEqual(told, sinks, "what each remembers")
        },
        StoragePromise("what was brought back waits since then, and not since it was decided") {
            let storage = try await $0.storage(process: 1)
            _ = try await Self.threeRoutes(storage)
            func claim() async throws -> Delivery {
                try unwrap(
                    try await storage.claimDeliveries(
                        to: ["dns"], of: .event, limit: 9, lease: .seconds(60)
                    ).first, "delivery")
            }
            _ = try await storage.giveUp(try await claim(), error: "410 Gone")
            try await $0.age(by: .hours(25))
            let before = try await storage.now()
            _ = try await storage.retryDeliveries(to: "dns", of: nil)

            let first = try await claim()
            _ = try await storage.acknowledge(first)
            let second = try await claim()

            try expect(first.since >= before, "The first waits since \(first.since)")
            try expect(second.since >= before, "The second waits since \(second.since)")
        },
        StoragePromise("what a sink has to remember is kept before its word, by who holds it") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www", publish: ["www.example.com"]))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            let first = try unwrap(
                try await storage.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60)).first,
                "delivery")

            let isKept = try await storage.remember("found 192.0.2.9", of: first)
            try await $0.age(by: .seconds(61))
            let second = try unwrap(
                try await storage.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60)).first,
                "delivery")
            let isKeptLate = try await storage.remember("found nothing", of: first)
            _ = try await storage.acknowledge(second, memory: nil)
            let isKeptAfter = try await storage.remember("found nothing", of: second)

            try expectEqual([isKept, isKeptLate, isKeptAfter], [true, false, false], "kept")
            try expectEqual(second.holding?.memory, "found 192.0.2.9", "memory")
            try expectEqual(second.holding?.wasDelivered, true, "whether it may be delivered")
            let held = try await storage.holdings(of: policy)
            try expectEqual(held.map(\.memory), ["found 192.0.2.9"], "memory at last")
            try expectEqual(held.map(\.generation), [second.generation], "generation")
        },
        StoragePromise("a new route does not wait as long as the one before it failed") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.detach("www", publish: ["www.example.com"]))
            let policy = try await storage.policy("www").id
            try await storage.decide(policy, ["192.0.2.1"])
            func claim() async throws -> [Delivery] {
                try await storage.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60))
            }
            try await storage.release(
                unwrap(try await claim().first, "delivery"), after: .hours(1), error: "refused")
            let early = try await claim()

            try await storage.decide(policy, ["192.0.2.2"])
            let second = try unwrap(try await claim().first, "delivery of the second route")
            try await storage.decide(policy, ["192.0.2.3"])
            try await storage.release(second, after: .hours(1), error: "refused")
            let third = try unwrap(try await claim().first, "delivery of the third route")

            try expectEqual(early, [], "claims before")
            try expectEqual(second.failures, 1, "failures")
            try expectEqual(
                third.route?.generation, try await storage.route(of: policy)?.route?.generation,
                "generation")
        },
        StoragePromise("what failed at a sink is due once it is back") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .detach("failed", publish: ["failed.example.com"]),
                .detach("later", publish: ["later.example.com"]),
                .detach("held", publish: ["held.example.com"]))
            for name in ["failed", "later", "held"] {
                try await storage.decide(storage.policy(name).id, ["192.0.2.1"])
            }
            for delivery in try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            where delivery.policyName != "held" {
                try await storage.release(
                    delivery, after: .hours(1),
                    error: delivery.policyName == "failed" ? "refused" : nil)
            }

            try await storage.hasten(to: "hook")
            let other = try await storage.claimDeliveries(
                to: ["dns"], limit: 9, lease: .seconds(60))
            try await storage.hasten(to: "dns")
            let due = try await storage.claimDeliveries(to: ["dns"], limit: 9, lease: .seconds(60))

            try expectEqual(other, [], "what is due as another sink is back")
            try expectEqual(due.map(\.policyName), ["failed"], "what is due")
            try expectEqual(due.map(\.failures), [1], "failures")
        },
        StoragePromise("a census counts by sink what waits, what differs and what was given up") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .publishing("a", publish: ["a.example.com"]),
                .publishing("b", publish: ["b.example.com"]),
                .publishing("seen", mode: .observe, publish: ["seen.example.com"]),
                .publishing("c", publish: ["c.example.com"], at: "hook"))
            for name in ["a", "b", "c", "seen"] {
                try await storage.decide(storage.policy(name).id, ["192.0.2.1"])
            }
            let event = try unwrap(
                try await storage.claimDeliveries(
                    to: ["hook"], of: .event, limit: 9, lease: .seconds(60)
                ).first, "event")
            _ = try await storage.giveUp(event, error: "410 Gone")
            let first = try unwrap(
                try await storage.claimDeliveries(to: ["dns"], limit: 1, lease: .seconds(60)).first,
                "delivery")
            _ = try await storage.acknowledge(first)
            for place in try await storage.places(at: "dns", after: 0, limit: 9) {
                try await storage.note(difference: "it is 192.0.2.9", at: place)
            }
            let waiting = try unwrap(
                try await storage.pendingDeliveries(of: nil).first, "what waits")

            let sinks = try await storage.census().sinks

            try expectEqual(
                sinks,
                [
                    // Who only observes has delivered nothing that could differ.
                    Census.Sink(
                        name: "dns", waiting: 1, waitingSince: waiting.since, differing: 1),
                    Census.Sink(name: "hook", deadLetters: 1),
                ], "sinks")
        },
        StoragePromise("an installation has one name, the same for all its processes") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)

            let name = try await first.installation()

            try expect(!name.isEmpty, "It has none")
            try expectEqual(try await second.installation(), name, "name")
        },
    ]

    /// Three generations of one policy that no sink was told of.
    private static func threeRoutes(_ storage: any Storage) async throws -> [Route] {
        try await storage.put(.detach("www", publish: ["www.example.com"]))
        let policy = try await storage.policy("www").id
        var routes: [Route] = []
        for value in 1...3 {
            try await storage.decide(policy, ["192.0.2.\(value)"])
            routes.append(try unwrap(try await storage.route(of: policy)?.route, "route"))
        }
        return routes
    }
}

extension PolicySpec {
    /// Has a member, and with it a family to publish.
    fileprivate static func publishing(
        _ name: String, mode: PolicyMode = .live, publish: [String], at sink: String = "dns",
        value: String = "192.0.2.1"
    ) -> PolicySpec {
        var spec = PolicySpec.detach(name, mode: mode, publish: publish, at: sink)
        spec.members = [Member(name: "m0", value: value)]
        return spec
    }

    /// Publishes a name which goes with it.
    fileprivate static func withdrawn(
        _ name: String, mode: PolicyMode = .live, _ published: String = "remove.example.com"
    ) -> PolicySpec {
        var spec = PolicySpec.publishing(name, mode: mode, publish: [])
        spec.publish = [Publication(sink: "dns", name: published, onDelete: .remove)]
        return spec
    }

    /// Publishes a name for each thing that may become of it.
    fileprivate static func leaving(_ name: String) -> PolicySpec {
        var spec = PolicySpec.detach(name)
        spec.publish = OnDelete.allCases.map {
            Publication(sink: "dns", name: "\($0.rawValue).example.com", onDelete: $0)
        }
        return spec
    }
}

extension Storage {
    /// Claims for sinks that hold the newest route.
    package func claimDeliveries(
        to sinks: [String], limit: Int, lease: Duration
    ) async throws(StorageError) -> [Delivery] {
        try await claimDeliveries(to: sinks, of: .state, limit: limit, lease: lease)
    }

    /// Acknowledges without anything to remember.
    package func acknowledge(
        _ delivery: Delivery
    ) async throws(StorageError) -> Acknowledgement {
        try await acknowledge(delivery, memory: nil)
    }
}
