/// What an operator may set for workers while they run. Nil: nothing is said of it.
package struct WorkerSettings: Hashable, Sendable, Codable {
    package static let concurrencyRange = 1...100_000
    package static let batchSizeRange = 1...1000

    /// Probes in flight at once.
    package var concurrency: Int?
    /// The most jobs claimed in one go.
    package var batchSize: Int?
    /// True: nothing is claimed; what is in flight ends as ever.
    package var isPaused: Bool?
    /// The least important level that the worker's process logs.
    package var logLevel: LogLevel?

    package init(
        concurrency: Int? = nil, batchSize: Int? = nil, isPaused: Bool? = nil,
        logLevel: LogLevel? = nil
    ) {
        self.concurrency = concurrency
        self.batchSize = batchSize
        self.isPaused = isPaused
        self.logLevel = logLevel
    }

    package var isEmpty: Bool { self == WorkerSettings() }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case concurrency
        case batchSize = "batch_size"
        case isPaused = "paused"
        case logLevel = "log_level"
    }
}

/// Which workers something is set for. The later a case stands here, the more it says: a worker's
/// name beats its location, which beats all.
package enum WorkerScope: Hashable, Sendable {
    case all
    case location(String)
    case name(String)

    package enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        case all
        case location
        case name

        fileprivate var place: Int {
            switch self {
            case .all: 0
            case .location: 1
            case .name: 2
            }
        }
    }

    package init(_ kind: Kind, _ name: String = "") {
        self =
            switch kind {
            case .all: .all
            case .location: .location(name)
            case .name: .name(name)
            }
    }

    package var kind: Kind {
        switch self {
        case .all: .all
        case .location: .location
        case .name: .name
        }
    }

    /// What the location or the worker is called; empty for all.
    package var name: String {
        switch self {
        case .all: ""
        case .location(let name), .name(let name): name
        }
    }

    package func admits(_ worker: String, at location: String) -> Bool {
        switch self {
        case .all: true
        case .location(let name): name == location
        case .name(let name): name == worker
        }
    }

    /// Whether there are workers that are both of this scope and of `other`.
    ///
    /// - Parameter workers: Those that run. Only they tell whether a name is at a location.
    package func meets(_ other: Self, among workers: [(name: String, location: String)]) -> Bool {
        switch (self, other) {
        case (.all, _), (_, .all): true
        case (.location, .location), (.name, .name): self == other
        case (.location, .name), (.name, .location):
            workers.contains {
                admits($0.name, at: $0.location) && other.admits($0.name, at: $0.location)
            }
        }
    }
}

extension WorkerScope: Comparable {
    /// All, then locations, then workers, each by name.
    package static func < (left: Self, right: Self) -> Bool {
        (left.kind.place, left.name) < (right.kind.place, right.name)
    }
}

extension WorkerScope: CustomStringConvertible {
    package var description: String {
        switch self {
        case .all: "all workers"
        case .location(let name): "location \(name)"
        case .name(let name): "worker \(name)"
        }
    }
}

extension WorkerScope: Codable {
    private enum CodingKeys: String, CodingKey {
        case kind = "scope"
        case name
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(Kind.self, forKey: .kind),
            try container.decode(String.self, forKey: .name))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .kind)
        try container.encode(name, forKey: .name)
    }
}
