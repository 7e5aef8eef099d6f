extension HealthTracker {
    /// What one outcome does to its check's health.
    ///
    /// `base` is the row that came with the claim. The number that is counted towards the other
    /// health is read from `observation.run`, which the counts have made agree with the base (see
    /// ``CountRequest/runFromBase``); this outcome itself always counts. Outcomes of an older epoch must not come here, see
    /// ``HealthState/counts(outcomeOf:)``. A turn leaves `change` as in the base: the storage gives
    /// it its number.
    package static func next(
        base: HealthState, observation: Observation, check: CheckSpec
    ) -> Decision {
        switch observation.outcome {
        case .inconclusive:
            inconclusive(base, observation, check)
        case .failure where base.health != .unhealthy:
            counted(base, observation, check, inARow: max(1, -observation.run))
        case .success where base.health == .unhealthy:
            counted(base, observation, check, inARow: max(1, observation.run))
        case .success where base.health == .unknown:
            turned(base, to: .healthy, cause: .firstSuccess, observation, since: observation.at)
        case .success, .failure:
            Decision(state: base.withoutRow)
        }
    }

    /// What an edit of the target, type or request (`edited`), or enabling again (`enabled`), does:
    /// the health is unknown, in a new epoch.
    package static func restart(
        _ base: HealthState, cause: TurnCause, at moment: Timestamp
    ) -> Decision {
        let state = HealthState(
            epoch: base.epoch + 1, since: moment, change: base.change)
        let turn =
            base.health == .unknown
            ? nil : HealthTurn(from: base.health, to: .unknown, cause: cause)
        return Decision(state: state, turn: turn)
    }

    private static func inconclusive(
        _ base: HealthState, _ observation: Observation, _ check: CheckSpec
    ) -> Decision {
        guard base.inconclusiveSince == nil else { return Decision(state: base) }
        var state = base
        state.inconclusiveSince = observation.at
        // Asked again soon only once: the trouble is ours, and hurrying would not mend it. Whoever
        // had it is not the one to be preferred, so the worker that began the row may come too.
        let isWaited = base.health == .unknown || base.inARow > 0
        return Decision(
            state: state,
            recheck: isWaited ? Recheck(afterProbeStart: check.effectiveFastInterval) : nil)
    }

    private static func counted(
        _ base: HealthState, _ observation: Observation, _ check: CheckSpec, inARow: Int
    ) -> Decision {
        var state = base.withoutRow
        state.inARow = inARow
        if base.inARow > 0, let runWorker = base.runWorker {
            state.runSince = base.runSince
            state.runWorker = runWorker
            state.isCorroborated = base.isCorroborated || runWorker != observation.worker
        } else {
            state.runSince = observation.at
            state.runWorker = observation.worker
        }

        if base.health == .unhealthy {
            if inARow >= check.rise {
                return turned(
                    base, to: .healthy, cause: .rise, observation, since: state.runSince)
            }
        } else if inARow >= check.fall {
            if check.confirm == .none || state.isCorroborated || !observation.othersAlive {
                return turned(
                    base, to: .unhealthy, cause: .fall, observation, since: state.runSince)
            }
            if inARow >= check.fall + 2 {
                return turned(
                    base, to: .unhealthy, cause: .uncorroborated, observation,
                    since: state.runSince)
            }
        }

        var recheck = Recheck(afterProbeStart: check.effectiveFastInterval)
        if base.health != .unhealthy, check.confirm == .otherWorker {
            // A worker that is alone would only be kept waiting for nobody.
            let anotherIsAlive = observation.othersAlive || state.runWorker != observation.worker
            recheck.avoiding = anotherIsAlive ? state.runWorker : nil
        }
        return Decision(state: state, recheck: recheck)
    }

    private static func turned(
        _ base: HealthState, to health: Health, cause: TurnCause, _ observation: Observation,
        since noticedAt: Timestamp?
    ) -> Decision {
        var state = base.withoutRow
        state.health = health
        state.since = observation.at
        return Decision(
            state: state,
            turn: HealthTurn(
                from: base.health, to: health, cause: cause, reason: observation.outcome.reason,
                isConfirmedElsewhere: base.inARow > 0 && observation.rowBeganElsewhere,
                noticedAt: noticedAt))
    }
}

extension HealthState {
    /// Whether an outcome found under `epoch` says something about this health. Any other one is
    /// recorded and never counted: it is about a target that has been edited since.
    package func counts(outcomeOf epoch: Int64) -> Bool {
        epoch == self.epoch
    }

    /// The same health with nothing counted and a target that has just answered.
    fileprivate var withoutRow: HealthState {
        HealthState(epoch: epoch, health: health, since: since, change: change)
    }
}
