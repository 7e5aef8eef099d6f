package import HealthWorkerModel

/// From which job id on a sweep looks for what lives, so that it does not walk over the remains of all
/// jobs that ended while an old transaction is open.
///
/// It begins at the job that was the oldest live one 10 s ago, whoever held it: ids rise, so that below
/// it there can only be what was not committed then, and no statement takes longer. For transactions
/// of many statements every 30th sweep begins at the beginning; so does one before which no job lives
/// from there on, as after a restore from a backup, which gives ids once more that were given before.
package struct SweepStart: Sendable {
    private var oldest: [(job: JobID, at: Duration)] = []
    private var settled: JobID = 0
    private var sweeps = 0

    package init() {}

    /// From where the oldest live job is to be looked for.
    package mutating func next(at now: Duration) -> JobID {
        defer { sweeps += 1 }
        let past = oldest.prefix { now - $0.at >= .seconds(10) }
        if let last = past.last { settled = last.job }
        oldest.removeFirst(past.count)
        return sweeps % 30 == 0 ? 0 : settled
    }

    /// Told which one it was.
    /// - Returns: where the sweep begins.
    package mutating func see(_ job: JobID?, at now: Duration) -> JobID {
        guard let job else { return 0 }
        oldest.append((job, now))
        return job
    }
}
