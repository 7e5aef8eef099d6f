/// Counts outcomes in a row. The base that came with the claim is the truth; what else is kept
/// anywhere is corrected to it, so that losing it turns nothing.
package protocol Counts: Sendable {
    /// The signed run of each outcome, in the order given: > 0 successes, < 0 failures, this outcome
    /// included. It never throws and never keeps a probe waiting: what cannot be asked is counted
    /// from the base.
    func count(_ batch: [CountRequest]) async -> [Int]

    /// Told what the storage accepted of what was counted. What is kept elsewhere and took one of
    /// them for older than it knows, as after the database was restored, then follows the storage.
    func force(_ accepted: [CountRequest]) async
}

extension Counts {
    /// Nothing is kept that could be ahead of the storage.
    package func force(_ accepted: [CountRequest]) async {}
}

/// One conclusive outcome to be counted.
package struct CountRequest: Hashable, Sendable {
    package var check: CheckID
    package var job: JobID
    package var attempt: Int
    package var base: HealthState
    package var isSuccess: Bool
    package var interval: Duration

    package init(
        check: CheckID, job: JobID, attempt: Int, base: HealthState, isSuccess: Bool,
        interval: Duration
    ) {
        self.check = check
        self.job = job
        self.attempt = attempt
        self.base = base
        self.isSuccess = isSuccess
        self.interval = interval
    }

    /// The run that follows from the base alone: what is counted towards the other health, signed,
    /// continued by this outcome or begun anew.
    package var runFromBase: Int {
        base.run(endingInSuccess: isSuccess)
    }
}
