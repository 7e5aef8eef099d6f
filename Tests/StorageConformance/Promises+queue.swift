import HealthWorkerModel
import HealthWorkerStorage

extension StoragePromise {
    static let claiming: [StoragePromise] = [
        StoragePromise("two workers never hold the same job") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            try await first.put(.sample("web"))

            let mine = try await first.claimAll()
            let theirs = try await second.claimAll()

            try expectEqual(mine.count, 1, "claims of the first")
            try expectEqual(theirs, [], "claims of the second")
            let job = try await first.observation(of: "web").job
            try expectEqual(job?.worker, 1, "worker")
            try expectEqual(job?.attempt, 1, "attempt")
        },
        StoragePromise("a claim brings the check's revision, its base, and when its lease ends") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.put(.sample("web", timeout: .seconds(3)))

            let claim = try await storage.claim("web")

            try expectEqual(claim.attempt, 1, "attempt")
            try expectEqual(claim.revision, 2, "revision")
            try expectEqual(claim.leaseEnds - claim.claimedAt, .seconds(63), "lease")
            try expectEqual(claim.base, try await storage.state(of: "web"), "base")
            try expect(claim.dueAt <= claim.claimedAt, "It was claimed before it was due")
        },
        StoragePromise("a job whose lease ended is claimed again, with a higher attempt") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            try await first.put(.sample("web"))
            let claim = try await first.claim("web")

            try await $0.age(by: .seconds(30))
            let tooEarly = try await second.claimAll()
            try await $0.age(by: .seconds(36))
            let rescued = try await second.claimAll()

            try expectEqual(tooEarly, [], "claims before the lease's end")
            try expectEqual(rescued.map(\.job), [claim.job], "claims after the lease's end")
            try expectEqual(rescued.first?.attempt, 2, "attempt")
            try expectEqual(try await first.tally().rescued, 1, "rescued")
        },
        StoragePromise("claims come in the order of job ids, as many as asked for") {
            let storage = try await $0.storage(process: 1)
            for name in ["a", "b", "c"] { try await storage.put(.sample(name)) }

            let two = try await storage.claim(ClaimRequest(limit: 2))
            let rest = try await storage.claim(ClaimRequest(limit: 2))

            try expectEqual(two.map(\.job), two.map(\.job).sorted(), "order")
            try expectEqual(two.count, 2, "claims")
            try expectEqual(rest.count, 1, "claims of the rest")
            try expect(rest[0].job > two[1].job, "A later claim brought an earlier job")
        },
        StoragePromise("jobs below the low watermark are left to the sweep") {
            let storage = try await $0.storage(process: 1)
            for name in ["a", "b", "c"] { try await storage.put(.sample(name)) }
            let all = try await storage.claimAll()
            _ = try await storage.release(all.map(\.reference))

            let above = try await storage.claim(ClaimRequest(limit: 9, from: all[1].job))
            let swept = try await storage.claim(ClaimRequest(limit: 9, from: 0))

            try expectEqual(
                above.map(\.job), [all[1].job, all[2].job], "claims from the watermark")
            try expectEqual(swept.map(\.job), [all[0].job], "claims from 0")
        },
        StoragePromise("the oldest live job is known, whoever holds it") {
            let storage = try await $0.storage(process: 1)
            let none = try await storage.oldestJob(from: 0)
            for name in ["a", "b", "c"] { try await storage.put(.sample(name)) }
            let all = try await storage.claimAll()
            try expectEqual(all.count, 3, "claims")

            let held = try await storage.oldestJob(from: 0)
            let later = try await storage.oldestJob(from: JobID(all[0].job.rawValue + 1))
            let behind = try await storage.oldestJob(from: JobID(all[2].job.rawValue + 1))

            try expectEqual(none, nil, "the oldest of none")
            try expectEqual(held, all[0].job, "the oldest")
            try expectEqual(later, all[1].job, "the oldest behind the first")
            try expectEqual(behind, nil, "the oldest behind the last")
        },
        StoragePromise("only workers at a listed location get a check's job") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .sample("near", locations: ["fra1", "ams1"]), .sample("any", locations: []))
            try await $0.age(by: .seconds(10))

            let elsewhere = try await storage.claimAll(location: "sin1")
            let there = try await storage.claimAll(location: "ams1")

            try expectEqual(
                elsewhere.map(\.check), [try await storage.check("any").id], "claims elsewhere")
            try expectEqual(
                there.map(\.check), [try await storage.check("near").id], "claims there")
        },
        StoragePromise("a job that is given back is visible at once, its attempt counted") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            try await first.put(.sample("web"))
            let claim = try await first.claim("web")

            let released = try await first.release([claim.reference])
            let again = try await second.claimAll()
            let stale = try await first.release([claim.reference])

            try expectEqual(released, 1, "released")
            try expectEqual(again.map(\.job), [claim.job], "claims")
            try expectEqual(again.first?.attempt, 2, "attempt")
            try expectEqual(stale, 0, "released by who does not hold it any more")
            try expectEqual(try await first.claimAll(), [], "claims of the first")
            try expectEqual(try await first.tally().rescued, 0, "rescued")
        },
        StoragePromise("a job that is given back gets its check's time-out and locations") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web", locations: ["fra1"], timeout: .seconds(3)))
            try await $0.leaveJobsBehind(timeout: .seconds(1), locations: ["sin1"])

            let behind = try await storage.claim("web", location: "sin1")
            _ = try await storage.release([behind.reference])
            let again = try await storage.claim("web", location: "fra1")

            try expectEqual(behind.leaseEnds - behind.claimedAt, .seconds(61), "its own lease")
            try expectEqual(again.leaseEnds - again.claimedAt, .seconds(63), "lease")
        },
        StoragePromise("a live job that an edit passed by gets its check's time-out and locations")
        {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .sample("web", locations: ["fra1"], timeout: .seconds(3)),
                .sample("api", timeout: .seconds(3)))
            try await $0.age(by: .seconds(5))
            try expectEqual(try await storage.updateJobs(), 0, "jobs behind")
            try await $0.leaveJobsBehind(timeout: .seconds(1), locations: ["sin1"])

            let behind = try await storage.updateJobs()
            let elsewhere = try await storage.claimAll(location: "sin1")
            let there = try await storage.claimAll(location: "fra1")

            try expectEqual(behind, 2, "jobs behind")
            try expectEqual(
                elsewhere.map(\.check), [try await storage.check("api").id], "claims elsewhere")
            try expectEqual(
                there.map(\.check), [try await storage.check("web").id], "claims there")
            for claim in elsewhere + there {
                try expectEqual(claim.leaseEnds - claim.claimedAt, .seconds(63), "lease")
            }
            try expectEqual(try await storage.updateJobs(), 0, "jobs behind once more")
        },
        StoragePromise("a job that was given back again and again is not lost") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))

            for attempt in 1...5 {
                let claim = try await storage.claim("web")
                try expectEqual(claim.attempt, attempt, "attempt")
                _ = try await storage.release([claim.reference])
                try expectEqual(try await storage.expireLost(limit: 9), 0, "lost jobs")
            }
        },
        StoragePromise("a job whose third lease ended is lost, with one inconclusive outcome") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.settle("web", .healthy)
            try await storage.enqueueNow(storage.check("web").id)
            for _ in 1...3 {
                _ = try await storage.claim("web")
                try expectEqual(try await storage.expireLost(limit: 9), 0, "lost while held")
                try await $0.age(by: .seconds(66))
            }
            let last = try unwrap(try await storage.observation(of: "web").job, "job")

            let fourth = try await storage.claimAll()
            let behind = try await storage.expireLost(
                limit: 9, from: JobID(last.id.rawValue + 1))
            let lost = try await storage.expireLost(limit: 9, from: last.id)

            try expectEqual(fourth, [], "fourth claim")
            try expectEqual(behind, 0, "lost jobs behind it")
            try expectEqual(lost, 1, "lost jobs")
            let seen = try await storage.observation(of: "web")
            try expect(seen.job == nil, "The job lives on")
            try expectEqual(seen.state.health, .healthy, "health")
            try expect(seen.state.inconclusiveSince != nil, "Nothing says since when it is unheard")
            try expectEqual(seen.lastOutcome?.job, last.id, "job of the outcome")
            try expectEqual(seen.lastOutcome?.attempt, 3, "attempt of the outcome")
            try expectEqual(
                seen.lastOutcome?.report.outcome, .inconclusive(.lost), "recorded outcome")
            try expectEqual(try await storage.tally().lost, 1, "tally of the lost")
            try expectEqual(try await storage.expireLost(limit: 9), 0, "lost once more")
            try await storage.expectConservation("after a loss")
        },
        StoragePromise("a job that avoids a worker is kept from it until 1 s after it was visible")
        {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            try await first.put(.sample("web", interval: .minutes(1), confirm: .otherWorker))
            try await first.put(.sample("api", interval: .minutes(1), confirm: .otherWorker))
            for name in ["web", "api"] {
                try await first.settle(name, .healthy)
                try await first.enqueueNow(first.check(name).id)
                try await first.complete(
                    first.claim(name), .failure(.connectRefused), othersAlive: true)
            }

            try await $0.age(by: .seconds(12))
            try await first.expectVisible(["web", "api"])
            let early = try await first.claimInFirstSecond(of: "api")
            let other = try await second.claim(ClaimRequest(limit: 1))
            try await $0.age(by: .seconds(2))
            let late = try await first.claim(ClaimRequest(limit: 9))

            try expectEqual(early, [], "claims of the avoided worker")
            try expectEqual(other.count, 1, "claims of another worker")
            try expectEqual(late.count, 1, "claims of the avoided worker a second later")
        },
        StoragePromise("a re-check of several locations avoids the whole location for that second")
        {
            let first = try await $0.storage(process: 1)
            let neighbour = try await $0.storage(process: 2)
            let distant = try await $0.storage(process: 3)
            let places = ["fra1", "ams1"]
            for name in ["web", "api"] {
                try await first.put(
                    .sample(
                        name, locations: places, interval: .minutes(1), confirm: .otherWorker))
                try await first.complete(first.claim(name, location: "fra1"), .success)
                try await first.enqueueNow(first.check(name).id)
                try await first.complete(
                    first.claim(name, location: "fra1"), .failure(.connectRefused),
                    othersAlive: true)
            }

            try await $0.age(by: .seconds(12))
            try await first.expectVisible(["web", "api"])
            let near = try await neighbour.claimInFirstSecond(of: "api", location: "fra1")
            let far = try await distant.claim(ClaimRequest(limit: 1, location: "ams1"))
            try await $0.age(by: .seconds(2))
            let late = try await neighbour.claim(ClaimRequest(limit: 9, location: "fra1"))

            try expectEqual(near, [], "claims at the avoided worker's location")
            try expectEqual(far.count, 1, "claims at the other location")
            try expectEqual(late.count, 1, "claims at the avoided location a second later")
        },
        StoragePromise("a check may be made due now, unless its job is live") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web", fall: 5))
            let id = try await storage.check("web").id
            try await storage.complete(storage.claim("web"), .failure(.connectRefused))
            let waiting = try unwrap(try await storage.observation(of: "web").job, "re-check")

            try await storage.enqueueNow(id)
            let hurried = try await storage.claim("web")
            try await storage.enqueueNow(id)
            let held = try await storage.claimAll()

            try expectEqual(hurried.job, waiting.id, "job")
            try expectEqual(held, [], "claims of what is held")
            try expectEqual(try await storage.queueStatus().live, 1, "live jobs")
        },
        StoragePromise("the status tells what is live, ready and leased") {
            let storage = try await $0.storage(process: 1)
            for name in ["a", "b", "c"] { try await storage.put(.sample(name)) }
            try await storage.complete(storage.claim("a"), .failure(.connectRefused))
            _ = try await storage.claim("b")
            try await $0.age(by: .milliseconds(500))

            let status = try await storage.queueStatus()

            try expectEqual(status.live, 3, "live")
            try expectEqual(status.leased, 1, "leased")
            try expectEqual(status.ready, 1, "ready")
            let oldest = try unwrap(status.oldestReady, "oldest ready job")
            try expect(
                (.milliseconds(500)...Duration.seconds(60)).contains(oldest),
                "The oldest ready job is \(oldest) old")
        },
        StoragePromise("the status tells how long jobs have waited, and which slots are late") {
            let storage = try await $0.storage(process: 1)
            for name in ["a", "b"] { try await storage.put(.sample(name)) }
            try await storage.complete(storage.claim("a"), .success)
            try await $0.age(by: .milliseconds(500))
            let soon = try await storage.queueStatus()
            try await $0.age(by: .seconds(5))
            let later = try await storage.queueStatus()
            try await $0.age(by: .hours(1))
            let late = try await storage.queueStatus()

            try expectEqual(soon.waiting, WaitingJobs(under1s: 1), "waiting at first")
            try expectEqual(soon.lateSlots, 0, "late slots at first")
            try expectEqual(later.waiting, WaitingJobs(under10s: 1), "waiting after 5 s")
            try expectEqual(late.waiting, WaitingJobs(longer: 1), "waiting after an hour")
            try expectEqual(late.lateSlots, 2, "late slots after an hour")
        },
    ]

    static let completing: [StoragePromise] = [
        StoragePromise("a completion ends the job and records what was found") {
            let storage = try await $0.storage(process: 7)
            try await storage.put(.sample("web"))
            let claim = try await storage.claim("web", location: "fra1")
            var completion = try await storage.completion(of: claim, .success, age: .seconds(2))
            completion.report = ProbeReport(
                outcome: .success, address: "192.0.2.1:80",
                phases: Phases(resolve: 1, connect: 20, write: 3, firstByte: 40, body: 5),
                httpStatus: 204, certificateEnd: Timestamp(seconds: 2_000_000_000),
                detail: "fine")

            let report = try await storage.complete([completion])

            try expectEqual(report.accepted, [claim.job], "accepted completions")
            let seen = try await storage.observation(of: "web")
            try expect(seen.job == nil, "The job lives on")
            let outcome = try unwrap(seen.lastOutcome, "outcome")
            let age = try await storage.now() - outcome.startedAt
            try expect((.seconds(2)...Duration.seconds(20)).contains(age), "It began \(age) ago")
            try expectEqual(
                outcome,
                RecordedOutcome(
                    job: claim.job, attempt: 1, check: claim.check, epoch: 1,
                    startedAt: outcome.startedAt, worker: 7, location: "fra1",
                    report: completion.report), "outcome")
            try expectEqual(
                try await storage.outcomes(of: claim.check, before: nil, limit: 9), [outcome],
                "history")
            try await storage.expectConservation("after a completion")
        },
        StoragePromise("every reason and kind of outcome comes back as it was recorded") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web", fall: 100))
            let outcomes =
                [Outcome.success, .failure(.dnsError), .failure(.dnsTimeout)]
                + Reason.allCases.map { $0.outcome(dnsFailure: .inconclusive) }
            for outcome in outcomes { try await storage.probe("web", outcome) }

            let found = try await storage.outcomes(
                of: storage.check("web").id, before: nil, limit: 100)

            try expectEqual(found.reversed().map(\.report.outcome), outcomes, "outcomes")
        },
        StoragePromise("a stale completion changes nothing") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            try await first.put(.sample("web"))
            try await first.put(.detach("www", checks: ["web"]))
            let late = try await first.completion(of: first.claim("web"), .success)
            try await $0.age(by: .seconds(66))
            let claim = try await second.claim("web")
            let before = try await Snapshot(of: first)

            let report = try await first.complete([late])

            try expectEqual(report, CompletionReport(), "report")
            var after = try await Snapshot(of: first)
            try expectEqual(after.tally.stale, before.tally.stale + 1, "stale completions")
            after.tally.stale = before.tally.stale
            try expectEqual(after, before, "what is stored")
            let accepted = try await second.complete(claim, .success).accepted
            try expectEqual(accepted, [claim.job], "accepted completions of the holder")
            try expectEqual(
                try await first.outcomes(of: claim.check, before: nil, limit: 9).map(\.attempt),
                [2],
                "attempts of which an outcome is kept")
        },
        StoragePromise("a late completion is accepted while nobody else claimed the job") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            let late = try await storage.completion(of: storage.claim("web"), .success)
            try await $0.age(by: .seconds(66))

            let report = try await storage.complete([late])

            try expectEqual(report.accepted.count, 1, "accepted completions")
        },
        StoragePromise("sending the same batch again is a no-op") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"), .sample("api"))
            try await $0.age(by: .seconds(10))
            var batch: [Completion] = []
            for claim in try await storage.claimAll() {
                batch.append(try await storage.completion(of: claim, .failure(.connectRefused)))
            }
            let first = try await storage.complete(batch)
            let before = try await Snapshot(of: storage)

            let second = try await storage.complete(batch)

            try expectEqual(first.accepted.count, 2, "accepted at first")
            try expectEqual(second, CompletionReport(), "report of the second")
            var after = try await Snapshot(of: storage)
            after.tally.stale = before.tally.stale
            try expectEqual(after, before, "what is stored")
        },
        StoragePromise("a job twice in one batch is accepted once") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            let completion = try await storage.completion(of: storage.claim("web"), .success)

            let report = try await storage.complete([completion, completion])

            try expectEqual(report.accepted, [completion.claim.job], "accepted completions")
            try expectEqual(
                try await storage.outcomes(of: completion.claim.check, before: nil, limit: 9).count,
                1, "outcomes")
            try await storage.expectConservation("after a double completion")
        },
        StoragePromise("health turns with its outcome, and policies with such a member are due") {
            let storage = try await $0.storage(process: 5)
            try await storage.put(.sample("web"), .sample("api"))
            try await storage.put(
                .detach("p", checks: ["web"]), .detach("q", checks: ["api"]),
                .detach("r", checks: ["api", "web"]))
            for name in ["p", "q", "r"] {
                try await storage.decide(storage.policy(name).id, ["192.0.2.1"])
            }
            let p = try await storage.policy("p").id
            let r = try await storage.policy("r").id
            let claim = try await storage.claim("web")

            let report = try await storage.complete(claim, .success)

            let change = try unwrap(
                try await storage.healthChanges(of: claim.check, before: nil, limit: 9).first,
                "health change")
            let turn = HealthTurn(
                from: .unknown, to: .healthy, cause: .firstSuccess,
                noticedAt: try unwrap(change.turn.noticedAt, "when it was noticed"))
            try expectEqual(
                report.turned,
                [TurnedCheck(check: claim.check, change: change.id, turn: turn, policies: [p, r])],
                "turned checks")
            try expectEqual(change.turn, turn, "turn")
            try expectEqual(change.job, claim.job, "job of the change")
            try expectEqual(change.worker, 5, "worker of the change")
            let state = try await storage.state(of: "web")
            try expectEqual(state.health, .healthy, "health")
            try expectEqual(state.change, change.id, "change that the state names")
            try expectEqual(state.since, change.at, "since when")
            try expectEqual(
                Set(try await storage.dueEvaluations(limit: 9).map(\.policy)), [p, r],
                "evaluations that are due")
        },
        StoragePromise("a turn says when the first outcome of its row came, and so does its route")
        {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web", fall: 2))
            try await storage.put(.detach("www", checks: ["web"]))
            try await storage.settle("web", .healthy)
            try await storage.enqueueNow(storage.check("web").id)
            let first = try await storage.completion(
                of: storage.claim("web"), .failure(.connectRefused))
            _ = try await storage.complete([first])
            try await $0.age(by: .seconds(2))
            try await storage.enqueueNow(storage.check("web").id)
            try await storage.complete(storage.claim("web"), .failure(.connectRefused))

            let noticed = try unwrap(first.decision.state.runSince, "when the row began")
            let change = try unwrap(
                try await storage.healthChanges(
                    of: first.claim.check, before: nil, limit: 1
                ).first, "health change")
            let event = try unwrap(
                try await storage.events(EventQuery(kinds: [.health], limit: 1)).first, "event")
            let inputs = try unwrap(
                try await storage.evaluationInputs(of: storage.policy("www").id), "inputs")
            let state = try await storage.state(of: "web")
            try expectEqual(change.turn.to, .unhealthy, "health")
            try expectEqual(change.turn.noticedAt, noticed, "when the turn was noticed")
            try expectEqual(event, .turn(change), "the turn as an event")
            try expectEqual(
                inputs.inputs.health.values.map(\.noticedAt), [noticed], "what an evaluation reads")
            try expectEqual(state.runSince, nil, "the row that is counted")
        },
        StoragePromise("since when a health holds is told by the storage's clock") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            var completion = try await storage.completion(of: storage.claim("web"), .success)
            completion.decision.state.since = Timestamp(seconds: 1)

            _ = try await storage.complete([completion])

            let since = try await storage.state(of: "web").since
            try expect(
                try await storage.now() - since < .seconds(60), "It is healthy since \(since)")
        },
        StoragePromise("the state is stored only while the stored row equals the base") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            try await storage.settle("web", .healthy)
            try await storage.enqueueNow(storage.check("web").id)
            var completion = try await storage.completion(
                of: storage.claim("web"), .failure(.connectRefused))
            completion.claim.base.inARow = 2
            completion.decision.state.health = .unhealthy
            completion.decision.turn = HealthTurn(from: .healthy, to: .unhealthy, cause: .fall)

            let report = try await storage.complete([completion])

            try expectEqual(report.accepted, [completion.claim.job], "accepted completions")
            try expectEqual(report.turned, [], "turned checks")
            let state = try await storage.state(of: "web")
            try expectEqual(state.health, .healthy, "health")
            try expectEqual(state.inARow, 0, "in a row")
        },
        StoragePromise("all that is counted of a check comes back with its next claim") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            try await first.put(.sample("web", confirm: .otherWorker, fall: 5))
            try await first.settle("web", .healthy)
            try await first.enqueueNow(first.check("web").id)
            let begun = try await first.completion(
                of: first.claim("web"), .failure(.connectRefused), othersAlive: true)
            _ = try await first.complete([begun])
            try await first.enqueueNow(first.check("web").id)

            let claim = try await second.claim("web")
            try expectEqual(claim.base.inARow, 1, "in a row")
            try expectEqual(claim.base.runWorker, 1, "worker that began the row")
            try expectEqual(
                claim.base.runSince, begun.decision.state.runSince, "when the row began")
            try expect(!claim.base.isCorroborated, "Nobody else saw it yet")
            try await second.complete(claim, .failure(.connectRefused), othersAlive: true)
            try await second.probe("web", .inconclusive(.noSocket))

            let state = try await first.state(of: "web")
            try expectEqual(state.inARow, 2, "in a row after a second worker")
            try expect(state.isCorroborated, "A second worker saw it")
            try expect(state.inconclusiveSince != nil, "Nothing says since when it is unheard")
        },
        StoragePromise("a re-check is due at probe start plus the given time") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web", interval: .minutes(10)))
            try await storage.complete(
                storage.claim("web"), .failure(.connectRefused), age: .seconds(20))

            let seen = try await storage.observation(of: "web")

            let job = try unwrap(seen.job, "re-check")
            let started = try unwrap(seen.lastOutcome, "outcome").startedAt
            try expectEqual(job.visibleAt - started, .seconds(120), "time after probe start")
            try expectEqual(job.dueAt, job.visibleAt, "due time")
            try expectEqual(job.attempt, 0, "attempt")
            try expectEqual(try await storage.claimAll(), [], "claims before it is due")
        },
        StoragePromise("a re-check whose time is over already is due now, not before") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(
                .sample("web", interval: .seconds(10), timeout: .seconds(9), confirm: .otherWorker))
            try await storage.complete(
                storage.claim("web"), .failure(.connectTimeout), othersAlive: true,
                age: .seconds(9))

            let seen = try await storage.observation(of: "web")

            let job = try unwrap(seen.job, "re-check")
            let started = try unwrap(seen.lastOutcome, "outcome").startedAt
            try expectEqual(job.visibleAt - started, .seconds(9), "time after probe start")
        },
        StoragePromise("an outcome that is not to be kept still counts") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            let claim = try await storage.claim("web")

            let report = try await storage.complete([
                storage.completion(of: claim, .success, keepsOutcome: false)
            ])

            try expectEqual(report.accepted, [claim.job], "accepted completions")
            try expectEqual(report.turned.count, 1, "turned checks")
            try expectEqual(
                try await storage.outcomes(of: claim.check, before: nil, limit: 9), [], "history")
            try expectEqual(try await storage.state(of: "web").health, .healthy, "health")
            try await storage.expectConservation("after a completion without outcome")
        },
        StoragePromise("outcomes older than what is kept are pruned, a few at a time") {
            if $0.prunesByParts { return }
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            for _ in 0..<5 { try await storage.probe("web", .success) }
            try await $0.age(by: .hours(2))
            for _ in 0..<2 { try await storage.probe("web", .success) }
            let id = try await storage.check("web").id

            let kept = try await storage.pruneOutcomes(keep: .hours(3), limit: 100)
            let some = try await storage.pruneOutcomes(keep: .hours(1), limit: 3)
            let rest = try await storage.pruneOutcomes(keep: .hours(1), limit: 100)

            try expectEqual([kept, some, rest], [0, 3, 2], "pruned outcomes")
            try expectEqual(
                try await storage.outcomes(of: id, before: nil, limit: 100).count, 2,
                "outcomes left")
        },
        StoragePromise("no outcome that is to be kept is pruned, and none stays for long after") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web"))
            let id = try await storage.check("web").id
            let prune = { () async throws in
                while try await storage.pruneOutcomes(keep: .hours(24 * 7), limit: 100) == 100 {}
                return try await storage.outcomes(of: id, before: nil, limit: 100).count
            }
            var kept: [Int] = []
            for _ in 0..<12 {
                try await storage.probe("web", .success)
                kept.append(try await prune())
                try await $0.age(by: .hours(24))
            }
            let left = try await prune()

            // Eight days: seven, and the part in which the oldest lies.
            try expect(
                zip(kept, 1...).allSatisfy { $0 >= min($1, 8) && $0 <= min($1, 9) },
                "outcomes kept day by day: \(kept)")
            try expect((7...8).contains(left), "outcomes left: \(left)")
        },
    ]

    static let wheel: [StoragePromise] = [
        StoragePromise("a due slot gives each of its checks one job, and goes on by its interval") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web", interval: .hours(1)))
            try await storage.complete(storage.claim("web"), .success)
            let due = try unwrap(try await storage.observation(of: "web").slotDueAt, "slot")
            try expectEqual(try await storage.nextSlotDue(), due, "earliest slot")
            try expectEqual(
                try await storage.enqueueDue(maxSlots: 9), EnqueueReport(),
                "report before it is due")

            try await $0.age(by: .hours(1))
            let before = try unwrap(try await storage.observation(of: "web").slotDueAt, "slot")
            let report = try await storage.enqueueDue(maxSlots: 9)

            try expectEqual(report, EnqueueReport(slots: 1, enqueued: 1), "report")
            let seen = try await storage.observation(of: "web")
            try expectEqual(seen.job?.dueAt, before, "due time of the job")
            try expectEqual(
                try unwrap(seen.slotDueAt, "slot") - before, .hours(1), "advance of the slot")
            try expectEqual(
                try await storage.enqueueDue(maxSlots: 9), EnqueueReport(), "report once more")
        },
        StoragePromise("ticks that were missed are skipped and counted, and the phase is kept") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web", interval: .hours(1)))
            try await storage.complete(storage.claim("web"), .success)

            try await $0.age(by: .hours(5))
            let before = try unwrap(try await storage.observation(of: "web").slotDueAt, "slot")
            let report = try await storage.enqueueDue(maxSlots: 9)

            try expectEqual(report, EnqueueReport(slots: 1, enqueued: 1, missed: 4), "report")
            let seen = try await storage.observation(of: "web")
            try expectEqual(
                try unwrap(seen.slotDueAt, "slot") - before, .hours(5), "advance of the slot")
            try expectEqual(
                try unwrap(seen.job, "job").dueAt - before, .hours(4), "tick of the job")
            try expectEqual(try await storage.tally().missed, 4, "missed ticks")
        },
        StoragePromise("a tick behind a live job is superseded") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web", interval: .hours(1)))
            let claim = try await storage.claim("web")

            try await $0.age(by: .hours(1))
            let report = try await storage.enqueueDue(maxSlots: 9)

            try expectEqual(report, EnqueueReport(slots: 1, superseded: 1), "report")
            try expectEqual(try await storage.tally().superseded, 1, "superseded")
            try expectEqual(try await storage.observation(of: "web").job?.id, claim.job, "live job")
        },
        StoragePromise("no more slots are advanced than asked for, earliest first") {
            let storage = try await $0.storage(process: 1)
            for index in 0..<6 {
                try await storage.put(.sample("web\(index)", interval: .hours(1)))
            }
            for claim in try await storage.claimAll() {
                try await storage.complete(claim, .success)
            }
            let checks = try await storage.checks(matching: ObjectFilter(), after: nil, limit: 9)
            try await $0.age(by: .hours(1))
            let before = try await storage.observations(of: checks.map(\.id))
                .compactMapValues(\.slotDueAt)
            let order = before.sorted { $0.value < $1.value }.map(\.key)
            try expectEqual(Set(before.values).count, 6, "slots of six checks")

            let report = try await storage.enqueueDue(maxSlots: 2)

            try expectEqual(report, EnqueueReport(slots: 2, enqueued: 2), "report")
            let claimed = try await storage.claimAll().map(\.check)
            try expectEqual(Set(claimed), Set(order.prefix(2)), "checks of the earliest slots")
        },
        StoragePromise("a slot far ahead, as after a clock set back, is pulled back in its phase") {
            let storage = try await $0.storage(process: 1)
            try await storage.put(.sample("web", interval: .seconds(10)))
            try await storage.complete(storage.claim("web"), .success)
            _ = try await storage.enqueueDue(maxSlots: 1000)

            try await $0.age(by: .hours(-1))
            let before = try unwrap(try await storage.observation(of: "web").slotDueAt, "slot")
            _ = try await storage.enqueueDue(maxSlots: 1000)

            let after = try unwrap(try await storage.observation(of: "web").slotDueAt, "slot")
            let ahead = after - (try await storage.now())
            try expect(ahead <= .seconds(10), "The slot is still \(ahead) ahead")
            try expectEqual(
                (before - after).microseconds % 10_000_000, 0, "microseconds out of phase")
        },
        StoragePromise("each slot keeps its phase over many ticks, and gives one job a tick") {
            let storage = try await $0.storage(process: 1)
            for index in 0..<8 { try await storage.put(.sample("web\(index)")) }
            for claim in try await storage.claimAll() {
                try await storage.complete(claim, .success)
            }
            let ids = try await storage.checks(matching: ObjectFilter(), after: nil, limit: 9)
                .map(\.id)
            var probes: [CheckID: Int] = [:]
            for _ in 0..<10 {
                try await $0.age(by: .seconds(10))
                let before = try await storage.observations(of: ids)
                _ = try await storage.enqueueDue(maxSlots: 1000)
                let after = try await storage.observations(of: ids)
                for id in ids {
                    let step =
                        try unwrap(after[id]?.slotDueAt, "slot")
                        - (try unwrap(before[id]?.slotDueAt, "slot"))
                    try expect(step > .zero, "The slot did not move on, but by \(step)")
                    try expectEqual(
                        step.microseconds % 10_000_000, 0, "microseconds out of phase")
                }
                for claim in try await storage.claimAll() {
                    probes[claim.check, default: 0] += 1
                    try await storage.complete(claim, .success)
                }
            }

            try expectEqual(
                probes, Dictionary(uniqueKeysWithValues: ids.map { ($0, 10) }), "probes")
        },
    ]
}

extension Storage {
    fileprivate func expectVisible(_ names: [String]) async throws {
        for name in names {
            let job = try unwrap(try await observation(of: name).job, "job of \(name)")
            try expect(job.visibleAt <= (try await now()), "The job of \(name) is not visible")
        }
    }

    /// What this worker gets in the second after the job of `name` became visible; nothing where
    /// the machine was so slow that this second is over.
    fileprivate func claimInFirstSecond(
        of name: String, location: String = "default"
    ) async throws -> [Claim] {
        let visibleAt = try unwrap(try await observation(of: name).job, "job").visibleAt
        let claims = try await claim(ClaimRequest(limit: 9, location: location))
        if try await now() < visibleAt + .seconds(1) { return claims }
        _ = try await release(claims.map(\.reference))
        return []
    }
}
