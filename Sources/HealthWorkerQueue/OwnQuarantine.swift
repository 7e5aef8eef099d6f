package import HealthWorkerModel

/// What a worker does about being contradicted by its peers: it claims nothing for five minutes, then few
/// jobs at a time. Contradicted again, it claims nothing for twice as long each time, up to an hour; right
/// for five minutes, it is as any other.
package struct OwnQuarantine: Sendable {
    package static let shortest: Duration = .minutes(5)
    package static let longest: Duration = .hours(1)
    package static let trial: Duration = .minutes(5)
    /// Jobs that it claims at a time while it is on trial, when all of those before have ended.
    package static let trialBatch = 20

    package enum News: Hashable, Sendable {
        case quarantined(QuarantineTerm)
        case onTrial(QuarantineTerm)
        case released(QuarantineTerm)
    }

    private enum State {
        case free
        case serving(QuarantineTerm, endsAt: Duration)
        case onTrial(QuarantineTerm, endsAt: Duration)
    }

    private var state = State.free

    package init() {}

    /// Nil: it is not quarantined.
    package var term: QuarantineTerm? {
        switch state {
        case .free: nil
        case .serving(let term, _), .onTrial(let term, _): term
        }
    }

    /// Why it claims nothing at present; nil: it does.
    package var pause: String? {
        guard case .serving(let term, _) = state else { return nil }
        return "quarantined: \(term)"
    }

    /// How many jobs may be claimed while so many are held.
    package func limit(holding: Int) -> Int {
        switch state {
        case .free: .max
        case .serving: 0
        case .onTrial: holding == 0 ? Self.trialBatch : 0
        }
    }

    /// - Parameters:
    ///   - standing: Where it stands by its peers' words; nil: they say nothing against it.
    ///   - now: The process's own time, by which a quarantine ends.
    ///   - moment: The same by the storage's clock, for telling.
    package mutating func hear(
        _ standing: Quarantine.Standing?, at now: Duration, _ moment: Timestamp
    ) -> News? {
        switch state {
        case .free:
            guard let standing, standing.state == .named else { return nil }
            return serve(standing, times: 1, at: now, moment)
        case .serving(var term, let end):
            guard now >= end else { return nil }
            term.isServing = false
            state = .onTrial(term, endsAt: now + Self.trial)
            return .onTrial(term)
        case .onTrial(let term, let end):
            switch standing?.state {
            case .named?:
                guard let standing else { return nil }
                return serve(standing, times: term.times + 1, at: now, moment)
            // Nobody can say that it was right.
            case .disputed?: return nil
            case .quarantined?, .onTrial?, nil: break
            }
            guard now >= end else { return nil }
            state = .free
            return .released(term)
        }
    }

    /// Goes on with what a process of the same name, which was killed, had still to serve.
    package mutating func resume(_ term: QuarantineTerm, at now: Duration, _ moment: Timestamp) {
        guard term.until > moment else { return }
        state = .serving(term, endsAt: now + min(term.until - moment, Self.longest))
    }

    private mutating func serve(
        _ standing: Quarantine.Standing, times: Int, at now: Duration, _ moment: Timestamp
    ) -> News {
        let time = min(Self.shortest * (1 << min(times - 1, 10)), Self.longest)
        let term = QuarantineTerm(
            since: moment, until: moment + time, times: times,
            contradicted: standing.contradicted, probed: standing.probed)
        state = .serving(term, endsAt: now + time)
        return .quarantined(term)
    }
}
