package import HealthWorkerModel

/// What became of each route at each of its places: when its sink took it, and when it was seen there.
///
/// An acknowledged delivery begins an arrival; delivering the same generation once more begins none.
package protocol ArrivalStore: Sendable {
    /// The arrivals of a policy's routes from one generation through another one, in the order of
    /// generations, sinks and names.
    func arrivals(of policy: PolicyID, from first: Int64, through last: Int64)
        async throws(StorageError) -> [Arrival]

    /// Keeps how the looking for a route ended.
    /// - Returns: false where it had ended before.
    func conclude(_ place: Arrival.Place, _ end: Arrival.End)
        async throws(StorageError) -> Bool
}

package struct Arrival: Hashable, Sendable {
    /// A generation of a route at one name of a sink.
    package struct Place: Hashable, Sendable {
        package var policy: PolicyID
        package var generation: Int64
        package var sink: String
        package var name: String

        package init(policy: PolicyID, generation: Int64, sink: String, name: String) {
            self.policy = policy
            self.generation = generation
            self.sink = sink
            self.name = name
        }

        package init(_ delivery: Delivery) {
            self.init(
                policy: delivery.policy, generation: delivery.generation,
                sink: delivery.publication.sink, name: delivery.publication.name)
        }
    }

    /// How the looking for it ended.
    package enum End: Hashable, Sendable {
        case observed(Timestamp)
        /// A later generation took its place before it was seen.
        case replaced
        /// Not within the limit; what was there instead.
        case notObserved(found: String)
    }

    package enum State: Hashable, Sendable {
        /// It is being looked for.
        case awaited
        case ended(End)
        /// A sink that is told of routes and holds none: there is nothing to see.
        case told
        /// Whoever looked for it ended before it was seen.
        case unknown
    }

    /// How long a route is looked for after its sink took it.
    package static let limit = Duration.seconds(30)
    /// Nobody looks any more then, however slow the last look was.
    package static let end = Duration.seconds(90)

    package var place: Place
    package var appliedAt: Timestamp
    package var state: State

    package init(place: Place, appliedAt: Timestamp, state: State) {
        self.place = place
        self.appliedAt = appliedAt
        self.state = state
    }
}

extension Arrival.State {
    /// As callers are told it.
    package enum Word: String, Hashable, Sendable, Codable, CaseIterable {
        case awaited, observed, replaced, told, unknown
        case notObserved = "not_observed"
    }

    package var word: Word {
        switch self {
        case .awaited: .awaited
        case .told: .told
        case .unknown: .unknown
        case .ended(.observed): .observed
        case .ended(.replaced): .replaced
        case .ended(.notObserved): .notObserved
        }
    }
}

/// How the end of an arrival is stored.
package enum ArrivalResult: String, Hashable, Sendable, CaseIterable {
    case observed, replaced, told
    case notObserved = "not_observed"
}

extension Arrival.End {
    package var result: ArrivalResult {
        switch self {
        case .observed: .observed
        case .replaced: .replaced
        case .notObserved: .notObserved
        }
    }

    package var observedAt: Timestamp? {
        if case .observed(let moment) = self { moment } else { nil }
    }

    package var found: String? {
        if case .notObserved(let found) = self { found } else { nil }
    }
}
