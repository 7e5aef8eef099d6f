import HealthWorkerModel

extension MemoryStorage {
    package func appendAudit(_ entries: [AuditEntry]) async throws(StorageError) {
        try withState { state, _ in state.append(audit: entries) }
    }

    package func audit(
        matching filter: AuditFilter, before: Int64?, limit: Int
    ) async throws(StorageError) -> [AuditEntry] {
        try withState { state, _ in
            let wanted = state.auditLog.reversed().lazy.filter { entry in
                (before.map { entry.id < $0 } ?? true) && filter.admits(entry)
            }
            return Array(wanted.prefix(limit))
        }
    }

    package func pruneAudit(keep: Duration, limit: Int) async throws(StorageError) -> Int {
        try withState { state, now in
            let old = state.auditLog.filter { $0.at < now - keep }
                .sorted { ($0.at, $0.id) < ($1.at, $1.id) }.prefix(limit)
            let gone = Set(old.map(\.id))
            state.auditLog.removeAll { gone.contains($0.id) }
            return gone.count
        }
    }
}

extension MemoryState {
    mutating func append(audit entries: [AuditEntry]) {
        for var entry in entries {
            lastIDs.audit += 1
            entry.id = lastIDs.audit
            auditLog.append(entry)
        }
    }
}
