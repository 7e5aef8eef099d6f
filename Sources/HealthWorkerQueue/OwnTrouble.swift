package import HealthWorkerModel

/// Stops a worker that cannot probe: three outcomes in a row that say so make it claim one job at a
/// time, first after 1 s, then ever later up to 30 s, until an outcome says something else.
package struct OwnTrouble: Sendable {
    private var inARow = 0
    private var resumesAt: Duration = .zero

    package init() {}

    /// - Returns: a sentence for the log when it stops or goes on.
    package mutating func observe(_ report: ProbeReport, at now: Duration) -> String? {
        if report.isWorkersOwnTrouble, let reason = report.outcome.reason {
            inARow += 1
            guard inARow >= 3 else { return nil }
            let steps = min(inARow - 3, 5)
            resumesAt = now + min(.seconds(1) * (1 << steps), .seconds(30))
            return inARow == 3
                ? "this worker cannot probe (\(reason.rawValue)) and stops claiming" : nil
        }
        defer {
            inARow = 0
            resumesAt = .zero
        }
        return inARow >= 3 ? "this worker can probe again" : nil
    }

    /// How many jobs may be claimed now.
    package func limit(at now: Duration) -> Int {
        guard inARow >= 3 else { return .max }
        return now >= resumesAt ? 1 : 0
    }

    /// Why it claims nothing at present; nil: it does.
    package var pause: String? {
        inARow >= 3 ? "cannot probe" : nil
    }
}
