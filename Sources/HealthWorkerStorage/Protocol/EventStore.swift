package import HealthWorkerModel

/// What happened, of all kinds in one order: turns of health, new routes, and what people did.
///
/// Nothing is kept twice: events are the rows of health changes, route changes and the audit log,
/// read by their time. So those of a check or policy that was deleted are gone with it, but for what
/// people did.
package protocol EventStore: Sendable {
    /// At most `query.limit` events that the query admits, in its order.
    ///
    /// An event has the moment at which its transaction began: one that commits later than another
    /// may lie before it.
    func events(_ query: EventQuery) async throws(StorageError) -> [Event]
}

package enum Event: Hashable, Sendable {
    case turn(RecordedHealthChange)
    case route(PolicyID, Route)
    case deed(AuditEntry)

    package var position: EventPosition {
        switch self {
        case .turn(let change):
            EventPosition(at: change.at, source: .turn, first: change.id.rawValue, second: 0)
        case .route(let policy, let route):
            EventPosition(
                at: route.decidedAt, source: .route, first: route.generation,
                second: policy.rawValue)
        case .deed(let entry):
            EventPosition(at: entry.at, source: .deed, first: entry.id, second: 0)
        }
    }

    /// Nil for what is told to nobody, such as a change of keys.
    package var kind: EventKind? {
        switch self {
        case .turn: .health
        case .route: .route
        case .deed(let entry):
            EventKind.allCases.first { kind in
                kind.actions.contains(entry.action)
                    && (kind != .edit || entry.document == nil)
                    && (kind != .apply || entry.document != nil)
            }
        }
    }
}

/// Where an event lies in the order of all; never given to another one.
package struct EventPosition: Hashable, Comparable, Sendable {
    package enum Source: String, Hashable, Sendable, CaseIterable, Comparable {
        case turn = "t"
        case route = "r"
        case deed = "d"

        private var place: Int { Self.allCases.firstIndex(of: self) ?? 0 }

        package static func < (left: Self, right: Self) -> Bool { left.place < right.place }
    }

    package var at: Timestamp
    package var source: Source
    /// The id of the row; of a route its generation, and the policy as the second.
    package var first: Int64
    package var second: Int64

    package init(at: Timestamp, source: Source, first: Int64, second: Int64) {
        self.at = at
        self.source = source
        self.first = first
        self.second = second
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.at, left.source, left.first, left.second)
            < (right.at, right.source, right.first, right.second)
    }
}

extension EventPosition: LosslessStringConvertible {
    /// Made of letters, digits and dots.
    package var description: String {
        "\(at.microseconds).\(source.rawValue)\(first).\(second)"
    }

    /// Nil for what no event's position is written as.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let at = Int64(parts[0]), let second = Int64(parts[2]),
            let source = Source(rawValue: String(parts[1].prefix(1))),
            let first = Int64(parts[1].dropFirst())
        else { return nil }
        self.init(
            at: Timestamp(microseconds: at), source: source, first: first, second: second)
        guard description == text else { return nil }
    }
}

/// What callers tell events apart by.
package enum EventKind: String, Hashable, Sendable, CaseIterable {
    /// The health of a check turned.
    case health
    /// A policy got a new route.
    case route
    /// An override was set or cleared.
    case override
    /// A policy was frozen or thawed.
    case freeze
    /// A tier or a member was brought back by hand.
    case order
    /// A maintenance was ordered, changed or ended, or began or was over for members of a policy.
    case maintenance
    /// Members that turned unhealthy were held, released, or held no more.
    case hold
    /// A check or policy was created, updated, renamed or deleted, other than by an apply.
    case edit
    /// A document was applied; asked for about some objects, what it did to each of them.
    case apply
    /// What workers go by was set or cleared.
    case settings
    /// A worker was quarantined, or released.
    case quarantine

    /// The audit log's words for it.
    package var actions: [String] { checkActions + policyActions + otherActions }

    package var checkActions: [String] {
        switch self {
        case .edit, .apply: ["check.created", "check.updated", "check.renamed", "check.deleted"]
        case .health, .route, .override, .freeze, .order, .maintenance, .hold, .settings,
            .quarantine:
            []
        }
    }

    package var policyActions: [String] {
        switch self {
        case .override: ["override.set", "override.cleared"]
        case .freeze: ["policy.frozen", "policy.thawed"]
        case .order: ["policy.failback", "policy.reattach"]
        case .maintenance: [AuditEntry.maintenanceBegan, AuditEntry.maintenanceEnded]
        case .hold: [AuditEntry.held, AuditEntry.holdEnded, AuditEntry.released]
        case .edit, .apply:
            ["policy.created", "policy.updated", "policy.renamed", "policy.deleted"]
        case .health, .route, .settings, .quarantine: []
        }
    }

    var otherActions: [String] {
        switch self {
        case .apply: [AuditEntry.documentApplied]
        case .settings: ["worker_settings.set", "worker_settings.cleared"]
        case .maintenance: ["maintenance.ordered", "maintenance.changed", "maintenance.ended"]
        case .quarantine: [AuditEntry.quarantined, AuditEntry.quarantineEnded]
        case .health, .route, .override, .freeze, .order, .hold, .edit: []
        }
    }
}

/// Which events are asked for.
package struct EventQuery: Hashable, Sendable {
    package enum Order: Hashable, Sendable {
        case newestFirst
        case oldestFirst
    }

    /// The checks and policies that events must be about.
    package struct Objects: Hashable, Sendable {
        package var checks: [CheckID]
        /// The same by name: the audit log knows no ids.
        package var checkNames: [String]
        package var policies: [PolicyID]
        package var policyNames: [String]

        package init(
            checks: [CheckID] = [], checkNames: [String] = [], policies: [PolicyID] = [],
            policyNames: [String] = []
        ) {
            self.checks = checks
            self.checkNames = checkNames
            self.policies = policies
            self.policyNames = policyNames
        }
    }

    /// How an apply is told.
    package enum Applies: Hashable, Sendable {
        /// As one event.
        case whole
        /// As one for each object that it changed.
        case parts
        /// As both, for whoever tells some this and others that.
        case both
    }

    package var kinds: Set<EventKind>
    /// Nil: about anything.
    package var objects: Objects?
    /// About some objects only parts can be.
    package var applies: Applies
    /// From this moment on.
    package var from: Timestamp?
    /// Before this moment.
    package var until: Timestamp?
    /// Only what lies beyond, in the query's order.
    package var beyond: EventPosition?
    package var order: Order
    package var limit: Int

    package init(
        kinds: Set<EventKind> = Set(EventKind.allCases), objects: Objects? = nil,
        applies: Applies = .whole, from: Timestamp? = nil, until: Timestamp? = nil,
        beyond: EventPosition? = nil,
        order: Order = .newestFirst, limit: Int
    ) {
        self.kinds = kinds
        self.objects = objects
        self.applies = objects == nil ? applies : .parts
        self.from = from
        self.until = until
        self.beyond = beyond
        self.order = order
        self.limit = limit
    }

    /// Whether an event is of a kind and about something that is asked for.
    package func admits(_ event: Event) -> Bool {
        guard let kind = event.kind, kinds.contains(kind) else { return false }
        if kind == .apply, case .deed(let entry) = event {
            let isWhole = entry.action == AuditEntry.documentApplied
            guard applies == .both || isWhole == (applies == .whole) else { return false }
        }
        guard let objects else { return true }
        switch event {
        case .turn(let change): return objects.checks.contains(change.check)
        case .route(let policy, _): return objects.policies.contains(policy)
        case .deed(let entry):
            return kind.checkActions.contains(entry.action)
                && objects.checkNames.contains(entry.object)
                || kind.policyActions.contains(entry.action)
                    && objects.policyNames.contains(entry.object)
        }
    }
}

// For drivers: each source is read apart, along its index by time.
extension EventQuery {
    /// What the rows of a source are compared with, as `(at, first, second)`; both ends are not
    /// among them.
    package struct Bounds: Hashable, Sendable {
        package var after: EventPosition
        package var before: EventPosition
    }

    package func bounds(of source: EventPosition.Source) -> Bounds {
        var after = EventPosition(
            at: Timestamp(microseconds: .min), source: source, first: .min, second: .min)
        var before = EventPosition(
            at: Timestamp(microseconds: .max), source: source, first: .max, second: .max)
        if let from {
            after.at = Timestamp(microseconds: from.microseconds - 1)
            (after.first, after.second) = (.max, .max)
        }
        if let until {
            before.at = until
            (before.first, before.second) = (.min, .min)
        }
        if var end = beyond {
            // Where the position is of another source, all rows of this one at that moment lie on
            // the same side of it.
            if end.source != source {
                let place: Int64 = source < end.source ? .max : .min
                (end.source, end.first, end.second) = (source, place, place)
            }
            switch order {
            case .newestFirst: before = min(before, end)
            case .oldestFirst: after = max(after, end)
            }
        }
        return Bounds(after: after, before: before)
    }

    /// Whether nothing of a source can be among the answers.
    package func leavesOut(_ source: EventPosition.Source) -> Bool {
        switch source {
        case .turn: !kinds.contains(.health) || objects?.checks.isEmpty ?? false
        case .route: !kinds.contains(.route) || objects?.policies.isEmpty ?? false
        case .deed: checkActions.isEmpty && policyActions.isEmpty && otherActions.isEmpty
        }
    }

    /// The audit log's words about checks that are asked for.
    package var checkActions: [String] {
        objects?.checkNames.isEmpty ?? false ? [] : Set(told.flatMap(\.checkActions)).sorted()
    }

    package var policyActions: [String] {
        objects?.policyNames.isEmpty ?? false ? [] : Set(told.flatMap(\.policyActions)).sorted()
    }

    /// Those about neither checks nor policies.
    package var otherActions: [String] {
        guard objects == nil else { return [] }
        return kinds.flatMap(\.otherActions).filter {
            applies != .parts || $0 != AuditEntry.documentApplied
        }.sorted()
    }

    /// The kinds that are told of each object.
    private var told: Set<EventKind> {
        applies == .whole ? kinds.subtracting([.apply]) : kinds
    }

    /// The first events of what was read of each source.
    package func merging(_ sources: [[Event]]) -> [Event] {
        let all = sources.joined().sorted { left, right in
            order == .newestFirst
                ? left.position > right.position : left.position < right.position
        }
        return Array(all.prefix(limit))
    }
}
