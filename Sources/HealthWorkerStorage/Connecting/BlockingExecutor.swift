import Dispatch

/// Where a C call may block: an actor that runs on one of these has a thread of its own, and never
/// holds one of the few of Swift's cooperative pool.
///
/// A dispatch queue of its own is what GRDB uses too. It has a thread while it has work, however
/// many others wait, and none while it is idle.
package final class BlockingExecutor: SerialExecutor {
    private let queue: DispatchQueue

    package init(label: String) {
        queue = DispatchQueue(label: label)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedSerialExecutor()
        queue.async {
            job.runSynchronously(on: executor)
        }
    }

    package func checkIsolated() {
        dispatchPrecondition(condition: .onQueue(queue))
    }
}
