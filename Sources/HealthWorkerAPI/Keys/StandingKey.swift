import HealthWorkerModel
import HealthWorkerStorage

/// The key of a caller who listens: a stream may last for days, and a key may be revoked or expire
/// meanwhile.
struct StandingKey: Sendable {
    private let id: String
    private let storage: any Storage

    /// Nil where the storage does not know it: another middleware may know callers without keys.
    init?(of call: Call, in storage: any Storage) async throws {
        guard let key = try await storage.key(id: call.caller.id) else { return nil }
        id = key.id
        self.storage = storage
    }

    /// A storage that is away says nothing against it.
    func isValid() async throws -> Bool {
        let key: APIKey?
        let now: Timestamp
        do {
            key = try await storage.key(id: id)
            now = try await storage.now()
        } catch {
            guard case .unavailable = error else { throw error }
            return true
        }
        guard let key, key.revokedAt == nil else { return false }
        return key.expiresAt.map { now < $0 } ?? true
    }
}
