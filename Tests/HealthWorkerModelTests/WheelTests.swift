import HealthWorkerModel
import Testing

@Suite struct WheelTests {
    @Test func `the slot of a check never changes`() {
        let numbers = [1, 2, 3, 4, 1000, 123_456_789].map {
            Wheel.slotNumber(of: CheckID($0))
        }

        #expect(numbers == [158, 60, 218, 120, 8, 190])
    }

    @Test func `ids given one after the other spread evenly`() {
        for start: Int64 in [1, 1000, 77_777] {
            var counts = Array(repeating: 0, count: Wheel.slotsPerInterval)
            for id in start..<(start + 25_600) { counts[Wheel.slotNumber(of: CheckID(id))] += 1 }

            #expect(counts.allSatisfy { (95...105).contains($0) })
        }
    }

    @Test(arguments: [2, 3, 5, 7, 10, 16, 64, 100, 256])
    func `every k-th id spreads evenly too`(step: Int64) {
        var counts = Array(repeating: 0, count: Wheel.slotsPerInterval)
        for index in 0..<Int64(25_600) {
            counts[Wheel.slotNumber(of: CheckID(1 + index * step))] += 1
        }

        #expect(counts.allSatisfy { (80...120).contains($0) })
    }

    @Test func `the phases of an interval lie evenly apart`() {
        let phases = (0..<256).map {
            Wheel.Slot(interval: .seconds(10), number: $0).phase.microseconds
        }

        #expect(phases.first == 0 && phases.last == 9_960_937)
        #expect(zip(phases, phases.dropFirst()).allSatisfy { (39_062...39_063).contains($1 - $0) })
    }

    @Test func `a new slot is first due at its phase, after now and within an interval`() {
        for seed in 0..<5000 {
            var generator = Generator(seed: seed)
            let slot = generator.slot()
            let now = Timestamp(
                microseconds: Int64.random(in: 0..<2_000_000_000_000_000, using: &generator))

            let due = slot.firstDue(after: now)

            #expect(due > now && due <= now + slot.interval.duration, "seed \(seed)")
            #expect(
                due.microseconds % slot.interval.duration.microseconds
                    == slot.phase.microseconds, "seed \(seed)")
        }
    }

    @Test func `missed ticks are skipped and counted`() {
        let slot = Wheel.Slot(interval: .seconds(10), number: 0)

        let late = slot.advanced(from: .noon, now: .noon + .seconds(35))
        let inTime = slot.advanced(from: .noon, now: .noon + .milliseconds(3))

        #expect(late == Wheel.Advance(nextDue: .noon + .seconds(40), missed: 3))
        #expect(inTime == Wheel.Advance(nextDue: .noon + .seconds(10), missed: 0))
    }

    @Test func `next due strictly rises and keeps its phase, and no tick is lost uncounted`() {
        for seed in 0..<2000 {
            var generator = Generator(seed: seed)
            let slot = generator.slot()
            let interval = slot.interval.duration
            var now = Timestamp.noon
            let first = slot.firstDue(after: now)
            var due = first
            var ticks: Int64 = 0

            for _ in 0..<20 {
                now = max(now, due) + .microseconds(generator.number(0...40_000_000))
                let advance = slot.advanced(from: due, now: now)

                #expect(advance.nextDue > due && advance.nextDue > now, "seed \(seed)")
                #expect(advance.nextDue <= now + interval, "seed \(seed)")
                ticks += 1 + advance.missed
                due = advance.nextDue
                #expect(due == first + interval * Int(ticks), "seed \(seed)")
            }
        }
    }

    @Test func `a slot further ahead than an interval is pulled back into its phase`() {
        let slot = Wheel.Slot(interval: .seconds(10), number: 9)
        let due = slot.firstDue(after: .noon)

        let pulled = slot.pulledBack(from: due, now: .noon - .hours(1))

        #expect(pulled == slot.firstDue(after: .noon - .hours(1)))
        #expect(slot.pulledBack(from: .noon + .seconds(10), now: .noon) == nil)
        #expect(slot.pulledBack(from: .noon + .seconds(11), now: .noon) == .noon + .seconds(1))
        #expect(slot.pulledBack(from: .noon + .seconds(21), now: .noon) == .noon + .seconds(1))
    }

    @Test func `checks made at once are due one after the other`() {
        let offsets = (0..<4).map { Wheel.spread($0, of: 4, over: .seconds(2)) }

        #expect(offsets == [.zero, .milliseconds(500), .seconds(1), .milliseconds(1500)])
        #expect(Wheel.spread(0, of: 1, over: .seconds(2)) == .zero)
    }

    @Test func `a slot is of the check and its interval`() {
        let slot = Wheel.Slot(of: 3, interval: .minutes(1))

        #expect(slot == Wheel.Slot(interval: .minutes(1), number: 218))
    }
}

extension Generator {
    fileprivate mutating func slot() -> Wheel.Slot {
        let interval = one(of: [1, 2, 5, 10, 30, 60, 3600, 86_400])
        return Wheel.Slot(interval: .seconds(Int64(interval)), number: number(0...255))
    }
}
