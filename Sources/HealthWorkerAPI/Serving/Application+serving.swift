import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

extension Application where Responder == RouterResponder<APIContext> {
    /// A service: it serves until its service group shuts down, and then ends what is under way.
    ///
    /// - Parameter onListening: called once requests are accepted, with the port that was really bound.
    init(
        _ router: Router<APIContext>, at host: String, _ port: Int, version: String,
        limits: ConnectionLimits, logger: Logger,
        onListening: @escaping @Sendable (Int) async -> Void
    ) {
        let serverName = "health-worker/\(version)"
        self.init(
            router: router,
            server: HTTPServerBuilder { responder in
                APIChannel(responder: responder, limits: limits, serverName: serverName)
            },
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), serverName: serverName,
                // After a restart all who listened come back at once. Where the queue is full, Linux
                // lets a client believe that it is connected, and resets it a minute later.
                backlog: 4096,
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connections)),
            onServerRunning: { channel in
                await onListening(channel.localAddress?.port ?? port)
            },
            logger: logger)
    }
}
