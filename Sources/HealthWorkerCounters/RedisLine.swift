import HealthWorkerModel
import Logging
import Synchronization

/// Redis as one of its users sees it: a connection on a thread of its own, made when it is first
/// needed, and a bound to how long anybody waits for it.
///
/// After a failure Redis is left alone for `RedisLimits.pause`, and so it is while a call goes on
/// that nobody waits for any longer.
final class RedisLine: Sendable {
    /// A connection to a server that was told the scripts.
    struct Link {
        let connection: RedisConnection
        /// Script → its digest.
        let digests: [String: String]
    }

    enum Standing: Sendable {
        case untried
        case answering
        case failing(since: Duration, why: RedisError)
    }

    /// What the log says when Redis is lost, and when it is back.
    struct Sentences: Sendable {
        var lost: Logger.Message
        var back: Logger.Message
    }

    private struct State {
        var breaker = Breaker()
        /// Calls that nobody waits for any longer and that are still under way.
        var abandoned = 0
        var standing = Standing.untried
    }

    private let url: RedisURL
    private let scripts: [String]
    private let limits: RedisLimits
    private let sentences: Sentences
    private let now: @Sendable () -> Duration
    private let logger: Logger
    private let thread: CallingThread<Link?>
    private let state = Mutex(State())

    /// Does not connect yet.
    init(
        _ url: RedisURL, scripts: [String], limits: RedisLimits, sentences: Sentences,
        now: @escaping @Sendable () -> Duration, logger: Logger
    ) {
        self.url = url
        self.scripts = scripts
        self.limits = limits
        self.sentences = sentences
        self.now = now
        self.logger = logger
        thread = CallingThread(name: "redis") { nil }
    }

    private static let start = ContinuousClock.now
    static let processTime: @Sendable () -> Duration = { start.duration(to: .now) }

    var standing: Standing { state.withLock { $0.standing } }

    /// Connects now, rather than with the first call, to say at once what is wrong.
    func connect() async throws(RedisError) {
        let deadline = ContinuousClock.now + limits.connecting
        let answer: Result<Void, RedisError>? = await call(patience: limits.connecting) {
            [self] link in
            Result { () throws(RedisError) in _ = try open(&link, by: deadline) }
        }
        switch answer ?? .failure(.late(url, after: limits.connecting)) {
        case .success:
            note(.success(()), ofWrite: false)
        case .failure(let error):
            note(.failure(error))
            throw error
        }
    }

    /// What `body` makes of the connection, or nil without one and when that takes too long.
    ///
    /// - Parameters:
    ///   - isWrite: Whether it needs Redis to take what is written. A server that is full, a replica
    ///     or one that permits only reading answers the rest: that does not end a failure.
    ///   - body: Called on the thread; what it says went wrong ends the connection.
    func ask<Answer: Sendable>(
        isWrite: Bool,
        _ body:
            @escaping @Sendable (Link, ContinuousClock.Instant) -> (Answer, RedisError?)
    ) async -> Answer? {
        let began = now()
        guard state.withLock({ $0.breaker.admits(at: began) && $0.abandoned == 0 }) else {
            return nil
        }
        // A little less than the caller waits, so that the replies that did come are used.
        let deadline = ContinuousClock.now + limits.patience * 0.95
        let answer: Answer?? = await call(patience: limits.patience) { [self] link in
            perform(body, isWrite: isWrite, on: &link, by: deadline)
        }
        guard let answer else {
            if !Task.isCancelled { note(.failure(.late(url, after: limits.patience))) }
            return nil
        }
        return answer
    }

    private func call<Answer: Sendable>(
        patience: Duration, _ body: @escaping @Sendable (inout Link?) -> Answer
    ) async -> Answer? {
        await thread.run(
            patience: patience,
            givenUp: { [self] in state.withLock { $0.abandoned += 1 } },
            ended: { [self] in state.withLock { $0.abandoned -= 1 } }, body)
    }

    private func perform<Answer>(
        _ body: (Link, ContinuousClock.Instant) -> (Answer, RedisError?), isWrite: Bool,
        on link: inout Link?, by deadline: ContinuousClock.Instant
    ) -> Answer? {
        // While this call stood in line, its time went by or the one before it failed.
        let now = now()
        guard ContinuousClock.now < deadline, state.withLock({ $0.breaker.admits(at: now) }) else {
            return nil
        }
        let made: Link
        do {
            made = try open(&link, by: .now + limits.connecting)
        } catch {
            note(.failure(error))
            return nil
        }
        guard ContinuousClock.now < deadline else { return nil }
        let (answer, error) = body(made, deadline)
        if let error {
            link = nil
            note(.failure(error))
        } else {
            note(.success(()), ofWrite: isWrite)
        }
        return answer
    }

    private func open(
        _ link: inout Link?, by deadline: ContinuousClock.Instant
    ) throws(RedisError) -> Link {
        if let link { return link }
        let connection = try RedisConnection(url, by: deadline)
        var digests: [String: String] = [:]
        for script in scripts {
            switch try connection.ask(["SCRIPT", "LOAD", script], by: deadline) {
            case .text(let digest): digests[script] = digest
            case .error(let reply): throw RedisError(reply: reply, from: url)
            default: throw .silent(url, "it does not speak as Redis does")
            }
        }
        let made = Link(connection: connection, digests: digests)
        link = made
        return made
    }

    private func note(_ result: Result<Void, RedisError>, ofWrite isWrite: Bool = false) {
        let now = now()
        switch result {
        case .success:
            let returned = state.withLock { state -> Duration? in
                state.breaker.succeed()
                guard case .failing(let since, _) = state.standing else {
                    state.standing = .answering
                    return nil
                }
                guard isWrite else { return nil }
                state.standing = .answering
                return now - since
            }
            if let returned {
                logger.info(
                    sentences.back,
                    metadata: ["after_seconds": "\(returned.components.seconds)"])
            }
        case .failure(let error):
            let isNew = state.withLock { state -> Bool in
                state.breaker.fail(at: now, pause: limits.pause)
                guard case .failing(let since, _) = state.standing else {
                    state.standing = .failing(since: now, why: error)
                    return true
                }
                state.standing = .failing(since: since, why: error)
                return false
            }
            if isNew { logger.warning(sentences.lost, metadata: ["error": "\(error)"]) }
        }
    }
}

extension RedisLine.Link {
    /// One command and its reply; an error reply is none, and ends the connection, too.
    func ask(
        _ command: [String], by deadline: ContinuousClock.Instant
    ) -> (RedisReply?, RedisError?) {
        let (replies, error) = connection.ask([command], by: deadline)
        if case .error(let text)? = replies.first {
            return (nil, RedisError(reply: text, from: connection.url))
        }
        return (replies.first, error)
    }

    /// Runs one of the line's scripts with each of the arguments, all at once: the replies that came
    /// in time, in their order, and why the rest did not. Where all replies are errors, the first is
    /// what went wrong.
    func evaluate(
        _ script: String, _ arguments: [[String]], by deadline: ContinuousClock.Instant
    ) -> ([RedisReply], RedisError?) {
        let bySum = ["EVALSHA", digests[script] ?? ""]
        var (replies, error) = connection.ask(arguments.map { bySum + $0 }, by: deadline)
        if error == nil {
            let unknown = replies.indices.filter { replies[$0].isError("NOSCRIPT") }
            // The first one makes the script known again for those behind it.
            let again = connection.ask(
                unknown.enumerated().map { place, index in
                    (place == 0 ? ["EVAL", script] : bySum) + arguments[index]
                }, by: deadline)
            for (index, reply) in zip(unknown, again.replies) { replies[index] = reply }
            error = again.error
        }
        if error == nil, replies.allSatisfy({ $0.isError("") }),
            case .error(let reply)? = replies.first
        {
            error = RedisError(reply: reply, from: connection.url)
        }
        return (replies, error)
    }
}

extension RedisReply {
    /// Whether it is an error that begins with `code`.
    fileprivate func isError(_ code: String) -> Bool {
        if case .error(let text) = self { text.hasPrefix(code) } else { false }
    }
}
