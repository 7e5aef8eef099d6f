import HealthWorkerMetrics
import HealthWorkerModel
import HealthWorkerStorage
import Testing

@Suite struct `Figures of the installation` {
    private let now = Timestamp(seconds: 1_700_000_000)

    private func figures(
        _ checks: [Census.CheckGroup] = [], processes: [RunningProcess] = []
    ) -> InstallationFigures {
        InstallationFigures(
            now: now,
            queue: QueueStatus(live: 0, ready: 0, leased: 0, oldestReady: nil, tally: Tally()),
            census: Census(checks: checks), processes: processes)
    }

    private func group(
        _ count: Int, _ freshness: Census.Freshness = .fresh, at locations: String...,
        health: Health = .healthy
    ) -> Census.CheckGroup {
        Census.CheckGroup(
            locations: locations, health: health, freshness: freshness, count: count)
    }

    private func process(
        _ id: ProcessID, _ roles: [Role], at location: String = "default", paused: String? = nil
    ) -> RunningProcess {
        RunningProcess(
            id: id, seenAt: now,
            presence: Presence(
                name: "p\(id)", roles: roles, location: location, version: "1", paused: paused))
    }

    private func samples(
        _ name: MetricName, of figures: InstallationFigures
    ) -> [[String: String]: Double] {
        let samples = figures.readings.first { $0.name == name }?.samples ?? []
        return Dictionary(uniqueKeysWithValues: samples.map { ($0.labels, $0.value) })
    }

    @Test func `the states of jobs sum up to the live ones`() {
        var figures = figures()
        figures.queue.live = 10
        figures.queue.ready = 3
        figures.queue.leased = 5
        figures.queue.oldestReady = .milliseconds(1500)
        figures.queue.lateSlots = 2
        figures.queue.oldestTransaction = OpenTransaction(age: .seconds(90), session: "pid 7")

        #expect(
            samples(.queueJobs, of: figures) == [
                ["state": "due"]: 3, ["state": "leased"]: 5, ["state": "later"]: 2,
            ])
        #expect(samples(.queueOldestDue, of: figures) == [[:]: 1.5])
        #expect(samples(.queueLateSlots, of: figures) == [[:]: 2])
        #expect(samples(.oldestTransaction, of: figures) == [[:]: 90])
    }

    @Test func `sinks are told by name, with what waits, differs and was given up`() {
        var figures = figures()
        figures.census.sinks = [
            Census.Sink(
                name: "dns", waiting: 2, waitingSince: now - .seconds(150), differing: 1),
            Census.Sink(name: "hook", deadLetters: 3),
        ]

        #expect(
            samples(.routesNotInSync, of: figures) == [
                ["sink": "dns", "why": "waiting"]: 2, ["sink": "dns", "why": "differs"]: 1,
                ["sink": "hook", "why": "waiting"]: 0, ["sink": "hook", "why": "differs"]: 0,
            ])
        #expect(
            samples(.routeOldestWaiting, of: figures) == [
                ["sink": "dns"]: 150, ["sink": "hook"]: 0,
            ])
        #expect(samples(.deadLetters, of: figures) == [["sink": "dns"]: 0, ["sink": "hook"]: 3])
    }

    @Test func `workers that are contradicted are told by where they stand`() {
        let none = ["named": 0, "quarantined": 0, "on_trial": 0, "disputed": 0]
        func told(_ changed: [String: Double]) -> [[String: String]: Double] {
            let all = none.mapValues(Double.init).merging(changed) { $1 }
            return Dictionary(uniqueKeysWithValues: all.map { (["state": $0.key], $0.value) })
        }
        let alone = process(1, [.worker])
        var accused = alone
        accused.presence.testimony = Testimony(probed: 12)
        var accuser = process(2, [.worker, .register])
        accuser.presence.testimony = Testimony(
            probed: 12,
            contradicted: [
                .init(
                    worker: 1, checks: CheckSample((1...12).map { CheckID($0) }),
                    from: now - .minutes(1), to: now)
            ])
        var quarantined = process(3, [.worker])
        quarantined.presence.quarantine = QuarantineTerm(
            since: now, until: now + .minutes(5), contradicted: 12, probed: 12)

        #expect(samples(.quarantined, of: figures(processes: [alone])) == told([:]))
        #expect(
            samples(.quarantined, of: figures(processes: [accused, accuser])) == told(["named": 1]))
        #expect(
            samples(.quarantined, of: figures(processes: [accused, accuser, quarantined]))
                == told(["disputed": 1, "quarantined": 1]))
    }

    @Test func `a location that checks name and where nobody is has 0 workers`() {
        let figures = figures(
            [group(1, at: "fra1", "ams1"), group(2), group(1, .paused, at: "lhr1")],
            processes: [
                process(1, [.worker], at: "fra1"), process(2, [.worker, .api], at: "fra1"),
            ])

        #expect(
            samples(.processes, of: figures) == [
                ["role": "worker", "location": "fra1"]: 2,
                ["role": "worker", "location": "ams1"]: 0,
                ["role": "api", "location": "fra1"]: 1,
                ["role": "register", "location": ""]: 0,
            ])
    }

    @Test func `checks are without a worker where none that claims may probe them`() {
        let checks = [
            group(1), group(10, at: "fra1"), group(100, at: "fra1", "ams1"),
            group(1000, at: "lhr1"), group(10_000, .paused, at: "lhr1"),
        ]
        func unserved(_ processes: RunningProcess...) -> Double? {
            samples(.checksWithoutWorker, of: figures(checks, processes: processes))[[:]]
        }

        #expect(unserved() == 1111)
        #expect(unserved(process(1, [.register, .api])) == 1111)
        #expect(unserved(process(1, [.worker])) == 1110)
        #expect(unserved(process(1, [.worker], at: "ams1")) == 1010)
        #expect(unserved(process(1, [.worker], at: "fra1")) == 1000)
        #expect(unserved(process(1, [.worker], at: "fra1", paused: "isolated")) == 1111)
        #expect(
            unserved(process(1, [.worker], at: "fra1"), process(2, [.worker], at: "lhr1")) == 0)
    }

    @Test func `checks are counted by health, and the stale ones by why`() {
        let figures = figures([
            group(1), group(2, health: .unhealthy), group(4, .inconclusive),
            group(8, .noWorker, health: .unknown), group(16, .paused),
        ])

        #expect(
            samples(.checks, of: figures) == [
                ["health": "healthy"]: 21, ["health": "unhealthy"]: 2, ["health": "unknown"]: 8,
            ])
        #expect(samples(.checksPaused, of: figures) == [[:]: 16])
        #expect(
            samples(.checksStale, of: figures) == [
                ["why": "no_worker"]: 8, ["why": "not_enqueued"]: 0, ["why": "inconclusive"]: 4,
            ])
    }

    @Test func `overrides without an end are told with their age`() {
        var figures = figures()
        func override(_ id: OverrideID, age: Duration, until: Timestamp?) -> Override {
            Override(
                id: id, policy: 1, member: "m\(id)", word: .down, reason: "r", actor: "ann",
                createdAt: now - age, until: until)
        }
        #expect(samples(.overridePermanentOldest, of: figures) == [[:]: 0])

        figures.overrides = [
            override(1, age: .seconds(900), until: now + .hours(1)),
            override(2, age: .seconds(60), until: nil), override(3, age: .seconds(30), until: nil),
        ]

        #expect(
            samples(.overrides, of: figures) == [
                ["permanent": "true"]: 2, ["permanent": "false"]: 1,
            ])
        #expect(samples(.overridePermanentOldest, of: figures) == [[:]: 60])
    }

    @Test func `single checks are told by name, and those beyond the limit counted`() async throws {
        let storage = MemoryStorage()
        for name in ["a", "b", "c"] {
            _ = try await storage.write(
                WriteBatch(
                    [
                        .putCheck(
                            CheckSpec(
                                name: name, type: .tcp,
                                target: Target(host: "192.0.2.1", port: 80)), set: nil)
                    ], actor: "ann"))
        }
        func read(limit: Int?) async throws -> InstallationFigures {
            try await InstallationFigures.read(
                from: storage, board: nil, window: .seconds(6), checkLimit: limit)
        }
        var figures = try await read(limit: 2)
        let (a, b) = (figures.single?.checks[0].id ?? 0, figures.single?.checks[1].id ?? 0)
        figures.single?.observations[a]?.state.health = .healthy
        figures.single?.observations[b]?.state.health = .unhealthy
        figures.single?.observations[b]?.lastOutcome = RecordedOutcome(
            job: 1, attempt: 1, check: b, epoch: 1, startedAt: now, worker: 1, location: "x",
            report: ProbeReport(
                outcome: .failure(.connectRefused),
                phases: Phases(resolve: 1_000_000, connect: 250_000)))

        #expect(
            samples(.checkHealthy, of: figures) == [["check": "a"]: 1, ["check": "b"]: 0])
        #expect(samples(.checkLastDuration, of: figures) == [["check": "b"]: 1.25])
        #expect(samples(.checksNotShown, of: figures) == [[:]: 1])
        let all = try await read(limit: 1000)
        #expect(all.single?.checks.count == 3)
        // Nothing is known of them: nothing is told.
        #expect(samples(.checkHealthy, of: all) == [:])
        #expect(samples(.checksNotShown, of: all) == [[:]: 0])
        #expect(samples(.checksNotShown, of: try await read(limit: nil)) == [:])
    }
}
