package import HealthWorkerModel
package import Logging
import Metrics
import Synchronization

/// Counts in Redis, where runs also live on beyond what the rows count; any number of workers
/// share them.
///
/// No answer of Redis can turn health wrongly: what does not agree with the base of a claim is not
/// taken. A batch is answered within `Limits.patience`; what Redis has not said by then, and
/// everything during `Limits.pause` after a failure, is counted from the base.
package final class RedisCounts: Counts {
    package struct Limits: Hashable, Sendable {
        /// How long one batch may wait for Redis.
        package var patience: Duration
        /// How long after a failure Redis is left alone.
        package var pause: Duration
        /// How long connecting may take. No batch waits longer than `patience` for it.
        package var connecting: Duration

        package init(
            patience: Duration = .milliseconds(100), pause: Duration = .seconds(5),
            connecting: Duration = .seconds(2)
        ) {
            self.patience = patience
            self.pause = pause
            self.connecting = connecting
        }
    }

    /// What lives on the thread.
    private struct Link {
        var connection: RedisConnection?
        var digest = ""
    }

    private struct State {
        var breaker = Breaker()
        /// Calls that nobody waits for any longer and that are still under way.
        var abandoned = 0
        var standing = Standing.untried
        var tally = CountTally()
        var stale: Set<Job> = []
    }

    private enum Standing {
        case untried
        case redis
        case base(since: Duration, why: RedisError)
    }

    private struct Job: Hashable {
        var check: CheckID
        var job: JobID
        var attempt: Int

        init(_ request: CountRequest) {
            (check, job, attempt) = (request.check, request.job, request.attempt)
        }
    }

    private let url: RedisURL
    private let prefix: String
    private let limits: Limits
    private let now: @Sendable () -> Duration
    private let logger: Logger
    private let thread: CallingThread<Link>
    private let state = Mutex(State())

    /// Does not connect yet.
    ///
    /// - Parameters:
    ///   - prefix: What the name of every key begins with.
    ///   - now: The time by which the breaker and ``source`` go; it must not go back.
    package init(
        _ url: RedisURL, prefix: String = "", limits: Limits = Limits(),
        now: @escaping @Sendable () -> Duration = RedisCounts.processTime, logger: Logger
    ) {
        self.url = url
        self.prefix = prefix
        self.limits = limits
        self.now = now
        self.logger = logger
        thread = CallingThread(name: "redis") { Link() }
    }

    private static let start = ContinuousClock.now
    package static let processTime: @Sendable () -> Duration = { start.duration(to: .now) }

    /// What counts at present.
    package var source: CountSource {
        let now = now()
        return state.withLock { state in
            switch state.standing {
            case .untried: .untried
            case .redis: .redis
            case .base(let since, let why): .base(for: now - since, why: why.description)
            }
        }
    }

    package var tally: CountTally {
        state.withLock { $0.tally }
    }

    /// Connects now, rather than with the first batch, to say at once what is wrong.
    package func connect() async throws(RedisError) {
        let deadline = ContinuousClock.now + limits.connecting
        let answer: Result<Void, RedisError>? = await call(patience: limits.connecting) {
            [self] link in
            Result { () throws(RedisError) in try open(&link, by: deadline) }
        }
        switch answer ?? .failure(.late(url, after: limits.connecting)) {
        case .success:
            note(.success(()))
        case .failure(let error):
            note(.failure(error))
            throw error
        }
    }

    package func count(_ batch: [CountRequest]) async -> [Int] {
        guard !batch.isEmpty else { return [] }
        let replies = await ask(batch, isForced: false)
        var tally = CountTally()
        var stale: Set<Job> = []
        let runs = batch.enumerated().map { index, request in
            let reply = index < replies.count ? replies[index] : .unreadable
            switch reply {
            case .counted(let run) where request.agrees(with: run),
                .replayed(let run) where request.agrees(with: run):
                tally.inRedis += 1
                return run
            case .corrected(let run) where request.agrees(with: run):
                tally.inRedis += 1
                tally.corrected += 1
                return run
            case .counted, .replayed, .corrected:
                tally.corrected += 1
            case .stale:
                tally.stale += 1
                stale.insert(Job(request))
            case .error, .unreadable:
                break
            }
            tally.fromBase += 1
            return request.runFromBase
        }
        record(tally, stale)
        return runs
    }

    package func force(_ accepted: [CountRequest]) async {
        let stale = state.withLock { state in
            accepted.filter { state.stale.remove(Job($0)) != nil }
        }
        if !stale.isEmpty { _ = await ask(stale, isForced: true) }
    }

    // MARK: - Asking

    /// What Redis said, in the order of the batch, as far as it did in time.
    private func ask(_ batch: [CountRequest], isForced: Bool) async -> [CountReply] {
        let began = now()
        guard state.withLock({ $0.breaker.admits(at: began) && $0.abandoned == 0 }) else {
            return []
        }
        // A little less than the caller waits, so that the replies that did come are used.
        let deadline = ContinuousClock.now + limits.patience * 0.95
        let answer = await call(patience: limits.patience) { [self] link in
            perform(batch, isForced, on: &link, by: deadline)
        }
        if answer == nil, !Task.isCancelled {
            note(.failure(.late(url, after: limits.patience)))
        }
        return answer ?? []
    }

    private func call<Answer: Sendable>(
        patience: Duration, _ body: @escaping @Sendable (inout Link) -> Answer
    ) async -> Answer? {
        await thread.run(
            patience: patience,
            givenUp: { [self] in state.withLock { $0.abandoned += 1 } },
            ended: { [self] in state.withLock { $0.abandoned -= 1 } }, body)
    }

    private func perform(
        _ batch: [CountRequest], _ isForced: Bool, on link: inout Link,
        by deadline: ContinuousClock.Instant
    ) -> [CountReply] {
        // While this batch stood in line, its time went by or the one before it failed.
        let now = now()
        guard ContinuousClock.now < deadline, state.withLock({ $0.breaker.admits(at: now) }) else {
            return []
        }
        let connection: RedisConnection
        do {
            connection = try open(&link, by: .now + limits.connecting)
        } catch {
            note(.failure(error))
            return []
        }
        guard ContinuousClock.now < deadline else { return [] }

        let arguments = batch.map {
            CountScript.arguments($0, prefix: prefix, isForced: isForced)
        }
        var (replies, error) = connection.ask(
            arguments.map { ["EVALSHA", link.digest] + $0 }, by: deadline)
        if error == nil {
            let unknown = replies.indices.filter { replies[$0].isError("NOSCRIPT") }
            // The first one makes the script known again for those behind it.
            let again = connection.ask(
                unknown.enumerated().map { place, index in
                    (place == 0 ? ["EVAL", CountScript.text] : ["EVALSHA", link.digest])
                        + arguments[index]
                }, by: deadline)
            for (index, reply) in zip(unknown, again.replies) { replies[index] = reply }
            error = again.error
        }
        if error == nil, replies.allSatisfy({ $0.isError("") }),
            case .error(let reply)? = replies.first
        {
            error = RedisError(reply: reply, from: url)
        }
        if let error {
            link.connection = nil
            note(.failure(error))
        } else {
            note(.success(()))
        }
        return replies.map(CountReply.init)
    }

    @discardableResult
    private func open(
        _ link: inout Link, by deadline: ContinuousClock.Instant
    ) throws(RedisError) -> RedisConnection {
        if let connection = link.connection { return connection }
        let connection = try RedisConnection(url, by: deadline)
        switch try connection.ask(["SCRIPT", "LOAD", CountScript.text], by: deadline) {
        case .text(let digest): link.digest = digest
        case .error(let reply): throw RedisError(reply: reply, from: url)
        default: throw .silent(url, "it does not speak as Redis does")
        }
        link.connection = connection
        return connection
    }

    // MARK: - Saying what counts

    private func note(_ result: Result<Void, RedisError>) {
        let now = now()
        switch result {
        case .success:
            let returned = state.withLock { state -> Duration? in
                defer { state.standing = .redis }
                state.breaker.succeed()
                guard case .base(let since, _) = state.standing else { return nil }
                return now - since
            }
            if let returned {
                logger.info(
                    "counts come from Redis again",
                    metadata: ["after_seconds": "\(returned.components.seconds)"])
            }
        case .failure(let error):
            let isNew = state.withLock { state -> Bool in
                state.breaker.fail(at: now, pause: limits.pause)
                guard case .base(let since, _) = state.standing else {
                    state.standing = .base(since: now, why: error)
                    return true
                }
                state.standing = .base(since: since, why: error)
                return false
            }
            if isNew {
                logger.warning(
                    "counts come from the database rows: nothing is lost",
                    metadata: ["error": "\(error)"])
            }
        }
    }

    private func record(_ tally: CountTally, _ stale: Set<Job>) {
        state.withLock { state in
            state.tally = state.tally + tally
            // What the storage refused is never forced; what is dropped here, the next count mends.
            if state.stale.count > 10_000 { state.stale = [] }
            state.stale.formUnion(stale)
        }
        for (source, count) in [("redis", tally.inRedis), ("base", tally.fromBase)]
        where count > 0 {
            Counter(label: "health_worker_counts_total", dimensions: [("source", source)])
                .increment(by: count)
        }
        if tally.corrected > 0 {
            Counter(label: "health_worker_counts_corrected_total").increment(by: tally.corrected)
        }
        if tally.stale > 0 {
            Counter(label: "health_worker_counts_stale_total").increment(by: tally.stale)
        }
    }
}

extension RedisReply {
    /// Whether it is an error that begins with `code`.
    fileprivate func isError(_ code: String) -> Bool {
        if case .error(let text) = self { text.hasPrefix(code) } else { false }
    }
}
