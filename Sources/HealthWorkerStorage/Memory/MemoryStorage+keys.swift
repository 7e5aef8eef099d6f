import HealthWorkerModel

extension MemoryStorage {
    package func key(id: String) async throws(StorageError) -> APIKey? {
        try withState { state, _ in state.keys[id] }
    }

    package func keys() async throws(StorageError) -> [APIKey] {
        try withState { state, _ in
            state.keys.values.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
        }
    }

    package func change(_ change: KeyChange) async throws(StorageError) {
        try withState { state, now throws(StorageError) in
            let stored = change.subject.flatMap { state.keys[$0] }
            guard let write = try change.write(to: stored, at: now) else { return }
            if let made = write.made {
                guard state.keys[made.id] == nil else { throw .refused([.exists(.key, made.id)]) }
                state.keys[made.id] = made
            }
            if let ended = write.ended { state.keys[ended.id] = ended }
            state.append(audit: [write.audit])
        }
    }

    package func touchKey(id: String) async throws(StorageError) {
        try withState { state, now in
            let minute = now.seconds / 60 * 60
            state.keys[id]?.lastUsedAt = Timestamp(seconds: minute)
        }
    }
}
