package import HealthWorkerModel
import Synchronization

/// The reference: the whole storage as one value behind a lock.
///
/// It is what every driver is compared with, and what the simulation of queues runs on. Several
/// values on one ``Shared`` are several processes on one storage.
package struct MemoryStorage: Storage {
    /// What several processes share.
    package final class Shared: Sendable {
        package let clock: StorageClock
        let installation = String(UInt64.random(in: 1 ... .max), radix: 16)
        private let state = Mutex(MemoryState())

        package init(clock: StorageClock = StorageClock()) {
            self.clock = clock
        }

        /// The clock is read under the lock, so that no call sees a time before the one it follows.
        fileprivate func withState<Result: Sendable>(
            _ body: (inout MemoryState, Timestamp) throws(StorageError) -> Result
        ) throws(StorageError) -> Result {
            try state.withLock { state throws(StorageError) in try body(&state, clock.now) }
        }
    }

    package let process: ProcessID
    package let shared: Shared

    package init(process: ProcessID, shared: Shared) {
        self.process = process
        self.shared = shared
    }

    /// One process on a storage of its own.
    package init(process: ProcessID = 1, clock: StorageClock = StorageClock()) {
        self.init(process: process, shared: Shared(clock: clock))
    }

    package func now() async throws(StorageError) -> Timestamp {
        shared.clock.now
    }

    package func ping() async throws(StorageError) {}

    package func close() async {}

    /// One atomic step.
    func withState<Result: Sendable>(
        _ body: (inout MemoryState, Timestamp) throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        try shared.withState(body)
    }
}

extension MemoryStorage {
    /// Drops every evaluation that waits, as no call ever does: a database that was restored from an
    /// older backup looks like that.
    package func loseEvaluations() {
        // The body throws nothing, which `withState` cannot know.
        try? withState { state, _ in state.evaluations = [:] }
    }

    /// Adds an evaluation that is due, as a turn does whose policy is deleted at that moment where
    /// statements see snapshots.
    package func leaveEvaluation(of policy: PolicyID) {
        // The body throws nothing, which `withState` cannot know.
        try? withState { state, now in state.insertEvaluation(of: policy, dueAt: now) }
    }

    /// Gives every live job another time-out and other locations than its check's, as an enqueue at
    /// the moment of an edit leaves behind where statements see snapshots.
    package func leaveJobsBehind(timeout: Duration, locations: [String]) {
        // The body throws nothing, which `withState` cannot know.
        try? withState { state, _ in
            for id in state.jobs.keys {
                state.jobs[id]?.terms = MemoryJobTerms(timeout: timeout, locations: locations)
            }
        }
    }
}
