import Foundation
import FreePorts
import HealthWorkerProbes
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// A name server on loopback with faults that no real one can be made to have.
final class ScriptedNameServer: Sendable {
    enum Reaction: Sendable {
        /// Sends these datagrams, in their order.
        case send([[UInt8]])
        /// Sends a datagram from a port that was not asked, and then another from the right one.
        case forge([UInt8], then: [UInt8])
        /// Sends this when `release` is called.
        case hold([UInt8])
        case silence
    }

    typealias Script = @Sendable (Query) -> Reaction
    /// What a query over TCP gets, as it is: length, message, or anything; nil closes.
    typealias StreamScript = @Sendable (Query) -> [UInt8]?

    let port: Int
    private let channels: [any Channel]
    private let seen: Seen

    fileprivate final class Seen: Sendable {
        let queries = Mutex<[Query]>([])
        let streamQueries = Mutex<[Query]>([])
        let held = Mutex<[@Sendable () -> Void]>([])
    }

    /// The queries that came over UDP, oldest first.
    var queries: [Query] { seen.queries.withLock { $0 } }
    var streamQueries: [Query] { seen.streamQueries.withLock { $0 } }
    var names: [String] { queries.map(\.name) }

    init(
        host: String = "127.0.0.1", stream: StreamScript? = nil, _ script: @escaping Script
    ) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let seen = Seen()
        let stranger = try await DatagramBootstrap(group: group).bind(host: host, port: 0).get()
        let datagrams = DatagramBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        DatagramActor(script, seen: seen, stranger: stranger))
                }
            }
        guard let stream else {
            // One at which nobody listens for TCP either.
            port = try freePort()
            channels = [stranger, try await datagrams.bind(host: host, port: port).get()]
            self.seen = seen
            return
        }
        let streams = ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(StreamActor(stream, seen: seen))
                }
            }
        port = try freePort()
        channels = [
            stranger, try await datagrams.bind(host: host, port: port).get(),
            try await streams.bind(host: host, port: port).get(),
        ]
        self.seen = seen
    }

    /// One that answers every question for an IPv4 address alike.
    convenience init(answering last: UInt8) async throws {
        try await self.init { query in
            .send([.reply(to: query, answers: [.a(query.name, last)])])
        }
    }

    /// Sends what is held.
    func release() {
        let actions = seen.held.withLock { held in
            defer { held = [] }
            return held
        }
        for action in actions { action() }
    }

    func stop() async throws {
        for channel in channels { try await channel.close() }
    }
}

private final class DatagramActor: ChannelInboundHandler, Sendable {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let script: ScriptedNameServer.Script
    private let seen: ScriptedNameServer.Seen
    private let stranger: any Channel

    init(
        _ script: @escaping ScriptedNameServer.Script, seen: ScriptedNameServer.Seen,
        stranger: any Channel
    ) {
        self.script = script
        self.seen = seen
        self.stranger = stranger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        let remote = envelope.remoteAddress
        var query = Query(Array(envelope.data.readableBytesView))
        query.port = remote.port ?? 0
        let channel = context.channel
        @Sendable func send(_ bytes: [UInt8]) {
            let buffer = ByteBuffer(bytes: bytes)
            channel.writeAndFlush(
                AddressedEnvelope(remoteAddress: remote, data: buffer), promise: nil)
        }
        let reaction = script(query)
        // Before the query is seen: whoever sees it may release what is held.
        if case .hold(let bytes) = reaction { seen.held.withLock { $0.append { send(bytes) } } }
        seen.queries.withLock { $0.append(query) }
        switch reaction {
        case .send(let datagrams):
            for bytes in datagrams { send(bytes) }
        case .forge(let forged, let right):
            stranger.writeAndFlush(
                AddressedEnvelope(remoteAddress: remote, data: ByteBuffer(bytes: forged))
            ).whenComplete { _ in send(right) }
        case .hold, .silence:
            break
        }
    }
}

private final class StreamActor: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let script: ScriptedNameServer.StreamScript
    private let seen: ScriptedNameServer.Seen
    private var received = ByteBuffer()

    init(_ script: @escaping ScriptedNameServer.StreamScript, seen: ScriptedNameServer.Seen) {
        self.script = script
        self.seen = seen
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received.writeImmutableBuffer(unwrapInboundIn(data))
        guard let length = received.getInteger(at: received.readerIndex, as: UInt16.self),
            let bytes = received.getBytes(at: received.readerIndex + 2, length: Int(length))
        else { return }
        let query = Query(bytes)
        seen.streamQueries.withLock { $0.append(query) }
        if let answer = script(query) {
            context.channel.writeAndFlush(ByteBuffer(bytes: answer), promise: nil)
        } else {
            context.close(promise: nil)
        }
    }
}

extension [UInt8] {
    /// Behind its length, as it goes over TCP.
    var framed: [UInt8] { [UInt8(count >> 8), UInt8(count & 0xff)] + self }
}
