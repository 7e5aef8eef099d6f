import Foundation
import HealthWorkerModel
import HealthWorkerQueue
import Synchronization
import Testing

@Suite struct `A wake-up` {
    @Test func `ends a wait that would be long`() async {
        let signal = WakeSignal()
        let waiting = Task { await signal.wait(upTo: .seconds(60), .continuous) }

        signal.wake()

        await waiting.value
    }

    @Test func `that nobody waits for is kept for the next wait, once`() async {
        let signal = WakeSignal()
        let slept = Mutex<[Duration]>([])
        let time = ProcessTime(
            now: { .zero }, sleep: { duration in slept.withLock { $0.append(duration) } })
        signal.wake()
        signal.wake()

        await signal.wait(upTo: .seconds(60), .continuous)
        await signal.wait(upTo: .milliseconds(7), time)

        #expect(slept.withLock { $0 } == [.milliseconds(7)])
    }

    @Test func `is not needed by a task that is cancelled`() async {
        let signal = WakeSignal()
        let waiting = Task { await signal.wait(upTo: .seconds(60), .continuous) }

        waiting.cancel()

        await waiting.value
    }
}

extension OwnTrouble {
    fileprivate mutating func observe(_ outcome: Outcome, at now: Duration) -> String? {
        observe(ProbeReport(outcome: outcome), startedAt: now, at: now)
    }
}

@Suite struct `A worker's own trouble` {
    @Test func `stops it at the third outcome in a row and ends with the next other one`() {
        var trouble = OwnTrouble()
        #expect(trouble.observe(.inconclusive(.noSocket), at: .zero) == nil)
        #expect(trouble.observe(.inconclusive(.networkUnreachable), at: .zero) == nil)
        #expect(trouble.limit(probing: 0, at: .zero) == .max)

        #expect(trouble.observe(.inconclusive(.noSocket), at: .zero) != nil)

        #expect(trouble.limit(probing: 0, at: .milliseconds(999)) == 0)
        #expect(trouble.limit(probing: 0, at: .seconds(1)) == 1)
        #expect(trouble.pause != nil)
        #expect(trouble.observe(.failure(.connectRefused), at: .seconds(1)) != nil)
        #expect(trouble.limit(probing: 0, at: .seconds(1)) == .max)
        #expect(trouble.pause == nil)
    }

    @Test func `makes it try ever more rarely, and at least every 30 s`() {
        var trouble = OwnTrouble()
        var now = Duration.zero
        for _ in 0..<40 {
            _ = trouble.observe(.inconclusive(.noSocket), at: now)
            now += .seconds(30)
        }

        #expect(trouble.limit(probing: 0, at: now - .seconds(30) + .seconds(29)) == 0)
        #expect(trouble.limit(probing: 0, at: now) == 1)
    }

    @Test func `lets it try with one probe at a time`() {
        var trouble = OwnTrouble()
        for _ in 0..<3 { _ = trouble.observe(.inconclusive(.noSocket), at: .zero) }

        #expect(trouble.limit(probing: 0, at: .seconds(1)) == 1)
        #expect(trouble.limit(probing: 1, at: .seconds(1)) == 0)
    }

    @Test func `is not greater because many probes were in flight when it came`() {
        var trouble = OwnTrouble()
        for _ in 0..<3 { _ = trouble.observe(.inconclusive(.noSocket), at: .zero) }
        let report = ProbeReport(outcome: .inconclusive(.noSocket))

        for _ in 0..<8 {
            _ = trouble.observe(report, startedAt: .zero, at: .milliseconds(900))
        }
        #expect(trouble.limit(probing: 0, at: .seconds(1)) == 1)

        _ = trouble.observe(report, startedAt: .seconds(1), at: .seconds(2))
        #expect(trouble.limit(probing: 0, at: .milliseconds(3999)) == 0)
        #expect(trouble.limit(probing: 0, at: .seconds(4)) == 1)
    }

    @Test func `is not what only one check asks for`() {
        var trouble = OwnTrouble()
        let secretMissing = ProbeReport(
            outcome: .inconclusive(.internal), isWorkersOwnTrouble: false)
        for _ in 0..<10 { _ = trouble.observe(secretMissing, startedAt: .zero, at: .zero) }

        #expect(trouble.limit(probing: 0, at: .zero) == .max)
    }

    @Test func `is not what a target's name server does`() {
        var trouble = OwnTrouble()
        for _ in 0..<10 { _ = trouble.observe(.inconclusive(.dnsTimeout), at: .zero) }

        #expect(trouble.limit(probing: 0, at: .zero) == .max)
    }
}

@Suite struct `The low watermark` {
    @Test func `is what was seen three seconds ago`() {
        var watermark = Watermark()
        for second in 0...20 {
            watermark.see(
                [JobID(Int64(second) * 100_000)], isFull: false, at: .seconds(second))
        }

        let lowest = watermark.next(at: .seconds(20))

        #expect(lowest.rawValue <= 1_700_000)
        #expect(lowest.rawValue >= 1_400_000)
    }

    @Test func `is no older than it has to be`() {
        var watermark = Watermark()
        for tenth in 0...200 {
            watermark.see(
                [JobID(Int64(tenth) * 10_000)], isFull: false, at: .milliseconds(tenth * 100))
        }

        let lowest = watermark.next(at: .seconds(20))

        #expect(lowest.rawValue <= 1_700_000)
        #expect(lowest.rawValue >= 1_600_000)
    }

    @Test func `leaves a shallow queue whole`() {
        var watermark = Watermark()
        for second in 0...20 {
            watermark.see([JobID(Int64(second))], isFull: false, at: .seconds(second))
        }

        #expect(watermark.next(at: .seconds(20)) == 0)
    }

    @Test func `goes back when for three seconds there is nothing above it`() {
        var watermark = Watermark()
        for second in 0...20 {
            watermark.see(
                [JobID(Int64(second) * 100_000)], isFull: false, at: .seconds(second))
        }

        // A re-check that had waited, found by a sweep.
        watermark.see([5], isFull: false, at: .milliseconds(22_900))
        #expect(watermark.next(at: .milliseconds(22_901)) > 1_000_000)
        watermark.see([], isFull: false, at: .seconds(30))
        #expect(watermark.next(at: .milliseconds(30_001)) > 1_000_000)

        watermark.see([6], isFull: false, at: .seconds(31))
        #expect(watermark.next(at: .milliseconds(31_001)) == 0)
        for second in 32...40 {
            watermark.see([JobID(Int64(second))], isFull: false, at: .seconds(second))
        }
        #expect(watermark.next(at: .seconds(41)) == 0)
    }

    @Test func `goes on behind a full claim, but not for long, and not behind another one`() {
        var watermark = Watermark()
        #expect(watermark.next(at: .seconds(1)) == 0)
        watermark.see([7, 8, 9], isFull: true, at: .seconds(1))

        #expect(watermark.next(at: .milliseconds(1010)) == 10)
        watermark.see([10, 11, 12], isFull: true, at: .milliseconds(1010))
        #expect(watermark.next(at: .milliseconds(1199)) == 13)
        #expect(watermark.next(at: .milliseconds(1200)) == 0)

        watermark.see([13], isFull: false, at: .milliseconds(1200))
        #expect(watermark.next(at: .milliseconds(1201)) == 0)
    }
}

@Suite struct `The pause between claims` {
    @Test(arguments: [
        (1, [0, 20, 21, 22, 23, 100], [50, 50, 100, 150, 200, 200]),
        (2, [0, 10, 11, 13], [50, 50, 100, 200]),
        (21, [0, 1, 2, 3, 4], [50, 100, 150, 200, 200]),
    ])
    func `is short for a while after the last job, shorter a while in a larger fleet`(
        workers: Int, claims: [Int], milliseconds: [Int]
    ) {
        let pauses = claims.map { Worker.pause(afterIdle: $0, of: workers) }

        #expect(pauses == milliseconds.map { .milliseconds($0) })
    }
}

@Suite struct `The start of a sweep` {
    @Test func `is what was the oldest live job ten seconds ago`() {
        var start = SweepStart()
        #expect(start.next(at: .zero) == 0)
        #expect(start.see(700, at: .zero) == 700)
        #expect(start.next(at: .seconds(9)) == 0)
        #expect(start.see(900, at: .seconds(9)) == 900)

        #expect(start.next(at: .seconds(10)) == 700)
        #expect(start.see(1000, at: .seconds(10)) == 1000)
        #expect(start.next(at: .seconds(19)) == 900)
    }

    @Test func `is the beginning where nothing lives from there on`() {
        var start = SweepStart()
        _ = start.next(at: .zero)
        _ = start.see(700, at: .zero)

        let from = start.next(at: .seconds(10))
        let begins = start.see(nil, at: .seconds(10))

        #expect(from == 700)
        #expect(begins == 0)
    }

    @Test func `is the beginning at every thirtieth`() {
        var start = SweepStart()
        let starts = (0..<90).map { second in
            let from = start.next(at: .seconds(second))
            _ = start.see(JobID(Int64(1 + second)), at: .seconds(second))
            return from
        }

        #expect((20..<90).filter { starts[$0] == 0 } == [30, 60])
    }
}

@Suite struct `The lags of the last minutes` {
    @Test func `are summed within an eighth`() {
        var histogram = LagHistogram()
        for milliseconds in 1...1000 { histogram.record(.milliseconds(milliseconds)) }
        var other = LagHistogram()
        other.record(.seconds(60))
        histogram.add(other)

        #expect(histogram.count == 1001)
        for share in [0.25, 0.5, 0.9, 0.99] {
            let found = Double(histogram.quantile(share)?.milliseconds ?? 0)
            #expect(found >= share * 1000 * 0.99, "\(share)")
            #expect(found <= share * 1000 * 1.15, "\(share)")
        }
        #expect((histogram.quantile(1) ?? .zero) >= .seconds(60))
        #expect(LagHistogram().quantile(0.5) == nil)
    }

    @Test func `are the same after a journey through JSON`() throws {
        var histogram = LagHistogram()
        for lag in [Duration.zero, .microseconds(127), .milliseconds(3), .hours(400)] {
            histogram.record(lag)
            histogram.record(lag)
        }

        let text = try JSONEncoder().encode(histogram)

        #expect(try JSONDecoder().decode(LagHistogram.self, from: text) == histogram)
    }

    @Test func `are forgotten after three minutes`() {
        var window = LagWindow()
        window.record(.milliseconds(5), at: .seconds(60))
        window.record(.milliseconds(5), at: .seconds(130))
        #expect(window.recent(at: .seconds(135)).count == 2)
        #expect(window.recent(at: .seconds(265)).count == 1)
        #expect(window.recent(at: .seconds(1000)).count == 0)
    }
}

@Suite struct `Backing off` {
    @Test func `grows from a tenth of a second to five, a fifth up or down`() {
        #expect(
            (Duration.milliseconds(80)...(.milliseconds(120))).contains(Backoff.delay(after: 1)))
        #expect(
            (Duration.milliseconds(640)...(.milliseconds(960))).contains(Backoff.delay(after: 4)))
        #expect((Duration.seconds(4)...(.seconds(6))).contains(Backoff.delay(after: 1000)))
    }
}
