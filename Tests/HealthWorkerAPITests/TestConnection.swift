import NIOCore
import NIOPosix

/// A connection to a server that really listens, for what no client library sends.
enum TestConnection {
    /// - Parameter source: the address that it comes from; nil: whichever the system takes.
    static func open(
        port: Int, from source: String? = nil
    ) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
        if let source {
            bootstrap = bootstrap.bind(to: try SocketAddress(ipAddress: source, port: 0))
        }
        return try await bootstrap.connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel(
                    wrappingChannelSynchronously: channel,
                    configuration: .init(isOutboundHalfClosureEnabled: true))
            }
        }
    }

    /// Everything that is answered until the server ends the connection.
    static func answer(
        to text: String, port: Int, from source: String? = nil
    ) async throws -> String {
        try await open(port: port, from: source).executeThenClose { inbound, outbound in
            var heard = ""
            do {
                try await outbound.write(ByteBuffer(string: text))
                for try await bytes in inbound { heard += String(buffer: bytes) }
            } catch is IOError {
                // The server hung up while more was sent: what it said before is what counts.
            } catch is ChannelError {
            }
            return heard
        }
    }
}
