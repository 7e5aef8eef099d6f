import HealthWorkerModel

extension EvaluationCommit {
    /// That maintenances began or ended for members of the policy, in the order of their ids.
    func maintenanceEntries(at now: Timestamp) throws(StorageError) -> [AuditEntry] {
        var entries: [AuditEntry] = []
        func note(
            _ action: String, _ told: Told?, _ members: [String]
        ) throws(StorageError) {
            guard var told, !members.isEmpty else { return }
            told.members = members
            let text = try JSONColumn.text(of: told)
            let hasBegun = action == AuditEntry.maintenanceBegan
            entries.append(
                AuditEntry(
                    at: now, actor: "maintenance \(told.id)", action: action,
                    object: read.inputs.policy.spec.name, before: hasBegun ? nil : text,
                    after: hasBegun ? text : nil))
        }
        let before = byMaintenance(read.inputs.previous?.members ?? [])
        let after = byMaintenance(verdict.members)
        for id in Set(before.keys).union(after.keys).sorted() {
            let old = before[id]?.members ?? []
            let new = after[id]?.members ?? []
            try note(AuditEntry.maintenanceBegan, after[id], new.filter { !old.contains($0) })
            try note(AuditEntry.maintenanceEnded, before[id], old.filter { !new.contains($0) })
        }
        return entries
    }

    private func byMaintenance(_ lines: [MemberVerdict]) -> [MaintenanceID: Told] {
        var found: [MaintenanceID: Told] = [:]
        for line in lines {
            guard let maintenance = line.maintenance else { continue }
            found[maintenance.id, default: Told(maintenance)].members.append(line.name)
        }
        return found
    }

    /// A maintenance of members of one policy, as the audit log shows it.
    private struct Told: Encodable {
        var id: MaintenanceID
        var until: Timestamp
        var reason: String
        var members: [String] = []

        init(_ maintenance: MemberMaintenance) {
            id = maintenance.id
            until = maintenance.until
            reason = maintenance.reason
        }
    }
}
