extension HealthState {
    /// The worker that a success of `worker`, which ended at `moment`, contradicts: nobody else has seen
    /// the failures that are being counted, and they are recent.
    ///
    /// Recent is twice the time that a re-check of each of them takes, and at most a minute each: a target
    /// that was away for longer may well be back. Whether the check wants others to confirm makes no
    /// difference to what was seen; without, only chance brings another worker to look next.
    package func contradicted(
        by worker: ProcessID, at moment: Timestamp, check: CheckSpec
    ) -> ProcessID? {
        guard health != .unhealthy, inARow > 0, !isCorroborated, let runWorker, let runSince,
            runWorker != worker
        else { return nil }
        let recheck = check.effectiveFastInterval + check.effectiveTimeout + .seconds(1)
        let patience = min(recheck * 2, .minutes(1)) * inARow
        return moment - runSince <= patience ? runWorker : nil
    }
}
