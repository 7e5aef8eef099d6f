package import HealthWorkerModel

/// Stops a worker that cannot probe: three outcomes in a row that say so make it claim one job at a
/// time, first after 1 s, then ever later up to 30 s, until an outcome says something else.
package struct OwnTrouble: Sendable {
    private var inARow = 0
    /// Attempts since then that said the same.
    private var attempts = 0
    private var resumesAt: Duration = .zero

    package init() {}

    /// - Parameter startedAt: When the probe began: those that were in flight when it stopped say
    ///   nothing new, and do not put the next attempt off.
    /// - Returns: a sentence for the log when it stops or goes on.
    package mutating func observe(
        _ report: ProbeReport, startedAt: Duration, at now: Duration
    ) -> String? {
        guard report.isWorkersOwnTrouble, let reason = report.outcome.reason else {
            defer { self = OwnTrouble() }
            return isStopped ? "this worker can probe again" : nil
        }
        if isStopped {
            guard startedAt >= resumesAt else { return nil }
            attempts = min(attempts + 1, 5)
        } else {
            inARow += 1
            guard isStopped else { return nil }
        }
        resumesAt = now + min(.seconds(1) * (1 << attempts), .seconds(30))
        return attempts == 0
            ? "this worker cannot probe (\(reason.rawValue)) and stops claiming" : nil
    }

    /// How many jobs may be claimed now, while so many are being probed.
    package func limit(probing: Int, at now: Duration) -> Int {
        guard isStopped else { return .max }
        return probing == 0 && now >= resumesAt ? 1 : 0
    }

    /// Why it claims nothing at present; nil: it does.
    package var pause: String? {
        isStopped ? "cannot probe" : nil
    }

    private var isStopped: Bool { inARow >= 3 }
}
