import HealthWorkerModel

extension MemoryStorage {
    package func announce(_ presence: Presence) async throws(StorageError) {
        try withState { [process] state, now in
            state.processes[process] = RunningProcess(
                id: process, seenAt: now, presence: presence)
        }
    }

    package func withdraw() async throws(StorageError) {
        try withState { [process] state, _ in state.processes[process] = nil }
    }

    package func processes(
        seenWithin window: Duration
    ) async throws(StorageError) -> [RunningProcess] {
        try withState { state, now in
            state.processes.values.filter { $0.seenAt > now - window }
                .sorted { ($0.presence.name, $0.id) < ($1.presence.name, $1.id) }
        }
    }

    package func takeDuty(
        _ name: String, for lease: Duration
    ) async throws(StorageError) -> Bool {
        try withState { [process] state, now in
            if let duty = state.duties[name], duty.holder != process, duty.until > now {
                return false
            }
            state.duties[name] = MemoryDuty(holder: process, until: now + lease)
            return true
        }
    }
}

// Keys.
extension MemoryStorage {
    package func insertKey(_ key: APIKey) async throws(StorageError) {
        try withState { state, _ throws(StorageError) in
            guard state.keys[key.id] == nil else { throw .refused([.exists(.key, key.id)]) }
            state.keys[key.id] = key
        }
    }

    package func key(id: String) async throws(StorageError) -> APIKey? {
        try withState { state, _ in state.keys[id] }
    }

    package func keys() async throws(StorageError) -> [APIKey] {
        try withState { state, _ in
            state.keys.values.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
        }
    }

    package func revokeKey(id: String) async throws(StorageError) {
        try withState { state, now throws(StorageError) in
            guard let key = state.keys[id] else { throw .refused([.missing(.key, id)]) }
            state.keys[id]?.revokedAt = key.revokedAt ?? now
        }
    }

    package func touchKey(id: String) async throws(StorageError) {
        try withState { state, now in
            let minute = now.seconds / 60 * 60
            state.keys[id]?.lastUsedAt = Timestamp(seconds: minute)
        }
    }
}

// The audit log.
extension MemoryStorage {
    package func appendAudit(_ entries: [AuditEntry]) async throws(StorageError) {
        try withState { state, _ in state.append(audit: entries) }
    }

    package func audit(before: Int64?, limit: Int) async throws(StorageError) -> [AuditEntry] {
        try withState { state, _ in
            let wanted = state.auditLog.reversed().lazy.filter { entry in
                before.map { entry.id < $0 } ?? true
            }
            return Array(wanted.prefix(limit))
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
