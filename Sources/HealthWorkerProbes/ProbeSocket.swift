internal import CEpoll
import Glibc
internal import NIOCore

/// A TCP connection on a `ProbeLoop`, from connecting to closing, as a channel of NIO.
///
/// It reads as long as something comes: what a probe does not want to read ends it. It is writable
/// always, since a probe says little, and waits for an answer then.
///
/// `@unchecked` is safe: it is used on its loop only, as is every `ProbeConnection`.
final class ProbeSocket: Channel, ChannelCore, @unchecked Sendable {
    private enum State {
        case new
        case connecting(EventLoopPromise<Void>?)
        case open
        case closed
    }

    /// A socket of the kernel's, and what the loop knows it by.
    private struct Descriptor {
        var descriptor: CInt
        var number: UInt64
    }

    private let loop: ProbeLoop
    private var state = State.new
    private var descriptor: CInt = -1
    private var number: UInt64 = 0
    private var remote: SocketAddress?
    /// Those that ask for the connection beside it. What the first of all of them finds counts.
    private var further: [Descriptor] = []

    private var outgoing = ByteBuffer()
    /// Fulfilled when the byte of that number, counted from the first one, has been sent.
    private var promises: [(after: Int, promise: EventLoopPromise<Void>)] = []
    private var sent = 0
    /// Whether nothing more will come after what lies in the socket.
    private var hasHungUp = false

    private lazy var channelPipeline = ChannelPipeline(channel: self)
    private var closePromise: EventLoopPromise<Void>?

    init(on loop: ProbeLoop) {
        self.loop = loop
    }

    // MARK: - Connecting

    func connect0(to address: SocketAddress, promise: EventLoopPromise<Void>?) {
        guard case .new = state else {
            promise?.fail(ChannelError.inappropriateOperationForState)
            return
        }
        state = .connecting(promise)
        remote = address
        switch ask(for: address) {
        case .success(let asking): (descriptor, number) = (asking.descriptor, asking.number)
        case .failure(let error): close0(error: error, mode: .all, promise: nil)
        }
    }

    /// Asks for the connection once more, beside what was asked before, where nothing has come of that.
    ///
    /// The kernel itself does so after a second (RFC 6298 §2.1): a probe with little more time than that
    /// would take one lost packet for a target that is gone.
    func askAgain() {
        guard case .connecting = state, let remote else { return }
        // Where there is no socket for it, the one that asks already goes on.
        if case .success(let asking) = ask(for: remote) { further.append(asking) }
    }

    private func ask(for address: SocketAddress) -> Result<Descriptor, IOError> {
        let descriptor = socket(
            address.protocol == .inet ? AF_INET : AF_INET6,
            CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .failure(IOError(errnoCode: errno, reason: "socket")) }
        // A TLS client writes twice in a row.
        var on: CInt = 1
        setsockopt(
            descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
        let code = address.withSockAddr { address, length in
            Glibc.connect(descriptor, address, socklen_t(length)) == 0 ? 0 : errno
        }
        var error: IOError?
        if code == 0 || code == EINPROGRESS {
            switch loop.add(self, descriptor: descriptor) {
            case .success(let number):
                return .success(Descriptor(descriptor: descriptor, number: number))
            case .failure(let failure): error = failure
            }
        }
        Glibc.close(descriptor)
        return .failure(error ?? IOError(errnoCode: code, reason: "connect"))
    }

    /// Called by the loop with what epoll says of one of its descriptors.
    func handle(_ events: UInt32, of number: UInt64) {
        if case .connecting = state { settle(on: number) }
        // One that came too late is closed already.
        guard number == self.number else { return }
        if events & (EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 {
            hasHungUp = true
        }
        switch state {
        case .connecting(let promise): finishConnecting(promise)
        case .open: if events & EPOLLOUT.rawValue != 0 { send() }
        case .new, .closed: return
        }
        if events & EPOLLIN.rawValue != 0 || hasHungUp { read() }
    }

    /// The first that was answered is the connection, whatever the answer is.
    private func settle(on number: UInt64) {
        if let place = further.firstIndex(where: { $0.number == number }) {
            let answered = further[place]
            further[place] = Descriptor(descriptor: descriptor, number: self.number)
            (descriptor, self.number) = (answered.descriptor, answered.number)
        }
        forgetFurther()
    }

    private func forgetFurther() {
        for other in further {
            loop.forget(other.number)
            Glibc.close(other.descriptor)
        }
        further = []
    }

    private func finishConnecting(_ promise: EventLoopPromise<Void>?) {
        var code: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
        guard code == 0 else {
            close(for: code, in: "connect")
            return
        }
        state = .open
        promise?.succeed(())
        channelPipeline.syncOperations.fireChannelActive()
    }

    // MARK: - Reading

    /// Reads what has come, but not for so long that others would wait.
    func read() {
        let pipeline = channelPipeline.syncOperations
        var hasRead = false
        for _ in 0..<4 {
            guard isActive else { return }
            let count = recv(descriptor, loop.scratch.baseAddress, loop.scratch.count, 0)
            let code = errno
            guard count > 0 else {
                if hasRead { pipeline.fireChannelReadComplete() }
                if count == 0 {
                    close0(error: ChannelError.eof, mode: .all, promise: nil)
                } else if code != EAGAIN, isActive {
                    pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "recv"))
                    close(for: code, in: "recv")
                }
                return
            }
            hasRead = true
            var buffer = allocator.buffer(capacity: count)
            buffer.writeBytes(UnsafeRawBufferPointer(rebasing: loop.scratch[..<count]))
            pipeline.fireChannelRead(NIOAny(buffer))
            // A short read has emptied the socket: epoll says when more comes. Of the end it spoke.
            if count < loop.scratch.count, !hasHungUp {
                if isActive { pipeline.fireChannelReadComplete() }
                return
            }
        }
        guard isActive else { return }
        pipeline.fireChannelReadComplete()
        loop.readLater(self)
    }

    // MARK: - Writing

    func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isActive, case .byteBuffer(var buffer) = unwrapData(data, as: IOData.self) else {
            promise?.fail(
                isActive ? ChannelError.operationUnsupported : ChannelError.ioOnClosedChannel)
            return
        }
        if outgoing.readableBytes == 0 {
            outgoing = buffer
        } else {
            outgoing.writeBuffer(&buffer)
        }
        if let promise { promises.append((sent + outgoing.readableBytes, promise)) }
    }

    func flush0() {
        if isActive { send() }
    }

    private func send() {
        while outgoing.readableBytes > 0 {
            let count = outgoing.withUnsafeReadableBytes { bytes in
                Glibc.send(descriptor, bytes.baseAddress, bytes.count, Self.noSignal)
            }
            guard count >= 0 else {
                let code = errno
                if code != EAGAIN {
                    // Said before the end of the connection is: whoever writes may not yet listen to
                    // what becomes of it.
                    channelPipeline.syncOperations.fireErrorCaught(
                        IOError(errnoCode: code, reason: "send"))
                    close(for: code, in: "send")
                }
                return
            }
            outgoing.moveReaderIndex(forwardBy: count)
            sent += count
        }
        outgoing = ByteBuffer()
        while let first = promises.first, first.after <= sent {
            promises.removeFirst()
            first.promise.succeed(())
        }
    }

    // MARK: - Closing

    private func close(for code: CInt, in call: String) {
        close0(error: IOError(errnoCode: code, reason: call), mode: .all, promise: nil)
    }

    func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if case .closed = state {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        guard mode == .all else {
            promise?.fail(ChannelError.operationUnsupported)
            return
        }
        let before = state
        state = .closed
        if descriptor >= 0 {
            loop.forget(number)
            Glibc.close(descriptor)
        }
        forgetFurther()
        if case .connecting(let waiting) = before { waiting?.fail(error) }
        for (_, waiting) in promises { waiting.fail(error) }
        promises = []
        promise?.succeed(())
        if case .open = before { channelPipeline.syncOperations.fireChannelInactive() }
        // Later: whoever closed it may be in the pipeline still.
        loop.execute {
            self.removeHandlers(pipeline: self.channelPipeline)
            self.closePromise?.succeed(())
        }
    }

    // MARK: - As a channel

    let allocator = ByteBufferAllocator()

    var pipeline: ChannelPipeline { channelPipeline }
    var eventLoop: any EventLoop { loop }
    var parent: (any Channel)? { nil }
    var _channelCore: any ChannelCore { self }
    var isWritable: Bool { true }
    var remoteAddress: SocketAddress? { remote }
    var localAddress: SocketAddress? { try? localAddress0() }

    var isActive: Bool {
        if case .open = state { true } else { false }
    }

    var closeFuture: EventLoopFuture<Void> {
        if case .closed = state { return loop.makeSucceededVoidFuture() }
        let promise = closePromise ?? loop.makePromise(of: Void.self)
        closePromise = promise
        return promise.futureResult
    }

    func localAddress0() throws -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = withUnsafeMutableBytes(of: &storage) { bytes in
            // A socket address of any kind begins as `sockaddr` does.
            getsockname(
                descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length)
        }
        guard isActive, status == 0 else { throw ChannelError.ioOnClosedChannel }
        let family = storage.ss_family
        return try withUnsafeBytes(of: &storage) { bytes in
            switch CInt(family) {
            case AF_INET: SocketAddress(bytes.load(as: sockaddr_in.self))
            case AF_INET6: SocketAddress(bytes.load(as: sockaddr_in6.self))
            default: throw ChannelError.unknownLocalAddress
            }
        }
    }

    func remoteAddress0() throws -> SocketAddress {
        guard let remote else { throw ChannelError.ioOnClosedChannel }
        return remote
    }

    func read0() {
        // It always reads.
    }

    func register0(promise: EventLoopPromise<Void>?) {
        promise?.succeed(())
    }

    func registerAlreadyConfigured0(promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    func bind0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    func channelRead0(_ data: NIOAny) {
        // Nobody in the pipeline wanted it.
    }

    func errorCaught0(error: any Error) {
        // The connection of the probe hears of errors; past it they are nobody's.
    }

    func setOption<Option: ChannelOption>(
        _ option: Option, value: Option.Value
    ) -> EventLoopFuture<Void> {
        loop.makeFailedFuture(ChannelError.operationUnsupported)
    }

    func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
        loop.makeFailedFuture(ChannelError.operationUnsupported)
    }

    // MSG_NOSIGNAL, which glibc shows as an enumeration: a peer that went away must not end the process.
    private static let noSignal: CInt = 0x4000
}
