import Logging
import Metrics
import NIOCore

/// One question of HAProxy and its answer.
final class AgentConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Two names of 128 bytes, and a slash.
    private static let longest = 512

    private let networks: NetworkList
    private let watch: RouteWatch
    private let open: OpenConnections
    private let patience: TimeAmount
    private let logger: Logger
    private var isCounted = false
    private var heard = ByteBuffer()
    private var isAnswered = false
    private var end: Scheduled<Void>?

    init(
        networks: NetworkList, watch: RouteWatch, open: OpenConnections, patience: TimeAmount,
        logger: Logger
    ) {
        self.networks = networks
        self.watch = watch
        self.open = open
        self.patience = patience
        self.logger = logger
    }

    func channelActive(context: ChannelHandlerContext) {
        isCounted = open.enter()
        guard isCounted, networks.admits(context.remoteAddress) else {
            context.close(promise: nil)
            return
        }
        end = context.eventLoop.assumeIsolated().scheduleTask(in: patience) {
            context.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isAnswered else { return }
        var bytes = unwrapInboundIn(data)
        heard.writeBuffer(&bytes)
        let view = heard.readableBytesView
        guard let lineEnd = view.firstIndex(of: UInt8(ascii: "\n")) else {
            if view.count > Self.longest { context.close(promise: nil) }
            return
        }
        isAnswered = true
        let line = String(decoding: view[..<lineEnd], as: UTF8.self)
        let answer = answer(to: line.last == "\r" ? line.dropLast() : line[...])
        Counter(
            label: "health_worker_agent_answers_total", dimensions: [("answer", answer.word)]
        ).increment()
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer.line)))
            .assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    private func answer(to question: Substring) -> AgentAnswer {
        let parts = question.split(separator: "/", omittingEmptySubsequences: false)
        guard let held = watch.held(), !held.isStale else { return .silence }
        guard parts.count == 2,
            let route = held.snapshot[String(parts[0])]?.route,
            let answer = AgentAnswer(member: String(parts[1]), of: route)
        else {
            // Once for each check, as often as HAProxy asks: no line of the log for each.
            logger.debug("HAProxy asks for a member that does not exist")
            return .silence
        }
        return answer
    }

    func channelInactive(context: ChannelHandlerContext) {
        end?.cancel()
        end = nil
        if isCounted { open.leave() }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
