package import HealthWorkerModel
package import HealthWorkerStorage

/// A job in this process's hands: what was claimed, and the check as it is to be probed.
///
/// A reference, like what it holds: jobs pass through many hands, thousands of them a second.
package final class ClaimedJob: Sendable {
    package let claim: Claim
    let known: KnownCheck
    /// The process's time just before the storage was asked.
    let askedAt: Duration
    /// When the lease ends, by the process's time: at that moment or a little earlier.
    package let leaseEnds: Duration

    init(claim: Claim, known: KnownCheck, askedAt: Duration, leaseEnds: Duration) {
        self.claim = claim
        self.known = known
        self.askedAt = askedAt
        self.leaseEnds = leaseEnds
    }

    package var check: Check { known.check }
}

/// A check as a worker keeps it between probes.
final class KnownCheck: Sendable {
    let check: Check
    let timeout: Duration

    init(_ check: Check) {
        self.check = check
        timeout = check.spec.effectiveTimeout
    }

    var isEnabled: Bool { check.spec.isEnabled }
}

/// What one probe found, on its way to be completed.
final class Finding: Sendable {
    let job: ClaimedJob
    let report: ProbeReport
    let startedAt: Duration
    /// The storage's time at the end of the probe, as far as this process knows it.
    let at: Timestamp

    init(job: ClaimedJob, report: ProbeReport, startedAt: Duration, at: Timestamp) {
        self.job = job
        self.report = report
        self.startedAt = startedAt
        self.at = at
    }

    var claim: Claim { job.claim }
    var check: Check { job.known.check }

    /// Whether it says no more than that all is as it was.
    var isSteady: Bool {
        let base = claim.base
        return report.outcome == .success && base.health == .healthy && base.inARow == 0
            && base.inconclusiveSince == nil && check.epoch == base.epoch
    }

    /// Whether the counts are told.
    var isCounted: Bool {
        guard check.epoch == claim.base.epoch else { return false }
        switch report.outcome {
        case .success: return claim.base.health != .healthy || claim.base.inARow != 0
        case .failure: return true
        case .inconclusive: return false
        }
    }
}
