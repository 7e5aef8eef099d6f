import HealthWorkerModel
import HealthWorkerQueue
import HealthWorkerStorage
import Logging
import Synchronization
import Testing

/// Three workers on one storage, each with a prober of its own, that hear of each other by heartbeats; the
/// clock only moves by hand.
private struct Crew {
    let shared = MemoryStorage.Shared()
    private(set) var members: [Bench] = []
    private(set) var heartbeats: [Heartbeat] = []

    init(checks count: Int = 12, fall: Int = 2) async throws {
        let (clock, start) = (shared.clock, shared.clock.now)
        let time = ProcessTime(
            now: { clock.now - start }, sleep: { _ in }, spread: { 1 })
        for number in 1...3 {
            let bench = Bench(
                process: ProcessID(Int64(number)), shared: shared,
                limits: Worker.Limits(name: "worker-\(number)"), time: time)
            members.append(bench)
            heartbeats.append(
                Heartbeat(
                    storage: bench.storage, fleet: bench.fleet,
                    presence: { bench.presence(name: "worker-\(number)") },
                    heard: { await bench.worker.hear($0, at: $1) }, time: time,
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
        }
        try await members[0].write(
            (1...count).map { number in
                var spec = CheckSpec.test("c\(number)", host: Self.host(number))
                spec.fall = fall
                return .putCheck(spec, set: nil)
            })
        for heartbeat in heartbeats { await heartbeat.step() }
        // All are healthy, and each worker has seen each.
        try await pass(60)
    }

    static func host(_ number: Int) -> String { "192.0.2.\(number)" }

    /// What one worker sees of all targets, or each.
    func see(_ outcome: Outcome, by members: Range<Int> = 0..<3, checks: Int = 12) {
        for member in members {
            for number in 1...checks {
                self.members[member].script.set(Self.host(number), outcome)
            }
        }
    }

    /// Seconds in which everybody works, each second another one first, and heartbeats go every two.
    func pass(_ seconds: Int, _ each: (Int) -> Void = { _ in }) async throws {
        for second in 0..<seconds {
            shared.clock.advance(by: .seconds(1))
            each(second)
            while try await members[0].register.enqueue() == .zero {}
            for index in 0..<3 { try await members[(second + index) % 3].work() }
            if second % 2 == 0 { for heartbeat in heartbeats { await heartbeat.step() } }
        }
    }

    var states: [ProcessID: Quarantine.State] {
        get async throws {
            try await members[0].storage.processes(seenWithin: Fleet.window).quarantine.mapValues(
                \.state)
        }
    }

    /// What was told of quarantines, oldest first.
    var deeds: [AuditEntry] {
        get async throws {
            let query = EventQuery(kinds: [.quarantine], order: .oldestFirst, limit: 100)
            return try await members[0].storage.events(query).compactMap { event in
                if case .deed(let entry) = event { entry } else { nil }
            }
        }
    }

    var turns: Int {
        get async throws {
            try await members[0].storage.healthChanges(of: nil, before: nil, limit: 1000)
                .count { $0.turn.to == .unhealthy }
        }
    }
}

extension Bench {
    fileprivate func presence(name: String) -> Presence {
        let activity = worker.activity
        return Presence(
            name: name, roles: [.worker], location: "default", version: "0",
            paused: activity.paused, testimony: activity.testimony,
            quarantine: activity.quarantine)
    }
}

@Suite struct `A worker whose peers contradict it` {
    @Test func `is quarantined and named, turns nothing, and the others have its jobs`()
        async throws
    {
        let crew = try await Crew()
        crew.see(.failure(.connectTimeout), by: 2..<3)

        try await crew.pass(60)

        let activity = crew.members[2].worker.activity
        #expect(try await crew.states == [3: .quarantined])
        #expect(
            activity.paused
                == "quarantined: contradicted by peers on \(activity.quarantine?.contradicted ?? 0) "
                + "of 12 checks")
        #expect(try await crew.turns == 0)
        let deeds = try await crew.deeds
        #expect(deeds.map(\.action) == ["worker.quarantined"])
        #expect(deeds.map(\.object) == ["worker-3"])
        let probed = crew.members[2].script.hosts.count
        let others = crew.members[0].script.hosts.count + crew.members[1].script.hosts.count
        try await crew.pass(60)
        #expect(crew.members[2].script.hosts.count == probed)
        // Twelve checks every ten seconds.
        #expect(
            crew.members[0].script.hosts.count + crew.members[1].script.hosts.count - others >= 70)
    }

    @Test func `works again when it is right, after its time and a while on trial`() async throws {
        let crew = try await Crew()
        crew.see(.failure(.connectTimeout), by: 2..<3)
        try await crew.pass(60)
        #expect(try await crew.states == [3: .quarantined])

        crew.see(.success, by: 2..<3)
        try await crew.pass(300)
        #expect(try await crew.states == [3: .onTrial])
        let probed = crew.members[2].script.hosts.count
        try await crew.pass(300)

        #expect(try await crew.states.isEmpty)
        #expect(crew.members[2].script.hosts.count > probed)
        #expect(
            try await crew.deeds.map(\.action) == ["worker.quarantined", "worker.released"])
    }

    @Test func `is quarantined for twice as long when it is still wrong`() async throws {
        let crew = try await Crew()
        crew.see(.failure(.connectTimeout), by: 2..<3)

        try await crew.pass(480)

        let term = try #require(crew.members[2].worker.activity.quarantine)
        #expect(term.times == 2)
        #expect(term.isServing)
        #expect(term.until - term.since == .minutes(10))
        #expect(try await crew.deeds.count == 2)
        #expect(try await crew.turns == 0)
    }

    @Test func `has what is in flight end inconclusive`() async throws {
        let crew = try await Crew()
        crew.see(.failure(.connectTimeout), by: 2..<3)
        let member = crew.members[2]
        let held = Mutex<[ClaimedJob]>([])
        while held.withLock({ $0.isEmpty }) {
            crew.shared.clock.advance(by: .seconds(1))
            while try await member.register.enqueue() == .zero {}
            try await member.worker.claim { job in held.withLock { $0.append(job) } }
        }

        #expect(await member.worker.hear(.accusing(3), at: crew.shared.clock.now))
        let job = try #require(held.withLock { $0.first })
        await member.worker.probe(job)
        _ = await member.worker.complete()

        let outcome = try await member.storage.outcomes(of: job.check.id, before: nil, limit: 1)
        #expect(outcome.first?.report.outcome == .inconclusive(.workerIsolated))
        #expect(
            outcome.first?.report.detail
                == "quarantined: contradicted by peers on 12 of 12 checks; it saw connect_timeout")
    }

    @Test func `claims few at a time while it is on trial`() async throws {
        let crew = try await Crew(checks: 30)
        let member = crew.members[2]
        #expect(await member.worker.hear(.accusing(3), at: crew.shared.clock.now))
        let none = try await member.worker.claim { _ in }
        crew.shared.clock.advance(by: .minutes(5))
        #expect(await member.worker.hear([], at: crew.shared.clock.now))
        while try await member.register.enqueue() == .zero {}

        let first = try await member.worker.claim { _ in }
        let second = try await member.worker.claim { _ in }

        #expect(none.of == 0)
        #expect(first.jobs == OwnQuarantine.trialBatch)
        #expect(second.of == 0)
    }

    @Test func `goes on with it after it was killed, and begins afresh after it was ended`()
        async throws
    {
        let crew = try await Crew()
        let member = crew.members[2]
        #expect(await member.worker.hear(.accusing(3), at: crew.shared.clock.now))
        crew.shared.clock.advance(by: .minutes(2))
        func again(_ process: ProcessID) async throws -> Bench {
            let bench = Bench(
                process: process, shared: crew.shared, limits: Worker.Limits(name: "worker-3"),
                time: ProcessTime(now: { .zero }, sleep: { _ in }))
            try await bench.worker.resumeQuarantine()
            return bench
        }

        let resumed = try await again(4)
        #expect(
            resumed.worker.activity.quarantine == member.worker.activity.quarantine)
        #expect(resumed.worker.activity.paused != nil)
        #expect(
            try await again(5).worker.activity.paused == resumed.worker.activity.paused,
            "a second time")
        resumed.worker.drain()
        try await resumed.worker.run()

        #expect(try await again(6).worker.activity.quarantine == nil)
        #expect(try await crew.deeds.last?.message == "the worker was ended")
    }

    @Test func `does not go on with what is over`() async throws {
        let crew = try await Crew()
        #expect(await crew.members[2].worker.hear(.accusing(3), at: crew.shared.clock.now))
        crew.shared.clock.advance(by: .minutes(5))

        let bench = Bench(
            process: 4, shared: crew.shared, limits: Worker.Limits(name: "worker-3"))
        try await bench.worker.resumeQuarantine()

        #expect(bench.worker.activity.quarantine == nil)
    }
}

@Suite struct `Workers that nobody can blame` {
    @Test func `go on while targets come and go`() async throws {
        let crew = try await Crew()

        try await crew.pass(180) { second in
            for number in 1...12 {
                let fails = (second + number) / 3 % 2 == 0
                for member in crew.members {
                    member.script.set(
                        Crew.host(number), fails ? .failure(.connectRefused) : .success)
                }
            }
        }

        #expect(try await crew.deeds.isEmpty)
        for member in crew.members {
            // It was seen, and weighed.
            #expect(!member.worker.activity.testimony.contradicted.isEmpty)
        }
    }

    @Test func `go on after a short breakdown of all targets`() async throws {
        let crew = try await Crew()

        try await crew.pass(60) { second in
            crew.see(second < 10 ? .failure(.connectTimeout) : .success)
        }

        #expect(try await crew.deeds.isEmpty)
        #expect(try await crew.states.isEmpty)
    }

    @Test func `disagree where most of them are contradicted, and all go on`() async throws {
        // Two that are wrong confirm each other, unless the one that is right comes in between.
        let crew = try await Crew(fall: 5)
        crew.see(.failure(.connectTimeout), by: 1..<3)

        try await crew.pass(120)

        let states = try await crew.states
        #expect(states.values.contains(.disputed), "\(states)")
        #expect(states.values.count { $0 == .quarantined } <= 1)
        #expect(states[1] == nil)
        #expect(crew.members[0].worker.activity.paused == nil)
    }
}

@Suite struct `A worker's own quarantine` {
    private func named(_ state: Quarantine.State = .named) -> Quarantine.Standing {
        Quarantine.Standing(state: state, contradicted: 12, probed: 14)
    }

    private let noon = Timestamp(seconds: 1_795_348_800)

    @Test func `is twice as long each time, up to an hour`() {
        var quarantine = OwnQuarantine()
        var now = Duration.zero
        var lengths: [Duration] = []
        for _ in 0..<6 {
            guard case .quarantined(let term)? = quarantine.hear(named(), at: now, noon + now)
            else { break }
            let length = term.until - term.since
            lengths.append(length)
            #expect(quarantine.limit(holding: 0) == 0)
            #expect(quarantine.hear(nil, at: now + length - .seconds(1), noon) == nil)
            now += length
            #expect(quarantine.hear(nil, at: now, noon + now) != nil)
            #expect(quarantine.pause == nil)
            now += .seconds(30)
        }

        #expect(lengths == [5, 10, 20, 40, 60, 60].map { .minutes($0) })
    }

    @Test func `is over after five minutes of being right, and then forgotten`() {
        var quarantine = OwnQuarantine()
        _ = quarantine.hear(named(), at: .zero, noon)
        _ = quarantine.hear(nil, at: .minutes(5), noon + .minutes(5))

        #expect(quarantine.hear(nil, at: .seconds(599), noon) == nil)
        // Nobody can say that it was right.
        #expect(quarantine.hear(named(.disputed), at: .minutes(10), noon) == nil)
        #expect(quarantine.term != nil)
        guard case .released? = quarantine.hear(nil, at: .minutes(10), noon) else {
            Issue.record("it is not released")
            return
        }
        #expect(quarantine.term == nil)
        #expect(quarantine.limit(holding: 500) == .max)
        guard case .quarantined(let term)? = quarantine.hear(named(), at: .minutes(11), noon)
        else {
            Issue.record("it is not quarantined")
            return
        }
        #expect(term.times == 1)
    }

    @Test func `is not begun by a dispute, nor ended by it`() {
        var quarantine = OwnQuarantine()

        #expect(quarantine.hear(named(.disputed), at: .zero, noon) == nil)
        #expect(quarantine.term == nil)
    }
}

@Suite struct `The log of a register` {
    @Test func `names a worker that its peers contradict, once`() throws {
        let lines = Mutex<[String]>([])
        let log = QuarantineLog(
            logger: Logger(label: "test") { _ in
                Recorder { line in lines.withLock { $0.append(line) } }
            })
        let fleet = [RunningProcess].accusing(3)
        var quarantined = fleet
        quarantined[2].presence.quarantine = QuarantineTerm(
            since: Timestamp(seconds: 0), until: Timestamp(seconds: 300), contradicted: 12,
            probed: 12)

        for seen in [fleet, fleet, quarantined, quarantined, [], []] { log.see(seen) }

        #expect(
            lines.withLock { $0 } == [
                "a worker's peers contradict it: it is to claim nothing worker-3",
                "a worker is quarantined worker-3",
            ])
    }

    private struct Recorder: LogHandler {
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.info
        let write: @Sendable (String) -> Void

        init(_ write: @escaping @Sendable (String) -> Void) { self.write = write }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            write("\(event.message) \(event.metadata?["worker"] ?? "")")
        }
    }
}

extension [RunningProcess] {
    /// Three workers of which the others contradict this one on all of twelve checks.
    fileprivate static func accusing(_ accused: ProcessID) -> [RunningProcess] {
        let noon = Timestamp(seconds: 1_795_348_800)
        return (1...3).map { number in
            let id = ProcessID(Int64(number))
            let word = Testimony.Contradicted(
                worker: accused, checks: CheckSample((1...12).map { CheckID($0) }), from: noon,
                to: noon + .seconds(60))
            return RunningProcess(
                id: id, seenAt: noon,
                presence: Presence(
                    name: "worker-\(number)", roles: [.worker], location: "default", version: "0",
                    testimony: Testimony(probed: 12, contradicted: id == accused ? [] : [word])))
        }
    }
}
