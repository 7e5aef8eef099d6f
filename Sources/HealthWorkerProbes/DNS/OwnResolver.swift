package import HealthWorkerModel
internal import Metrics
package import NIOCore
internal import NIOPosix
internal import Synchronization

/// Resolves names by asking the name servers itself, so that no thread ever waits for them and any
/// number of names can be looked up at once: one that nobody answers delays no other.
///
/// It goes by the hosts file and `resolv.conf`, as glibc does with `hosts: files dns`, and reads them
/// again when they change. It differs where glibc would harm a health check: of several servers each
/// gets a share of the caller's time rather than all of it, and trouble with one name of the search list
/// ends the lookup rather than leads to another host. `SystemResolver` does what the system does.
package final class OwnResolver: NameResolver {
    private let inquiries: Inquiries
    private let files: SystemFiles
    private let isShutDown = Atomic(false)
    private let fromHosts = Counter(
        label: MetricName.dnsLookups.rawValue, dimensions: [("answered_by", "hosts")])
    private let fromCache = Counter(
        label: MetricName.dnsLookups.rawValue, dimensions: [("answered_by", "cache")])
    private let fromServers = Counter(
        label: MetricName.dnsLookups.rawValue, dimensions: [("answered_by", "servers")])

    /// - Parameters:
    ///   - eventLoopGroup: One of its loops has all sockets. It must outlive the resolver.
    ///   - checkFilesEvery: How often it may be looked whether the files have changed.
    package init(
        eventLoopGroup: any EventLoopGroup, hosts: String = "/etc/hosts",
        configuration: String = "/etc/resolv.conf", checkFilesEvery: TimeAmount = .seconds(1),
        cache: AnswerCache.Limits = AnswerCache.Limits()
    ) {
        let inquiries = Inquiries(on: eventLoopGroup.next(), cache: AnswerCache(cache))
        self.inquiries = inquiries
        files = SystemFiles(
            hosts: hosts, configuration: configuration, checkEvery: checkFilesEvery,
            pool: .singleton
        ) { content in
            inquiries.eventLoop.execute {
                inquiries.forgetOthers(than: content.configuration.servers)
            }
        }
    }

    package func lookUp(
        _ name: String, family: IPFamily, by deadline: NIODeadline, on eventLoop: any EventLoop
    ) -> NameLookup {
        let promise = eventLoop.makePromise(of: [IPAddress].self)
        guard !isShutDown.load(ordering: .relaxed) else {
            promise.fail(NameResolverError.shutDown)
            return NameLookup(promise.futureResult)
        }
        let domainName: DomainName
        do {
            domainName = try DomainName(name)
        } catch {
            promise.fail(NameResolverError.noSuchName("\(name) cannot exist: \(error)"))
            return NameLookup(promise.futureResult)
        }
        let lookup = Lookup(name, domainName, family: family, by: deadline, promise: promise)
        let inquiries = inquiries
        if let content = files.content(at: .now()) {
            if answer(lookup, by: content) { return NameLookup(promise.futureResult) }
            inquiries.eventLoop.execute { inquiries.begin(lookup) }
        } else {
            inquiries.eventLoop.execute { inquiries.begin(lookup) }
            files.whenRead { content in
                inquiries.eventLoop.execute { inquiries.take(content, for: lookup) }
            }
        }
        fromServers.increment()
        return NameLookup(promise.futureResult) {
            inquiries.eventLoop.execute { inquiries.cancel(lookup) }
        }
    }

    /// Whether the hosts file or the cache has the answer: then it is given without a change of
    /// threads. Otherwise the lookup knows what to ask.
    private func answer(_ lookup: Lookup, by content: SystemFiles.Content) -> Bool {
        if let addresses = lookup.search(by: content) {
            fromHosts.increment()
            lookup.promise.succeed(addresses)
            return true
        }
        switch inquiries.step(lookup) {
        case .ask, nil: return false
        case .found(let addresses): lookup.promise.succeed(addresses)
        case .failed(let error): lookup.promise.fail(error)
        }
        fromCache.increment()
        return true
    }

    package func shutdown() async {
        isShutDown.store(true, ordering: .relaxed)
        // It fails only where the loop has ended, and all its sockets with it.
        try? await inquiries.eventLoop.submit { self.inquiries.shutdown() }.get()
    }

    /// What is kept for lookups that wait.
    package struct UnderWay: Hashable, Sendable {
        package var lookups: Int
        package var questions: Int
        package var streams: Int

        package init(lookups: Int = 0, questions: Int = 0, streams: Int = 0) {
            self.lookups = lookups
            self.questions = questions
            self.streams = streams
        }
    }

    package func underWay() async throws -> UnderWay {
        try await inquiries.eventLoop.submit { self.inquiries.underWay }.get()
    }
}
