package import HealthWorkerModel

extension VerdictReason {
    /// Why a member is in or out, for people.
    package var sentence: String {
        switch self {
        case .healthy: "healthy"
        case .simple: "a simple policy publishes every enabled member"
        case .overriddenUp: "an override says up"
        case .carriedOver: "unknown, and in as before"
        case .coldStart: "unknown, and too few are known to be healthy"
        case .allUnhealthy: "nothing healthy is left: on_all_unhealthy decides"
        case .frozen: "frozen: in as it was"
        case .held: "unhealthy, and held: too many turned at once"
        case .previousStays: "edited: the old value stays until the first outcome"
        case .unhealthy: "unhealthy"
        case .disabled: "disabled in the policy"
        case .overriddenDown: "an override says down"
        case .drained: "an override says drain"
        case .maintenance: "in maintenance"
        case .standby: "healthy, and another tier is published"
        case .failbackDelay: "healthy, and failback_delay is not over"
        case .failbackByHand: "healthy, and waits for a failback by hand"
        case .reattachDelay: "healthy, and reattach_delay is not over"
        case .reattachByHand: "healthy, and waits to be reattached by hand"
        case .unknown: "not probed yet, and others can serve"
        case .waiting: "waits for the first outcomes"
        case .notChosen: "healthy, with too few others in its tier"
        case .frozenOut: "frozen: out as it was"
        }
    }

    /// The command that would change it at once; nil where nothing but time or the target does.
    package func remedy(policy: String, member: String) -> String? {
        switch self {
        case .failbackDelay, .failbackByHand: "health-worker failback \(policy)"
        case .reattachDelay, .reattachByHand: "health-worker reattach \(policy) \(member)"
        case .overriddenUp, .overriddenDown, .drained:
            "health-worker override clear \(policy) \(member)"
        case .maintenance: "health-worker maintenance list"
        case .held: "health-worker guard release \(policy)"
        case .frozen, .frozenOut: "health-worker thaw \(policy)"
        case .disabled: "enabled: true of the member in the policy's document"
        default: nil
        }
    }
}
