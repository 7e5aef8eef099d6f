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
