package import HealthWorkerModel

/// Makes the figures of hours that are over, a few checks or policies a step.
///
/// Any process may make a step at any time: what it makes depends on nothing but what is stored, and of
/// two that make the same one keeps it. A process that is killed leaves a mark behind, from which the
/// next one goes on. Hours that nobody made are made up for, as long as their outcomes are there.
package struct HourMaker: Sendable {
    /// How long after its end an hour is made: outcomes that began in it, and what became of its routes,
    /// are there by then.
    package static let delay = Duration.minutes(5)
    /// Outcomes must be kept at least so long for their hour to be made, also where the registers
    /// were away for a while.
    package static let shortestKeep = Duration.hours(3)

    // A check that is probed each second has 3600 outcomes an hour: 50 of them are read in a tenth of a
    // second, one after the other, so that a step never holds a connection for long.
    private static let checksAtOnce = 50
    private static let policiesAtOnce = 20
    private static let outcomesAtOnce = 1000
    private static let changesAtOnce = 100

    package enum Step: Hashable, Sendable {
        /// Some hours were made; so many more wait, the one that is being made among them.
        case made(waiting: Int)
        /// No hour waits.
        case upToDate
    }

    private let storage: any Storage

    package init(storage: any Storage) {
        self.storage = storage
    }

    /// - Parameters:
    ///   - kept: what is kept of outcomes at present.
    ///   - keep: how long.
    package func step(
        kept: KeptOutcomes, for keep: Duration
    ) async throws(StorageError) -> Step {
        let now = try await storage.now()
        let stored = try await storage.hourMark()
        let mark = try await mark(after: stored, at: now, keeping: keep)
        let waiting = Self.waiting(from: mark, at: now)
        if waiting == 0 { return .upToDate }
        let made: MadeHours
        let next: HourMark
        switch mark.stage {
        case .checks:
            let checks = try await storage.checks(
                of: mark.hour, after: CheckID(mark.after), limit: Self.checksAtOnce)
            made = MadeHours(checks: try await hours(of: checks, in: mark.hour, kept: kept))
            next =
                checks.count < Self.checksAtOnce
                ? HourMark(hour: mark.hour, stage: .policies)
                : HourMark(
                    hour: mark.hour, stage: .checks, after: checks.last?.check.rawValue ?? 0)
        case .policies:
            let policies = try await storage.policies(
                of: mark.hour, after: PolicyID(mark.after), limit: Self.policiesAtOnce)
            made = MadeHours(policies: try await hours(of: policies, in: mark.hour, kept: kept))
            next =
                policies.count < Self.policiesAtOnce
                ? HourMark(hour: mark.hour.next, stage: .checks)
                : HourMark(
                    hour: mark.hour, stage: .policies, after: policies.last?.rawValue ?? 0)
        }
        // Where another process was first, it made the same.
        _ = try await storage.keep(made, from: stored, to: next)
        return .made(waiting: waiting)
    }

    /// How many hours are over and not made.
    package func hoursBehind(keeping keep: Duration) async throws(StorageError) -> Int {
        let now = try await storage.now()
        let mark = try await mark(after: try await storage.hourMark(), at: now, keeping: keep)
        return Self.waiting(from: mark, at: now)
    }

    /// Removes a few hours that are older than `keep`.
    /// - Returns: how many were removed.
    package func prune(keeping keep: Duration) async throws(StorageError) -> Int {
        let now = try await storage.now()
        return try await storage.pruneHours(before: Hour(of: now - keep), limit: 500)
    }

    /// Hours of which not all outcomes are there any more are passed over, and at the very beginning
    /// those before the first check was made: ids rise.
    private func mark(
        after stored: HourMark, at now: Timestamp, keeping keep: Duration
    ) async throws(StorageError) -> HourMark {
        let oldest = Hour(of: now - keep).next
        guard stored.hour < oldest else { return stored }
        guard stored == .beginning else { return HourMark(hour: oldest, stage: .checks) }
        let first = try await storage.checks(of: Hour(of: now), after: 0, limit: 1).first
        let begin = first.map { Hour(of: $0.createdAt) } ?? Hour(of: now)
        return HourMark(hour: max(oldest, begin), stage: .checks)
    }

    private static func waiting(from mark: HourMark, at now: Timestamp) -> Int {
        Int(max(0, Hour(of: now - delay).number - mark.hour.number))
    }

    private func hours(
        of checks: [CheckOfHour], in hour: Hour, kept: KeptOutcomes
    ) async throws(StorageError) -> [CheckHour] {
        var hours: [CheckHour] = []
        for check in checks {
            let found = try await kept == .none ? [] : outcomes(of: check, in: hour)
            hours.append(
                CheckHour(
                    of: check.check, held: try await held(check, in: hour), kept: kept,
                    lastJob: check.lastJob, seenAt: check.seenAt, outcomes: found,
                    limit: check.staleAfter))
        }
        return hours
    }

    private func held(
        _ check: CheckOfHour, in hour: Hour
    ) async throws(StorageError) -> HealthTimeline {
        var turns: [RecordedHealthChange] = []
        if check.healthSince >= hour.start {
            turns = try await changes(of: check.check, since: hour.start).filter {
                $0.at >= hour.start
            }
        }
        return HealthTimeline(
            of: hour, turns: turns.map { ($0.at, $0.turn.from, $0.turn.to) },
            present: check.health, birth: check.createdAt)
    }

    private func outcomes(
        of check: CheckOfHour, in hour: Hour
    ) async throws(StorageError) -> [HourOutcome] {
        var found: [HourOutcome] = []
        var last = check.lastJob
        while true {
            let page = try await storage.outcomes(
                of: check.check, from: hour.start, after: last, limit: Self.outcomesAtOnce)
            let wanted = page.prefix { $0.at < hour.end }
            found += wanted
            guard wanted.count == Self.outcomesAtOnce, let end = wanted.last?.job else {
                return found
            }
            last = end
        }
    }

    /// Oldest first, beginning with the last one before `moment`.
    private func changes(
        of check: CheckID, since moment: Timestamp
    ) async throws(StorageError) -> [RecordedHealthChange] {
        var found: [RecordedHealthChange] = []
        while true {
            let page = try await storage.healthChanges(
                of: check, before: found.last?.id, limit: Self.changesAtOnce)
            let since = page.prefix { $0.at >= moment }
            found += page.prefix(since.count + 1)
            if since.count < Self.changesAtOnce { return found.reversed() }
        }
    }
}

// Policies.
extension HourMaker {
    private func hours(
        of policies: [PolicyID], in hour: Hour, kept: KeptOutcomes
    ) async throws(StorageError) -> [PolicyHour] {
        var hours: [PolicyHour] = []
        for id in policies {
            // One that was deleted meanwhile has none.
            guard let inputs = try await storage.evaluationInputs(of: id)?.inputs else { continue }
            hours.append(try await self.hour(hour, of: inputs, kept: kept))
        }
        return hours
    }

    private func hour(
        _ hour: Hour, of inputs: PolicyEvaluation.Inputs, kept: KeptOutcomes
    ) async throws(StorageError) -> PolicyHour {
        var timelines: [String: HealthTimeline] = [:]
        for (member, health) in inputs.health {
            timelines[member] = try await storage.checkHours(
                of: health.check, from: hour, until: hour.next
            ).first?.timeline
        }
        var comebacks: [Comeback] = []
        for (member, health) in inputs.health where timelines[member]?.spans.count ?? 0 > 1 {
            comebacks += try await self.comebacks(of: member, health.check, in: hour)
        }
        let since = comebacks.map(\.fall.at).min().map { min($0, hour.start) } ?? hour.start
        let routes = try await self.routes(of: inputs.policy.id, since: since)

        let before = routes.lastIndex { $0.decidedAt <= hour.start } ?? 0
        var figures = FailoverFigures()
        for (previous, route) in zip(routes, routes.dropFirst())
        where hour.contains(route.decidedAt) && !route.lost(from: previous).isEmpty {
            figures.add(try await failover(by: route, of: inputs.policy.id))
        }
        figures.falseSwitches =
            try await kept == .none ? nil : falseSwitches(comebacks, amid: routes)
        return PolicyHour(
            policy: inputs.policy.id, hour: hour,
            time: AvailableTime(
                of: hour, birth: inputs.policy.createdAt, routes: Array(routes[before...]),
                members: timelines),
            failovers: figures)
    }

    /// Oldest first, beginning with the last one before `moment`.
    private func routes(
        of policy: PolicyID, since moment: Timestamp
    ) async throws(StorageError) -> [Route] {
        var found: [Route] = []
        while true {
            let page = try await storage.routeChanges(
                of: policy, before: found.last?.generation, limit: Self.changesAtOnce)
            let since = page.prefix { $0.decidedAt > moment }
            found += page.prefix(since.count + 1)
            if since.count < Self.changesAtOnce { return found.reversed() }
        }
    }

    private func failover(
        by route: Route, of policy: PolicyID
    ) async throws(StorageError) -> Failover {
        let arrivals = try await storage.arrivals(
            of: policy, from: route.generation, through: route.generation)
        let observed = arrivals.compactMap { arrival -> Timestamp? in
            if case .ended(.observed(let moment)) = arrival.state { moment } else { nil }
        }.max()
        let applied = arrivals.map(\.appliedAt).max()
        let noticed = route.turn.map { $0.noticedAt ?? $0.turnedAt }
        return Failover(
            time: noticed.map { (observed ?? applied ?? route.decidedAt) - $0 },
            end: observed != nil ? .observed : applied != nil ? .applied : .decided)
    }

    /// A member's check that turned healthy, and the turn before it that had made it unhealthy.
    private struct Comeback {
        var member: String
        var fall: RecordedHealthChange
        var rise: RecordedHealthChange
    }

    private func comebacks(
        of member: String, _ check: CheckID, in hour: Hour
    ) async throws(StorageError) -> [Comeback] {
        let changes = try await changes(of: check, since: hour.start)
        return zip(changes, changes.dropFirst()).filter { fall, rise in
            fall.turn.to == .unhealthy && rise.turn.to == .healthy && hour.contains(rise.at)
        }.map { Comeback(member: member, fall: $0, rise: $1) }
    }

    /// How many of these came back to a failover without one more failure.
    private func falseSwitches(
        _ comebacks: [Comeback], amid routes: [Route]
    ) async throws(StorageError) -> Int {
        var count = 0
        for comeback in comebacks {
            let hasCaused = zip(routes, routes.dropFirst()).contains { previous, route in
                route.decidedAt >= comeback.fall.at && route.decidedAt < comeback.rise.at
                    && route.turn?.member == comeback.member
                    && route.lost(from: previous).contains(comeback.member)
            }
            guard hasCaused else { continue }
            if try await !hasFailed(between: comeback.fall, comeback.rise) { count += 1 }
        }
        return count
    }

    private func hasFailed(
        between fall: RecordedHealthChange, _ rise: RecordedHealthChange
    ) async throws(StorageError) -> Bool {
        guard let first = fall.job else { return false }
        var before = rise.job
        while true {
            let page = try await storage.outcomes(
                of: fall.check, before: before, limit: Self.changesAtOnce)
            let between = page.prefix { $0.job > first }
            if between.contains(where: { $0.report.outcome.kind == .failure }) { return true }
            guard between.count == Self.changesAtOnce else { return false }
            before = page.last?.job
        }
    }
}
