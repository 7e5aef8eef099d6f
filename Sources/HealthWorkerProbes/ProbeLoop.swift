internal import CEpoll
package import Dispatch
internal import Foundation
import Glibc
package import NIOCore

/// An event loop for connections that live as long as one probe.
///
/// What a probe costs is mostly system calls and hand-overs between threads. NIO's own loops tell the
/// kernel anew at each step of a connection what it waits for, and search all timers for the one to
/// take out. This one names each socket to the kernel once, for all that may happen (`EPOLLET`), and
/// tasks can run on it, so that a probe that was started here goes through without changing threads.
/// Futures, pipelines and the handlers for TLS and HTTP are NIO's, as on any of its loops.
///
/// `@unchecked` is safe: all but the inbox is read and written on the loop's thread only.
package final class ProbeLoop: EventLoop, @unchecked Sendable {
    private let inbox = LoopInbox()
    private let epoll: CInt
    private var timers = LoopTimers()
    private var sockets: [UInt64: ProbeSocket] = [:]
    /// The bell's is 0. No number is used again, so that an event for a socket that was closed just
    /// before is for nobody, even if its descriptor is in use again.
    private var newestSocket: UInt64 = 0
    /// Those that may have more to be read.
    private var unread: [ProbeSocket] = []
    private var events = [epoll_event](repeating: epoll_event(), count: 256)

    /// Every socket of the loop reads to here, and keeps a copy of what came, which mostly is small.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    /// Starts the thread. As with NIO's loops, a process without descriptors for it ends here.
    package init(name: String) {
        epoll = epoll_create1(CInt(EPOLL_CLOEXEC))
        precondition(epoll >= 0, "no descriptor left for a loop of probes")
        let code = watch(inbox.bell, for: EPOLLIN.rawValue, as: 0)
        precondition(code == 0, "no memory left for a loop of probes")
        let hasStarted = DispatchSemaphore(value: 0)
        let thread = Thread { [self] in
            inbox.begin()
            hasStarted.signal()
            run()
        }
        thread.name = name
        thread.start()
        hasStarted.wait()
    }

    deinit {
        scratch.deallocate()
        Glibc.close(epoll)
    }

    // MARK: - The loop

    private func run() {
        while !inbox.isEnding {
            wait()
            let unread = self.unread
            self.unread = []
            for socket in unread { socket.read() }
            runTimers()
            inbox.runWork()
        }
        inbox.close { endAll() }
    }

    private func endAll() {
        for socket in sockets.values {
            socket.close0(error: EventLoopError.shutdown, mode: .all, promise: nil)
        }
        while let timer = timers.pop() { timer.fail(EventLoopError.shutdown) }
    }

    /// Waits until there is something to do, and hands events to their sockets.
    private func wait() {
        let sleeps = unread.isEmpty && inbox.goesToSleep()
        let patience = sleeps ? timers.next.map { Self.milliseconds(until: $0) } ?? -1 : 0
        let count = epoll_wait(epoll, &events, CInt(events.count), patience)
        if sleeps { inbox.wakesUp() }
        for place in 0..<Int(max(count, 0)) {
            let event = events[place]
            sockets[event.data.u64]?.handle(event.events, of: event.data.u64)
        }
    }

    /// Rounded up: a timer that is not yet due would be waited for again.
    private static func milliseconds(until deadline: NIODeadline) -> CInt {
        let nanoseconds = (deadline - .now()).nanoseconds
        return CInt(min(max((nanoseconds + 999_999) / 1_000_000, 0), 60_000))
    }

    private func runTimers() {
        guard let next = timers.next else { return }
        let now = NIODeadline.now()
        guard next <= now else { return }
        while let timer = timers.pop(dueBy: now) { timer.run() }
    }

    // MARK: - Sockets

    /// Watches a socket from now on.
    ///
    /// - Returns: The number to forget it by; or the error code, for lack of memory or of watches.
    func add(_ socket: ProbeSocket, descriptor: CInt) -> Result<UInt64, IOError> {
        newestSocket += 1
        let all = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue
        let code = watch(descriptor, for: all, as: newestSocket)
        guard code == 0 else { return .failure(IOError(errnoCode: code, reason: "epoll_ctl")) }
        sockets[newestSocket] = socket
        return .success(newestSocket)
    }

    /// Closing its descriptor is all that the kernel must be told.
    func forget(_ number: UInt64) {
        sockets[number] = nil
    }

    /// Has a socket read on after others have had their turn.
    func readLater(_ socket: ProbeSocket) {
        unread.append(socket)
    }

    /// - Returns: The error code; 0 where there is none.
    private func watch(_ descriptor: CInt, for what: UInt32, as number: UInt64) -> CInt {
        var event = epoll_event()
        event.events = what | EPOLLET.rawValue
        event.data.u64 = number
        return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : errno
    }

    // MARK: - What is to be done

    /// Runs tasks on the loop's thread.
    package var taskExecutor: any TaskExecutor { inbox }

    package var inEventLoop: Bool { inbox.isThread }

    package func preconditionInEventLoop(file: StaticString, line: UInt) {
        precondition(inEventLoop, file: file, line: line)
    }

    package func execute(_ task: @escaping @Sendable () -> Void) {
        inbox.add(.call(task))
    }

    package func scheduleTask<Value>(
        deadline: NIODeadline, _ task: @escaping @Sendable () throws -> Value
    ) -> Scheduled<Value> {
        let promise = makePromise(of: Value.self)
        let timer = LoopTimer(at: deadline) {
            do { promise.assumeIsolated().succeed(try task()) } catch { promise.fail(error) }
        } fail: { error in
            promise.fail(error)
        }
        onLoop { self.timers.insert(timer) }
        return Scheduled(promise: promise) {
            self.onLoop { self.timers.remove(timer) }
        }
    }

    package func scheduleTask<Value>(
        in delay: TimeAmount, _ task: @escaping @Sendable () throws -> Value
    ) -> Scheduled<Value> {
        scheduleTask(deadline: .now() + delay, task)
    }

    private func onLoop(_ call: @escaping @Sendable () -> Void) {
        if inEventLoop { call() } else { execute(call) }
    }

    package func shutdownGracefully(
        queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void
    ) {
        inbox.end { queue.async { callback(nil) } }
    }
}
