import HealthWorkerModel

extension PolicyEvaluation.Inputs {
    /// What a route was decided from, short enough to be stored with it: the policy's revision, and
    /// of each member's check its id, epoch, last turn and whether it is enabled. Overrides, freezes
    /// and time are not in it: their changes are evaluations of their own.
    package var fingerprint: String {
        var text = "r\(policy.revision)"
        for (member, health) in health.sorted(by: { $0.key < $1.key }) {
            let change = health.change.map(\.description) ?? "-"
            text += " \(member)=\(health.check).\(health.epoch).\(change)"
            if !health.isEnabled { text += ".paused" }
        }
        return text
    }
}
