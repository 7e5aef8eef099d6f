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
    /// The IP address of whoever is connected; nil: none, as over a socket of the file system.
    package var peer: String? { remoteAddress?.ipAddress }

    /// By what requests from one place are counted together: of IPv6 the first 64 bits, of which
    /// everybody has all the rest.
    var address: String {
        guard let remoteAddress, let address = peer else { return "none" }
        if case .v6 = remoteAddress, case .v6(let groups)? = IPAddress(address) {
            return groups.prefix(4).map { String($0, radix: 16) }.joined(separator: ":") + "::/64"
        }
        return address
    }
}
