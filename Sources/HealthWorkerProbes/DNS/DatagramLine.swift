import Glibc
internal import NIOCore
internal import NIOPosix

/// What kept a server's answer away.
enum LineTrouble: Error, Hashable {
    /// This machine has no socket left.
    case noSocket(String)
    case server(String)

    init(_ error: any Error) {
        guard let error = error as? IOError else {
            self = .server("\(error)")
            return
        }
        let words = String(cString: strerror(error.errnoCode))
        self = Exhaustion.codes.contains(error.errnoCode) ? .noSocket(words) : .server(words)
    }
}

/// One UDP socket that carries questions to one server, at a port that the system chose by chance.
///
/// It is connected, so the kernel passes on only what comes from that server and port, and tells when
/// nobody listens there. Many questions share it, so that a thousand of them that nobody answers take
/// no thousand sockets from the probes; it serves for a while only, so that its port is no fixed one
/// (RFC 5452 §9.2).
///
/// `@unchecked` is safe: but for constants, every property is read and written on `eventLoop`.
final class DatagramLine: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias Receive = (Result<DNSReply, LineTrouble>) -> Void

    private enum State {
        /// What is to be sent as soon as the socket stands.
        case opening([ByteBuffer])
        case open(any Channel)
        case closed(LineTrouble)
    }

    private static let mostQuestions = 1000
    private static let longestUse = TimeAmount.seconds(30)

    private let eventLoop: any EventLoop
    private var state = State.opening([])
    private var asked: [UInt16: (question: Question, receive: Receive)] = [:]
    private var carried = 0
    private var retirement: Scheduled<Void>?

    /// Whether it takes no more questions.
    private(set) var isRetired = false

    init(to server: NameServer, on eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        retirement = eventLoop.scheduleTask(in: Self.longestUse) { self.retire() }
        DatagramBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(self)
                }
            }
            .connect(to: server.socketAddress)
            .whenComplete { result in
                switch result {
                case .success(let channel): self.begin(on: channel)
                case .failure(let error): self.endSoon(LineTrouble(error))
                }
            }
    }

    private func begin(on channel: any Channel) {
        guard case .opening(let buffers) = state else {
            channel.close(promise: nil)
            return
        }
        state = .open(channel)
        for buffer in buffers { channel.write(buffer, promise: nil) }
        channel.flush()
        closeIfDone()
    }

    /// Sends a query; `receive` is called at most once, and never before this returns.
    ///
    /// - Returns: What `stop` takes.
    func ask(
        _ question: Question, withEDNS: Bool, receive: @escaping Receive
    ) -> UInt16 {
        let id = newID()
        asked[id] = (question, receive)
        carried += 1
        if carried >= Self.mostQuestions { isRetired = true }

        let buffer = ByteBuffer(bytes: question.query(id: id, withEDNS: withEDNS))
        switch state {
        case .opening(let buffers): state = .opening(buffers + [buffer])
        case .open(let channel): channel.writeAndFlush(buffer, promise: nil)
        case .closed(let trouble): eventLoop.execute { self.answer(id, .failure(trouble)) }
        }
        return id
    }

    private func newID() -> UInt16 {
        while true {
            let id = UInt16.random(in: .min ... .max)
            if asked[id] == nil { return id }
        }
    }

    /// Listens no longer to the answer of `id`.
    func stop(_ id: UInt16) {
        asked[id] = nil
        closeIfDone()
    }

    /// Takes no more questions, and closes when those under way are done.
    func retire() {
        isRetired = true
        closeIfDone()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data).data
        guard let id = buffer.getInteger(at: buffer.readerIndex, as: UInt16.self),
            let question = asked[id]?.question
        else { return }
        do {
            let reply = try DNSReply(Array(buffer.readableBytesView))
            // What answers another question is late, or a guess: the answer may still come.
            if reply.isAnswer(to: question, id: id) { answer(id, .success(reply)) }
        } catch {
            answer(id, .failure(.server("a malformed answer: \(error)")))
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        endSoon(LineTrouble(error))
    }

    func channelInactive(context: ChannelHandlerContext) {
        endSoon(.server("its socket was closed"))
    }

    /// A write may fail before `ask` has returned.
    private func endSoon(_ trouble: LineTrouble) {
        isRetired = true
        eventLoop.execute { self.end(trouble) }
    }

    private func answer(_ id: UInt16, _ result: Result<DNSReply, LineTrouble>) {
        asked.removeValue(forKey: id)?.receive(result)
        closeIfDone()
    }

    private func end(_ trouble: LineTrouble) {
        isRetired = true
        let left = asked
        asked = [:]
        for entry in left.values { entry.receive(.failure(trouble)) }
        closeIfDone(as: trouble)
    }

    private func closeIfDone(as trouble: LineTrouble = .server("its socket was closed")) {
        guard isRetired, asked.isEmpty else { return }
        switch state {
        case .opening:
            state = .closed(trouble)
        case .open(let channel):
            state = .closed(trouble)
            channel.close(promise: nil)
        case .closed:
            break
        }
        retirement?.cancel()
        retirement = nil
    }
}
