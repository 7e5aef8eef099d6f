import HealthWorkerModel
import HealthWorkerQueue
import HealthWorkerStorage
import Logging
import StorageConformance
import Synchronization
import Testing

/// Whether a role's loops come round, which is what a service manager is told.
@Suite struct `The loops of a role` {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A time of its own that a test moves; whoever sleeps sleeps until its task is cancelled.
    private final class MovedTime: Sendable {
        private let moment = Mutex(Duration.zero)

        var time: ProcessTime {
            ProcessTime(
                now: { self.moment.withLock { $0 } },
                sleep: { _ in try await Task.sleep(for: .milliseconds(1)) }, spread: { 1 })
        }

        func advance(by duration: Duration) { moment.withLock { $0 += duration } }
    }

    @Test func `of a register turns while the storage fails, and not while it hangs`() async throws
    {
        let moved = MovedTime()
        let storage = StubbornStorage(base: MemoryStorage())
        let register = Register(
            storage: storage, evaluator: PolicyEvaluator(storage: storage), time: moved.time,
            logger: quiet)
        #expect(register.oldestTurn == nil)
        let running = Task { try await register.run() }

        // Each time the loop comes round after the clock was moved.
        storage.answer(.failing)
        for _ in 1...3 {
            moved.advance(by: .seconds(100))
            while (register.oldestTurn?.age ?? .seconds(1)) > .zero { await Task.yield() }
        }
        storage.answer(.hanging)
        while storage.hanging == 0 { await Task.yield() }
        moved.advance(by: .seconds(100))
        let hanging = register.oldestTurn
        storage.answer(.failing)
        while (register.oldestTurn?.age ?? .seconds(1)) > .zero { await Task.yield() }
        running.cancel()
        try await running.value

        #expect(hanging?.loop == "enqueue")
        #expect(hanging?.age == .seconds(100))
        #expect(register.oldestTurn == nil)
    }

    @Test func `of a worker turn while the storage fails, and not while it hangs`() async throws {
        let moved = MovedTime()
        let storage = StubbornStorage(base: MemoryStorage())
        let script = Script()
        let worker = Worker(
            storage: storage, counts: Base(), evaluator: PolicyEvaluator(storage: storage),
            prober: { _ in script }, fleet: Fleet(me: 1), time: moved.time, logger: quiet)
        #expect(worker.oldestTurn == nil)
        let running = Task { try await worker.run() }

        storage.answer(.failing)
        for _ in 1...3 {
            moved.advance(by: .seconds(100))
            while (worker.oldestTurn?.age ?? .seconds(1)) > .zero { await Task.yield() }
        }
        storage.answer(.hanging)
        while storage.hanging == 0 { await Task.yield() }
        moved.advance(by: .seconds(100))
        // The loops that complete still come round.
        while worker.oldestTurn?.loop != "claim" { await Task.yield() }
        let hanging = worker.oldestTurn
        storage.answer(.failing)
        while (worker.oldestTurn?.age ?? .seconds(1)) > .zero { await Task.yield() }
        worker.drain()
        try await running.value

        #expect(hanging?.age == .seconds(100))
        #expect(worker.oldestTurn == nil)
    }

    @Test func `of a register go by other limits from the next step on`() async throws {
        let storage = StubbornStorage(base: MemoryStorage())
        let register = Register(
            storage: storage, evaluator: PolicyEvaluator(storage: storage), logger: quiet)

        _ = try await register.enqueue()
        register.adopt(Register.Limits(slotsAtOnce: 3))
        _ = try await register.enqueue()

        #expect(storage.slots.withLock { $0 } == [8, 3])
    }
}

/// A storage whose enqueuing and claiming fail, or hang until they are to fail.
private final class StubbornStorage: ForwardingStorage {
    enum Manner { case answering, failing, hanging }

    let base: MemoryStorage
    let slots = Mutex<[Int]>([])
    private let state = Mutex((manner: Manner.answering, hanging: 0))

    init(base: MemoryStorage) {
        self.base = base
    }

    /// How many calls hang.
    var hanging: Int { state.withLock { $0.hanging } }

    func answer(_ manner: Manner) { state.withLock { $0.manner = manner } }

    func enqueueDue(maxSlots: Int) async throws(StorageError) -> EnqueueReport {
        slots.withLock { $0.append(maxSlots) }
        try await behave()
        return try await base.enqueueDue(maxSlots: maxSlots)
    }

    func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim] {
        try await behave()
        return try await base.claim(request)
    }

    private func behave() async throws(StorageError) {
        if state.withLock({ $0.manner == .hanging }) {
            state.withLock { $0.hanging += 1 }
            while state.withLock({ $0.manner == .hanging }) { await Task.yield() }
            state.withLock { $0.hanging -= 1 }
        }
        if state.withLock({ $0.manner == .failing }) { throw .unavailable("away") }
    }
}
