import Dispatch
import HealthWorkerCounters
import Testing

@Suite struct CallingThreadTests {
    @Test func `calls are made one after another on a value that stays`() async {
        let thread = CallingThread(name: "test") { [Int]() }

        for number in 1...100 { thread.enqueue { $0.append(number) } }

        #expect(await thread.run { $0 } == Array(1...100))
    }

    @Test func `nobody waits longer than their patience for a call that blocks`() async {
        let thread = CallingThread(name: "test") { 0 }
        let gate = DispatchSemaphore(value: 0)
        let (events, continuation) = AsyncStream.makeStream(of: String.self)

        // As the look-up of a name does while its servers are silent.
        let answer = await thread.run(
            patience: .milliseconds(20), givenUp: { continuation.yield("given up") },
            ended: { continuation.yield("ended") }
        ) { _ in
            gate.wait()
            return 1
        }
        gate.signal()

        #expect(answer == nil)
        var seen: [String] = []
        for await event in events.prefix(2) { seen.append(event) }
        #expect(seen == ["given up", "ended"])
    }

    @Test func `a cancelled caller leaves at once`() async {
        let thread = CallingThread(name: "test") { 0 }
        let gate = DispatchSemaphore(value: 0)
        let (started, continuation) = AsyncStream.makeStream(of: Void.self)
        let caller = Task {
            await thread.run(patience: .seconds(3600), givenUp: {}, ended: {}) { _ in
                continuation.yield()
                gate.wait()
                return 1
            }
        }
        for await _ in started.prefix(1) {}

        caller.cancel()

        #expect(await caller.value == nil)
        gate.signal()
    }
}
