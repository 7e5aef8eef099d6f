package import HealthWorkerModel

extension MemoryStorage {
    package func liveSettings() async throws(StorageError) -> LiveSettings {
        try withState { state, _ in state.liveSettings }
    }

    package func change(_ change: SettingsChange) async throws(StorageError) -> LiveSettings {
        try withState { state, now throws(StorageError) in
            if let write = try state.liveSettings.change(change, at: now) {
                state.append(audit: [write.audit])
            }
            return state.liveSettings
        }
    }
}
