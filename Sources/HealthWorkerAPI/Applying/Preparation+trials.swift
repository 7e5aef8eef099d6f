import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage

extension DocumentApplier.Preparation {
    /// The checks that are new or ask something else than before, as they are to be tried.
    func trialOrders(from storage: any Storage) async throws(StorageError) -> [Trials.Order] {
        var changed: [(new: CheckSpec, stored: Check?)] = []
        let specs = newChecks
        for change in plan.changes.flatMap({ [$0] + $0.checks }) where change.kind == .check {
            guard let compiled = specs[change.name], compiled.spec.isEnabled else { continue }
            let stored: Check?
            switch change.action {
            case .create: stored = nil
            case .update: stored = checks[change.name]
            case .rename(let old): stored = checks[old]
            case .delete, .unchanged: continue
            }
            let isAnother =
                stored.map {
                    compiled.spec.asksSomethingElse(than: $0.spec)
                        || compiled.spec.effectiveTimeout < $0.spec.effectiveTimeout
                } ?? true
            if isAnother { changed.append((compiled.spec, stored)) }
        }
        let observed = try await storage.observations(of: changed.compactMap(\.stored?.id))
        return changed.map { change in
            let isHealthy =
                change.stored.map {
                    $0.spec.isEnabled && observed[$0.id]?.state.health == .healthy
                } ?? false
            return Trials.Order(
                new: change.new, healthy: isHealthy ? change.stored?.spec : nil,
                sendsSecretsAnew: change.new.sendsSecretsAnew(since: change.stored?.spec))
        }
    }

    /// Notes what was found, and what breaks as a problem.
    mutating func note(_ findings: [String: Trials.Finding]) {
        for index in plan.changes.indices {
            plan.changes[index].note(findings)
            for inner in plan.changes[index].checks.indices {
                plan.changes[index].checks[inner].note(findings)
            }
        }
        for check in document.checks {
            guard let finding = findings[check.spec.name], finding.breaks,
                case .made(let outcome, let detail) = finding.trial
            else { continue }
            let why = [outcome.reason?.rawValue, detail].compactMap(\.self)
            plan.problems.append(
                Problem(
                    "the check \(check.spec.name) is healthy now and would fail "
                        + "(\(why.joined(separator: ": "))): mend it, or apply without probing "
                        + "first (no_probe=true, --no-probe)",
                    at: check.path, position: check.position))
        }
    }

    var newChecks: [String: CompiledCheck] {
        Dictionary(
            document.checks.map { ($0.spec.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
}

extension Plan.Change {
    fileprivate mutating func note(_ findings: [String: Trials.Finding]) {
        if kind == .check { trial = findings[name]?.trial }
    }
}
