package import HealthWorkerModel
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The host's clock, as the storage's: it never goes back, and never stands still.
///
/// Where the host's clock is behind a moment that was already used, also by another process or by
/// this one before it was started again, time goes on from that moment at its usual pace.
package final class HostClock: Sendable {
    private struct Last {
        var moment: Timestamp
        var instant: ContinuousClock.Instant
    }

    private let wall: @Sendable () -> Timestamp
    private let last: Mutex<Last>

    init(wall: @escaping @Sendable () -> Timestamp = HostClock.systemTime) {
        self.wall = wall
        last = Mutex(Last(moment: Timestamp(microseconds: 0), instant: .now))
    }

    /// Now, and not before `stored`.
    func now(notBefore stored: Timestamp? = nil) -> Timestamp {
        last.withLock { last in
            let instant = ContinuousClock.now
            var moment = wall()
            if moment < last.moment { moment = last.moment + (instant - last.instant) }
            if let stored, moment < stored { moment = stored }
            last = Last(moment: moment, instant: instant)
            return moment
        }
    }

    package static func systemTime() -> Timestamp {
        var time = timespec()
        // It fails only for a clock that does not exist or a bad address.
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}
