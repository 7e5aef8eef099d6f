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
    package typealias Limits = RedisLimits

    private struct State {
        var tally = CountTally()
        var stale: Set<Job> = []
    }

    private struct Job: Hashable {
        var check: CheckID
        var job: JobID
        var attempt: Int

        init(_ request: CountRequest) {
            (check, job, attempt) = (request.check, request.job, request.attempt)
        }
    }

    private let prefix: String
    private let now: @Sendable () -> Duration
    private let line: RedisLine
    private let state = Mutex(State())
    private let counted = CountCounters()
    private let corrections = Counter(label: MetricName.countsCorrected.rawValue)
    private let latecomers = Counter(label: MetricName.countsStale.rawValue)

    /// Does not connect yet.
    ///
    /// - Parameters:
    ///   - prefix: What the name of every key begins with.
    ///   - now: The time by which the breaker and ``source`` go; it must not go back.
    package init(
        _ url: RedisURL, prefix: String = "", limits: Limits = Limits(),
        now: @escaping @Sendable () -> Duration = RedisCounts.processTime, logger: Logger
    ) {
        self.prefix = prefix
        self.now = now
        line = RedisLine(
            url, scripts: [CountScript.text], limits: limits,
            sentences: RedisLine.Sentences(
                lost: "counts come from the database rows: nothing is lost",
                back: "counts come from Redis again"), now: now, logger: logger)
    }

    package static let processTime = RedisLine.processTime

    /// What counts at present.
    package var source: CountSource {
        switch line.standing {
        case .untried: .untried
        case .answering: .redis
        case .failing(let since, let why): .base(for: now() - since, why: why.description)
        }
    }

    package var tally: CountTally {
        state.withLock { $0.tally }
    }

    /// Connects now, rather than with the first batch, to say at once what is wrong.
    package func connect() async throws(RedisError) {
        try await line.connect()
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

    /// What Redis said, in the order of the batch, as far as it did in time.
    private func ask(_ batch: [CountRequest], isForced: Bool) async -> [CountReply] {
        let replies = await line.ask(isWrite: true) { [prefix] link, deadline in
            let arguments = batch.map {
                CountScript.arguments($0, prefix: prefix, isForced: isForced)
            }
            return link.evaluate(CountScript.text, arguments, by: deadline)
        }
        return (replies ?? []).map(CountReply.init)
    }

    private func record(_ tally: CountTally, _ stale: Set<Job>) {
        state.withLock { state in
            state.tally = state.tally + tally
            // What the storage refused is never forced; what is dropped here, the next count mends.
            if state.stale.count > 10_000 { state.stale = [] }
            state.stale.formUnion(stale)
        }
        counted.inRedis.increment(by: tally.inRedis)
        counted.fromBase.increment(by: tally.fromBase)
        corrections.increment(by: tally.corrected)
        latecomers.increment(by: tally.stale)
    }
}
