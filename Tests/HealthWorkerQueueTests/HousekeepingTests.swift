import HealthWorkerModel
import HealthWorkerQueue
import HealthWorkerStorage
import Logging
import StorageConformance
import Synchronization
import Testing

@Suite struct `Housekeeping` {
    @Test func `goes on with the other duties where one fails, and says so`() async throws {
        let storage = FailingDuties(base: MemoryStorage())
        let register = Register(
            storage: storage, evaluator: PolicyEvaluator(storage: storage),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })

        await #expect(throws: StorageError.failed("missed")) { try await register.keepHouse() }

        #expect(storage.done.withLock { $0 } == ["missed", "jobs", "status", "prune"])
    }
}

/// A storage that does the first three duties of the house in vain.
private final class FailingDuties: ForwardingStorage {
    let base: MemoryStorage
    let done = Mutex<[String]>([])

    init(base: MemoryStorage) {
        self.base = base
    }

    func insertMissedEvaluations() async throws(StorageError) -> Int { try fail("missed") }
    func updateJobs() async throws(StorageError) -> Int { try fail("jobs") }
    func queueStatus() async throws(StorageError) -> QueueStatus { try fail("status") }

    func pruneOutcomes(keep: Duration, limit: Int) async throws(StorageError) -> Int {
        done.withLock { $0.append("prune") }
        return try await base.pruneOutcomes(keep: keep, limit: limit)
    }

    private func fail<Value>(_ duty: String) throws(StorageError) -> Value {
        done.withLock { $0.append(duty) }
        throw .failed(duty)
    }
}
