/// What was found of one check in one hour.
package struct CheckHour: Hashable, Sendable {
    package var check: CheckID
    /// What is kept of outcomes, and so what the counts and times are of.
    package var kept: KeptOutcomes
    package var timeline: HealthTimeline
    package var successes: Int
    package var failures: Int
    package var inconclusive: Int
    /// How long successes took, by phase and as a whole: what a failure took is its time-out.
    package var times: PhaseTimes
    /// The last outcome of this hour or one before it, from which the next hour goes on.
    package var lastJob: JobID
    /// When the last conclusive outcome before the hour's end was; nil: none is known.
    package var seenAt: Timestamp?

    package init(
        check: CheckID, kept: KeptOutcomes, timeline: HealthTimeline, successes: Int = 0,
        failures: Int = 0, inconclusive: Int = 0, times: PhaseTimes = PhaseTimes(),
        lastJob: JobID = 0, seenAt: Timestamp? = nil
    ) {
        self.check = check
        self.kept = kept
        self.timeline = timeline
        self.successes = successes
        self.failures = failures
        self.inconclusive = inconclusive
        self.times = times
        self.lastJob = lastJob
        self.seenAt = seenAt
    }

    package var hour: Hour { timeline.hour }
}

/// Histograms of how long each phase of a probe took, and the whole of it.
package struct PhaseTimes: Hashable, Sendable {
    package private(set) var total = LatencyHistogram()
    /// Of phases that some probe reached.
    package private(set) var phases: [Phases.CodingKeys: LatencyHistogram] = [:]

    package init() {}

    package mutating func add(_ times: Phases) {
        total.add(.microseconds(times.total))
        for (phase, time) in times.inOrder {
            if let time { phases[phase, default: LatencyHistogram()].add(.microseconds(time)) }
        }
    }

    package mutating func merge(_ other: PhaseTimes) {
        total.merge(other.total)
        for (phase, times) in other.phases {
            phases[phase, default: LatencyHistogram()].merge(times)
        }
    }
}

extension PhaseTimes {
    /// The whole and then each phase in order, with commas between.
    package var encoded: String {
        ([total] + Phases.CodingKeys.allCases.map { phases[$0] ?? LatencyHistogram() })
            .map(\.encoded).joined(separator: ",")
    }

    package init(encoded text: String) throws(HistogramError) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count == Phases.CodingKeys.allCases.count + 1 else { throw .damaged(text) }
        total = try LatencyHistogram(encoded: String(parts[0]))
        for (phase, part) in zip(Phases.CodingKeys.allCases, parts.dropFirst()) where !part.isEmpty
        {
            phases[phase] = try LatencyHistogram(encoded: String(part))
        }
    }
}

/// One outcome as an hour needs it.
package struct HourOutcome: Hashable, Sendable {
    package var job: JobID
    package var at: Timestamp
    package var kind: OutcomeKind
    package var phases: Phases

    package init(job: JobID, at: Timestamp, kind: OutcomeKind, phases: Phases) {
        self.job = job
        self.at = at
        self.kind = kind
        self.phases = phases
    }
}

extension CheckHour {
    /// What an hour is made of.
    ///
    /// - Parameters:
    ///   - held: by the check's turns alone.
    ///   - lastJob: the last outcome before the hour; 0: none is known.
    ///   - seenAt: when the last conclusive outcome before the hour was, if it is known.
    ///   - outcomes: those of the hour, oldest first.
    ///   - limit: how old the last conclusive outcome may be before nothing is known; see
    ///     ``Staleness/limit(for:)``. Where only some outcomes are kept it cannot be told.
    package init(
        of check: CheckID, held: HealthTimeline, kept: KeptOutcomes, lastJob: JobID,
        seenAt: Timestamp?, outcomes: [HourOutcome], limit: Duration
    ) {
        var seen = [seenAt].compactMap { $0 }
        self.init(check: check, kept: kept, timeline: held, lastJob: lastJob)
        for outcome in outcomes {
            switch outcome.kind {
            case .success:
                successes += 1
                times.add(outcome.phases)
            case .failure: failures += 1
            case .inconclusive: inconclusive += 1
            }
            if outcome.kind != .inconclusive { seen.append(outcome.at) }
            self.lastJob = max(self.lastJob, outcome.job)
        }
        seen.sort()
        self.seenAt = seen.last
        if kept == .all { timeline = held.seen(at: seen, within: limit) }
    }
}
