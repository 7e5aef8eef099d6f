package import HealthWorkerModel
package import HealthWorkerStorage

/// What the storage says of the whole installation at one moment.
package struct InstallationFigures: Sendable {
    package var now: Timestamp
    package var queue: QueueStatus
    package var census: Census
    package var processes: [RunningProcess]
    package var overrides: [Override]
    /// Since when a policy has been waiting to be evaluated; nil: none does.
    package var oldestEvaluation: Timestamp?
    /// Nil: single checks are not shown.
    package var single: SingleChecks?

    /// Checks one by one, as many as are shown.
    package struct SingleChecks: Sendable {
        package var checks: [Check]
        package var observations: [CheckID: Observation]

        package init(checks: [Check], observations: [CheckID: Observation]) {
            self.checks = checks
            self.observations = observations
        }
    }

    package init(
        now: Timestamp, queue: QueueStatus, census: Census, processes: [RunningProcess] = [],
        overrides: [Override] = [], oldestEvaluation: Timestamp? = nil, single: SingleChecks? = nil
    ) {
        self.now = now
        self.queue = queue
        self.census = census
        self.processes = processes
        self.overrides = overrides
        self.oldestEvaluation = oldestEvaluation
        self.single = single
    }
}

extension InstallationFigures {
    /// - Parameters:
    ///   - board: Where heartbeats stand beside the storage's.
    ///   - window: How long ago a process may have been seen.
    ///   - checkLimit: How many checks are shown one by one; nil: none.
    package static func read(
        from storage: any Storage, board: (any FleetBoard)?, window: Duration, checkLimit: Int?
    ) async throws(StorageError) -> InstallationFigures {
        let onBoard = await board?.processes() ?? []
        var figures = InstallationFigures(
            now: try await storage.now(), queue: try await storage.queueStatus(),
            census: try await storage.census(),
            processes: try await storage.processes(seenWithin: window).joined(with: onBoard),
            overrides: try await storage.overrides(of: nil),
            oldestEvaluation: try await storage.dueEvaluations(limit: 1).first?.dueAt)
        if let checkLimit {
            var single = SingleChecks(checks: [], observations: [:])
            while single.checks.count < checkLimit {
                let page = try await storage.checks(
                    matching: ObjectFilter(), after: single.checks.last?.spec.name,
                    limit: min(500, checkLimit - single.checks.count))
                if page.isEmpty { break }
                single.checks += page
                single.observations.merge(
                    try await storage.observations(of: page.map(\.id))
                ) { $1 }
            }
            figures.single = single
        }
        return figures
    }

    package var readings: [Reading] {
        ofQueue + ofFleet + ofChecks + ofPolicies + ofSinks + ofSingleChecks
    }

    private var ofQueue: [Reading] {
        [
            Reading(
                .queueJobs, by: "state",
                [
                    "due": queue.ready, "leased": queue.leased,
                    "later": queue.live - queue.ready - queue.leased,
                ]),
            Reading(.queueOldestDue, queue.oldestReady ?? .zero),
            Reading(.queueLateSlots, queue.lateSlots),
            Reading(.queueEnqueued, Double(queue.tally.enqueued)),
            Reading(
                .queueEnded, by: "end",
                [
                    "completed": Int(queue.tally.completed), "lost": Int(queue.tally.lost),
                    "void": Int(queue.tally.void),
                ]),
            Reading(.queueRescued, Double(queue.tally.rescued)),
            Reading(.queueSuperseded, Double(queue.tally.superseded)),
            Reading(.queueMissedTicks, Double(queue.tally.missed)),
            Reading(.oldestTransaction, queue.oldestTransaction?.age ?? .zero),
        ]
    }

    private var ofFleet: [Reading] {
        var counts: [[String]: Int] = [:]
        for location in Set(enabledChecks.flatMap(\.locations)) {
            counts[[Role.worker.rawValue, location]] = 0
        }
        for process in processes {
            for role in process.presence.roles {
                counts[[role.rawValue, process.presence.location], default: 0] += 1
            }
        }
        // What nobody does is 0, and not absent: an alert sees only what is there.
        for role in Role.allCases where !counts.keys.contains(where: { $0[0] == role.rawValue }) {
            counts[[role.rawValue, ""]] = 0
        }
        let claiming = processes.filter {
            $0.presence.roles.contains(.worker) && $0.presence.paused == nil
        }.map(\.presence.location)
        let unserved = enabledChecks.filter { group in
            group.locations.isEmpty
                ? claiming.isEmpty : !group.locations.contains(where: claiming.contains)
        }
        var contradicted = Dictionary(
            uniqueKeysWithValues: Quarantine.State.allCases.map { ($0.rawValue, 0) })
        for standing in processes.quarantine.values {
            contradicted[standing.state.rawValue, default: 0] += 1
        }
        return [
            Reading(.quarantined, by: "state", contradicted),
            Reading(
                .processes,
                counts.map { key, count in
                    Reading.Sample(Double(count), ["role": key[0], "location": key[1]])
                }),
            Reading(.checksWithoutWorker, unserved.reduce(0) { $0 + $1.count }),
        ]
    }

    private var ofChecks: [Reading] {
        var byHealth = Dictionary(
            uniqueKeysWithValues: Health.allCases.map { ($0.rawValue, 0) })
        var stale = Dictionary(
            uniqueKeysWithValues: Census.Freshness.allCases.filter(\.isStale).map {
                ($0.rawValue, 0)
            })
        for group in census.checks {
            byHealth[group.health.rawValue, default: 0] += group.count
            if group.freshness.isStale {
                stale[group.freshness.rawValue, default: 0] += group.count
            }
        }
        let paused = census.checks.filter { $0.freshness == .paused }
        return [
            Reading(.checks, by: "health", byHealth),
            Reading(.checksPaused, paused.reduce(0) { $0 + $1.count }),
            Reading(.checksStale, by: "why", stale),
        ]
    }

    private var ofPolicies: [Reading] {
        let permanent = overrides.filter { $0.until == nil }
        let oldest = permanent.map(\.createdAt).min()
        return [
            Reading(.policies, census.policies.all),
            Reading(.policiesWaiting, census.policies.waiting),
            Reading(.policiesUnprotected, census.policies.unprotected),
            Reading(.policiesFrozen, census.policies.frozen),
            Reading(.policiesHolding, census.policies.holding),
            Reading(.evaluationOldestDue, age(since: oldestEvaluation)),
            Reading(
                .overrides, by: "permanent",
                ["true": permanent.count, "false": overrides.count - permanent.count]),
            Reading(.overridePermanentOldest, age(since: oldest)),
        ]
    }

    private var ofSinks: [Reading] {
        [
            Reading(
                .routesNotInSync,
                census.sinks.flatMap { sink in
                    [("waiting", sink.waiting), ("differs", sink.differing)].map { why, count in
                        Reading.Sample(Double(count), ["sink": sink.name, "why": why])
                    }
                }),
            Reading(
                .routeOldestWaiting,
                census.sinks.map {
                    Reading.Sample(age(since: $0.waitingSince).seconds, ["sink": $0.name])
                }),
            Reading(
                .deadLetters,
                census.sinks.map {
                    Reading.Sample(Double($0.deadLetters), ["sink": $0.name])
                }),
        ]
    }

    private var ofSingleChecks: [Reading] {
        guard let single else { return [] }
        let all = census.checks.reduce(0) { $0 + $1.count }
        var healthy: [Reading.Sample] = []
        var durations: [Reading.Sample] = []
        for check in single.checks {
            guard let observation = single.observations[check.id] else { continue }
            let labels = ["check": check.spec.name]
            switch observation.state.health {
            case .healthy: healthy.append(Reading.Sample(1, labels))
            case .unhealthy: healthy.append(Reading.Sample(0, labels))
            case .unknown: break
            }
            if let outcome = observation.lastOutcome {
                durations.append(
                    Reading.Sample(Double(outcome.report.phases.total) / 1_000_000, labels))
            }
        }
        return [
            Reading(.checkHealthy, healthy), Reading(.checkLastDuration, durations),
            Reading(.checksNotShown, max(0, all - single.checks.count)),
        ]
    }

    private var enabledChecks: [Census.CheckGroup] {
        census.checks.filter { $0.freshness != .paused }
    }

    private func age(since moment: Timestamp?) -> Duration {
        moment.map { max(.zero, now - $0) } ?? .zero
    }
}
