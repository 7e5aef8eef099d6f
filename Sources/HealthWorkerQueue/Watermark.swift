package import HealthWorkerModel

/// From which job id on to claim, so that claims do not walk over the remains of ended jobs.
///
/// It is the highest id seen 3 s ago, and at least 20,000 ids behind the newest: a shallow queue is
/// claimed from its beginning, where a re-check that waits for its moment has an old id.
package struct Watermark: Sendable {
    private var newest: JobID = 0
    private var settled: JobID = 0
    private var candidate: JobID = 0
    private var candidateSince: Duration = .zero

    package init() {}

    package mutating func see(_ job: JobID, at now: Duration) {
        newest = max(newest, job)
        if now - candidateSince >= .seconds(3) {
            settled = candidate
            candidate = newest
            candidateSince = now
        }
    }

    package func lowest(at now: Duration) -> JobID {
        min(settled, JobID(max(0, newest.rawValue - 20_000)))
    }
}
