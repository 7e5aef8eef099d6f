import HealthWorkerModel
import HealthWorkerQueue
import HealthWorkerStorage
import Testing

/// What a second worker costs and saves when a target stops answering: another one's word is asked
/// for, and waited for no longer than a second for each failure.
@Suite struct `A second opinion` {
    /// Workers on one storage, each with a process and time of its own; the clock only moves by hand.
    private struct Room {
        let shared = MemoryStorage.Shared()
        let script = Script()
        private(set) var workers: [Bench] = []
        private var present: [Presence] = []

        /// - Parameter locations: Where each worker is.
        init(_ locations: String..., concurrency: Int = 100) async throws {
            for (index, location) in locations.enumerated() {
                workers.append(
                    Bench(
                        process: ProcessID(Int64(index + 1)), shared: shared, script: script,
                        limits: Worker.Limits(location: location, concurrency: concurrency),
                        time: ProcessTime(now: { .zero }, sleep: { _ in })))
                present.append(
                    Presence(
                        name: "worker-\(index + 1)", roles: [.worker], location: location,
                        version: "0"))
            }
            try await meet()
        }

        /// Every worker but the `absent` says that it is alive, and looks who else is.
        func meet(paused: [Int: String] = [:], absent: Set<Int> = []) async throws {
            for (index, worker) in workers.enumerated() {
                guard !absent.contains(index) else {
                    try await worker.storage.withdraw()
                    continue
                }
                var presence = present[index]
                presence.paused = paused[index]
                try await worker.storage.announce(presence)
            }
            for worker in workers {
                worker.fleet.update(
                    try await worker.storage.processes(seenWithin: Fleet.window))
            }
        }

        /// A check that was healthy, and whose target answers nobody any more.
        func letFail(_ spec: CheckSpec) async throws {
            try await workers[0].write([.putCheck(spec, set: nil)])
            try await workers[0].work()
            script.set(spec.target.host, .failure(.connectTimeout))
            let check = try await workers[0].storage.checks(named: [spec.name])
            for check in check { try await workers[0].storage.enqueueNow(check.id) }
        }

        /// The worker's last place is taken by a probe that does not end.
        func saturate(_ index: Int) async throws {
            var slow = CheckSpec.test("slow", host: "192.0.2.99")
            slow.interval = .seconds(600)
            slow.timeout = .seconds(60)
            try await workers[0].write([.putCheck(slow, set: nil)])
            let claimed = try await workers[index].worker.claim { _ in }
            #expect(claimed.jobs == 1)
        }

        /// How long after the first failure each probe was made, and by whom, until health turns; all
        /// workers ask for work all the time.
        func timeline(of name: String) async throws -> (
            probes: [(after: Duration, worker: Int)], cause: TurnCause?
        ) {
            let start = shared.clock.now
            let checks = try await workers[0].storage.checks(named: [name])
            var probes: [(Duration, Int)] = []
            while shared.clock.now - start < .seconds(60) {
                for (index, worker) in workers.enumerated() {
                    for claim in try await worker.work() where claim.check == checks.first?.id {
                        probes.append((shared.clock.now - start, index))
                    }
                }
                if try await workers[0].health(of: name)?.health == .unhealthy { break }
                shared.clock.advance(by: .milliseconds(100))
            }
            let change = try await workers[0].storage.healthChanges(
                of: checks.first?.id, before: nil, limit: 1)
            return (probes, change.first?.turn.cause)
        }
    }

    // The check turns unhealthy after 2 failures, is asked again 2 s after a failure, and has a
    // time-out of 1 s.

    @Test func `is another worker's where one is free, and costs no time`() async throws {
        let room = try await Room("fra1", "fra1")
        try await room.letFail(.test("web"))

        let (probes, cause) = try await room.timeline(of: "web")

        #expect(probes.map(\.after) == [.zero, .seconds(2)])
        #expect(probes.map(\.worker) == [0, 1])
        #expect(cause == .fall)
    }

    @Test func `comes from another location where the check allows one`() async throws {
        let room = try await Room("fra1", "fra1", "ams1")
        try await room.letFail(.test("web", locations: ["fra1", "ams1"]))

        let (probes, cause) = try await room.timeline(of: "web")

        #expect(probes.map(\.after) == [.zero, .seconds(2)])
        #expect(probes.map(\.worker) == [0, 2])
        #expect(cause == .fall)
    }

    @Test func `stays in the only location that the check allows`() async throws {
        let room = try await Room("fra1", "fra1", "ams1")
        try await room.letFail(.test("web", locations: ["fra1"]))

        let (probes, cause) = try await room.timeline(of: "web")

        #expect(probes.map(\.after) == [.zero, .seconds(2)])
        #expect(probes.map(\.worker) == [0, 1])
        #expect(cause == .fall)
    }

    @Test func `that cannot be had, as all places are taken, costs one second for each failure`()
        async throws
    {
        let room = try await Room("fra1", "fra1", concurrency: 1)
        try await room.saturate(1)
        try await room.letFail(.test("web"))

        let (probes, cause) = try await room.timeline(of: "web")

        // Nobody agreed: two failures more do without, each 2 s after the one before, and 1 s late.
        #expect(
            probes.map(\.after) == [.zero, .seconds(3), .seconds(6), .seconds(9)])
        #expect(probes.map(\.worker) == [0, 0, 0, 0])
        #expect(cause == .uncorroborated)
    }

    @Test func `that comes late counts, and nobody waits for more`() async throws {
        let room = try await Room("fra1", "fra1", concurrency: 1)
        try await room.saturate(1)
        try await room.letFail(.test("web"))
        try await room.workers[0].work()
        room.shared.clock.advance(by: .seconds(3))
        try await room.workers[0].work()
        #expect(try await room.workers[0].health(of: "web")?.inARow == 2)

        // The one that had no place has one again.
        let free = Bench(
            process: 2, shared: room.shared, script: room.script,
            time: ProcessTime(now: { .zero }, sleep: { _ in }))
        room.shared.clock.advance(by: .seconds(2))
        #expect(try await free.work().count == 1)

        #expect(try await room.workers[0].health(of: "web")?.health == .unhealthy)
    }

    @Test func `is not waited for where the other worker is paused`() async throws {
        let room = try await Room("fra1", "fra1")
        try await room.meet(paused: [1: "by an operator"])
        try await room.letFail(.test("web"))
        let one = room.workers[0]

        try await one.work()
        room.shared.clock.advance(by: .seconds(2))
        try await one.work()

        #expect(try await one.health(of: "web")?.health == .unhealthy)
    }

    @Test func `is not needed from a worker that is alone`() async throws {
        let room = try await Room("fra1")
        try await room.letFail(.test("web"))

        let (probes, cause) = try await room.timeline(of: "web")

        #expect(probes.map(\.after) == [.zero, .seconds(2)])
        #expect(cause == .fall)
    }

    @Test func `of a worker that died is given up after a second`() async throws {
        let room = try await Room("fra1", "fra1")
        try await room.letFail(.test("web"))
        let one = room.workers[0]
        try await one.work()
        try await room.meet(absent: [1])

        room.shared.clock.advance(by: .milliseconds(2900))
        #expect(try await one.work().isEmpty)
        room.shared.clock.advance(by: .milliseconds(100))
        #expect(try await one.work().count == 1)

        #expect(try await one.health(of: "web")?.health == .unhealthy)
    }

    @Test func `is not asked for by a check that does without`() async throws {
        let room = try await Room("fra1", "fra1")
        var spec = CheckSpec.test("web")
        spec.confirm = .none
        try await room.letFail(spec)
        let one = room.workers[0]

        try await one.work()
        room.shared.clock.advance(by: .seconds(2))
        #expect(try await one.work().count == 1)

        #expect(try await one.health(of: "web")?.health == .unhealthy)
    }
}
