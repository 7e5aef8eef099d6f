import HTTPTypes
import NIOCore
import NIOHTTP1

/// Answers what is no request of HTTP/1.1, and ends connections that take too long.
///
/// What never becomes a request is answered here, as a problem like every other error. A body that
/// turns out faulty or slow fails the reading of it: the operation that waits for it answers.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Reading {
        case nothing
        case body(since: NIODeadline, bytes: Int)
        /// Its answer is out: what is left of it is of no use.
        case leftover(since: NIODeadline, bytes: Int)
    }

    private let limits: ConnectionLimits
    private let serverName: String
    private var reading = Reading.nothing
    private var answersOwed = 0
    private var closesAfterAnswer = false
    /// Refused or failed: nothing more is read.
    private var isOver = false
    private var watch: Scheduled<Void>?
    private var stall: Scheduled<Void>?

    init(limits: ConnectionLimits, serverName: String) {
        self.limits = limits
        self.serverName = serverName
    }

    // MARK: - Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            begin(head, context)
        case .body(let bytes):
            switch reading {
            case .body(let since, let count):
                reading = .body(since: since, bytes: count + bytes.readableBytes)
            case .leftover(let since, let count):
                guard count + bytes.readableBytes <= limits.unreadBytes else {
                    return end(context)
                }
                reading = .leftover(since: since, bytes: count + bytes.readableBytes)
            case .nothing: break
            }
            context.fireChannelRead(data)
        case .end:
            reading = .nothing
            watch?.cancel()
            watch = nil
            context.fireChannelRead(data)
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        if head.version != .http1_0, head.headers["host"].count != 1 {
            // RFC 9112 §3.2.
            return refuse(
                ProblemDetails(.malformedRequest, "Send exactly one Host header."), context)
        }
        if !head.isKeepAlive { closesAfterAnswer = true }
        if head.version != .http1_0, answersOwed == 0,
            head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" })
        {
            // RFC 9110 §10.1.1: it waits for this word before it sends its body.
            let goOn = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(wrapOutboundOut(.head(goOn)), promise: nil)
        }
        answersOwed += 1
        reading = .body(since: .now(), bytes: 0)
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Most requests end within the bytes they begin in, and need no watch.
        if case .body = reading, watch == nil, !isOver { watchBody(context) }
        context.fireChannelReadComplete()
    }

    /// Looks after a body until it is there.
    private func watchBody(_ context: ChannelHandlerContext) {
        let pause = TimeAmount(min(limits.bodyGrace, .seconds(5)))
        watch = context.eventLoop.assumeIsolated().scheduleTask(in: pause) {
            self.watch = nil
            guard !self.isOver else { return }
            let grace = TimeAmount(self.limits.bodyGrace)
            switch self.reading {
            case .nothing: break
            case .leftover(let since, _):
                guard since + grace <= .now() else { return self.watchBody(context) }
                self.end(context)
            case .body(let since, let bytes):
                let more = TimeAmount.seconds(Int64(bytes / max(self.limits.bytesPerSecond, 1)))
                guard since + grace + more <= .now() else { return self.watchBody(context) }
                self.closesAfterAnswer = true
                self.isOver = true
                context.fireErrorCaught(RequestTooSlow())
            }
        }
    }

    // MARK: - Faults

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let fault = error as? HTTPParserError else {
            return context.fireErrorCaught(error)
        }
        guard !isOver else { return }
        guard answersOwed > 0 else { return refuse(ProblemDetails(fault), context) }
        isOver = true
        closesAfterAnswer = true
        if case .body = reading { context.fireErrorCaught(error) }
    }

    /// Answers in place of everybody else, and hangs up.
    private func refuse(_ problem: ProblemDetails, _ context: ChannelHandlerContext) {
        isOver = true
        // An answer is under way already: it is the last one.
        guard answersOwed == 0 else {
            closesAfterAnswer = true
            return
        }
        let id = RequestJournal.randomID()
        let bytes = JSONText.bytes(problem.node(requestID: id))
        var headers = HTTPHeaders([
            ("Content-Type", "application/problem+json"), ("Content-Length", "\(bytes.count)"),
            ("Cache-Control", "no-store"), ("X-Request-Id", id),
            ("X-Content-Type-Options", "nosniff"), ("Server", serverName), ("Connection", "close"),
        ])
        for field in problem.headers {
            headers.replaceOrAdd(name: field.name.rawName, value: field.value)
        }
        let head = HTTPResponseHead(
            version: .http1_1, status: .init(statusCode: problem.kind.status.code),
            headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(
            wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: bytes)))),
            promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        hangUp(context)
    }

    // MARK: - Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            if closesAfterAnswer, answersOwed == 1 {
                head.headers.replaceOrAdd(name: "Connection", value: "close")
            }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            answersOwed -= 1
            if case .body = reading { reading = .leftover(since: .now(), bytes: 0) }
            guard closesAfterAnswer, answersOwed == 0 else {
                return context.write(data, promise: promise)
            }
            isOver = true
            context.writeAndFlush(data, promise: promise)
            hangUp(context)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stall?.cancel()
        stall = nil
        if !context.channel.isWritable {
            stall = context.eventLoop.assumeIsolated().scheduleTask(
                in: TimeAmount(limits.stalledAnswer)
            ) { self.end(context) }
        }
        context.fireChannelWritabilityChanged()
    }

    /// Says that nothing more comes, and leaves the client a moment to read it: closing at once
    /// what still receives takes the answer away from it (RFC 9112 §9.6).
    private func hangUp(_ context: ChannelHandlerContext) {
        watch?.cancel()
        watch = nil
        context.close(mode: .output, promise: nil)
        watch = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(2)) {
            self.end(context)
        }
    }

    private func end(_ context: ChannelHandlerContext) {
        isOver = true
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        forget()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { forget() }

    private func forget() {
        watch?.cancel()
        stall?.cancel()
        watch = nil
        stall = nil
    }
}

/// A body that did not arrive in its time.
struct RequestTooSlow: Error {}

extension ProblemDetails {
    /// What the reader of HTTP messages found wrong. The bytes themselves are not repeated.
    init(_ fault: HTTPParserError) {
        switch fault {
        case .headerOverflow:
            self.init(
                .headersTooLarge, "Send fewer, shorter header fields or a shorter URL.",
                headers: [.connection: "close"])
        case .invalidMethod:
            self.init(
                .notImplemented, "The method is none that HTTP knows; methods are in capitals.",
                headers: [.connection: "close"])
        default:
            self.init(
                .malformedRequest, "What was sent is no HTTP/1.1 request.",
                headers: [.connection: "close"])
        }
    }
}
