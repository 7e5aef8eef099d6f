import HealthWorkerModel
import HealthWorkerStorage
import Synchronization

/// Reads routes for those who wait for another one: a thousand consumers that wait for the same
/// policy cost no more reads than one.
final class RouteWatch: Sendable {
    private struct Reading {
        var route: StoredRoute?
        var at: ContinuousClock.Instant
    }

    private let storage: any Storage
    private let memory: Duration
    private let limit = 10_000
    private let readings = Mutex<[PolicyID: Reading]>([:])

    /// - Parameter memory: how old an answer may be.
    init(storage: any Storage, memory: Duration) {
        self.storage = storage
        self.memory = memory
    }

    /// Nil: there is no such policy.
    func route(of policy: PolicyID) async throws(StorageError) -> StoredRoute? {
        let now = ContinuousClock.now
        if let known = readings.withLock({ $0[policy] }), now - known.at < memory {
            return known.route
        }
        let route = try await storage.route(of: policy)
        readings.withLock { readings in
            if readings.count >= limit { readings = readings.filter { now - $0.value.at < memory } }
            readings[policy] = Reading(route: route, at: now)
        }
        return route
    }
}
