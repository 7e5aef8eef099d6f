/// What a check's health would have been, had its target been watched otherwise. Pure.
///
/// Between two probes nobody knows what the target did: it is taken to have been as the last one found
/// it. Asking more often than was asked is an estimate, then: it sees no failure that no probe saw. Time
/// in which nothing was probed is left out.
package struct Backtest: Hashable, Sendable {
    /// What a probe found when.
    package struct Finding: Hashable, Sendable {
        package var at: Timestamp
        package var outcome: Outcome

        package init(at: Timestamp, outcome: Outcome) {
            self.at = at
            self.outcome = outcome
        }
    }

    /// A time of being held unhealthy.
    package struct Spell: Hashable, Sendable {
        /// The first of the failures in a row that turned it.
        package var firstFailure: Timestamp
        package var from: Timestamp
        /// Nil where it was still unhealthy when the findings ended.
        package var until: Timestamp?
        /// Of the failure that turned it.
        package var reason: Reason?

        package init(
            firstFailure: Timestamp, from: Timestamp, until: Timestamp? = nil, reason: Reason? = nil
        ) {
            self.firstFailure = firstFailure
            self.from = from
            self.until = until
            self.reason = reason
        }
    }

    package private(set) var spells: [Spell] = []
    /// How long it would have been held unhealthy, of the time that is known.
    package private(set) var unhealthy: Duration = .zero
    /// The time that is known: something had been probed shortly before.
    package private(set) var known: Duration = .zero

    /// - Parameters:
    ///   - check: with the interval, `fall` and `rise` that are tried. Who confirms is left out: every
    ///     failure counts as if others had seen it, too.
    ///   - findings: oldest first.
    ///   - spacing: how far apart two of them may be before the time between them is unknown.
    package init(of check: CheckSpec, over findings: [Finding], spacing: Duration) {
        var check = check
        check.confirm = .none
        let stretches = Stretch.of(findings, spacing: spacing)
        guard let first = stretches.first else { return }
        var state = HealthState(epoch: 1, since: first.from)
        var now = first.from
        var index = 0
        while true {
            while now >= stretches[index].until {
                index += 1
                guard index < stretches.count else { return }
            }
            let stretch = stretches[index]
            // Where nothing was known a while, the next thing that is known was found by a probe.
            now = max(now, stretch.from)
            let decision = HealthTracker.next(
                base: state,
                observation: .init(
                    outcome: stretch.outcome,
                    run: state.run(endingInSuccess: stretch.outcome == .success),
                    worker: 1,
                    othersAlive: false, at: now),
                check: check)
            note(decision.turn, firstFailure: state.runSince ?? now, at: now)

            var next = now + (decision.recheck?.afterProbeStart ?? check.interval.duration)
            if decision.recheck == nil, decision.state == state, next < stretch.until {
                // The same answer to the same state moves nothing, however often it comes.
                let interval = check.interval.duration.microseconds
                let skipped = (stretch.until - next).microseconds / interval
                next = next + .microseconds(skipped * interval)
            }
            state = decision.state
            pass(stretches[index...], from: now, to: next, isUnhealthy: state.health == .unhealthy)
            now = next
        }
    }

    private mutating func note(_ turn: HealthTurn?, firstFailure: Timestamp, at now: Timestamp) {
        guard let turn else { return }
        if turn.to == .unhealthy {
            spells.append(Spell(firstFailure: firstFailure, from: now, reason: turn.reason))
        } else if turn.from == .unhealthy {
            spells[spells.count - 1].until = now
        }
    }

    private mutating func pass(
        _ stretches: ArraySlice<Stretch>, from start: Timestamp, to end: Timestamp,
        isUnhealthy: Bool
    ) {
        for stretch in stretches.prefix(while: { $0.from < end }) {
            let time = min(stretch.until, end) - max(stretch.from, start)
            if time > .zero {
                known += time
                if isUnhealthy { unhealthy += time }
            }
        }
    }
}

/// A time in which every probe found the same.
private struct Stretch {
    var from: Timestamp
    var until: Timestamp
    var outcome: Outcome

    static func of(_ findings: [Backtest.Finding], spacing: Duration) -> [Stretch] {
        var stretches: [Stretch] = []
        for (index, finding) in findings.enumerated() {
            // Nothing is known of the time after the last one, but what it found.
            let end =
                index + 1 < findings.count
                ? min(findings[index + 1].at, finding.at + spacing)
                : finding.at + .microseconds(1)
            if let last = stretches.last, last.until == finding.at, last.outcome == finding.outcome
            {
                stretches[stretches.count - 1].until = end
            } else if end > finding.at {
                stretches.append(Stretch(from: finding.at, until: end, outcome: finding.outcome))
            }
        }
        return stretches
    }
}
