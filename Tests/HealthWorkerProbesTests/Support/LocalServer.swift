import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// A server on loopback that says what a test tells it to say, and nothing of its own accord.
final class LocalServer: Sendable {
    enum Action: Sendable {
        case send(String)
        case sendBytes([UInt8])
        case close
        /// Closes with a reset instead of a goodbye.
        case reset
        /// Closes the connection and leaves out the goodbye of TLS.
        case cut
        /// Says goodbye for its own direction, and keeps listening.
        case halfClose
        /// What follows comes this much later.
        case pause(milliseconds: Int64)
        /// One byte after the other, with a pause before each.
        case drip(String, milliseconds: Int64)
        /// The text again and again, as fast as it is taken, until the connection ends.
        case flood(String)
    }

    struct Script: Sendable {
        var onConnect: [Action] = []
        /// Asked once for each connection: when a whole HTTP request has come, or the first bytes of
        /// anything else.
        var onRequest: @Sendable (String) -> [Action] = { _ in [] }
    }

    let port: Int
    /// One element for each connection that came, and for each that ended.
    let opened: AsyncStream<Void>
    let closed: AsyncStream<Void>

    private let channel: any Channel
    private let seen: Seen

    private final class Seen: Sendable {
        let requests = Mutex<[String]>([])
        let agreed = Mutex<[String]>([])
        let serverNames = Mutex<[String?]>([])
        let opened: AsyncStream<Void>.Continuation
        let closed: AsyncStream<Void>.Continuation

        init(opened: AsyncStream<Void>.Continuation, closed: AsyncStream<Void>.Continuation) {
            self.opened = opened
            self.closed = closed
        }
    }

    /// The requests that came, oldest first.
    var requests: [String] { seen.requests.withLock { $0 } }

    /// The protocols that ALPN agreed on, and the names that SNI asked for, a handshake each.
    var agreed: [String] { seen.agreed.withLock { $0 } }
    var serverNames: [String?] { seen.serverNames.withLock { $0 } }

    /// - Parameter sleep: How long a connection that was accepted is left alone at first.
    init(
        _ script: Script, tls: NIOSSLContext? = nil, host: String = "127.0.0.1",
        sleep: TimeAmount = .zero
    ) async throws {
        let (opened, openedContinuation) = AsyncStream<Void>.makeStream()
        let (closed, closedContinuation) = AsyncStream<Void>.makeStream()
        let seen = Seen(opened: openedContinuation, closed: closedContinuation)
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.scheduleTask(in: sleep) {
                    if let tls {
                        let sni = SNIHandler { result in
                            seen.serverNames.withLock {
                                switch result {
                                case .hostname(let name): $0.append(name)
                                case .fallback: $0.append(nil)
                                }
                            }
                            return channel.eventLoop.makeSucceededVoidFuture()
                        }
                        try channel.pipeline.syncOperations.addHandlers(
                            ByteToMessageHandler(sni), NIOSSLServerHandler(context: tls))
                    }
                    try channel.pipeline.syncOperations.addHandler(Actor(script, seen: seen))
                }.futureResult
            }
            .bind(host: host, port: 0).get()
        // A bound channel of TCP has an address with a port.
        port = channel.localAddress!.port!
        self.opened = opened
        self.closed = closed
        self.seen = seen
    }

    /// A server that answers every request alike.
    convenience init(
        answering actions: Action..., tls: NIOSSLContext? = nil
    ) async throws {
        try await self.init(Script(onRequest: { _ in actions }), tls: tls)
    }

    /// A server that greets whoever connects.
    convenience init(greeting actions: Action..., tls: NIOSSLContext? = nil) async throws {
        try await self.init(Script(onConnect: actions), tls: tls)
    }

    func stop() async throws {
        try await channel.close()
    }

    private final class Actor: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let script: Script
        private let seen: Seen
        private var text = ""
        private var hasAnswered = false

        init(_ script: Script, seen: Seen) {
            self.script = script
            self.seen = seen
        }

        func channelActive(context: ChannelHandlerContext) {
            seen.opened.yield()
            LocalServer.play(script.onConnect[...], on: context.channel)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            text += String(buffer: unwrapInboundIn(data))
            guard !hasAnswered, isWhole(text) else { return }
            hasAnswered = true
            seen.requests.withLock { $0.append(text) }
            LocalServer.play(script.onRequest(text)[...], on: context.channel)
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .handshakeCompleted(let agreed?)? = event as? TLSUserEvent {
                seen.agreed.withLock { $0.append(agreed) }
            }
            context.fireUserInboundEventTriggered(event)
        }

        func channelInactive(context: ChannelHandlerContext) {
            seen.closed.yield()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }

        private func isWhole(_ text: String) -> Bool {
            guard text.contains(" HTTP/1.1\r\n") else { return true }
            guard let end = text.ranges(of: "\r\n\r\n").first else { return false }
            let length = text[..<end.lowerBound].split(separator: "\r\n")
                .first { $0.lowercased().hasPrefix("content-length: ") }
                .flatMap { Int($0.dropFirst(16)) }
            return text[end.upperBound...].utf8.count >= length ?? 0
        }
    }

    private static func play(_ actions: ArraySlice<Action>, on channel: any Channel) {
        guard let action = actions.first, channel.isActive else { return }
        let rest = actions.dropFirst()
        switch action {
        case .send(let text): channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
        case .sendBytes(let bytes): channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        case .close: channel.close(promise: nil)
        case .halfClose: channel.close(mode: .output, promise: nil)
        case .cut:
            // From the TLS handler outwards, so that it is not asked.
            (try? channel.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self))?
                .close(promise: nil)
        case .reset:
            // Every channel of sockets is one.
            let options = channel as! any SocketOptionProvider
            options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in
                channel.close(promise: nil)
            }
        case .pause(let milliseconds):
            channel.eventLoop.scheduleTask(in: .milliseconds(milliseconds)) {
                play(rest, on: channel)
            }
            return
        case .drip(let text, let milliseconds):
            let drops = text.utf8.flatMap {
                [Action.pause(milliseconds: milliseconds), .sendBytes([$0])]
            }
            play(drops + rest, on: channel)
            return
        case .flood(let text):
            channel.writeAndFlush(ByteBuffer(string: text)).whenSuccess {
                // A little later, so that the loop serves its other connections, too.
                channel.eventLoop.scheduleTask(in: .microseconds(20)) {
                    play(actions, on: channel)
                }
            }
            return
        }
        play(rest, on: channel)
    }
}
