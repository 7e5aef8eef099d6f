package import HealthWorkerModel
import Synchronization

/// The clock of a ``MemoryStorage``: it stands still until somebody moves it, or runs along with
/// the machine's from where it was set.
package final class StorageClock: Sendable {
    private struct Reading {
        var moment: Timestamp
        /// When the machine's clock said that it was `moment`; nil for a clock that stands still.
        var readAt: ContinuousClock.Instant?

        mutating func now() -> Timestamp {
            guard let readAt else { return moment }
            let instant = ContinuousClock.now
            // Whole microseconds only, so that rounding never adds up to a clock that is slow.
            let passed = Duration.microseconds(readAt.duration(to: instant).microseconds)
            moment = moment + passed
            self.readAt = readAt + passed
            return moment
        }
    }

    private let reading: Mutex<Reading>

    /// A clock that stands still, at 2026-01-01T00:00:00Z where nothing else is said.
    package init(standingAt moment: Timestamp = Timestamp(seconds: 1_767_225_600)) {
        reading = Mutex(Reading(moment: moment, readAt: nil))
    }

    /// A clock that runs.
    package init(runningFrom moment: Timestamp) {
        reading = Mutex(Reading(moment: moment, readAt: .now))
    }

    package var now: Timestamp {
        reading.withLock { $0.now() }
    }

    /// Moves the clock on, or back by a negative duration.
    package func advance(by duration: Duration) {
        reading.withLock { $0.moment = $0.moment + duration }
    }
}
