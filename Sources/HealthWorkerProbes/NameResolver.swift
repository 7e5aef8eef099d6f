package import HealthWorkerModel
package import NIOCore

/// Finds the addresses of names.
///
/// It never blocks the event loop it is called on, nor a thread of Swift's own pool, and its futures
/// are always completed. Names are given as they are written in checks: no address is ever one.
package protocol NameResolver: Sendable {
    /// Looks for addresses of `name` that `family` admits, until `deadline`.
    ///
    /// There is at least one in the answer, and the first is the one to use: an IPv4 address where
    /// the name has any and `family` admits it. Others may be missing. The future is one of
    /// `eventLoop`, and fails with a `NameResolverError`.
    func lookUp(
        _ name: String, family: IPFamily, by deadline: NIODeadline, on eventLoop: any EventLoop
    ) -> NameLookup

    /// Fails what is being looked up and takes nothing new.
    func shutdown() async
}

/// A name that is being looked up.
package struct NameLookup: Sendable {
    package let addresses: EventLoopFuture<[IPAddress]>
    /// Says that nobody waits any longer: nothing is kept for it. Its future then fails, unless it is
    /// done.
    package let cancel: @Sendable () -> Void

    package init(
        _ addresses: EventLoopFuture<[IPAddress]>, cancel: @escaping @Sendable () -> Void = {}
    ) {
        self.addresses = addresses
        self.cancel = cancel
    }
}

package enum NameResolverError: Error, Hashable, Sendable {
    /// The name does not exist, or has no address of the family that was asked for.
    case noSuchName(String)
    /// The name servers could not say (SERVFAIL, nobody answered in their own time).
    case failed(String)
    /// The deadline came first.
    case timedOut
    /// This machine has no socket or memory left to ask with.
    case noSocket(String)
    case shutDown
}
