import HealthWorkerModel
import Testing

@Suite struct HourTests {
    private let hour = Hour(number: 500_000)

    private func at(_ minutes: Int64) -> Timestamp { hour.start + .minutes(minutes) }

    @Test func `an hour holds its first moment and not its end`() {
        #expect(Hour(of: hour.start) == hour)
        #expect(Hour(of: hour.end) == hour.next)
        #expect(Hour(of: hour.end - .microseconds(1)) == hour)
        #expect(Hour(of: Timestamp(microseconds: -1)) == Hour(number: -1))
        #expect(hour.contains(hour.start) && !hour.contains(hour.end))
    }

    @Test func `a month begins on its first day, whatever its length`() {
        let december = Month("2026-12")
        let leap = Month("2028-02")

        #expect(december?.start == Timestamp("2026-12-01T00:00:00Z"))
        #expect(december?.end == Timestamp("2027-01-01T00:00:00Z"))
        #expect(december?.next.description == "2027-01")
        #expect(december?.next.previous == december)
        #expect(leap.map { $0.end - $0.start } == .hours(29 * 24))
        #expect(
            Timestamp("2026-11-27T10:00:00Z").map { Month(of: $0).previous.description }
                == "2026-10")
    }

    @Test(arguments: [
        "", "2026", "2026-13", "2026-00", "2026-1", "26-01-0", "2026/01", "1969-12", "2026-01 ",
    ])
    func `no month is read as none`(text: String) {
        #expect(Month(text) == nil)
    }

    // MARK: - Timelines

    @Test func `what was held is told from the hour's start or the check's birth to its end`() {
        let turned = HealthTimeline(
            of: hour,
            turns: [
                (at(10), .healthy, .unhealthy), (at(20), .unhealthy, .healthy),
                (at(70), .healthy, .unhealthy),
            ], present: .unhealthy, birth: at(-500))
        let young = HealthTimeline(
            of: hour, turns: [(at(40), .unknown, .healthy)], present: .healthy, birth: at(30))
        let unborn = HealthTimeline(of: hour, turns: [], present: .unknown, birth: at(61))

        #expect(turned.time(.healthy) == .minutes(50))
        #expect(turned.time(.unhealthy) == .minutes(10))
        #expect(turned.measured == .hours(1))
        #expect(turned.health(at: at(15)) == .unhealthy)
        #expect(young.measured == .minutes(30))
        #expect(young.time(.unknown) == .minutes(10))
        #expect(young.health(at: at(29)) == nil)
        #expect(unborn.measured == .zero)
    }

    @Test func `what nobody looked at for too long is unknown until it is looked at again`() {
        let held = HealthTimeline(
            of: hour, turns: [(at(30), .healthy, .unhealthy)], present: .unhealthy, birth: at(-99))

        let seen = held.seen(at: [at(-1), at(2), at(30), at(32), at(55)], within: .minutes(5))
        let never = held.seen(at: [], within: .minutes(5))

        #expect(
            seen.spans == [
                .init(from: at(0), health: .healthy), .init(from: at(7), health: .unknown),
                .init(from: at(30), health: .unhealthy), .init(from: at(37), health: .unknown),
                .init(from: at(55), health: .unhealthy),
            ])
        #expect(never.time(.unknown) == .hours(1))
    }

    @Test(arguments: 0..<50)
    func `a timeline's times add up, and its text is read as it was`(seed: Int) throws {
        var generator = Generator(seed: seed)
        var health = Health.unknown
        var turns: [(at: Timestamp, from: Health, to: Health)] = []
        for offset in (0..<generator.number(0...20)).map({ _ in
            Int64(generator.number(0...4_000_000_000))
        }).sorted() {
            let next = generator.one(of: Health.allCases)
            turns.append((hour.start + .microseconds(offset), health, next))
            health = next
        }
        let held = HealthTimeline(
            of: hour, turns: turns, present: health,
            birth: at(Int64(generator.number(-60...59))))
        let seen = held.seen(
            at: turns.map(\.at), within: .minutes(Int64(generator.number(1...20))))

        for timeline in [held, seen] {
            let sum = Health.allCases.reduce(Duration.zero) { $0 + timeline.time($1) }
            #expect(sum == timeline.measured)
            #expect(try HealthTimeline(hour, encoded: timeline.encoded) == timeline)
        }
        #expect(seen.time(.healthy) <= held.time(.healthy))
        #expect(seen.measured == held.measured)
    }

    @Test(arguments: [
        "h", "0", "0x", "-1h", "3600000000h", "5h5d", "9h3d", "99999999999999999999h",
    ])
    func `a text of no timeline is refused`(text: String) {
        #expect(throws: TimelineError.self) { try HealthTimeline(hour, encoded: text) }
    }

    // MARK: - A check's hour

    private func outcome(_ job: Int64, _ minute: Int64, _ kind: OutcomeKind) -> HourOutcome {
        HourOutcome(
            job: JobID(job), at: at(minute), kind: kind, phases: Phases(connect: 1000 * job))
    }

    @Test func `outcomes are counted by kind, and only successes have times`() {
        let held = HealthTimeline(of: hour, turns: [], present: .healthy, birth: at(-60))
        let made = CheckHour(
            of: 7, held: held, kept: .all, lastJob: 3, seenAt: at(-1),
            outcomes: [
                outcome(4, 10, .success), outcome(5, 20, .failure), outcome(6, 30, .inconclusive),
                outcome(8, 40, .success),
            ], limit: .minutes(15))

        #expect([made.successes, made.failures, made.inconclusive] == [2, 1, 1])
        #expect(made.times.total.count == 2)
        #expect(made.lastJob == 8)
        #expect(made.seenAt == at(40))
        // An inconclusive outcome tells nothing.
        #expect(made.timeline.encoded == "0h2100000000u2400000000h3300000000u")
    }

    @Test func `where only some outcomes are kept the last health is taken to have held`() {
        let held = HealthTimeline(of: hour, turns: [], present: .healthy, birth: at(-60))
        let made = CheckHour(
            of: 7, held: held, kept: .changes, lastJob: 3, seenAt: nil, outcomes: [],
            limit: .minutes(15))

        #expect(made.timeline == held)
        #expect(made.lastJob == 3)
    }
}
