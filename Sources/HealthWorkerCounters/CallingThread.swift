import Dispatch
import Foundation
import Glibc
import Synchronization

/// One thread on which C may block, and the value that never leaves it.
///
/// Calls are made one after another, in the order given. The thread ends, and the value with it,
/// after the calls given before the last reference to it went.
///
/// An actor on an executor of its own would not do: who awaits its call cannot leave before that
/// ends, and a queue's threads cannot have signals blocked.
package final class CallingThread<Value>: Sendable {
    package typealias Call = @Sendable (inout Value) -> Void

    private final class Line: Sendable {
        private let calls = Mutex<[Call?]>([])
        private let count = DispatchSemaphore(value: 0)

        /// - Parameter call: nil ends the thread.
        func append(_ call: Call?) {
            calls.withLock { $0.append(call) }
            count.signal()
        }

        func next() -> Call? {
            count.wait()
            return calls.withLock { $0.removeFirst() }
        }
    }

    private let line = Line()

    /// - Parameter start: makes the value, on the thread.
    package init(name: String, start: @escaping @Sendable () -> Value) {
        let thread = Thread { [line] in
            // hiredis writes without MSG_NOSIGNAL: a server that went away would end the process.
            // What else is sent to the process is for other threads, which do not wait for I/O.
            var signals = sigset_t()
            sigfillset(&signals)
            pthread_sigmask(SIG_BLOCK, &signals, nil)
            var value = start()
            while let call = line.next() { call(&value) }
        }
        thread.name = name
        thread.start()
    }

    deinit {
        line.append(nil)
    }

    package func enqueue(_ call: @escaping Call) {
        line.append(call)
    }

    /// What `call` makes of the value, however long that takes.
    package func run<Answer: Sendable>(
        _ call: @escaping @Sendable (inout Value) -> Answer
    ) async -> Answer {
        await withCheckedContinuation { continuation in
            enqueue { continuation.resume(returning: call(&$0)) }
        }
    }

    /// What `call` makes of the value, or nil when that takes longer than `patience` or the task is
    /// cancelled.
    ///
    /// The call is made all the same: `givenUp` says that nobody waits for it any longer, `ended`
    /// that it then came to its end. They may come in either order.
    package func run<Answer: Sendable>(
        patience: Duration, givenUp: @escaping @Sendable () -> Void,
        ended: @escaping @Sendable () -> Void,
        _ call: @escaping @Sendable (inout Value) -> Answer
    ) async -> Answer? {
        let slot = Slot<Answer>()
        return await withTaskGroup(of: Answer?.self) { group in
            group.addTask {
                await withTaskCancellationHandler {
                    await withCheckedContinuation { continuation in
                        slot.wait(with: continuation)
                        self.enqueue { value in
                            if !slot.give(call(&value)) { ended() }
                        }
                    }
                } onCancel: {
                    if slot.give(nil) { givenUp() }
                }
            }
            group.addTask {
                // Cancelled: the answer came first.
                try? await Task.sleep(for: patience)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            // The answer may still have come just as the time was over.
            let second = await group.next() ?? nil
            return first ?? second
        }
    }
}

/// A place for one answer: the first that is given counts, also before somebody waits.
private final class Slot<Answer: Sendable>: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<Answer?, Never>)
        case given(Answer?)
        case over
    }

    private let state = Mutex(State.empty)

    func wait(with continuation: CheckedContinuation<Answer?, Never>) {
        let given: Answer?? = state.withLock { state in
            guard case .given(let answer) = state else {
                state = .waiting(continuation)
                return .none
            }
            state = .over
            return .some(answer)
        }
        if let given { continuation.resume(returning: given) }
    }

    /// - Returns: whether it is this answer that is taken.
    func give(_ answer: Answer?) -> Bool {
        let (isFirst, continuation) = state.withLock {
            state -> (Bool, CheckedContinuation<Answer?, Never>?) in
            switch state {
            case .empty:
                state = .given(answer)
                return (true, nil)
            case .waiting(let continuation):
                state = .over
                return (true, continuation)
            case .given, .over:
                return (false, nil)
            }
        }
        continuation?.resume(returning: answer)
        return isFirst
    }
}
