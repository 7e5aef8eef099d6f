import HealthWorkerProbes
import NIOCore
import Synchronization
import Testing

@Suite struct ProbeLoopTests {
    @Test func `what other threads give a loop is all done, and on its thread`() async throws {
        let loop = ProbeLoop(name: "test")

        let done = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<10_000 {
                group.addTask { try await loop.submit { loop.inEventLoop }.get() }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }

        #expect(done == 10_000)
        try await loop.shutdownGracefully()
    }

    @Test func `a task that prefers a loop runs on its thread`() async throws {
        let loop = ProbeLoop(name: "test")

        let places = await withTaskExecutorPreference(loop.taskExecutor) {
            let first = loop.inEventLoop
            await Task.yield()
            return [first, loop.inEventLoop]
        }

        #expect(places == [true, true])
        try await loop.shutdownGracefully()
    }

    @Test func `timers are run in their order and not before their time`() async throws {
        let loop = ProbeLoop(name: "test")
        let start = NIODeadline.now()
        let order = Mutex<[String]>([])

        let late = loop.scheduleTask(deadline: start + .milliseconds(60)) {
            order.withLock { $0.append("late") }
            return NIODeadline.now()
        }
        let early = loop.scheduleTask(deadline: start + .milliseconds(20)) {
            order.withLock { $0.append("early") }
            return NIODeadline.now()
        }
        let cancelled = loop.scheduleTask(in: .hours(1)) { NIODeadline.now() }
        cancelled.cancel()

        let times = (try await early.futureResult.get(), try await late.futureResult.get())
        #expect(times.0 >= start + .milliseconds(20))
        #expect(times.1 >= start + .milliseconds(60))
        #expect(order.withLock { $0 } == ["early", "late"])
        await #expect(throws: EventLoopError.cancelled) { try await cancelled.futureResult.get() }
        try await loop.shutdownGracefully()
    }

    @Test func `a loop that ends fails its timers, and still runs tasks that come later`()
        async throws
    {
        let loop = ProbeLoop(name: "test")
        let failures = Failures()
        loop.scheduleTask(in: .hours(1)) {}.futureResult.whenFailure { failures.note($0) }

        try await loop.shutdownGracefully()

        #expect(failures.all as? [EventLoopError] == [.shutdown])
        let later = await withTaskExecutorPreference(loop.taskExecutor) { 42 }
        #expect(later == 42)
        try await loop.shutdownGracefully()
    }
}

private final class Failures: Sendable {
    private let kept = Mutex<[any Error]>([])

    var all: [any Error] { kept.withLock { $0 } }

    func note(_ error: any Error) {
        kept.withLock { $0.append(error) }
    }
}
