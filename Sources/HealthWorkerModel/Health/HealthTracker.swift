/// The rules by which outcomes turn health. Pure: values in, values out.
package enum HealthTracker {
    /// What completing a job must do to its check's health.
    package struct Decision: Hashable, Sendable {
        /// The row to store; equal to the base where nothing moves, and then nothing is written.
        package var state: HealthState
        package var turn: HealthTurn?
        package var recheck: Recheck?

        package init(state: HealthState, turn: HealthTurn? = nil, recheck: Recheck? = nil) {
            self.state = state
            self.turn = turn
            self.recheck = recheck
        }
    }

    /// A job to enqueue in the completion itself.
    package struct Recheck: Hashable, Sendable {
        /// From the start of the probe just ended.
        package var afterProbeStart: Duration
        /// The worker whose word is not wanted again, while another one is alive.
        package var avoiding: ProcessID?

        package init(afterProbeStart: Duration, avoiding: ProcessID? = nil) {
            self.afterProbeStart = afterProbeStart
            self.avoiding = avoiding
        }
    }

    /// One conclusive or inconclusive outcome, with all that the rules look at.
    package struct Observation: Hashable, Sendable {
        package var outcome: Outcome
        /// The signed, unbounded run that the counts gave for this outcome, this outcome included:
        /// > 0 successes, < 0 failures.
        package var run: Int
        package var worker: ProcessID
        /// Whether a worker other than `worker` that may probe this check is alive.
        package var othersAlive: Bool
        /// Whether the worker that began the row is alive at another location than `worker`.
        package var rowBeganElsewhere: Bool
        /// Now, by the storage's clock as far as the worker knows it.
        package var at: Timestamp

        package init(
            outcome: Outcome, run: Int, worker: ProcessID, othersAlive: Bool,
            rowBeganElsewhere: Bool = false, at: Timestamp
        ) {
            self.outcome = outcome
            self.run = run
            self.worker = worker
            self.othersAlive = othersAlive
            self.rowBeganElsewhere = rowBeganElsewhere
            self.at = at
        }
    }
}
