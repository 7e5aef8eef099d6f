internal import NIOCore
internal import NIOPosix

/// One TCP connection for one question whose answer is too long for a datagram (RFC 7766).
///
/// `@unchecked` is safe: but for constants, every property is read and written on `eventLoop`.
final class StreamLine: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer

    private let question: Question
    private let withEDNS: Bool
    private let id = UInt16.random(in: .min ... .max)
    private var receive: DatagramLine.Receive?
    private var channel: (any Channel)?
    private var received = ByteBuffer()

    /// `receive` is called at most once.
    init(
        to server: NameServer, asking question: Question, withEDNS: Bool,
        on eventLoop: any EventLoop, receive: @escaping DatagramLine.Receive
    ) {
        self.question = question
        self.withEDNS = withEDNS
        self.receive = receive
        ClientBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    self.channel = channel
                    try channel.pipeline.syncOperations.addHandler(self)
                }
            }
            .connect(to: server.socketAddress)
            // It may fail before this returns.
            .whenFailure { error in
                eventLoop.execute { self.answer(.failure(LineTrouble(error))) }
            }
    }

    /// Listens no longer to the answer.
    func stop() {
        receive = nil
        channel?.close(promise: nil)
        channel = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        let query = question.query(id: id, withEDNS: withEDNS)
        var buffer = context.channel.allocator.buffer(capacity: query.count + 2)
        buffer.writeInteger(UInt16(query.count))
        buffer.writeBytes(query)
        context.channel.writeAndFlush(buffer, promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received.writeImmutableBuffer(unwrapInboundIn(data))
        guard let length = received.getInteger(at: received.readerIndex, as: UInt16.self),
            let bytes = received.getBytes(at: received.readerIndex + 2, length: Int(length))
        else { return }
        do {
            let reply = try DNSReply(bytes)
            let isOurs = reply.isAnswer(to: question, id: id) && !reply.isTruncated
            answer(isOurs ? .success(reply) : .failure(.server("another answer over TCP")))
        } catch {
            answer(.failure(.server("a malformed answer over TCP: \(error)")))
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answer(.failure(LineTrouble(error)))
    }

    func channelInactive(context: ChannelHandlerContext) {
        answer(.failure(.server("closed without an answer over TCP")))
    }

    private func answer(_ result: Result<DNSReply, LineTrouble>) {
        let receive = receive
        stop()
        receive?(result)
    }
}
