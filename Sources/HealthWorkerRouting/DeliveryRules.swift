package import HealthWorkerModel
package import HealthWorkerStorage

/// When a delivery that failed is tried again, and when it is given up.
package enum DeliveryRules {
    package enum Next: Hashable, Sendable {
        case retry(after: Duration)
        case giveUp
    }

    /// How long an event is tried, from the moment when its route was decided.
    package static let patience: Duration = .hours(24)
    /// What a sink asks for is obeyed so far.
    package static let longestPause: Duration = .hours(1)
    /// What a person has to mend is looked at again this often.
    package static let refusedPause: Duration = .seconds(60)

    /// - Parameters:
    ///   - failures: in a row, this one included.
    ///   - isAlone: it did not go together with others, of which one may be what was not taken.
    ///   - waited: since when the generation waits.
    ///   - spread: a factor around 1, so that what failed together does not come back together.
    package static func next(
        after error: SinkError, _ kind: SinkKind, failures: Int, isAlone: Bool = true,
        waited: Duration, spread: Double
    ) -> Next {
        switch (kind, error) {
        case (_, .superseded):
            return .retry(after: .zero)
        case (.state, .refused):
            // It may be mended, and the newest route is wanted then.
            return .retry(after: refusedPause * spread)
        case (.event, .refused) where isAlone:
            return .giveUp
        case (.state, _):
            return .retry(
                after: pause(error, failures, from: .milliseconds(250), to: .seconds(30)) * spread)
        case (.event, _):
            if waited >= patience { return .giveUp }
            return .retry(
                after: pause(error, failures, from: .seconds(1), to: .seconds(900)) * spread)
        }
    }

    /// What goes to a sink as one: all that did not fail yet, a number of routes at a time, and each of
    /// the others by itself, so that one that is never taken does not hold up the rest.
    package static func groups(of deliveries: [Delivery], _ gathering: Gathering?) -> [[Delivery]] {
        guard let gathering else { return deliveries.map { [$0] } }
        var groups: [[Delivery]] = []
        var gathered: [Delivery] = []
        var count = 0
        for delivery in deliveries {
            guard delivery.failures == 0, delivery.route != nil else {
                groups.append([delivery.alone])
                continue
            }
            let routes = 1 + delivery.later.count
            if count + routes > gathering.most, !gathered.isEmpty {
                groups.append(gathered)
                (gathered, count) = ([], 0)
            }
            gathered.append(delivery)
            count += routes
        }
        return gathered.isEmpty ? groups : groups + [gathered]
    }

    /// Doubling, and not shorter than what the sink asked for.
    private static func pause(
        _ error: SinkError, _ failures: Int, from first: Duration, to most: Duration
    ) -> Duration {
        let doubled = min(most, first * (1 << min(max(failures - 1, 0), 20)))
        if case .notNow(_, let after?) = error { return max(doubled, min(after, longestPause)) }
        return doubled
    }
}
