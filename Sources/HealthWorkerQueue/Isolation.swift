package import HealthWorkerModel
package import Logging
import Metrics
import Synchronization

/// Whether this worker can reach anything at all, by targets that are there for this question
/// (`worker.reference_targets`).
///
/// One that answers is enough. When all fail the worker is isolated: what it finds says nothing about
/// its targets, and its jobs are left to others. They are asked at the start, every five seconds, and
/// every second while none answers.
///
/// A failure is believed only if a reference answers that was asked no earlier than 100 ms before the
/// probe ended: the shortest time-out there is, so that a network that went away cannot look like a
/// target that did. That question is asked at once and shared by all failures that wait for it, so
/// that it is asked ten times a second at most, and not at all while nothing fails. The alternative,
/// believing the last regular answer, would count up to five seconds of failures.
package final class Isolation: Sendable {
    package enum Answer: Sendable {
        /// At least one of the references.
        case someone
        case nobody
        /// The question could not be put: no socket, or the process ends.
        case notAsked
    }

    private enum Standing {
        /// Not asked yet: nothing is claimed.
        case unknown
        case connected
        case isolated
    }

    private struct State {
        var standing: Standing
        /// The last question that has its answer, and when it was put.
        var last: (askedAt: Duration, answer: Answer)?
        var isAsking = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let ask: (@Sendable () async -> Answer)?
    private let time: ProcessTime
    private let logger: Logger
    private let state: Mutex<State>
    private let gauge: Gauge?

    private static let interval = Duration.seconds(5)
    private static let intervalWhileIsolated = Duration.seconds(1)
    private static let freshness = Duration.milliseconds(100)

    /// - Parameter ask: Asks all references at once, and ends with the first that answers; nil where
    ///   there are none, and nothing is ever isolated.
    package init(
        asking ask: (@Sendable () async -> Answer)?, time: ProcessTime = .continuous,
        logger: Logger
    ) {
        self.ask = ask
        self.time = time
        self.logger = logger
        state = Mutex(State(standing: ask == nil ? .connected : .unknown))
        gauge = ask == nil ? nil : Gauge(label: MetricName.isolated.rawValue)
        gauge?.record(0)
    }

    /// Why nothing is to be claimed at present; nil: claim.
    package var pause: String? {
        switch state.withLock({ $0.standing }) {
        case .connected: nil
        case .unknown: "no reference target has answered yet"
        case .isolated: "isolated: no reference target answers"
        }
    }

    /// Asks again and again until the task is cancelled.
    package func watch() async {
        guard ask != nil else { return }
        while !Task.isCancelled {
            await learn(askedFrom: time.now())
            let isConnected = state.withLock { $0.standing == .connected }
            // Cancelled: the loop ends.
            try? await time.sleep(isConnected ? Self.interval : Self.intervalWhileIsolated)
        }
    }

    /// What a probe that ended at `end` is believed to have found.
    package func believed(_ report: ProbeReport, endedAt end: Duration) async -> ProbeReport {
        guard ask != nil, report.outcome.isConclusive else { return report }
        if report.outcome == .success {
            return state.withLock { $0.standing == .isolated } ? isolated(report) : report
        }
        switch await learn(askedFrom: end - Self.freshness) {
        case .someone: return report
        case .nobody: return isolated(report)
        case .notAsked:
            var report = report
            report.outcome = .inconclusive(Task.isCancelled ? .shuttingDown : .noSocket)
            report.detail = "the reference targets could not be asked"
            return report
        }
    }

    private func isolated(_ report: ProbeReport) -> ProbeReport {
        var report = report
        let seen = report.outcome.reason?.rawValue ?? "a success"
        report.outcome = .inconclusive(.workerIsolated)
        report.detail = "no reference target answers this worker, which saw \(seen)"
        return report
    }

    /// What came of a question that was put at `from` or later, which may be a new one.
    @discardableResult
    private func learn(askedFrom from: Duration) async -> Answer {
        enum Turn { case known(Answer), wait, ask }
        while !Task.isCancelled {
            let now = time.now()
            let turn = state.withLock { state -> Turn in
                if let last = state.last, last.askedAt >= from { return .known(last.answer) }
                if state.isAsking { return .wait }
                state.isAsking = true
                return .ask
            }
            switch turn {
            case .known(let answer): return answer
            case .wait: await currentQuestion()
            case .ask: await put(at: now)
            }
        }
        return .notAsked
    }

    private func currentQuestion() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isOver = state.withLock { state in
                guard state.isAsking else { return true }
                state.waiting.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    private func put(at now: Duration) async {
        let answer = await ask?() ?? .notAsked
        let (before, after, waiting) = state.withLock { state in
            let before = state.standing
            switch answer {
            case .someone: state.standing = .connected
            case .nobody: state.standing = .isolated
            case .notAsked: break
            }
            state.last = (now, answer)
            state.isAsking = false
            defer { state.waiting = [] }
            return (before, state.standing, state.waiting)
        }
        for continuation in waiting { continuation.resume() }
        guard before != after else { return }
        gauge?.record(after == .isolated ? 1 : 0)
        switch after {
        case .isolated:
            logger.warning(
                "no reference target answers: this worker claims nothing and its outcomes count nothing"
            )
        case .connected where before == .isolated:
            logger.info("a reference target answers again")
        case .connected, .unknown: break
        }
    }
}
