import HealthWorkerModel
import HealthWorkerStorage
import NIOCore
import Synchronization

/// Knows the routes that are asked for, for a moment: a thousand consumers of one policy cost no more
/// reads than one.
///
/// What was written through this process is seen at once, what was written elsewhere after `memory`
/// at the latest.
final class RouteWatch: Sendable {
    struct Known: Sendable {
        var route: StoredRoute
        /// Nil: the policy waits for its first answer.
        var answer: Answer?
    }

    /// The route as it is answered, so that it is written out once.
    struct Answer: Sendable {
        var tag: String
        var body: ByteBuffer
    }

    private struct Reading {
        /// Nil: there is no such policy.
        var known: Known?
        var at: ContinuousClock.Instant
    }

    private struct Readings {
        var byPolicy: [String: Reading] = [:]
        /// Of the writes: what was read before one of them is not kept after it.
        var writes = 0
    }

    private let storage: any Storage
    private let memory: Duration
    private let limit = 10_000
    private let readings = Mutex(Readings())

    /// - Parameter memory: how old an answer may be.
    init(storage: any Storage, memory: Duration) {
        self.storage = storage
        self.memory = memory
    }

    /// Nil: there is no policy of this name.
    func route(ofPolicy name: String) async throws(StorageError) -> Known? {
        let now = ContinuousClock.now
        let (reading, writes) = readings.withLock { ($0.byPolicy[name], $0.writes) }
        if let reading, now - reading.at < memory { return reading.known }
        let known = try await read(name)
        readings.withLock { readings in
            guard readings.writes == writes else { return }
            if readings.byPolicy.count >= limit {
                readings.byPolicy = readings.byPolicy.filter { now - $0.value.at < memory }
                if readings.byPolicy.count >= limit { readings.byPolicy.removeAll() }
            }
            readings.byPolicy[name] = Reading(known: known, at: now)
        }
        return known
    }

    /// After something was written: the next one who asks is told of it.
    func forget() {
        readings.withLock { readings in
            readings.byPolicy.removeAll(keepingCapacity: true)
            readings.writes += 1
        }
    }

    private func read(_ name: String) async throws(StorageError) -> Known? {
        guard let policy = try await storage.policies(named: [name]).first,
            let route = try await storage.route(of: policy.id)
        else { return nil }
        let answer = route.route.flatMap { newest in
            RouteAnswer.node(of: route).map { node in
                Answer(
                    tag: Preconditions.tag(newest.generation),
                    body: ByteBuffer(bytes: JSONText.bytes(node)))
            }
        }
        return Known(route: route, answer: answer)
    }
}
