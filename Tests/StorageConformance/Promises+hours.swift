import HealthWorkerModel
import HealthWorkerStorage
import Synchronization

extension StoragePromise {
    static let hours: [StoragePromise] = [
        StoragePromise("an hour is made of what was found in it, and made again it is the same") {
            let storage = try await $0.storage(process: 1)
            let hour = try await $0.toNextHour()
            try await storage.put(.sample("web", interval: .minutes(30)))
            try await storage.probe("web", .success)
            try await $0.age(by: .minutes(10))
            for _ in 0..<3 { try await storage.probe("web", .failure(.connectRefused)) }
            try await $0.age(by: .minutes(10))
            for _ in 0..<2 { try await storage.probe("web", .success) }
            try await storage.probe("web", .inconclusive(.noSocket))
            try await $0.age(by: .minutes(40))
            try await storage.probe("web", .success)
            let early = try await storage.makeHours()
            try await $0.age(by: HourMaker.delay)
            let check = try await storage.check("web").id

            let steps = try await storage.makeHours()
            let made = try await storage.checkHours(of: check, from: hour, until: hour.next)
            let mark = try await storage.hourMark()
            let isSetBack = try await storage.keep(
                MadeHours(), from: mark, to: HourMark(hour: hour, stage: .checks))
            _ = try await storage.makeHours()
            let again = try await storage.checkHours(
                of: check, from: hour, until: hour.next.next)

            try expectEqual(early, 0, "steps before it is over for some minutes")
            try expectEqual(steps, 2, "steps")
            try expectEqual(made.count, 1, "hours")
            let found = try unwrap(made.first, "hour")
            try expectEqual(
                found.timeline.encoded, "0h600000000d1200000000h", "what was held, and when")
            try expectEqual(
                [found.successes, found.failures, found.inconclusive], [3, 3, 1], "outcomes")
            try expectEqual(found.times.total.count, 3, "times of successes")
            try expectEqual(found.seenAt, hour.start + .minutes(20), "the last conclusive outcome")
            try expectEqual(found.kept, .all, "what was kept")
            try expect(isSetBack, "The mark was the present one")
            try expectEqual(again, made, "the hour made again")
        },
        StoragePromise("hours that nobody made are made up for, as long as outcomes are kept") {
            let storage = try await $0.storage(process: 1)
            let hour = try await $0.toNextHour()
            try await storage.put(.sample("web", interval: .minutes(30)))
            try await storage.probe("web", .success)
            try await $0.age(by: .hours(5))
            let check = try await storage.check("web").id
            let far = Hour(number: hour.number + 1000)

            let steps = try await storage.makeHours()
            let late = try await storage.checkHours(of: check, from: hour, until: far)
            try await $0.age(by: .hours(100))
            _ = try await storage.makeHours(for: .hours(3))
            let all = try await storage.checkHours(of: check, from: hour, until: far)

            try expectEqual(steps, 8, "steps for four hours")
            try expectEqual(
                late.map(\.hour.number), Array(hour.number..<hour.number + 4), "hours")
            // It was probed no more: nothing is known after three intervals and a time-out.
            try expectEqual(
                late.map(\.timeline.encoded), ["0h", "0h1805000000u", "0u", "0u"],
                "what was held, and when")
            try expectEqual(late.map(\.successes), [1, 0, 0, 0], "successes")
            try expectEqual(
                all.map(\.hour.number),
                Array(hour.number..<hour.number + 4) + [hour.number + 103],
                "hours in the end")
        },
        StoragePromise("a process that dies while it makes an hour leaves the rest to another one")
        {
            let storage = try await $0.storage(process: 1)
            let other = try await $0.storage(process: 2)
            let hour = try await $0.toNextHour()
            let names = (0..<120).map { "web-\($0)" }
            _ = try await storage.write(
                WriteBatch(names.map { .putCheck(.sample($0), set: nil) }, actor: "ann"))
            try await $0.age(by: .hours(1) + HourMaker.delay)

            let first = try await storage.hourMark()
            _ = try await HourMaker(storage: storage).step(kept: .all, for: .hours(24))
            let half = try await storage.hourMark()
            let isLate = try await storage.keep(
                MadeHours(), from: first, to: HourMark(hour: hour.next, stage: .checks))
            let steps = try await other.makeHours()

            var made = 0
            for check in try await storage.checks(named: names) {
                made += try await storage.checkHours(of: check.id, from: hour, until: hour.next)
                    .count
            }
            try expectEqual(first, .beginning, "mark at first")
            try expectEqual(half.hour, hour, "hour that is made")
            try expect(half.after > 0, "Some checks are done: \(half)")
            try expect(!isLate, "Who comes too late changes nothing")
            try expectEqual(steps, 3, "steps of the other one")
            try expectEqual(made, 120, "hours")
            try expectEqual(
                try await storage.hourMark(), HourMark(hour: hour.next, stage: .checks),
                "mark in the end")
        },
        StoragePromise("a policy's hour tells what it published, its failovers and the false ones")
        {
            let storage = try await $0.storage(process: 1)
            let evaluator = PolicyEvaluator(storage: storage)
            let hour = try await $0.toNextHour()
            try await storage.put(
                .sample("a", interval: .minutes(30)), .sample("b", interval: .minutes(30)))
            try await storage.put(.detach("www", checks: ["a", "b"]))
            for name in ["a", "b"] { try await storage.settle(name, .healthy) }
            _ = try await evaluator.evaluateDue(limit: 10)
            // It leaves within 4 s, and comes back without one more failure.
            try await $0.age(by: .minutes(10))
            for pause in [2, 2, 0] {
                try await storage.probe("a", .failure(.connectRefused))
                try await $0.age(by: .seconds(Int64(pause)))
            }
            _ = try await evaluator.evaluateDue(limit: 10)
            try await $0.age(by: .minutes(10))
            for _ in 0..<2 { try await storage.probe("a", .success) }
            try await $0.age(by: .minutes(1))
            _ = try await evaluator.evaluateDue(limit: 10)
            // Both are down for the last ten minutes of the hour, in earnest.
            try await $0.age(by: hour.start + .minutes(50) - (try await storage.now()))
            for name in ["a", "b"] {
                for _ in 0..<4 { try await storage.probe(name, .failure(.connectRefused)) }
            }
            _ = try await evaluator.evaluateDue(limit: 10)
            try await $0.age(by: .minutes(20))
            _ = try await storage.makeHours()
            let policy = try await storage.policy("www").id

            let made = try await storage.policyHours(of: policy, from: hour, until: hour.next)

            let found = try unwrap(made.first, "hour")
            let changes = try await storage.routeChanges(of: policy, before: nil, limit: 10)
            try expectEqual(made.count, 1, "hours")
            try expectEqual(
                found.time,
                AvailableTime(
                    measured: .hours(1), available: .minutes(50), degraded: .minutes(10),
                    unknown: .zero), "time")
            let lost = zip(changes.dropFirst(), changes).count { !$1.lost(from: $0).isEmpty }
            try expectEqual(found.failovers.count, lost, "failovers by \(changes.map(\.cause))")
            try expectEqual(found.failovers.falseSwitches, 1, "false switches")
            try expectEqual(found.failovers.ends, [.decided: lost], "what times end with")
            let longest = try unwrap(found.failovers.times.quantile(1), "longest")
            try expect(
                longest >= .milliseconds(3750) && longest <= .milliseconds(4250),
                "\(longest) is not about 4 s")
        },
        StoragePromise("where no outcomes are kept an hour tells what was held, and no more") {
            let storage = try await $0.storage(process: 1)
            let hour = try await $0.toNextHour()
            try await storage.put(.sample("web"))
            try await storage.put(.detach("www", checks: ["web"]))
            try await storage.probe("web", .success)
            try await $0.age(by: .hours(1) + HourMaker.delay)

            _ = try await storage.makeHours(kept: .none)

            let checks = try await storage.checkHours(
                of: storage.check("web").id, from: hour, until: hour.next)
            let policies = try await storage.policyHours(
                of: storage.policy("www").id, from: hour, until: hour.next)
            try expectEqual(checks.map(\.kept), [.none], "what was kept")
            try expectEqual(checks.map(\.timeline.encoded), ["0h"], "what was held")
            try expectEqual(checks.map(\.successes), [0], "successes")
            try expectEqual(policies.count, 1, "hours of the policy")
            try expectEqual(policies.first?.failovers.falseSwitches, nil, "false switches")
        },
        StoragePromise(
            "hours that are too old are pruned a few at a time, whatever became of theirs"
        ) {
            let storage = try await $0.storage(process: 1)
            let hour = try await $0.toNextHour()
            try await storage.put(.sample("web"))
            try await storage.put(.detach("www"))
            let check = try await storage.check("web").id
            let policy = try await storage.policy("www").id
            let hours = (0..<5).map { Hour(number: hour.number + $0) }
            _ = try await storage.keep(
                MadeHours(
                    checks: hours.map {
                        CheckHour(check: check, kept: .all, timeline: HealthTimeline($0, []))
                    }, policies: hours.map { PolicyHour(policy: policy, hour: $0) }),
                from: .beginning, to: HourMark(hour: hours[4].next, stage: .checks))
            try await storage.change(.deletePolicy("www"))
            try await storage.change(.deleteCheck("web"))
            let left = { () async throws in
                let checks = try await storage.checkHours(
                    of: check, from: hours[0], until: hours[4].next)
                let policies = try await storage.policyHours(
                    of: policy, from: hours[0], until: hours[4].next)
                return [checks.map(\.hour), policies.map(\.hour)]
            }

            let before = try await left()
            let some = try await storage.pruneHours(before: hours[3], limit: 2)
            let rest = try await storage.pruneHours(before: hours[3], limit: 2)
            let none = try await storage.pruneHours(before: hours[3], limit: 2)

            try expectEqual(before, [hours, hours], "hours of what is gone")
            try expectEqual([some, rest, none], [4, 2, 0], "pruned hours")
            let kept = Array(hours[3...])
            try expectEqual(try await left(), [kept, kept], "hours left")
        },
        StoragePromise("jobs are claimed and completed while a long history is pruned") {
            let storage = try await $0.storage(process: 1)
            let worker = try await $0.storage(process: 2)
            let names = (0..<40).map { "web-\($0)" }
            _ = try await storage.write(
                WriteBatch(names.map { .putCheck(.sample($0), set: nil) }, actor: "ann"))
            let ids = try await storage.checks(named: names).map(\.id)
            for _ in 0..<20 { try await worker.probeAll(ids) }
            try await $0.age(by: .hours(24 * 9))
            let isBounded = !$0.prunesByParts

            // The worker goes on until the last old outcome is gone, and three times at least.
            let (pruned, rounds) = try await withThrowingTaskGroup(
                of: (pruned: [Int], rounds: Int).self
            ) { group in
                let isDone = Flag()
                group.addTask {
                    var pruned: [Int] = []
                    while pruned.last ?? 100 == 100 {
                        do {
                            pruned.append(
                                try await storage.pruneOutcomes(keep: .hours(24 * 7), limit: 100))
                        } catch StorageError.unavailable {
                            // It had no patience with a lock of the worker; a register tries again, too.
                        }
                    }
                    isDone.set()
                    return (pruned, 0)
                }
                group.addTask {
                    var rounds = 0
                    repeat {
                        try await worker.probeAll(ids)
                        rounds += 1
                    } while !isDone.isSet || rounds < 3
                    return ([], rounds)
                }
                return try await group.reduce(into: (pruned: [Int](), rounds: 0)) { sum, part in
                    sum.pruned += part.pruned
                    sum.rounds += part.rounds
                }
            }

            try expect(pruned.allSatisfy { $0 <= 100 }, "\(pruned) outcomes went at once")
            if isBounded { try expectEqual(pruned.reduce(0, +), 800, "pruned outcomes") }
            for id in ids {
                let kept = try await storage.outcomes(of: id, before: nil, limit: 1000)
                // By parts a day more may be kept: none of these lies there.
                try expectEqual(kept.count, rounds, "outcomes of one check")
            }
            try await storage.expectConservation("after pruning")
        },
    ]
}

extension StorageFixture {
    /// Moves on to the beginning of the next hour.
    fileprivate func toNextHour() async throws -> Hour {
        let now = try await storage(process: 99).now()
        let next = Hour(of: now).next
        try await age(by: next.start - now)
        return next
    }
}

extension Storage {
    /// Makes what is over.
    /// - Returns: in how many steps.
    fileprivate func makeHours(
        kept: KeptOutcomes = .all, for keep: Duration = .hours(24 * 7)
    ) async throws -> Int {
        let maker = HourMaker(storage: self)
        var steps = 0
        while try await maker.step(kept: kept, for: keep) != .upToDate {
            steps += 1
            try expect(steps < 10_000, "It never ends")
        }
        return steps
    }

    /// Probes all of these once.
    fileprivate func probeAll(_ checks: [CheckID]) async throws {
        for check in checks { try await enqueueNow(check) }
        var left = checks.count
        while left > 0 {
            let claims = try await claimAll()
            try expect(!claims.isEmpty, "\(left) jobs are not to be claimed")
            let report = try await complete(claims.map { steady($0) })
            try expectEqual(report.accepted.count, claims.count, "accepted completions")
            left -= claims.count
        }
    }
}

/// Something that happens once.
private final class Flag: Sendable {
    private let value = Mutex(false)

    var isSet: Bool { value.withLock { $0 } }

    func set() { value.withLock { $0 = true } }
}
