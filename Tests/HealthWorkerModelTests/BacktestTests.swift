import HealthWorkerModel
import Testing

@Suite struct BacktestTests {
    /// A probe every 10 s: `.` a success, `x` a failure, `?` inconclusive, and a blank is none.
    private func findings(_ text: String) -> [Backtest.Finding] {
        text.enumerated().compactMap { index, letter in
            let outcome: Outcome? =
                switch letter {
                case ".": .success
                case "x": .failure(.connectRefused)
                case "?": .inconclusive(.dnsTimeout)
                default: nil
                }
            return outcome.map { .init(at: at(index * 10), outcome: $0) }
        }
    }

    private func at(_ seconds: Int) -> Timestamp { .noon + .seconds(seconds) }

    private func tried(
        _ text: String, fall: Int, rise: Int = 2, interval: TimeSpan = .seconds(10),
        fast: TimeSpan? = nil
    ) -> Backtest {
        var check = CheckSpec.sample(fall: fall, rise: rise, interval: interval)
        check.fastInterval = fast
        return Backtest(of: check, over: findings(text), spacing: .seconds(60))
    }

    @Test func `a lower fall sees a spell that a higher one rides out`() {
        let history = "...xx......"

        let patient = tried(history, fall: 3, fast: .seconds(10))
        let hasty = tried(history, fall: 2, rise: 1, fast: .seconds(10))

        #expect(patient.spells == [])
        #expect(patient.unhealthy == .zero)
        #expect(
            hasty.spells == [
                .init(
                    firstFailure: at(30), from: at(40), until: at(50), reason: .connectRefused)
            ])
        #expect(hasty.unhealthy == .seconds(10))
    }

    @Test func `re-checks come by the fast interval`() {
        let tried = tried("...xxxxxx...", fall: 3, fast: .seconds(2))

        // Asked at 30, 32 and 34 s, every 10 s from then on, and at 94 and 96 s.
        #expect(
            tried.spells == [
                .init(
                    firstFailure: at(30), from: at(34), until: at(96), reason: .connectRefused)
            ])
        #expect(tried.unhealthy == .seconds(62))
    }

    @Test func `a longer interval finds out later, or never`() {
        let history = "....xx..." + "xxxxxxxxxxxx....."

        let tried = tried(history, fall: 1, rise: 1, interval: .seconds(60))

        #expect(tried.spells.map(\.from) == [at(120)])
        #expect(tried.spells.map(\.until) == [at(240)])
    }

    @Test func `a spell that goes on has no end`() {
        let tried = tried("..xxxx", fall: 1)

        #expect(tried.spells.map(\.from) == [at(20)])
        #expect(tried.spells.map(\.until) == [nil])
        #expect(tried.unhealthy == .seconds(30) + .microseconds(1))
    }

    @Test func `what says nothing turns nothing`() {
        let tried = tried("..????????..", fall: 1)

        #expect(tried.spells == [])
        #expect(tried.known == .seconds(110) + .microseconds(1))
    }

    @Test func `time in which nothing was probed is left out`() {
        let tried = tried("..x" + String(repeating: " ", count: 100) + "x..", fall: 1)

        #expect(tried.spells.map(\.from) == [at(20)])
        // 80 s until nothing is known any more, 20 s once something is again.
        #expect(tried.known == .seconds(100) + .microseconds(1))
        #expect(tried.unhealthy == .seconds(72))
    }

    @Test func `nothing found tells nothing`() {
        #expect(tried("", fall: 1).known == .zero)
    }

    @Test func `what is skipped as unchanging is as if it had been asked`() {
        var random = Generator(seed: 7)
        for _ in 0..<200 {
            let text = (0..<60).map { _ in random.chance(2, in: 3) ? "." : "x" }.joined()
            let fall = random.number(1...3)
            // Without re-checks of its own, what was asked is asked again.
            let tried = tried(text, fall: fall, rise: 1, fast: .seconds(10))

            var state = HealthState(epoch: 1, since: at(0))
            var turns: [Timestamp] = []
            for finding in findings(text) {
                let decision = HealthTracker.next(
                    base: state,
                    observation: .init(
                        outcome: finding.outcome,
                        run: state.run(endingInSuccess: finding.outcome == .success), worker: 1,
                        othersAlive: false, at: finding.at),
                    check: .sample(fall: fall, rise: 1, confirm: .none))
                if decision.turn?.to == .unhealthy { turns.append(finding.at) }
                state = decision.state
            }
            #expect(tried.spells.map(\.from) == turns, "\(text), fall \(fall)")
        }
    }
}
