package import HealthWorkerModel
package import HealthWorkerStorage

/// What HAProxy is told of a server by the route (HAProxy's configuration manual, `agent-check`).
///
/// HAProxy keeps a word until it is told another one: `down` lasts until `up`, and `drain` and `maint`
/// until `ready`. So every word here says both.
package enum AgentAnswer: Hashable, Sendable {
    /// The route publishes it. Of the published members of its family the heaviest has 100 %.
    case serve(percent: Int)
    /// It could serve, and the route publishes others: what is connected stays, nothing new comes.
    case rest(VerdictReason)
    /// Not to be used.
    case down(VerdictReason)
    /// Disabled by its policy.
    case maintenance
    /// Nothing is known: HAProxy leaves everything as it is.
    case silence

    /// Nil: the policy has no such member.
    package init?(member name: String, of route: StoredRoute) {
        guard let member = route.members.first(where: { $0.name == name }) else { return nil }
        if member.isPublished {
            self = .serve(percent: Self.percent(of: member, in: route.route?.answer))
            return
        }
        switch member.reason {
        case .waiting: self = .silence
        case .disabled: self = .maintenance
        // Also an unhealthy one: what is still connected is what a person lets end.
        case .drained, .maintenance: self = .rest(member.reason)
        default: self = member.effective == .healthy ? .rest(member.reason) : .down(member.reason)
        }
    }

    private static func percent(of member: MemberVerdict, in answer: Answer?) -> Int {
        let family = answer?.records(of: member.family) ?? []
        // Of members with the same value only the first is in the answer.
        guard let weight = family.first(where: { $0.name == member.name })?.weight,
            let heaviest = family.map(\.weight).max(), heaviest > 0
        else { return 100 }
        // Who has a share has one, however small.
        return weight == 0 ? 0 : max(1, weight * 100 / heaviest)
    }

    /// With its line break.
    package var line: String {
        switch self {
        case .serve(let percent): "up ready \(percent)%\n"
        case .rest: "up drain\n"
        case .down(let reason): "down #\(reason.rawValue)\n"
        case .maintenance: "maint\n"
        case .silence: "\n"
        }
    }

    /// A word for metrics.
    var word: String {
        switch self {
        case .serve: "up"
        case .rest: "drain"
        case .down: "down"
        case .maintenance: "maint"
        case .silence: "nothing"
        }
    }
}
