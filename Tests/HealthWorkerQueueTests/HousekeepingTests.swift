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

    @Test func `makes hours in small steps by one register, and another goes on where it died`()
        async throws
    {
        let start = Timestamp(seconds: 1_800_000_000)
        let shared = MemoryStorage.Shared(clock: StorageClock(standingAt: start))
        let storages = [ProcessID(1), 2].map { MemoryStorage(process: $0, shared: shared) }
        let registers = storages.map { storage in
            Register(
                storage: storage, evaluator: PolicyEvaluator(storage: storage),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        let names = (0..<60).map { "web-\($0)" }
        try await storages[0].put(names)
        let checks = try await storages[0].checks(named: names)
        shared.clock.advance(by: .hours(1) + HourMaker.delay)

        let first = try await registers[0].makeHours()
        let meanwhile = try await registers[1].makeHours()
        let half = try await made(of: checks, in: storages[1])
        // The first one is killed; its duty ends.
        shared.clock.advance(by: .seconds(56))
        var pauses: [Duration] = []
        while pauses.last != .seconds(60) { pauses.append(try await registers[1].makeHours()) }

        #expect(first < .seconds(1))
        #expect(meanwhile == .seconds(60))
        #expect(half == 50)
        #expect(pauses.count == 3)
        #expect(try await made(of: checks, in: storages[1]) == 60)
        // What is too old goes the same way.
        shared.clock.advance(by: .hours(24 * 500))
        pauses = []
        while pauses.last != .seconds(60) { pauses.append(try await registers[1].makeHours()) }
        #expect(try await made(of: checks, in: storages[1]) == 0)
    }

    private func made(of checks: [Check], in storage: MemoryStorage) async throws -> Int {
        var count = 0
        for check in checks {
            count += try await storage.checkHours(
                of: check.id, from: Hour(number: 500_000), until: Hour(number: 500_001)
            ).count
        }
        return count
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
