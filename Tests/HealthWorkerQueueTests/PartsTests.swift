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

@Suite struct `A worker's own trouble` {
    @Test func `stops it at the third outcome in a row and ends with the next other one`() {
        var trouble = OwnTrouble()
        #expect(trouble.observe(.inconclusive(.noSocket), at: .zero) == nil)
        #expect(trouble.observe(.inconclusive(.networkUnreachable), at: .zero) == nil)
        #expect(trouble.limit(at: .zero) == .max)

        #expect(trouble.observe(.inconclusive(.noSocket), at: .zero) != nil)

        #expect(trouble.limit(at: .milliseconds(999)) == 0)
        #expect(trouble.limit(at: .seconds(1)) == 1)
        #expect(trouble.pause != nil)
        #expect(trouble.observe(.failure(.connectRefused), at: .seconds(1)) != nil)
        #expect(trouble.limit(at: .seconds(1)) == .max)
        #expect(trouble.pause == nil)
    }

    @Test func `makes it try ever more rarely, and at least every 30 s`() {
        var trouble = OwnTrouble()
        var now = Duration.zero
        for _ in 0..<40 {
            _ = trouble.observe(.inconclusive(.noSocket), at: now)
            now += .seconds(30)
        }

        #expect(trouble.limit(at: now - .seconds(30) + .seconds(29)) == 0)
        #expect(trouble.limit(at: now) == 1)
    }

    @Test func `is not what a target's name server does`() {
        var trouble = OwnTrouble()
        for _ in 0..<10 { _ = trouble.observe(.inconclusive(.dnsTimeout), at: .zero) }

        #expect(trouble.limit(at: .zero) == .max)
    }
}

@Suite struct `The low watermark` {
    @Test func `is what was seen three seconds ago`() {
        var watermark = Watermark()
        for second in 0...20 {
            watermark.see(JobID(Int64(second) * 100_000), at: .seconds(second))
        }

        let lowest = watermark.lowest(at: .seconds(20))

        #expect(lowest.rawValue <= 1_700_000)
        #expect(lowest.rawValue >= 1_400_000)
    }

    @Test func `leaves a shallow queue whole`() {
        var watermark = Watermark()
        for second in 0...20 { watermark.see(JobID(Int64(second)), at: .seconds(second)) }

        #expect(watermark.lowest(at: .seconds(20)) == 0)
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
