package import HealthWorkerModel
package import NIOCore

/// Finds the addresses of names.
///
/// It never blocks the event loop it is called on, nor a thread of Swift's own pool, and its futures
/// are always completed. Names are given as they are written in checks: no address is ever one.
package protocol NameResolver: Sendable {
    /// The addresses of `name` that `family` admits, at least one, IPv4 before IPv6.
    ///
    /// Fails with a `NameResolverError`.
    func addresses(
        of name: String, family: IPFamily, on eventLoop: any EventLoop
    ) -> EventLoopFuture<[IPAddress]>

    /// Fails what is being looked up and takes nothing new.
    func shutdown() async
}

package enum NameResolverError: Error, Hashable, Sendable {
    /// The name does not exist, or has no address of the family that was asked for.
    case noSuchName(String)
    /// The name servers could not say (SERVFAIL, nobody answered in their own time).
    case failed(String)
    case timedOut
    /// This machine has no socket or memory left to ask with.
    case noSocket(String)
    case shutDown
}
