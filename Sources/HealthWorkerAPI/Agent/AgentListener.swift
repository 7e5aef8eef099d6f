package import Logging
package import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Answers HAProxy's `agent-check`: a line `POLICY/MEMBER` for each connection, and one word on it.
///
/// It answers out of what is held. What is stale, or unknown, gets an empty line, by which HAProxy
/// changes nothing; and nothing it does when nobody answers at all.
package struct AgentListener: Service {
    private let host: String
    private let port: Int
    private let networks: NetworkList
    private let watch: RouteWatch
    private let patience: TimeAmount
    private let logger: Logger
    private let onListening: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - port: 0: any free port.
    ///   - patience: how long a connection may take for its question.
    ///   - onListening: called once connections are accepted, with the port that was really bound.
    package init(
        host: String, port: Int, networks: NetworkList, routes watch: RouteWatch,
        patience: TimeAmount = .seconds(5), logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.host = host
        self.port = port
        self.networks = networks
        self.watch = watch
        self.patience = patience
        self.logger = logger
        self.onListening = onListening
    }

    package func run() async throws {
        let open = OpenConnections(limit: 4096)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [networks, watch, patience, logger] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        AgentConnection(
                            networks: networks, watch: watch, open: open, patience: patience,
                            logger: logger))
                }
            }
            .bind(host: host, port: port).get()
        await onListening(server.localAddress?.port ?? port)
        try await withTaskCancellationOrGracefulShutdownHandler {
            try await server.closeFuture.get()
        } onCancelOrGracefulShutdown: {
            server.close(promise: nil)
        }
    }
}

final class OpenConnections: Sendable {
    private let count = Mutex(0)
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// False where there are as many as may be.
    func enter() -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    func leave() {
        count.withLock { $0 -= 1 }
    }
}
