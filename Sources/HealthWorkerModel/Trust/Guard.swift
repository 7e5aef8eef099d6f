/// When more leaves at once than targets die at once, the eye is more likely to be broken than they are:
/// what would leave is held, for a while. Pure: values in, values out.
package enum Guard {
    /// Turns of this long count together.
    package static let window = Duration.seconds(60)
    /// How long a member is held unless a person releases it earlier.
    package static let longestHold = Duration.minutes(2)
    /// Below so many published members nothing is held.
    package static let fewest = 10

    /// Whether more than half of the members that were published leave, unconfirmed from a second
    /// location.
    ///
    /// - Parameters:
    ///   - departures: Those of ``window``.
    ///   - published: Members that are published now, at all policies that act on health.
    package static func trips(_ departures: [Departure], published: Int) -> Bool {
        let all = departures.publishedBefore(published)
        return all >= fewest && departures.count { !$0.isConfirmed } * 2 > all
    }

    /// So few unconfirmed departures are too few, whatever is published.
    package static func isBelowNotice(_ departures: Int) -> Bool {
        departures * 2 <= fewest
    }

    /// Whether so few unconfirmed departures are too few where so many are published: whoever has left
    /// already was published beside them.
    package static func isBelowNotice(_ departures: Int, of published: Int) -> Bool {
        departures * 2 <= published
    }

    /// The holds on those of `leaving` whose turns are among the departures and not confirmed, where
    /// ``trips(_:published:)``.
    package static func holds(
        on leaving: [String], of policy: PolicyID, among departures: [Departure], published: Int,
        at now: Timestamp
    ) -> [String: Hold] {
        guard trips(departures, published: published) else { return [:] }
        let doubtful = Set(
            departures.filter { $0.policy == policy && !$0.isConfirmed }.map(\.member))
        let hold = Hold(since: now, until: now + longestHold)
        return Dictionary(
            leaving.filter(doubtful.contains).map { ($0, hold) }, uniquingKeysWith: { $1 })
    }
}
