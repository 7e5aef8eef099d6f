import HealthWorkerModel
import HealthWorkerStorage

extension Backend {
    /// Secrets belong to no set: a key for some sets leaves them where they are sent, and has none sent
    /// anywhere else.
    func mayUseSecrets(_ changes: [ObjectChange], _ call: Call) async throws {
        let caller = try call.caller
        guard !caller.mayWrite(set: nil) else { return }
        let written = changes.writtenChecks.filter {
            $0.spec.sendsSecretsAnew(since: nil)
        }
        guard !written.isEmpty else { return }
        let names = Set(written.flatMap { [$0.spec.name, $0.formerName].compactMap(\.self) })
        let stored = Dictionary(
            uniqueKeysWithValues: try await storage.checks(named: names.sorted()).map {
                ($0.spec.name, $0.spec)
            })
        for (spec, formerName) in written
        where spec.sendsSecretsAnew(
            since: stored[spec.name] ?? formerName.flatMap { stored[$0] })
        {
            throw ProblemDetails(
                .forbidden,
                "The check \(spec.name) would send a secret that it does not send yet, or to another "
                    + "target, and this key may write \(caller.sets.joined(separator: ", ")) only. "
                    + "That needs a key for all sets.")
        }
    }
}

extension [ObjectChange] {
    /// Every check that is written, those that policies make included, with the name it had before.
    fileprivate var writtenChecks: [(spec: CheckSpec, formerName: String?)] {
        var checks: [String: String] = [:]
        var policies: [String: String] = [:]
        return flatMap { change -> [(spec: CheckSpec, formerName: String?)] in
            switch change {
            case .renameCheck(let old, let new, _):
                checks[new] = old
                return []
            case .renamePolicy(let old, let new, _):
                policies[new] = old
                return []
            case .putCheck(let spec, _, _):
                return [(spec, checks[spec.name])]
            case .putPolicy(let policy, let made, _, _):
                let old = policies[policy.name]
                // A made check has its policy's name in front of its own.
                return made.map { spec in
                    (spec, old.map { $0 + spec.name.dropFirst(policy.name.count) })
                }
            case .deleteCheck, .deletePolicy:
                return []
            }
        }
    }
}
