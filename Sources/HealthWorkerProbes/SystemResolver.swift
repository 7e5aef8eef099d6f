import Glibc
package import HealthWorkerModel
package import NIOCore
internal import NIOPosix
internal import Synchronization

/// Resolves names as the system does (`getaddrinfo`: hosts file, `resolv.conf`, search domains).
///
/// `getaddrinfo` blocks for as long as the name servers are silent, so it runs on threads of its
/// own, a fixed number of them. Of each name one query is under way at a time, whoever asks, so a
/// dead name holds one thread however many checks use it. An answer is kept for some seconds.
package final class SystemResolver: NameResolver {
    package typealias Lookup =
        @Sendable (String, IPFamily) -> Result<[IPAddress], NameResolverError>

    private struct Query: Hashable {
        var name: String
        var family: IPFamily
    }

    private struct UnderWay {
        var waiting: [EventLoopPromise<[IPAddress]>]
        /// Nobody waits any longer than this.
        var wantedUntil: NIODeadline
    }

    private struct Answer {
        var addresses: [IPAddress]
        var until: NIODeadline
    }

    private struct State {
        var underWay: [Query: UnderWay] = [:]
        var answers: [Query: Answer] = [:]
        var isShutDown = false
    }

    private let state = Mutex(State())
    private let pool: NIOThreadPool
    private let keep: TimeAmount
    private let mostAnswers: Int
    private let lookup: Lookup

    /// - Parameters:
    ///   - threads: How many names may be looked up at once.
    ///   - keep: How long an answer is used again; nothing is remembered of failures.
    ///   - mostAnswers: How many answers are kept.
    ///   - lookup: What is called on the threads; blocks as it likes.
    package init(
        threads: Int = 8, keep: Duration = .seconds(2), mostAnswers: Int = 10_000,
        lookup: @escaping Lookup = SystemResolver.getaddrinfo
    ) {
        pool = NIOThreadPool(numberOfThreads: threads)
        self.keep = TimeAmount(keep)
        self.mostAnswers = mostAnswers
        self.lookup = lookup
        pool.start()
    }

    package func lookUp(
        _ name: String, family: IPFamily, by deadline: NIODeadline, on eventLoop: any EventLoop
    ) -> NameLookup {
        let query = Query(name: name, family: family)
        let now = NIODeadline.now()
        let promise = eventLoop.makePromise(of: [IPAddress].self)

        enum Next { case answer([IPAddress]), fail, ask, wait }
        let next = state.withLock { state -> Next in
            if state.isShutDown { return .fail }
            if let answer = state.answers[query], answer.until > now {
                return .answer(answer.addresses)
            }
            if let waited = state.underWay[query]?.wantedUntil {
                state.underWay[query]?.waiting.append(promise)
                state.underWay[query]?.wantedUntil = max(waited, deadline)
                return .wait
            }
            state.underWay[query] = UnderWay(waiting: [promise], wantedUntil: deadline)
            return .ask
        }
        switch next {
        case .answer(let addresses):
            promise.succeed(addresses)
            return NameLookup(promise.futureResult)
        case .fail:
            promise.fail(NameResolverError.shutDown)
            return NameLookup(promise.futureResult)
        case .ask:
            pool.submit { item in
                self.run(query, isCancelled: item == .cancelled)
            }
        case .wait:
            break
        }
        // The answer may still come later, for those who ask again meanwhile.
        let timer = eventLoop.scheduleTask(deadline: deadline) {
            promise.fail(NameResolverError.timedOut)
        }
        promise.futureResult.whenComplete { _ in timer.cancel() }
        // The thread cannot be stopped, and what waits for it is forgotten with it.
        return NameLookup(promise.futureResult) { promise.fail(NameResolverError.timedOut) }
    }

    package func shutdown() async {
        let waiting = state.withLock { state in
            state.isShutDown = true
            let waiting = state.underWay.values.flatMap(\.waiting)
            state.underWay = [:]
            state.answers = [:]
            return waiting
        }
        for promise in waiting { promise.fail(NameResolverError.shutDown) }
        // Not waited for: a thread inside `getaddrinfo` cannot be stopped, and ends with it.
        pool.shutdownGracefully { _ in }
    }

    private func run(_ query: Query, isCancelled: Bool) {
        let wantedUntil = state.withLock { $0.underWay[query]?.wantedUntil }
        let result: Result<[IPAddress], NameResolverError>
        if isCancelled {
            result = .failure(.shutDown)
        } else if let wantedUntil, wantedUntil > .now() {
            result = lookup(query.name, query.family)
        } else {
            // It waited so long for a thread that everybody has left: spare the name servers.
            result = .failure(.timedOut)
        }
        let waiting = state.withLock { state in
            if case .success(let addresses) = result, !state.isShutDown {
                remember(addresses, of: query, in: &state)
            }
            return state.underWay.removeValue(forKey: query)?.waiting ?? []
        }
        for promise in waiting { promise.completeWith(result.mapError { $0 }) }
    }

    private func remember(_ addresses: [IPAddress], of query: Query, in state: inout State) {
        let now = NIODeadline.now()
        if state.answers.count >= mostAnswers {
            state.answers = state.answers.filter { $0.value.until > now }
        }
        guard keep > .zero, state.answers.count < mostAnswers else { return }
        state.answers[query] = Answer(addresses: addresses, until: now + keep)
    }
}

extension SystemResolver {
    /// One call of `getaddrinfo`, on the thread it is called on.
    package static func getaddrinfo(
        _ name: String, _ family: IPFamily
    ) -> Result<[IPAddress], NameResolverError> {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        hints.ai_family =
            switch family {
            case .any: AF_UNSPEC
            case .v4: AF_INET
            case .v6: AF_INET6
            }
        var list: UnsafeMutablePointer<addrinfo>?
        let status = Glibc.getaddrinfo(name, nil, &hints, &list)
        let code = errno
        defer { if let list { freeaddrinfo(list) } }
        guard status == 0 else {
            // Without a descriptor the C library can read no file and ask nobody, and may say that
            // there is no such name.
            if let words = Machine.exhaustion { return .failure(.noSocket("\(name): \(words)")) }
            return .failure(error(for: status, errno: code, of: name))
        }

        var addresses: [IPAddress] = []
        var next = list
        while let entry = next {
            if let pointer = entry.pointee.ai_addr,
                let address = IPAddress(pointer, length: Int(entry.pointee.ai_addrlen)),
                !addresses.contains(address)
            {
                addresses.append(address)
            }
            next = entry.pointee.ai_next
        }
        if addresses.isEmpty { return .failure(.noSuchName("\(name) has no address")) }
        return .success(addresses.filter(\.isV4) + addresses.filter { !$0.isV4 })
    }

    private static func error(
        for status: CInt, errno code: CInt, of name: String
    ) -> NameResolverError {
        let sentence = String(cString: gai_strerror(status))
        switch status {
        // EAI_NODATA and EAI_ADDRFAMILY, which glibc hides behind _GNU_SOURCE: the name exists and
        // has no address of this family.
        case EAI_NONAME, -5, -9: return .noSuchName("\(name): \(sentence)")
        case EAI_MEMORY: return .noSocket("\(name): \(sentence)")
        case EAI_SYSTEM:
            let reason = "\(name): \(String(cString: strerror(code)))"
            return Exhaustion.codes.contains(code) ? .noSocket(reason) : .failed(reason)
        default: return .failed("\(name): \(sentence)")
        }
    }
}
