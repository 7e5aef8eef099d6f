import HealthWorkerModel
package import Hummingbird
import Logging
import NIOCore

/// What a request carries from one middleware to the next.
package struct APIContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// Named in the answer, in problems and in the log: the caller's own, or a random one.
    var requestID = ""
    /// Nil for operations that need no key.
    var caller: Caller?
    /// Who is connected: the client itself, or the proxy in front of it.
    let remoteAddress: SocketAddress?

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        remoteAddress = source.channel.remoteAddress
    }
}

extension APIContext {
    /// The IP address of whoever is connected, one of IPv4 also where a socket of IPv6 accepted it;
    /// nil: none, as over a socket of the file system.
    package var peer: String? { remoteAddress.flatMap(IPAddress.init)?.text }

    /// By what requests from one place are counted together.
    var address: String { remoteAddress.flatMap(IPAddress.init)?.place ?? "none" }
}

extension IPAddress {
    /// Of IPv6 the first 64 bits, of which everybody has all the rest. Under `::/64` nobody has: these
    /// are addresses such as that of loopback.
    var place: String {
        guard case .v6(let groups) = self, groups.prefix(4).contains(where: { $0 != 0 }) else {
            return text
        }
        return groups.prefix(4).map { String($0, radix: 16) }.joined(separator: ":") + "::/64"
    }
}
