import HealthWorkerModel
import HealthWorkerQueue
import HealthWorkerStorage
import Logging
import Synchronization
import Testing

/// References that answer what a test says, and a clock that it moves.
private final class References: Sendable {
    let now = Mutex<Duration>(.zero)
    private let next = Mutex<Isolation.Answer>(.someone)
    private let asked = Mutex(0)

    var questions: Int { asked.withLock { $0 } }

    func say(_ answer: Isolation.Answer) { next.withLock { $0 = answer } }
    func advance(by duration: Duration) { now.withLock { $0 += duration } }

    /// A clock whose waits end at once, and move it.
    var time: ProcessTime {
        ProcessTime(
            now: { self.now.withLock { $0 } },
            sleep: { duration in
                try Task.checkCancellation()
                self.advance(by: duration)
                await Task.yield()
            })
    }

    func isolation() -> Isolation {
        Isolation(
            asking: {
                self.asked.withLock { $0 += 1 }
                return self.next.withLock { $0 }
            }, time: time, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// As it is once the references were asked for the first time.
    func begun() async -> Isolation {
        let isolation = isolation()
        _ = await isolation.believed(
            ProbeReport(outcome: .failure(.connectRefused)), endedAt: .zero)
        return isolation
    }
}

@Suite struct `A worker with reference targets` {
    private let references = References()
    private let failure = ProbeReport(outcome: .failure(.connectTimeout))

    @Test func `claims nothing before one has answered`() async {
        let isolation = references.isolation()
        #expect(isolation.pause == "no reference target has answered yet")

        _ = await isolation.believed(failure, endedAt: .zero)

        #expect(isolation.pause == nil)
    }

    @Test func `believes a failure when one answers behind it`() async {
        let isolation = await references.begun()
        references.advance(by: .seconds(3))

        let believed = await isolation.believed(failure, endedAt: .seconds(3))

        #expect(believed == failure)
        #expect(references.questions == 2)
    }

    @Test func `asks once for all failures of a tenth of a second, and for no success`() async {
        let isolation = await references.begun()

        for milliseconds in 0...100 {
            let end = Duration.milliseconds(milliseconds)
            #expect(await isolation.believed(failure, endedAt: end) == failure)
        }
        let success = ProbeReport(outcome: .success)
        #expect(await isolation.believed(success, endedAt: .seconds(60)) == success)

        #expect(references.questions == 1)
    }

    @Test func `believes no failure while none answers, and nothing that it saw then`() async {
        let isolation = await references.begun()
        references.say(.nobody)
        references.advance(by: .seconds(3))

        let believed = await isolation.believed(failure, endedAt: .seconds(3))
        let success = await isolation.believed(
            ProbeReport(outcome: .success), endedAt: .seconds(3))

        #expect(believed.outcome == .inconclusive(.workerIsolated))
        #expect(
            believed.detail == "no reference target answers this worker, which saw connect_timeout")
        #expect(success.outcome == .inconclusive(.workerIsolated))
        #expect(isolation.pause == "isolated: no reference target answers")
        references.say(.someone)
        references.advance(by: .seconds(1))
        #expect(await isolation.believed(failure, endedAt: .seconds(4)) == failure)
        #expect(isolation.pause == nil)
    }

    @Test func `believes nothing that it could not ask about, and goes on`() async {
        let isolation = await references.begun()
        references.say(.notAsked)
        references.advance(by: .seconds(3))

        let believed = await isolation.believed(failure, endedAt: .seconds(3))

        #expect(believed.outcome == .inconclusive(.noSocket))
        #expect(isolation.pause == nil)
    }

    @Test func `leaves what is inconclusive as it is`() async {
        let isolation = await references.begun()
        references.say(.nobody)
        let trouble = ProbeReport(outcome: .inconclusive(.dnsTimeout))

        #expect(await isolation.believed(trouble, endedAt: .seconds(9)) == trouble)
        #expect(references.questions == 1)
    }

    @Test func `asks every five seconds, and every second while none answers`() async {
        let asks = Mutex<[Duration]>([])
        let watched = Isolation(
            asking: {
                let now = self.references.now.withLock { $0 }
                let count = asks.withLock { asks in
                    asks.append(now)
                    return asks.count
                }
                return count < 3 ? .nobody : .someone
            }, time: references.time,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let watching = Task { await watched.watch() }

        while asks.withLock({ $0.count }) < 5 { await Task.yield() }
        watching.cancel()
        await watching.value

        #expect(
            asks.withLock { Array($0.prefix(5)) }
                == [0, 1, 2, 7, 12].map { Duration.seconds($0) })
    }

    @Test func `shares one question among failures that end together`() async {
        let gate = AsyncStream<Void>.makeStream()
        let asked = Mutex(0)
        let isolation = Isolation(
            asking: {
                asked.withLock { $0 += 1 }
                for await _ in gate.stream { break }
                return .someone
            }, time: references.time,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })

        let believed = await withTaskGroup(of: ProbeReport.self) { group in
            for _ in 0..<100 {
                group.addTask { await isolation.believed(self.failure, endedAt: .zero) }
            }
            while asked.withLock({ $0 }) == 0 { await Task.yield() }
            gate.continuation.yield()
            return await group.reduce(into: []) { $0.append($1) }
        }

        #expect(believed == Array(repeating: failure, count: 100))
        #expect(asked.withLock { $0 } == 1)
    }
}

@Suite struct `A worker that is isolated` {
    @Test func `claims nothing, and claims again when a reference answers`() async throws {
        let references = References()
        references.say(.nobody)
        let isolation = await references.begun()
        let bench = Bench(isolation: isolation)
        try await bench.write([.putCheck(.test("web"), set: nil)])

        #expect(try await bench.work().isEmpty)
        #expect(bench.worker.activity.paused == "isolated: no reference target answers")
        references.say(.someone)
        references.advance(by: .seconds(1))
        _ = await isolation.believed(
            ProbeReport(outcome: .failure(.connectRefused)), endedAt: .seconds(1))

        #expect(try await bench.work().count == 1)
        #expect(bench.worker.activity.paused == nil)
    }

    @Test func `turns nothing`() async throws {
        let references = References()
        let bench = Bench(isolation: await references.begun(), time: references.time)
        try await bench.write([.putCheck(.test("web"), set: nil)])
        try await bench.work()
        #expect(try await bench.health(of: "web")?.health == .healthy)
        bench.script.set("192.0.2.1", .failure(.connectTimeout))
        references.say(.nobody)

        for _ in 0..<6 {
            // It believes that it has a network, until its own failure makes it ask.
            references.say(.someone)
            references.advance(by: .seconds(10))
            _ = await bench.isolation.believed(
                ProbeReport(outcome: .failure(.connectRefused)),
                endedAt: references.now.withLock { $0 })
            references.say(.nobody)
            references.advance(by: .seconds(1))
            bench.clock.advance(by: .seconds(10))
            while try await bench.register.enqueue() == .zero {}
            try await bench.work()
        }

        let state = try #require(try await bench.health(of: "web"))
        #expect(state.health == .healthy)
        #expect(state.inARow == 0)
        #expect(state.inconclusiveSince != nil)
    }
}
