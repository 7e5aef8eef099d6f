import HealthWorkerModel
import HealthWorkerStorage
import StorageConformance
import Testing

/// A memory storage whose clock stands still until the suite lets it age.
struct MemoryFixture: StorageFixture {
    let shared = MemoryStorage.Shared()

    func storage(process: ProcessID) async throws -> any Storage {
        MemoryStorage(process: process, shared: shared)
    }

    func age(by duration: Duration) async throws {
        shared.clock.advance(by: duration)
    }

    func loseEvaluations() async throws {
        MemoryStorage(process: 0, shared: shared).loseEvaluations()
    }

    func leaveEvaluation(of policy: PolicyID) async throws {
        MemoryStorage(process: 0, shared: shared).leaveEvaluation(of: policy)
    }

    func leaveJobsBehind(timeout: Duration, locations: [String]) async throws {
        MemoryStorage(process: 0, shared: shared)
            .leaveJobsBehind(timeout: timeout, locations: locations)
    }
}

struct MemoryStorageTests {
    @Test(arguments: StoragePromise.all)
    func `the memory storage keeps its promises`(_ promise: StoragePromise) async throws {
        try await promise.ask(of: MemoryFixture())
    }

    @Test(arguments: UInt64(100)..<160)
    func `the memory storage keeps its word in whatever run of events`(seed: UInt64) async throws {
        try await StoragePromise.whateverHappens(seed: seed).ask(of: MemoryFixture())
    }

    @Test func `a promise is named by one sentence of its own`() {
        let sentences = StoragePromise.all.map(\.sentence)

        #expect(sentences.count > 90)
        #expect(Set(sentences).count == sentences.count)
    }
}

struct StorageClockTests {
    @Test func `a standing clock only moves when it is moved`() {
        let clock = StorageClock(standingAt: Timestamp(seconds: 1000))

        clock.advance(by: .seconds(5))
        clock.advance(by: .seconds(-2))

        #expect(clock.now == Timestamp(seconds: 1003))
        #expect(clock.now == Timestamp(seconds: 1003))
    }

    @Test func `a running clock starts where it was set and never goes back`() {
        let clock = StorageClock(runningFrom: Timestamp(seconds: 1000))

        let moments = (0..<1000).map { _ in clock.now }

        #expect(moments[0] >= Timestamp(seconds: 1000))
        #expect(moments[0] < Timestamp(seconds: 1100))
        #expect(zip(moments, moments.dropFirst()).allSatisfy { $0 <= $1 })
    }
}
