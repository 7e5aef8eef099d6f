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
    /// Where the connection comes from.
    let remoteAddress: SocketAddress?

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        remoteAddress = source.channel.remoteAddress
    }
}
