import HealthWorkerModel
import Synchronization

/// What the storage says, read when somebody asks, and not for each who asks: a caller who asks all
/// the time gives the storage no more to do.
///
/// A storage that does not answer in time costs its own figures alone: old ones would look like new
/// ones, so there are none, and ``MetricName/storageUp`` is 0.
package final class LatestReadings: Sendable {
    package struct Limits: Sendable {
        /// How long an answer is given to others, too.
        package var holdsFor: Duration
        /// How long a caller waits. Prometheus waits 10 s for all of an exposition.
        package var patience: Duration

        package init(holdsFor: Duration = .seconds(2), patience: Duration = .seconds(4)) {
            self.holdsFor = holdsFor
            self.patience = patience
        }
    }

    private struct State {
        var last: (readAt: ContinuousClock.Instant, readings: [Reading])?
        var isReading = false
        var waiting: [Int: CheckedContinuation<[Reading], Never>] = [:]
        var callers = 0
    }

    private let read: @Sendable () async throws -> [Reading]
    private let limits: Limits
    private let state = Mutex(State())

    package init(
        limits: Limits = Limits(),
        _ read: @escaping @Sendable () async throws -> [Reading]
    ) {
        self.read = read
        self.limits = limits
    }

    package func latest() async -> [Reading] {
        await withCheckedContinuation { continuation in
            enum Turn { case known([Reading]), wait(Int), read(Int) }
            let turn = state.withLock { state -> Turn in
                if let last = state.last, ContinuousClock.now - last.readAt < limits.holdsFor {
                    return .known(last.readings)
                }
                state.callers += 1
                state.waiting[state.callers] = continuation
                if state.isReading { return .wait(state.callers) }
                state.isReading = true
                return .read(state.callers)
            }
            let caller: Int
            switch turn {
            case .known(let readings): return continuation.resume(returning: readings)
            case .wait(let number): caller = number
            case .read(let number):
                caller = number
                // Goes on when its caller has gone: a call of a storage that has begun ends.
                Task { await answer() }
            }
            Task {
                // Never cancelled.
                try? await Task.sleep(for: limits.patience)
                let late = state.withLock { $0.waiting.removeValue(forKey: caller) }
                late?.resume(returning: Self.without)
            }
        }
    }

    private func answer() async {
        var readings = Self.without
        do {
            readings = try await read() + [Reading(.storageUp, 1)]
        } catch {
            // Whoever asks is told by the reading itself.
        }
        let waiting = state.withLock { state in
            state.last = (.now, readings)
            state.isReading = false
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume(returning: readings) }
    }

    private static let without = [Reading(.storageUp, 0)]
}
