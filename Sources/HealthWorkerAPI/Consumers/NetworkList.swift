import HTTPTypes
package import HealthWorkerModel
import Hummingbird
import NIOCore
import Synchronization

/// The networks whose programs may ask without a key.
package final class NetworkList: Sendable {
    private let networks: Mutex<[Network]>

    package init(_ networks: [Network]) {
        self.networks = Mutex(networks)
    }

    /// Programs of these may ask from now on; connections that are open stay so.
    package func use(_ networks: [Network]) {
        self.networks.withLock { $0 = networks }
    }

    /// A connection whose other end has no address is of no network.
    func admits(_ remote: SocketAddress?) -> Bool {
        guard let address = remote.flatMap(IPAddress.init) else { return false }
        return networks.withLock { $0 }.contains { $0.contains(address) }
    }
}

extension IPAddress {
    /// The other end of a connection; one of IPv4 that a socket of IPv6 accepted is one of IPv4.
    init?(_ remote: SocketAddress) {
        guard let text = remote.ipAddress, let address = IPAddress(text) else { return nil }
        if case .v6(let groups) = address, groups.prefix(6) == [0, 0, 0, 0, 0, 0xffff] {
            self = .v4(UInt32(groups[6]) << 16 | UInt32(groups[7]))
        } else {
            self = address
        }
    }
}

/// Answers programs of listed networks only.
struct NetworkGate: MiddlewareProtocol {
    typealias Input = Request
    typealias Output = Response
    typealias Context = APIContext

    let networks: NetworkList

    func handle(
        _ request: Request, context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        guard networks.admits(context.remoteAddress) else {
            let who = context.remoteAddress?.ipAddress ?? "an unknown address"
            throw ProblemDetails(
                .forbidden, "\(who) may not ask here: no network of consumer.networks has it.")
        }
        return try await next(request, context)
    }
}
