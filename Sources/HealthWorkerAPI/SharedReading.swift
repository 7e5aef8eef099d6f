import HealthWorkerStorage
import Synchronization

/// Reads something of storage once for all who ask for it, and remembers what came for a while: asking
/// a thousand times costs no more reads than asking once in each while.
///
/// A failure is remembered as any other answer. Where a reading takes longer than the memory, another
/// one is begun.
final class SharedReading<Value: Sendable>: Sendable {
    private struct Reading {
        var task: Task<Result<Value, StorageError>, Never>
        var begunAt: ContinuousClock.Instant
    }

    private let memory: Duration
    private let read: @Sendable () async throws(StorageError) -> Value
    private let last = Mutex<Reading?>(nil)

    init(
        memory: Duration, _ read: @escaping @Sendable () async throws(StorageError) -> Value
    ) {
        self.memory = memory
        self.read = read
    }

    func value() async throws(StorageError) -> Value {
        let now = ContinuousClock.now
        let task = last.withLock { last in
            if let last, now - last.begunAt < memory { return last.task }
            // A task of its own: the first who asked may hang up, and the others still wait for it.
            let task = Task { [read] in
                do throws(StorageError) {
                    return Result<Value, StorageError>.success(try await read())
                } catch {
                    return Result<Value, StorageError>.failure(error)
                }
            }
            last = Reading(task: task, begunAt: now)
            return task
        }
        return try await task.value.get()
    }
}
