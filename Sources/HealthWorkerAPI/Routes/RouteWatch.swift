import HealthWorkerModel
package import HealthWorkerStorage
import Synchronization

/// Knows every route for a moment: a thousand consumers cost no more reads than one, and while
/// nothing happens a read is one short statement.
///
/// There are two ways to ask. Callers of the API wait until what is known is no older than `memory`,
/// and are told when the storage is away; what was written through this process they see at once.
/// Consumers get at once what is held, however old, together with its age: somebody has to
/// ``refresh()`` it for them, and what was loaded from a file serves them before there is a storage.
package final class RouteWatch: Sendable {
    struct Held: Sendable {
        var snapshot: RouteSnapshot
        /// How long ago it was known to be so.
        var age: Duration
        /// Nobody knows whether it still is.
        var isStale: Bool
        /// Another one for each change.
        var version: Int
    }

    /// Older than this, what is held is stale: several reads have failed, or none comes to an end.
    package static let staleAfter = Duration.seconds(5)

    private struct Reading {
        var task: Task<StorageError?, Never>
        /// The writes that it began after.
        var writes: Int
    }

    private struct State {
        /// Nil: it is not open yet.
        var storage: (any Storage)?
        var snapshot: RouteSnapshot?
        /// Nil: all is read at the next time, because what is held is of a file, or a storage that went
        /// away may have come back as another one.
        var mark: RoutesMark?
        var isConfirmed = false
        /// When what is held was known to be so.
        var asOf = ContinuousClock.now
        /// Rises with each change of what is held.
        var version = 0
        /// Of the writes through this process: what was read before one of them is not told after it.
        var writes = 0
        var readAfter = 0
        var reading: Reading?
        /// Who waits for another version.
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastWaiting = 0
    }

    private let memory: Duration
    private let state: Mutex<State>

    /// - Parameters:
    ///   - storage: nil: it is to come, see ``use(_:)``.
    ///   - memory: how old an answer may be for callers of the API.
    package init(storage: (any Storage)? = nil, memory: Duration = .milliseconds(125)) {
        self.memory = memory
        state = Mutex(State(storage: storage))
    }

    package func use(_ storage: any Storage) {
        state.withLock { $0.storage = storage }
    }

    var hasStorage: Bool { state.withLock { $0.storage != nil } }

    // MARK: - For callers of the API

    /// Nil: there is no policy of this name.
    func route(ofPolicy name: String) async throws(StorageError) -> RouteSnapshot.Known? {
        try await fresh()[name]
    }

    /// After something was written: the next one who asks is told of it.
    func forget() {
        state.withLock { $0.writes += 1 }
    }

    // MARK: - For consumers

    /// Nil: nothing was ever read.
    func held() -> Held? {
        state.withLock { state in
            state.snapshot.map { snapshot in
                let age = ContinuousClock.now - state.asOf
                return Held(
                    snapshot: snapshot, age: age,
                    isStale: !state.isConfirmed || age > Self.staleAfter, version: state.version)
            }
        }
    }

    /// Returns once what is held is of another version than this, and after `limit` at the latest.
    func change(after version: Int, within limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.change(after: version) }
            // Cancelled: it is over.
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    private func change(after version: Int) async {
        let number = state.withLock { state in
            state.lastWaiting += 1
            return state.lastWaiting
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.version != version || Task.isCancelled { return true }
                    state.waiting[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
        }
    }

    /// What is held and rises with each change of it; nil: nothing that a storage said.
    func confirmed() -> (snapshot: RouteSnapshot, version: Int)? {
        state.withLock { state in
            state.isConfirmed ? state.snapshot.map { ($0, state.version) } : nil
        }
    }

    /// Holds what another process left behind, until something is read.
    func hold(_ snapshot: RouteSnapshot, age: Duration) {
        state.withLock { state in
            guard state.snapshot == nil else { return }
            state.snapshot = snapshot
            state.asOf = ContinuousClock.now - age
        }
    }

    /// Reads what has changed, unless what is known is young enough.
    package func refresh() async throws(StorageError) { _ = try await fresh() }

    // MARK: - Reading

    private enum Step {
        case held(RouteSnapshot)
        /// To wait for a read that began after all writes, or for an older one to end first.
        case wait(Task<StorageError?, Never>, isNewEnough: Bool)
        case noStorage
    }

    private func fresh() async throws(StorageError) -> RouteSnapshot {
        while true {
            switch step() {
            case .held(let snapshot): return snapshot
            case .noStorage: throw .unavailable("The storage is not open yet.")
            case .wait(let task, let isNewEnough):
                let error = await task.value
                guard isNewEnough else { continue }
                if let error { throw error }
                if let snapshot = state.withLock({ $0.snapshot }) { return snapshot }
            }
        }
    }

    private func step() -> Step {
        state.withLock { state in
            guard let storage = state.storage else { return .noStorage }
            if let snapshot = state.snapshot, state.mark != nil, state.readAfter == state.writes,
                ContinuousClock.now - state.asOf < memory
            {
                return .held(snapshot)
            }
            if let reading = state.reading {
                return .wait(reading.task, isNewEnough: reading.writes == state.writes)
            }
            let old = state.mark.flatMap { mark in state.snapshot.map { ($0, mark) } }
            let writes = state.writes
            // Not a part of the caller's task: others wait for it, too, and it ends by itself.
            let task = Task { await self.read(storage, since: old, after: writes) }
            state.reading = Reading(task: task, writes: writes)
            return .wait(task, isNewEnough: true)
        }
    }

    private func read(
        _ storage: any Storage, since old: (RouteSnapshot, RoutesMark)?, after writes: Int
    ) async -> StorageError? {
        let began = ContinuousClock.now
        do throws(StorageError) {
            let (snapshot, mark) = try await Self.read(storage, since: old)
            let waiting = state.withLock { state in
                let isOther = mark != state.mark
                (state.snapshot, state.mark, state.isConfirmed) = (snapshot, mark, true)
                (state.asOf, state.readAfter, state.reading) = (began, writes, nil)
                guard isOther else { return [CheckedContinuation<Void, Never>]() }
                state.version += 1
                defer { state.waiting = [:] }
                return Array(state.waiting.values)
            }
            for one in waiting { one.resume() }
            return nil
        } catch {
            state.withLock { ($0.mark, $0.reading) = (nil, nil) }
            return error
        }
    }

    /// The mark is read first: what changes meanwhile makes the next one differ.
    private static func read(
        _ storage: any Storage, since old: (snapshot: RouteSnapshot, mark: RoutesMark)?
    ) async throws(StorageError) -> (RouteSnapshot, RoutesMark) {
        let mark = try await storage.routesMark()
        guard let old else { return (try await all(of: storage), mark) }
        guard mark != old.mark else { return (old.snapshot, mark) }
        var snapshot = old.snapshot
        let numbers = try await storage.routeEvaluations()
        var changed = numbers.filter { snapshot.evaluation(of: $0.key) != $0.value }
            .map(\.key).sorted()[...]
        snapshot.update([], removing: snapshot.policies.filter { numbers[$0] == nil })
        while !changed.isEmpty {
            let some = changed.prefix(500)
            snapshot.update(try await storage.routes(of: Array(some)), removing: [])
            changed = changed.dropFirst(500)
        }
        return (snapshot, mark)
    }

    private static func all(of storage: any Storage) async throws(StorageError) -> RouteSnapshot {
        var routes: [StoredRoute] = []
        while true {
            let page = try await storage.routes(after: routes.last?.policyName, limit: 500)
            routes += page
            if page.count < 500 { return RouteSnapshot(routes) }
        }
    }
}
