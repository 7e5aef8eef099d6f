/// When checks are due: 256 slots for each interval, evenly apart, each due once an interval.
package enum Wheel {
    package static let slotsPerInterval = 256

    /// One place in the wheel. All checks of one slot are due together.
    package struct Slot: Hashable, Sendable {
        package var interval: TimeSpan
        /// 0 … 255.
        package var number: Int

        package init(interval: TimeSpan, number: Int) {
            self.interval = interval
            self.number = number
        }

        /// The slot of a check, which only its interval changes.
        package init(of check: CheckID, interval: TimeSpan) {
            self.init(interval: interval, number: Wheel.slotNumber(of: check))
        }
    }

    /// What becomes of a slot that was due.
    package struct Advance: Hashable, Sendable {
        package var nextDue: Timestamp
        /// Ticks that went by unserved; they are counted, not made up for.
        package var missed: Int64

        package init(nextDue: Timestamp, missed: Int64) {
            self.nextDue = nextDue
            self.missed = missed
        }
    }

    /// The upper byte of id × 2⁶⁴/φ modulo 2⁶⁴: multiplicative hashing (Knuth, The Art of Computer
    /// Programming 3, §6.4).
    ///
    /// Ids are given one after the other, and the multiples of the golden ratio spread such a
    /// sequence more evenly than a random function would; neighbours, often made by one customer for
    /// one machine, come to lie far apart. Slots are stored, so that this function never changes.
    package static func slotNumber(of check: CheckID) -> Int {
        Int((UInt64(bitPattern: check.rawValue) &* 0x9E37_79B9_7F4A_7C15) >> 56)
    }

    /// How long after now the check number `index` of `count` is due, of those that one request makes
    /// due now: evenly over `span`, usually the check's fast interval.
    package static func spread(_ index: Int, of count: Int, over span: Duration) -> Duration {
        guard count > 1 else { return .zero }
        return .microseconds(span.microseconds * Int64(index) / Int64(count))
    }
}

extension Wheel.Slot {
    /// Where in each interval, counted from the Unix epoch, the slot is due, in whole microseconds.
    package var phase: Duration {
        .microseconds(
            interval.duration.microseconds * Int64(number) / Int64(Wheel.slotsPerInterval))
    }

    /// The first moment after `now` that is of this slot's phase: when a new slot is due.
    package func firstDue(after now: Timestamp) -> Timestamp {
        firstOfPhase(Timestamp(microseconds: phase.microseconds), after: now)
    }

    /// Where a slot that was due at `due` goes: the first moment of its own phase after `now`.
    ///
    /// The result is always later than `due`, and a whole number of intervals later.
    package func advanced(from due: Timestamp, now: Timestamp) -> Wheel.Advance {
        let next = firstOfPhase(due, after: max(due, now))
        let ticks = (next - due).microseconds / interval.duration.microseconds
        return Wheel.Advance(nextDue: next, missed: ticks - 1)
    }

    /// Where a slot due at `due` is pulled back to: nil but for one that is further ahead than an
    /// interval, as it only is after the clock was set back.
    package func pulledBack(from due: Timestamp, now: Timestamp) -> Timestamp? {
        guard due > now + interval.duration else { return nil }
        return firstOfPhase(due, after: now)
    }

    private func firstOfPhase(_ moment: Timestamp, after now: Timestamp) -> Timestamp {
        let step = interval.duration.microseconds
        let ahead = now.microseconds - moment.microseconds
        let whole = ahead / step
        let steps = (ahead % step < 0 ? whole - 1 : whole) + 1
        return Timestamp(microseconds: moment.microseconds + steps * step)
    }
}
