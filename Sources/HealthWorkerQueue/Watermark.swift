package import HealthWorkerModel

/// From which job id on to claim, so that claims do not walk over the remains of ended jobs.
///
/// It is the highest id seen 3 s ago, and at least 20,000 ids behind the newest: a shallow queue is
/// claimed from its beginning, where a re-check that waits for its moment has an old id. While one
/// claim after the other is full, the next goes on where the last one ended, so that the jobs that
/// others hold, or that are for other locations, are not walked over each time; five times a second
/// it begins at the watermark again.
///
/// Where sweeps alone have found jobs for 3 s, all of them below, it starts anew: a database that was
/// restored from a backup gives ids once more that it gave before.
package struct Watermark: Sendable {
    private var newest: JobID = 0
    private var settled: JobID = 0
    /// The newest at some moments of the last 3 s. With an old transaction open, each tenth of a second
    /// more is as many remains to walk over as jobs were done in it.
    private var marks: [(newest: JobID, at: Duration)] = []
    /// Behind the last job of a full claim.
    private var resume: JobID?
    private var beganAt: Duration = .zero
    /// When a claim last brought a job from the watermark on.
    private var reachedAt: Duration = .zero

    package init() {}

    /// Where the claim that is made now begins.
    package mutating func next(at now: Duration) -> JobID {
        if let resume, now - beganAt < .milliseconds(200) { return resume }
        beganAt = now
        return lowest
    }

    /// Told of each claim, its jobs in order.
    package mutating func see(_ jobs: [JobID], isFull: Bool, at now: Duration) {
        if let last = jobs.last {
            if last >= lowest {
                reachedAt = now
            } else if now - reachedAt >= .seconds(3) {
                self = Watermark()
                (beganAt, reachedAt) = (now, now)
            }
        }
        resume = isFull ? jobs.last.map { JobID($0.rawValue + 1) } : nil
        newest = max(newest, jobs.last ?? 0)
        if marks.last.map({ now - $0.at >= .milliseconds(500) }) ?? true {
            marks.append((newest, now))
        }
        let past = marks.prefix { now - $0.at >= .seconds(3) }
        if let last = past.last { settled = last.newest }
        marks.removeFirst(past.count)
    }

    package var lowest: JobID {
        min(settled, JobID(max(0, newest.rawValue - 20_000)))
    }
}
