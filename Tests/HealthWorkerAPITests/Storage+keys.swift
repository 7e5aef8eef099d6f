import HealthWorkerStorage

extension Storage {
    /// Makes a key that was there before anything was written down: no entry tells of it.
    func insertKey(_ key: APIKey) async throws {
        let known = try await audit(before: nil, limit: 1).first?.id
        try await change(KeyChange(.make(key), actor: "test"))
        // It is the newest, and of these tests' storages nothing else is pruned where there is none.
        if known == nil { _ = try await pruneAudit(keep: .seconds(-1), limit: 1) }
    }

    func revokeKey(id: String) async throws {
        try await change(KeyChange(.revoke(id: id), actor: "test"))
    }
}
