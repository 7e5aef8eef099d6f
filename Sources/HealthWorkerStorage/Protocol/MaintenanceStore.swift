package import HealthWorkerModel

/// Windows of maintenance, as operators order them; those that are over are kept for a while.
package protocol MaintenanceStore: Sendable {
    /// Newest first, older than `before`; nil state: of any.
    func maintenances(in state: MaintenanceState?, before: MaintenanceID?, limit: Int)
        async throws(StorageError) -> [Maintenance]
    func maintenance(id: MaintenanceID) async throws(StorageError) -> Maintenance?

    /// Orders, changes or ends a maintenance, in one transaction with the audit log's entry and an
    /// evaluation due now of each policy that is named.
    ///
    /// - Returns: what is kept; of one that ended before it began, what it was.
    /// - Throws: ``StorageError/refused(_:)`` where it is not there, is over, or is one too many.
    func change(_ change: MaintenanceChange) async throws(StorageError) -> Maintenance

    /// Removes at most `limit` of those that have been over for longer than `keep`, oldest first.
    /// - Returns: how many went.
    func pruneMaintenances(keep: Duration, limit: Int) async throws(StorageError) -> Int
}

extension MaintenanceStore {
    /// Those that are active or still to come.
    package func standingMaintenances() async throws(StorageError) -> [Maintenance] {
        let active = try await maintenances(in: .active, before: nil, limit: Maintenance.most)
        return active
            + (try await maintenances(in: .upcoming, before: nil, limit: Maintenance.most))
    }
}

package struct MaintenanceChange: Hashable, Sendable {
    package enum Deed: Hashable, Sendable {
        /// The id of the value is not used.
        case order(Maintenance)
        /// Nil: it stays as it is.
        case amend(MaintenanceID, endsAt: Timestamp?, reason: String?, breakGlass: Bool?)
        case end(MaintenanceID)
    }

    package var deed: Deed
    /// Those that are to be evaluated.
    package var policies: [PolicyID]
    package var actor: String
    package var message: String?
    package var requestID: String?

    package init(
        _ deed: Deed, policies: [PolicyID], actor: String, message: String? = nil,
        requestID: String? = nil
    ) {
        self.deed = deed
        self.policies = policies
        self.actor = actor
        self.message = message
        self.requestID = requestID
    }

    /// Nil for one that is ordered.
    package var id: MaintenanceID? {
        switch deed {
        case .order: nil
        case .amend(let id, _, _, _), .end(let id): id
        }
    }

    /// What is to be kept instead of `stored`; nil: it goes, because it never began.
    ///
    /// - Parameter standing: How many there are that are not over.
    package func outcome(
        over stored: Maintenance?, standing: Int, at now: Timestamp
    ) throws(StorageError) -> Maintenance? {
        if case .order(let ordered) = deed {
            guard standing < Maintenance.most else {
                throw .refused([.tooMany(.maintenance, limit: Maintenance.most)])
            }
            return ordered
        }
        guard var stored else { throw .refused([.noSuchMaintenance(id ?? 0)]) }
        let state = stored.state(at: now)
        guard state != .past else {
            throw .refused([.nothingToDo("The maintenance \(stored.id) is over already.")])
        }
        switch deed {
        case .end:
            if state == .upcoming { return nil }
            stored.endsAt = now
        case .amend(_, let endsAt, let reason, let breakGlass):
            if let endsAt { stored.endsAt = endsAt }
            if let reason { stored.reason = reason }
            if let breakGlass { stored.breakGlass = breakGlass }
        case .order: break
        }
        return stored
    }

    /// The entry of the audit log.
    package func entry(
        before: Maintenance?, after: Maintenance?, at now: Timestamp
    ) throws(StorageError) -> AuditEntry {
        let action =
            switch deed {
            case .order: "maintenance.ordered"
            case .amend: "maintenance.changed"
            case .end: "maintenance.ended"
            }
        return AuditEntry(
            at: now, actor: actor, action: action,
            object: (after ?? before).map { "\($0.id)" } ?? "",
            before: try before.map { value throws(StorageError) in
                try JSONColumn.text(of: AuditedMaintenance(value))
            },
            after: try after.map { value throws(StorageError) in
                try JSONColumn.text(of: AuditedMaintenance(value))
            }, message: message, requestID: requestID)
    }
}

/// A maintenance as the audit log shows it.
private struct AuditedMaintenance: Encodable {
    var selector: String
    var sets: [String]?
    var startsAt: Timestamp
    var endsAt: Timestamp
    var reason: String
    var breakGlass: Bool

    enum CodingKeys: String, CodingKey {
        case selector, sets
        case startsAt = "starts_at"
        case endsAt = "until"
        case reason
        case breakGlass = "break_glass"
    }

    init(_ maintenance: Maintenance) {
        selector = maintenance.selector.description
        sets = maintenance.sets
        startsAt = maintenance.startsAt
        endsAt = maintenance.endsAt
        reason = maintenance.reason
        breakGlass = maintenance.breakGlass
    }
}

/// Between which moments a maintenance of a state begins and ends, so that one statement finds those of
/// any. The first of each two is left out.
package struct MaintenanceBounds {
    package var startsAfter = Timestamp(microseconds: .min)
    package var startsUntil = Timestamp(microseconds: .max)
    package var endsAfter = Timestamp(microseconds: .min)
    package var endsUntil = Timestamp(microseconds: .max)

    package init(of state: MaintenanceState?, at now: Timestamp) {
        switch state {
        case nil: break
        case .active: (startsUntil, endsAfter) = (now, now)
        case .upcoming: (startsAfter, endsAfter) = (now, now)
        case .past: endsUntil = now
        }
    }
}
