import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage

extension DocumentApplier.Preparation {
    /// How many policies are looked at; those that the document changes come first.
    private static let limit = 500

    /// Notes the routes that change with the plan, decided by the same rules as they will be.
    ///
    /// What a trial found counts as the check's health; a changed check without one is unknown, as it
    /// is once it is stored.
    mutating func noteRoutes(from storage: any Storage) async throws(StorageError) {
        let affected = affected.prefix(Self.limit)
        guard !affected.isEmpty else { return }
        let forecast = Forecast(
            self, observed: try await storage.observations(of: members(of: affected)),
            now: try await storage.now())
        for policy in affected {
            var inputs: PolicyEvaluation.Inputs?
            if let stored = policy.stored {
                inputs = try await storage.evaluationInputs(of: stored.id)?.inputs
            }
            if let change = forecast.change(of: policy, inputs) { plan.routes.append(change) }
        }
    }

    fileprivate struct Affected {
        var stored: Policy?
        /// Nil: it is deleted.
        var new: PolicySpec?
    }

    private var affected: [Affected] {
        var affected: [Affected] = []
        var named = Set<String>()
        let specs = Dictionary(
            document.policies.map { ($0.spec.name, $0.spec) },
            uniquingKeysWith: { first, _ in first })
        for change in plan.changes where change.kind == .policy && change.isChange {
            var stored = policies[change.name]
            if case .rename(let old) = change.action { stored = policies[old] }
            if let stored { named.insert(stored.spec.name) }
            affected.append(
                Affected(
                    stored: stored, new: change.action == .delete ? nil : specs[change.name]))
        }
        var touched = Set<String>()
        for change in plan.changes where change.kind == .check && change.isChange {
            touched.insert(change.name)
            if case .rename(let old) = change.action { touched.insert(old) }
        }
        guard !touched.isEmpty else { return affected }
        // Policies that stay as they are and have a changed check.
        for policy in policies.values.sorted(by: { $0.spec.name < $1.spec.name })
        where !named.contains(policy.spec.name)
            && policy.spec.members.contains(where: { touched.contains($0.check ?? "") })
        {
            affected.append(Affected(stored: policy, new: policy.spec))
        }
        return affected
    }

    private func members(of affected: ArraySlice<Affected>) -> [CheckID] {
        let names = affected.compactMap(\.new).flatMap { policy in
            policy.members.compactMap(policy.checkName(of:))
        }
        return Set(
            names.compactMap { checks[$0]?.id } + renamedFrom.values.compactMap { checks[$0]?.id }
        )
        .sorted()
    }

    /// New name of a check → the stored one.
    fileprivate var renamedFrom: [String: String] {
        var old: [String: String] = [:]
        for change in plan.changes.flatMap({ [$0] + $0.checks }) where change.kind == .check {
            if case .rename(let name) = change.action { old[change.name] = name }
        }
        return old
    }

    fileprivate var trials: [String: Plan.Trial] {
        var trials: [String: Plan.Trial] = [:]
        for change in plan.changes.flatMap({ [$0] + $0.checks }) {
            if let trial = change.trial { trials[change.name] = trial }
        }
        return trials
    }
}

/// Decides what routes will be once a plan is carried out.
private struct Forecast {
    private let stored: [String: Check]
    private let new: [String: CheckSpec]
    private let renamedFrom: [String: String]
    private let trials: [String: Plan.Trial]
    private let observed: [CheckID: Observation]
    private let now: Timestamp

    init(
        _ preparation: DocumentApplier.Preparation, observed: [CheckID: Observation],
        now: Timestamp
    ) {
        stored = preparation.checks
        new = preparation.newChecks.mapValues(\.spec)
        renamedFrom = preparation.renamedFrom
        trials = preparation.trials
        self.observed = observed
        self.now = now
    }

    /// Nil where the route stays as it is.
    func change(
        of policy: DocumentApplier.Preparation.Affected, _ inputs: PolicyEvaluation.Inputs?
    ) -> Plan.RouteChange? {
        let before = inputs?.previous?.answer.records.map(\.value)
        guard let spec = policy.new else {
            return before.map {
                Plan.RouteChange(policy: policy.stored?.spec.name ?? "", before: $0, after: nil)
            }
        }
        var after =
            inputs
            ?? PolicyEvaluation.Inputs(
                policy: Policy(id: 0, revision: 0, spec: spec, createdAt: now, updatedAt: now),
                health: [:], now: now)
        let measured = after.health
        after.policy.spec = spec
        after.policy.revision += 1
        after.health = [:]
        for member in spec.members {
            guard let name = spec.checkName(of: member) else { continue }
            // What the plan does not touch is as it was read with the policy.
            after.health[member.name] = health(of: name) ?? measured[member.name]
        }
        let verdict = PolicyEvaluation.evaluate(after)
        let values = verdict.answer?.records.map(\.value)
        guard values != before || policy.stored == nil else { return nil }
        return Plan.RouteChange(
            policy: spec.name, before: before, after: values, cause: verdict.cause)
    }

    /// Nil: the plan knows nothing of the check.
    private func health(of name: String) -> PolicyEvaluation.MemberHealth? {
        let check = stored[name] ?? renamedFrom[name].flatMap { stored[$0] }
        guard let spec = new[name] ?? check?.spec else { return nil }
        var health = PolicyEvaluation.MemberHealth(
            check: check?.id ?? 0, health: .unknown, since: now, epoch: 1, change: nil,
            isEnabled: spec.isEnabled)
        if let check, let state = observed[check.id]?.state {
            health.epoch = state.epoch
            health.health = state.health
            health.since = state.since
            health.change = state.change
            if spec.asksSomethingElse(than: check.spec)
                || spec.isEnabled && !check.spec.isEnabled
            {
                health.epoch += 1
                health.health = .unknown
                health.since = now
            }
        }
        guard case .made(let outcome, _)? = trials[name], outcome.isConclusive else {
            return health
        }
        let found: Health = outcome == .success ? .healthy : .unhealthy
        if health.health != found {
            health.health = found
            health.since = now
        }
        return health
    }
}
