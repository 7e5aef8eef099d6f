import HealthWorkerModel
import HealthWorkerQueue
import HealthWorkerStorage
import Logging
import StorageConformance
import Synchronization
import Testing

@Suite struct `A worker's sweep` {
    @Test func `that failed is made up for by the next claim`() async throws {
        let storage = RecordedClaims(base: MemoryStorage())
        let clock = Mutex(Duration.seconds(100))
        let time = ProcessTime(now: { clock.withLock { $0 } }, sleep: { _ in }, spread: { 1 })
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let worker = Worker(
            storage: storage, counts: Base(), evaluator: PolicyEvaluator(storage: storage),
            prober: { _ in nil }, fleet: Fleet(me: 1), time: time, logger: logger)
        func claim(at milliseconds: Int64) async throws -> JobID? {
            clock.withLock { $0 = .milliseconds(milliseconds) }
            try await worker.claim { _ in }
            return storage.beginning
        }

        // The watermark needs two looks, 3 s apart.
        #expect(try await claim(at: 100_000) == 0)
        #expect(try await claim(at: 104_000) == 0)
        #expect(try await claim(at: 104_500) == 980_000)
        storage.isAway.withLock { $0 = true }
        await #expect(throws: StorageError.self) { try await claim(at: 106_000) }
        #expect(storage.beginning == 0)
        storage.isAway.withLock { $0 = false }

        #expect(try await claim(at: 106_100) == 0)
        #expect(try await claim(at: 106_200) == 980_000)
    }
}

/// Always gives the job of a check that is gone, with a high id.
private final class RecordedClaims: ForwardingStorage {
    let base: MemoryStorage
    let isAway = Mutex(false)
    private let last = Mutex<ClaimRequest?>(nil)

    init(base: MemoryStorage) {
        self.base = base
    }

    /// From which job on the last claim was to begin.
    var beginning: JobID? { last.withLock { $0?.from } }

    func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim] {
        last.withLock { $0 = request }
        if isAway.withLock({ $0 }) { throw .unavailable("away") }
        let now = try await base.now()
        return [
            Claim(
                job: 1_000_000, attempt: 1, check: 7, revision: 1, dueAt: now, claimedAt: now,
                leaseEnds: now + .seconds(10), base: HealthState(epoch: 1, since: now))
        ]
    }
}
