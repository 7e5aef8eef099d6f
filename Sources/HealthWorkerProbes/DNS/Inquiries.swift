import HealthWorkerModel
internal import Metrics
internal import NIOCore
internal import Synchronization

/// All questions that are being asked and the lookups that wait for them.
///
/// `@unchecked` is safe: but for constants and the cache, which has its own lock, every property is
/// read and written on `eventLoop`.
final class Inquiries: @unchecked Sendable {
    let eventLoop: any EventLoop
    private let cache: Mutex<AnswerCache>
    private let lines: Lines
    private let queries = Counter(label: MetricName.dnsQueries.rawValue)
    private let unanswered = Counter(label: MetricName.dnsUnanswered.rawValue)
    private var standings = ServerStandings()
    private var inquiries: [Question: Inquiry] = [:]
    private var lookups: [ObjectIdentifier: Lookup] = [:]
    /// Those that the files name now; nil: the same as ever.
    private var servers: [NameServer]?
    private var isShutDown = false

    init(on eventLoop: any EventLoop, cache: AnswerCache) {
        self.eventLoop = eventLoop
        self.cache = Mutex(cache)
        lines = Lines(on: eventLoop)
    }

    var underWay: OwnResolver.UnderWay {
        OwnResolver.UnderWay(
            lookups: lookups.count, questions: inquiries.count, streams: lines.streamCount)
    }

    func begin(_ lookup: Lookup) {
        guard !isShutDown else {
            lookup.isDone = true
            lookup.promise.fail(NameResolverError.shutDown)
            return
        }
        lookups[ObjectIdentifier(lookup)] = lookup
        lookup.timer = eventLoop.scheduleTask(deadline: lookup.deadline) {
            self.end(lookup, .failure(.timedOut))
        }
        advance(lookup)
    }

    /// Nobody waits for it any longer.
    func cancel(_ lookup: Lookup) {
        end(lookup, .failure(.timedOut))
    }

    /// Forgets servers that were configured before, and what they answered.
    func forgetOthers(than servers: [NameServer]) {
        self.servers = servers
        standings.keepOnly(servers)
        lines.keepOnly(servers)
        cache.withLock { $0.removeAll() }
    }

    func shutdown() {
        isShutDown = true
        for lookup in lookups.values { end(lookup, .failure(.shutDown)) }
        lines.keepOnly([])
        cache.withLock { $0.removeAll() }
    }

    /// What a lookup does next; on its own loop, or before it has begun.
    func step(_ lookup: Lookup) -> NameSearch.Step? {
        let now = NIODeadline.now()
        return lookup.search?.step { question in
            cache.withLock { $0.answer(to: question, at: now) }
        }
    }

    /// A lookup that waited for the files goes on with what they say.
    func take(_ content: SystemFiles.Content, for lookup: Lookup) {
        guard !lookup.isDone else { return }
        if let addresses = lookup.search(by: content) {
            end(lookup, .success(addresses))
        } else {
            advance(lookup)
        }
    }

    private func advance(_ lookup: Lookup) {
        guard !lookup.isDone else { return }
        switch step(lookup) {
        case nil: break
        case .found(let addresses): end(lookup, .success(addresses))
        case .ask(let question): join(lookup, question)
        case .failed(let error): end(lookup, .failure(error))
        }
    }

    private func join(_ lookup: Lookup, _ question: Question) {
        guard let configuration = lookup.search?.configuration else { return }
        lookup.asked = question
        if let inquiry = inquiries[question] {
            inquiry.waiting[ObjectIdentifier(lookup)] = lookup
            inquiry.wantedUntil = max(inquiry.wantedUntil, lookup.deadline)
            return
        }
        let inquiry = Inquiry(
            question, order: standings.order(of: configuration, at: .now()), by: configuration,
            wantedUntil: lookup.deadline, lines: lines, on: eventLoop,
            noteSilence: { server in
                self.unanswered.increment()
                self.standings.noteSilence(of: server, about: question.name, at: .now())
            },
            noteAnswer: { server in self.standings.noteAnswer(of: server) },
            end: { finding in self.end(question, finding, by: configuration) })
        inquiry.waiting[ObjectIdentifier(lookup)] = lookup
        inquiries[question] = inquiry
        queries.increment()
        inquiry.begin()
    }

    private func end(
        _ question: Question, _ finding: Inquiry.Finding, by configuration: ResolverConfiguration
    ) {
        guard let inquiry = inquiries.removeValue(forKey: question) else { return }
        // What was asked of servers that were replaced meanwhile is for those who wait, and no longer.
        let isOfNow = servers.map { $0 == configuration.servers } ?? true
        if case .success(let answer) = finding.result, isOfNow {
            cache.withLock { $0.keep(answer, to: question, holds: finding.holds, at: .now()) }
        }
        for lookup in inquiry.waiting.values {
            lookup.asked = nil
            lookup.search?.note(finding.result, about: question)
            advance(lookup)
        }
    }

    private func end(_ lookup: Lookup, _ result: Result<[IPAddress], NameResolverError>) {
        guard !lookup.isDone else { return }
        lookup.isDone = true
        lookup.timer?.cancel()
        lookup.timer = nil
        lookups[ObjectIdentifier(lookup)] = nil
        if let question = lookup.asked, let inquiry = inquiries[question] {
            inquiry.waiting[ObjectIdentifier(lookup)] = nil
            if inquiry.waiting.isEmpty {
                inquiries[question] = nil
                inquiry.stop()
            }
        }
        lookup.promise.completeWith(result.mapError { $0 })
    }
}
