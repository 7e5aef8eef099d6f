import HealthWorkerModel

extension MemoryStorage {
    package func secrets(
        unlessRevision known: Int64?
    ) async throws(StorageError) -> StoredSecrets? {
        try withState { state, _ in
            state.secrets.revision == known ? nil : state.secrets
        }
    }

    package func change(_ change: SecretChange) async throws(StorageError) -> WriteResult {
        try withState { state, now throws(StorageError) in
            let others = state.secrets.secrets.filter { $0.name != change.name }
            let stored = state.secrets.secrets.first { $0.name == change.name }
            guard
                let write = try change.write(
                    to: stored, count: state.secrets.secrets.count,
                    users: state.secretUsers[change.name] ?? [], last: state.secrets.revision,
                    at: now)
            else { return .unchanged(revision: stored?.revision ?? 0) }
            state.secrets = StoredSecrets(
                revision: write.revision, secrets: others + [write.row].compactMap(\.self))
            state.append(audit: [write.audit])
            return write.result
        }
    }

    package func secretUsers() async throws(StorageError) -> [String: [String]] {
        try withState { state, _ in state.secretUsers }
    }
}

extension MemoryState {
    fileprivate var secretUsers: [String: [String]] {
        var users = SecretUsers()
        for spec in checks.values.map(\.spec).sorted(by: { $0.name < $1.name }) { users.add(spec) }
        return users.names
    }
}
