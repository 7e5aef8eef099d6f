/// That health is no longer backed by fresh outcomes, and why. Derived when read, never stored: our
/// silence turns nothing.
package struct Staleness: Hashable, Sendable {
    package var why: Why
    /// Since when nothing was found out.
    package var since: Timestamp

    package init(why: Why, since: Timestamp) {
        self.why = why
        self.since = since
    }

    package enum Why: Hashable, Sendable {
        /// A job waits, or its holders die: nobody in these locations (empty: anywhere) ends it.
        case noWorker(locations: [String])
        /// No register has put the check's job into the queue.
        case notEnqueued
        /// Probes are made and say nothing about the target.
        case inconclusive
    }
}

extension Staleness {
    /// How old the last sign of work may be: max(3 × interval + time-out, 60 s).
    package static func limit(for check: CheckSpec) -> Duration {
        limit(interval: check.interval.duration, timeout: check.effectiveTimeout)
    }

    package static func limit(interval: Duration, timeout: Duration) -> Duration {
        max(interval * 3 + timeout, .seconds(60))
    }

    /// Nil while health is fresh, and for a paused check, of which nothing is expected.
    ///
    /// `jobDue` is the due time of the check's live job, `slotDue` that of its slot. Where several
    /// are too old, the first thing to mend is named: a job that waits needs a worker before it
    /// needs a register, and nothing conclusive comes from a job that is not made.
    package init?(
        of check: CheckSpec, inconclusiveSince: Timestamp?, jobDue: Timestamp?,
        slotDue: Timestamp?, now: Timestamp
    ) {
        guard check.isEnabled else { return nil }
        let oldest = now - Self.limit(for: check)
        if let jobDue, jobDue < oldest {
            self.init(why: .noWorker(locations: check.locations), since: jobDue)
        } else if let slotDue, slotDue < oldest {
            self.init(why: .notEnqueued, since: slotDue)
        } else if let inconclusiveSince, inconclusiveSince < oldest {
            self.init(why: .inconclusive, since: inconclusiveSince)
        } else {
            return nil
        }
    }
}

extension Staleness.Why: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noWorker(let locations) where locations.isEmpty: "no worker"
        case .noWorker(let locations): "no worker in \(locations.joined(separator: ", "))"
        case .notEnqueued: "not enqueued"
        case .inconclusive: "inconclusive"
        }
    }
}
