internal import CEpoll
import Glibc
internal import Synchronization

/// What a loop is to run, given by its own thread and by others; also where tasks run on that loop.
///
/// `@unchecked` is safe: `own` is read and written on the loop's thread only.
final class LoopInbox: TaskExecutor, @unchecked Sendable {
    enum Work {
        case call(@Sendable () -> Void)
        case job(UnownedJob)
    }

    /// What other threads leave.
    private struct Mail {
        var work: [Work] = []
        /// Whether the loop will look without being woken.
        var isAwake = true
        var isEnding = false
        var hasEnded = false
        var onEnd: [@Sendable () -> Void] = []
    }

    /// An eventfd that says that there is mail.
    let bell: CInt
    /// While the loop runs; ids of threads are used again.
    private let thread = Atomic<pthread_t>(0)
    private var own: [Work] = []
    private let mail = Mutex(Mail())

    init() {
        bell = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
        precondition(bell >= 0, "no descriptor left for a loop of probes")
    }

    deinit {
        Glibc.close(bell)
    }

    var isThread: Bool {
        thread.load(ordering: .relaxed) == pthread_self()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        add(.job(UnownedJob(job)))
    }

    func add(_ item: Work) {
        if isThread {
            own.append(item)
            return
        }
        enum Next { case nothing, wake, run }
        let next = mail.withLock { mail -> Next in
            if mail.hasEnded { return .run }
            mail.work.append(item)
            defer { mail.isAwake = true }
            return mail.isAwake ? .nothing : .wake
        }
        switch next {
        case .nothing: break
        case .wake: eventfd_write(bell, 1)
        // The loop is gone. What must run on its thread cannot, as on NIO's loops; but a task would be
        // waited for without end, and any thread does for it.
        case .run: if case .job = item { run(item) }
        }
    }

    // MARK: - What the loop's thread calls

    func begin() {
        thread.store(pthread_self(), ordering: .relaxed)
    }

    var isEnding: Bool {
        mail.withLock { $0.isEnding }
    }

    /// Whether there is nothing to run. If so, whoever adds something from now on rings the bell.
    func goesToSleep() -> Bool {
        guard own.isEmpty else { return false }
        return mail.withLock { mail in
            mail.isAwake = !mail.work.isEmpty || mail.isEnding
            return !mail.isAwake
        }
    }

    func wakesUp() {
        mail.withLock { $0.isAwake = true }
    }

    /// Runs what is there, and what that adds; but not so much that sockets would wait.
    func runWork() {
        var work = mail.withLock { mail in
            defer { mail.work = [] }
            return mail.work
        }
        for _ in 0..<8 {
            work += own
            own.removeAll(keepingCapacity: true)
            if work.isEmpty { return }
            for item in work { run(item) }
            work.removeAll(keepingCapacity: true)
        }
    }

    private func run(_ item: Work) {
        switch item {
        case .call(let call): call()
        case .job(let job): job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    // MARK: - Ending

    /// Has the loop end, and says so when it has.
    func end(_ hasEnded: @escaping @Sendable () -> Void) {
        let isOver = mail.withLock { mail in
            mail.isEnding = true
            if !mail.hasEnded { mail.onEnd.append(hasEnded) }
            return mail.hasEnded
        }
        if isOver { hasEnded() } else { eventfd_write(bell, 1) }
    }

    /// Runs the rest, on the loop's thread; what is added later runs where it is added.
    ///
    /// - Parameter endAll: Ends what the rest has begun as well: a timer that another thread set just
    ///   before the end is in it.
    func close(_ endAll: () -> Void) {
        while true {
            runWork()
            endAll()
            let onEnd = mail.withLock { mail -> [@Sendable () -> Void]? in
                guard mail.work.isEmpty, own.isEmpty else { return nil }
                mail.hasEnded = true
                return mail.onEnd
            }
            guard let onEnd else { continue }
            thread.store(0, ordering: .relaxed)
            for call in onEnd { call() }
            return
        }
    }
}
